// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Dependency is what a trigger wants of one ConfigMap or Secret.
type Dependency struct {
	Kind, Namespace, Name string

	// Keys that count, nil for all.
	Keys []string

	// Required are those of them that must exist. Any other is content when it comes or
	// goes.
	Required []string

	// Optional is true if the object itself need not exist.
	Optional bool
	Force    triggerv1.ForcePolicy
}

// DependencyOf returns what a reference of a trigger wants of the object of that name, with
// the defaults of the trigger.
func DependencyOf(vt *triggerv1.ValuesTrigger, ref triggerv1.SourceReference, name string) Dependency {
	d := Dependency{Kind: ref.Kind, Namespace: ref.Namespace, Name: name, Keys: ref.Keys, Optional: ref.Optional, Force: ref.Force}
	if !ref.Optional {
		d.Required = ref.Keys
	}
	if d.Namespace == "" {
		d.Namespace = vt.Namespace
	}
	if d.Force == "" {
		d.Force = vt.Spec.Force
	}
	if d.Force == "" {
		d.Force = triggerv1.ForceAuto
	}
	return d
}

// Unite returns what two references together want of one object: all their keys, the
// strongest force, and what any of them requires: keys, and the object itself.
func (d Dependency) Unite(other Dependency) Dependency {
	d.Optional = d.Optional && other.Optional
	if strength(other.Force) > strength(d.Force) {
		d.Force = other.Force
	}
	if d.Keys == nil || other.Keys == nil {
		d.Keys = nil
	} else {
		d.Keys = union(d.Keys, other.Keys)
	}
	d.Required = union(d.Required, other.Required)
	return d
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

func strength(force triggerv1.ForcePolicy) int {
	return slices.Index([]triggerv1.ForcePolicy{triggerv1.ForceNever, triggerv1.ForceAuto, triggerv1.ForceAlways}, force)
}
