// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"slices"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Read is an entry of spec.valuesFrom of a HelmRelease.
type Read struct {
	Object

	// Index of the entry in spec.valuesFrom.
	Index int

	// Key whose value is read.
	Key string

	// Optional is true if neither the object nor the key need exist.
	Optional bool
}

// ReadObject returns the object that an entry of spec.valuesFrom of a HelmRelease names.
func ReadObject(hr *helmv2.HelmRelease, ref meta.ValuesReference) Object {
	return Object{Kind: ref.Kind, Namespace: hr.Namespace, Name: ref.Name}
}

// ReadsOf returns what a HelmRelease reads through valuesFrom, in order. An entry of a kind that
// helm-controller does not read is left out.
func ReadsOf(hr *helmv2.HelmRelease) []Read {
	reads := make([]Read, 0, len(hr.Spec.ValuesFrom))
	for i, ref := range hr.Spec.ValuesFrom {
		if ref.Kind == triggerv1.ConfigMapKind || ref.Kind == triggerv1.SecretKind {
			reads = append(reads, Read{Object: ReadObject(hr, ref), Index: i, Key: ref.GetValuesKey(), Optional: ref.Optional})
		}
	}
	return reads
}

// Reads reports whether a HelmRelease reads an object through valuesFrom.
func Reads(hr *helmv2.HelmRelease, o Object) bool {
	return slices.ContainsFunc(ReadsOf(hr), func(r Read) bool { return r.Object == o })
}

// FluxWatches reports whether labels of an object make helm-controller reconcile the HelmReleases
// that read it by itself, when it changes.
func FluxWatches(labels map[string]string) bool {
	return labels[meta.LabelKeyWatch] == meta.LabelValueWatchEnabled
}
