// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// Directory is what can be read of HelmReleases and namespaces. It completes the statuses of
// ValuesTriggers, which list a bounded number of targets and count all.
type Directory struct {
	// Releases are HelmReleases. To complete a status, their metadata is enough.
	Releases []helmv2.HelmRelease

	// All reports that there are no others, and Namespace that there are none in that one.
	All       bool
	Namespace string

	// Namespaces are the labels of namespaces, by name.
	Namespaces map[string]labels.Set
}

// Members are the targets of a trigger.
type Members struct {
	// Targets are those that the status lists, and after them those that were found.
	Targets []triggerv1.TargetStatus

	// Summary counts all, by the status.
	Summary triggerv1.TargetSummary

	// CountedOnly is how many are counted, and neither listed nor found.
	CountedOnly int
}

// IsBounded reports whether the status of a trigger counts more targets than it lists.
func IsBounded(vt *triggerv1.ValuesTrigger) bool {
	return vt.Status.CountTargets() > len(vt.Status.Targets)
}

// SelectsNamespaces reports whether a trigger selects the namespaces of targets by their labels.
func SelectsNamespaces(vt *triggerv1.ValuesTrigger) bool {
	return slices.ContainsFunc(vt.Spec.Targets, func(ref triggerv1.TargetReference) bool { return ref.NamespaceSelector != nil })
}

// SummaryOf counts the targets of a trigger, by its status.
func SummaryOf(vt *triggerv1.ValuesTrigger) triggerv1.TargetSummary {
	if vt.Status.Summary != nil {
		return *vt.Status.Summary
	}
	return *plan.Count(vt.Status.Targets) // The status of an earlier version lists all.
}

// Select returns the HelmReleases that a trigger selects by its spec, and which of its references
// select none and must.
func (d Directory) Select(vt *triggerv1.ValuesTrigger) (targets []binding.Target, selectNothing []string, err error) {
	refs, err := binding.TargetReferences(vt)
	if err != nil {
		return nil, nil, err
	}
	releases := make([]*helmv2.HelmRelease, 0, len(d.Releases))
	for i := range d.Releases {
		releases = append(releases, &d.Releases[i])
	}
	candidates := make([]binding.Candidates, 0, len(refs))
	for _, ref := range refs {
		candidates = append(candidates, binding.Candidates{Reference: ref, Namespaces: d.within(ref), Releases: releases})
	}
	return binding.Select(candidates)
}

// within returns the namespaces of a reference, as far as they are known.
func (d Directory) within(ref binding.TargetReference) []string {
	if ref.NamespaceSelector == nil {
		return []string{ref.Namespace}
	}
	var within []string
	for name, of := range d.Namespaces {
		if ref.NamespaceSelector.Matches(of) {
			within = append(within, name)
		}
	}
	return within
}

// Members returns the targets of a trigger: those that its status lists and, if that counts more,
// those that its spec selects, with what is on record on them.
func (d Directory) Members(vt *triggerv1.ValuesTrigger) Members {
	m := Members{Targets: vt.Status.Targets, Summary: SummaryOf(vt)}
	if !IsBounded(vt) {
		return m
	}
	listed := make(map[types.NamespacedName]bool, len(vt.Status.Targets))
	for _, t := range vt.Status.Targets {
		listed[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}] = true
	}
	selected, _, err := d.Select(vt)
	if err != nil {
		selected = nil // The operator does not follow such a spec either.
	}
	m.Targets = slices.Clone(m.Targets)
	read := d.reader(vt)
	for _, one := range selected {
		if listed[one.NamespacedName] || one.Release == nil && !d.has(one.Namespace) {
			continue
		}
		m.Targets = append(m.Targets, read(one))
	}
	m.CountedOnly = max(0, int(m.Summary.Total)-len(m.Targets))
	return m
}

// has reports whether the HelmReleases of a namespace are all known.
func (d Directory) has(namespace string) bool {
	return d.All || namespace == d.Namespace
}

// reader returns what says how far the delivery to a target got that the status does not list.
func (d Directory) reader(vt *triggerv1.ValuesTrigger) func(binding.Target) triggerv1.TargetStatus {
	waiting := waitingState(vt)
	reason := reasons(vt, waiting)
	stages, err := binding.StagesOf(vt)
	staged := vt.Spec.Rollout != nil && err == nil
	return func(t binding.Target) triggerv1.TargetStatus {
		if t.Release == nil || !t.Release.DeletionTimestamp.IsZero() {
			return triggerv1.TargetStatus{Namespace: t.Namespace, Name: t.Name, State: triggerv1.TargetMissing}
		}
		status, found := recorded(vt, t.Release)
		status.Namespace, status.Name, status.UID = t.Namespace, t.Name, t.Release.UID
		if i := stages.Of(t.Release); staged && i >= 0 {
			status.Stage = vt.Spec.Rollout.Stages[i].Name
		}
		// A record keeps the state of the content that it names.
		if !found || status.Digest != "" && status.Digest != vt.Status.LastDigest {
			status.State, status.Message = waiting, ""
		}
		if status.State == waiting && status.Message == "" {
			status.Message = reason(status.Stage)
		}
		return status
	}
}

// recorded returns what the record on a HelmRelease says of it as a target, false if nothing.
func recorded(vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) (triggerv1.TargetStatus, bool) {
	status, _ := plan.RecordOf(hr).Recall(generated.Knower(vt), hr.UID, plan.Translation{})
	if status == nil {
		return triggerv1.TargetStatus{}, false
	}
	return *status, true
}

// reasons returns what the targets of a stage wait for that the status does not list: the same as most of those
// that it lists. What such a message says of one release is left out.
func reasons(vt *triggerv1.ValuesTrigger, waiting triggerv1.TargetState) func(stage string) string {
	type shared struct{ stage, reason string }
	count, most := map[shared]int{}, map[string]string{}
	for _, t := range vt.Status.Targets {
		reason, _, _ := strings.Cut(t.Message, ";")
		if t.State != waiting || t.State == triggerv1.TargetHeld && t.Seen != nil || reason == "" || strings.Contains(reason, t.Name) {
			continue // Of its own, such as one that is suspended.
		}
		one := shared{t.Stage, reason}
		if count[one]++; count[one] > count[shared{t.Stage, most[t.Stage]}] {
			most[t.Stage] = reason
		}
	}
	status := vt.Status.Rollout
	return func(stage string) string {
		if reason := most[stage]; reason != "" || waiting != triggerv1.TargetHeld {
			return reason
		}
		if status != nil && status.Phase == triggerv1.RolloutAwaitingApproval && status.Stage == stage {
			return "waits for the approval of stage " + stage
		}
		return ""
	}
}

// waitingState returns the state of targets that the status does not list and that have not been
// asked for the present content. Where some are held back and others wait for helm-controller, only
// the operator knows which: they count as held back, as most of so many are.
func waitingState(vt *triggerv1.ValuesTrigger) triggerv1.TargetState {
	all, listed := SummaryOf(vt), plan.Count(vt.Status.Targets)
	if all.Pending > listed.Pending && all.Held <= listed.Held {
		return triggerv1.TargetPending
	}
	return triggerv1.TargetHeld
}
