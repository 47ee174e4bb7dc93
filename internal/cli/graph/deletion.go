// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Loss is what the deletion of an object would do to a HelmRelease.
type Loss string

// Losses, what needs attention first.
const (
	// Breaks can no longer be composed: helm-controller fails at its next reconciliation.
	Breaks Loss = "Breaks"
	// Loses has other values without the object.
	Loses Loss = "LosesValues"
	// Stops keeps its values, and a ValuesTrigger delivers nothing more to it before the object is there again.
	Stops Loss = "GetsNothingMore"
	// Untouched has the same values.
	Untouched Loss = "Untouched"
)

// Losses orders losses.
var Losses = []Loss{Breaks, Loses, Stops, Untouched}

// Requires reports whether a ValuesTrigger stops if an object is gone, since a reference names it that
// is not optional. What a selector finds may come and go.
func Requires(vt *triggerv1.ValuesTrigger, o binding.Object) bool {
	return slices.ContainsFunc(vt.Spec.Sources, func(ref triggerv1.SourceReference) bool {
		return ref.Name != "" && !ref.Optional && binding.SelectsSource(vt, ref, o, nil)
	})
}

// RequiredBy reports whether a HelmRelease reads an object itself and cannot do without it.
func RequiredBy(hr *helmv2.HelmRelease, o binding.Object) bool {
	return slices.ContainsFunc(binding.ReadsOf(hr), func(r binding.Read) bool { return r.Object == o && !r.Optional })
}

// HasSource reports whether a ValuesTrigger has an object with these labels as a source.
func HasSource(vt *triggerv1.ValuesTrigger, o binding.Object, labels map[string]string) bool {
	return slices.ContainsFunc(vt.Spec.Sources, func(ref triggerv1.SourceReference) bool { return binding.SelectsSource(vt, ref, o, labels) })
}
