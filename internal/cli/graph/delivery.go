// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"slices"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Delivery is a trigger that has a HelmRelease as a target.
type Delivery struct {
	Trigger *triggerv1.ValuesTrigger

	// Target is how far it got, nil if the trigger has not evaluated the HelmRelease.
	Target *triggerv1.TargetStatus

	// Recorded reports that this is said by the record on the HelmRelease, since the status of the
	// trigger does not list it.
	Recorded bool
}

// DeliveriesTo returns the triggers that have a HelmRelease among their targets.
func (d Directory) DeliveriesTo(all []triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) []Delivery {
	alone := Directory{Releases: []helmv2.HelmRelease{*hr}, Namespaces: d.Namespaces}
	var found []Delivery
	for i := range all {
		vt := &all[i]
		members := alone.Members(vt).Targets
		j := slices.IndexFunc(members, func(t triggerv1.TargetStatus) bool { return t.Namespace == hr.Namespace && t.Name == hr.Name })
		switch {
		case j >= 0:
			found = append(found, Delivery{Trigger: vt, Target: &members[j], Recorded: j >= len(vt.Status.Targets)})
		case slices.Contains(unseen(vt), binding.ReleaseObject(hr)):
			found = append(found, Delivery{Trigger: vt})
		}
	}
	return found
}

// unseen returns the HelmReleases that a trigger names and has not evaluated.
func unseen(vt *triggerv1.ValuesTrigger) []binding.Object {
	if IsBounded(vt) {
		return nil // It has counted them.
	}
	known := make(map[binding.Object]bool, len(vt.Status.Targets))
	for _, t := range vt.Status.Targets {
		known[binding.Object{Kind: helmv2.HelmReleaseKind, Namespace: t.Namespace, Name: t.Name}] = true
	}
	var out []binding.Object
	for _, ref := range vt.Spec.Targets {
		o := binding.Object{Kind: helmv2.HelmReleaseKind, Namespace: cmp.Or(ref.Namespace, vt.Namespace), Name: ref.Name}
		absent := ref.Optional && vt.Status.ObservedGeneration == vt.Generation
		if ref.Name != "" && ref.NamespaceSelector == nil && !known[o] && !absent {
			out, known[o] = append(out, o), true
		}
	}
	return out
}
