// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
)

// Source is what a trigger selects of one ConfigMap or Secret.
type Source struct {
	Object

	// Keys that count, nil for all.
	Keys []string `json:"keys,omitempty"`

	// Required are those of them that must exist. Any other is content when it comes or
	// goes.
	Required []string `json:"required,omitempty"`

	// Optional is true if the object itself need not exist.
	Optional bool                  `json:"optional,omitempty"`
	Force    triggerv1.ForcePolicy `json:"force"`

	// PublishAs is that of the first reference that leads to the object.
	PublishAs string `json:"-"`

	// RequiredBy are the references that require the object.
	RequiredBy []Requirement `json:"-"`
}

// Requirement is a reference that requires an object, by its index, and the keys that it
// requires of it.
type Requirement struct {
	Reference int
	Keys      []string
}

// SourceOf returns what a reference of a trigger, by its index, selects of the object of that
// name, with the defaults of the trigger.
func SourceOf(vt *triggerv1.ValuesTrigger, index int, ref triggerv1.SourceReference, name string) Source {
	s := Source{
		Object: Object{Kind: ref.Kind, Namespace: cmp.Or(ref.Namespace, vt.Namespace), Name: name},
		Keys:   ref.Keys, Optional: ref.Optional, PublishAs: ref.PublishAs,
		Force: cmp.Or(ref.Force, vt.Spec.Force, triggerv1.ForceAuto),
	}
	if !ref.Optional {
		s.Required, s.RequiredBy = ref.Keys, []Requirement{{index, ref.Keys}}
	}
	return s
}

// Unite returns what two references, of which s is the first, together select of one object: all
// their keys, the strongest force, and what any of them requires: keys, and the object itself.
func (s Source) Unite(other Source) Source {
	s.Optional = s.Optional && other.Optional
	if strength(other.Force) > strength(s.Force) {
		s.Force = other.Force
	}
	if s.Keys == nil || other.Keys == nil {
		s.Keys = nil
	} else {
		s.Keys = union(s.Keys, other.Keys)
	}
	s.Required = union(s.Required, other.Required)
	s.RequiredBy = slices.Concat(s.RequiredBy, other.RequiredBy)
	return s
}

// Merge adds what a reference selects of an object to what earlier ones select, each object once.
func Merge(all []Source, s Source) []Source {
	if i := slices.IndexFunc(all, func(old Source) bool { return old.Object == s.Object }); i >= 0 {
		all[i] = all[i].Unite(s)
		return all
	}
	return append(all, s)
}

// SelectsSource reports whether a reference of a trigger leads to an object with these labels.
// By a selector it does not lead to one whose label takes it out, or if it is malformed.
func SelectsSource(vt *triggerv1.ValuesTrigger, ref triggerv1.SourceReference, o Object, of map[string]string) bool {
	switch {
	case ref.Kind != o.Kind || cmp.Or(ref.Namespace, vt.Namespace) != o.Namespace:
		return false
	case ref.Name != "":
		return ref.Name == o.Name
	}
	selector, err := ref.Selector.AsSelector()
	return err == nil && selector.Matches(labels.Set(of)) && !contract.IsExcluded(of)
}

// Suffix returns the end of the names of the copies of a source, given its publishAs. It is empty
// without spec.publish.
func Suffix(vt *triggerv1.ValuesTrigger, publishAs string) string {
	if vt.Spec.Publish == nil {
		return ""
	}
	return cmp.Or(publishAs, vt.Spec.Publish.Name)
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

func strength(force triggerv1.ForcePolicy) int {
	return slices.Index([]triggerv1.ForcePolicy{triggerv1.ForceNever, triggerv1.ForceAuto, triggerv1.ForceAlways}, force)
}
