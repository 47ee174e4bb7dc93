// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// CopyState is how a copy compares with what its sources hold.
type CopyState string

// States of a copy.
const (
	// CopyCurrent has the present content.
	CopyCurrent CopyState = "Current"
	// CopyBehind has other content: its turn has not come, or it could not be written.
	CopyBehind CopyState = "Behind"
	// CopyAbsent has not been written.
	CopyAbsent CopyState = "Absent"
	// CopyEarlier has the restored content, CopyKept has it since it never had any other, and
	// CopyRejected has what failed and is rolled back.
	CopyEarlier  CopyState = "Earlier"
	CopyKept     CopyState = "Kept"
	CopyRejected CopyState = "Rejected"
)

// Copy is an object of its own from which a HelmRelease reads sources of a trigger.
type Copy struct {
	binding.Object

	// Sources whose content it has.
	Sources []binding.Object `json:"sources"`
	State   CopyState        `json:"state"`
}

// CopiesOf returns the copies that a trigger keeps for a HelmRelease. What is known of it as a
// target says what was last put into them; nil if nothing is known.
func CopiesOf(vt *triggerv1.ValuesTrigger, release binding.Object, target *triggerv1.TargetStatus) []Copy {
	state := CopyAbsent
	if target != nil {
		state = copyState(vt, target.Published, target.Cause)
	}
	return copiesFor(vt, publishes(vt), release.NamespacedName(), state)
}

// publishes returns what a trigger copies.
func publishes(vt *triggerv1.ValuesTrigger) []publish.Source {
	if vt.Spec.Publish == nil || generated.Is(vt) {
		return nil
	}
	var out []publish.Source
	for _, s := range sources(vt) {
		if s.Name != "" {
			out = append(out, publish.Source{ID: s.ID(), Suffix: binding.Suffix(vt, s.PublishAs)})
		}
	}
	return out
}

// copiesFor is CopiesOf, given what the trigger copies.
func copiesFor(vt *triggerv1.ValuesTrigger, sources []publish.Source, target types.NamespacedName, state CopyState) []Copy {
	var out []Copy
	for _, c := range publish.Wanted(binding.TriggerObject(vt).NamespacedName(), target, sources) {
		one := Copy{Object: binding.Object{Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}, State: state}
		for _, id := range c.Sources {
			one.Sources = append(one.Sources, binding.ObjectOf(id))
		}
		out = append(out, one)
	}
	return out
}

// copyState compares what was last put into copies, and why the release was last requested, with
// what is delivered.
func copyState(vt *triggerv1.ValuesTrigger, published, cause string) CopyState {
	rollout := vt.Status.Rollout
	rolledBack := rollout != nil && rollout.Rollback != nil
	switch {
	case published == "":
		return CopyAbsent
	case published == vt.Status.LastDigest && rolledBack && strings.Contains(cause, plan.CauseOfRollback):
		return CopyEarlier
	case published == vt.Status.LastDigest && rolledBack:
		return CopyKept
	case published == vt.Status.LastDigest:
		return CopyCurrent
	case rolledBack && published == rollout.Digest:
		return CopyRejected
	}
	return CopyBehind
}

// Has reports whether an object is among those whose content the copy has.
func (c Copy) Has(o binding.Object) bool { return slices.Contains(c.Sources, o) }

// Names writes the objects whose content it has.
func (c Copy) Names() string {
	names := make([]string, 0, len(c.Sources))
	for _, s := range c.Sources {
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}

// Reads reports whether a HelmRelease lists an object in valuesFrom, or a copy with its
// content.
func Reads(hr *helmv2.HelmRelease, o binding.Object, copies []Copy) bool {
	return binding.Reads(hr, o) || slices.ContainsFunc(copies, func(c Copy) bool { return c.Has(o) && binding.Reads(hr, c.Object) })
}
