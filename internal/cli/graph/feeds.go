// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
)

// Feeds is what a HelmRelease depends on.
type Feeds struct {
	binding.Object
	Suspended bool `json:"suspended,omitempty"`
	OptedOut  bool `json:"optedOut,omitempty"`

	// Triggers deliver to the release; of their targets, only this one is listed.
	Triggers []Trigger `json:"triggers"`

	// Unfollowed are read through valuesFrom, and no trigger follows them.
	Unfollowed []Source `json:"unfollowed,omitempty"`
}

// FeedsOf returns what a HelmRelease depends on.
func (d Directory) FeedsOf(all []triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) Feeds {
	f := Feeds{
		Object:    binding.ReleaseObject(hr),
		Suspended: hr.Spec.Suspend, OptedOut: contract.IsExcluded(hr.Labels), Triggers: []Trigger{},
	}
	followed := map[binding.Object]bool{}
	for _, delivery := range d.DeliveriesTo(all, hr) {
		t := d.Describe(delivery.Trigger)
		t.Targets = slices.DeleteFunc(t.Targets, func(target Target) bool { return target.Object != f.Object })
		t.CountedOnly = 0
		f.Triggers = append(f.Triggers, t)
		for _, s := range t.Sources {
			followed[s.Object] = true
		}
		for _, c := range CopiesOf(delivery.Trigger, f.Object, delivery.Target) {
			followed[c.Object] = true
		}
	}
	Sort(f.Triggers)
	for _, s := range reads(hr) {
		if !followed[s.Object] {
			f.Unfollowed = append(f.Unfollowed, s)
		}
	}
	return f
}

// reads returns what a HelmRelease reads through valuesFrom, each object once.
func reads(hr *helmv2.HelmRelease) []Source {
	var all []Source
	for i, ref := range discovery.Found(hr) {
		all = merge(all, Source{Source: binding.SourceOf(&triggerv1.ValuesTrigger{}, i, ref, ref.Name)})
	}
	return all
}
