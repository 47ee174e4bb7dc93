// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package discovery derives the ValuesTrigger of a HelmRelease from what the
// release reads through valuesFrom and from the labelled objects that name it.
package discovery

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// MaxSources is how many sources a ValuesTrigger can list.
const MaxSources = 64

// Found returns the ConfigMaps and Secrets that a HelmRelease reads through
// valuesFrom, each once: with all the keys that it reads of them, and optional
// only if it may do without.
func Found(hr *helmv2.HelmRelease) []triggerv1.SourceReference {
	var sources []triggerv1.SourceReference
	at := map[string]int{}
	for _, ref := range hr.Spec.ValuesFrom {
		if ref.Kind != triggerv1.ConfigMapKind && ref.Kind != triggerv1.SecretKind {
			continue
		}
		i, known := at[ref.Kind+"/"+ref.Name]
		if !known {
			if len(validation.IsDNS1123Subdomain(ref.Name)) > 0 {
				continue // There is no such object, and no trigger can name it.
			}
			i = len(sources)
			at[ref.Kind+"/"+ref.Name] = i
			sources = append(sources, triggerv1.SourceReference{
				Kind: ref.Kind, Name: ref.Name, Namespace: hr.Namespace,
				Force: triggerv1.ForceAuto, Optional: true,
			})
		}
		s := &sources[i]
		s.Optional = s.Optional && ref.Optional
		if key := ref.GetValuesKey(); !slices.Contains(s.Keys, key) {
			s.Keys = append(s.Keys, key)
			slices.Sort(s.Keys)
		}
	}
	for i := range sources {
		if len(sources[i].Keys) > MaxSources { // More keys than the schema takes: all of them.
			sources[i].Keys = nil
		}
	}
	return sources
}

// Labelled returns the source for a labelled object. The contract counts all keys
// and forces every time.
func Labelled(kind, namespace, name string) triggerv1.SourceReference {
	return triggerv1.SourceReference{Kind: kind, Namespace: namespace, Name: name, Force: triggerv1.ForceAlways}
}

// Merge returns the union of the found and the labelled sources, sorted, and how
// many did not fit. Of an object that is both, all keys count and it forces; that
// it may be missing is what the release says.
func Merge(found, labelled []triggerv1.SourceReference) (merged []triggerv1.SourceReference, dropped int) {
	merged = slices.Clone(found)
	for _, l := range labelled {
		i := slices.IndexFunc(merged, func(s triggerv1.SourceReference) bool { return SameObject(s, l) })
		if i < 0 {
			merged = append(merged, l)
			continue
		}
		merged[i].Force, merged[i].Keys = l.Force, nil
	}
	// What the release reads comes first, so that nothing that others do by
	// labels can push it out.
	if dropped = len(merged) - MaxSources; dropped > 0 {
		slices.SortFunc(merged[len(found):], compare)
		takeTurns(merged[len(found):])
		merged = merged[:MaxSources]
	}
	slices.SortFunc(merged, compare)
	return merged, max(0, dropped)
}

// takeTurns orders sorted sources so that the first of each namespace come first, then the
// second ones, and so on: nobody's labels push out those of another namespace.
func takeTurns(sources []triggerv1.SourceReference) {
	type place struct {
		turn   int
		source triggerv1.SourceReference
	}
	taken := map[string]int{}
	places := make([]place, len(sources))
	for i, s := range sources {
		places[i] = place{taken[s.Namespace], s}
		taken[s.Namespace]++
	}
	slices.SortStableFunc(places, func(a, b place) int { return a.turn - b.turn })
	for i := range places {
		sources[i] = places[i].source
	}
}

// SameObject tells whether two references name the same object.
func SameObject(a, b triggerv1.SourceReference) bool {
	return a.Kind == b.Kind && a.Namespace == b.Namespace && a.Name == b.Name
}

func compare(a, b triggerv1.SourceReference) int {
	key := func(s triggerv1.SourceReference) string { return s.Kind + "/" + s.Namespace + "/" + s.Name }
	return strings.Compare(key(a), key(b))
}

// Spec returns the spec of the generated ValuesTrigger.
func Spec(hr *helmv2.HelmRelease, sources []triggerv1.SourceReference) triggerv1.ValuesTriggerSpec {
	return triggerv1.ValuesTriggerSpec{
		Sources: sources,
		Targets: []triggerv1.TargetReference{{Name: hr.Name, Namespace: hr.Namespace}},
	}
}

// Labels returns the labels that autodiscovery sets on a HelmRelease that uses
// valuesFrom, none on another. A value that is too long for a label is left out
// and reported.
func Labels(hr *helmv2.HelmRelease) (labels map[string]string, problem string) {
	labels = map[string]string{}
	if len(hr.Spec.ValuesFrom) == 0 {
		return labels, ""
	}
	labels[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueEnabled
	for key, value := range map[string]string{triggerv1.HRNSAnnotation: hr.Namespace, triggerv1.HRNameAnnotation: hr.Name} {
		if len(value) > validation.LabelValueMaxLength {
			problem = fmt.Sprintf("label %s is left out: %q has %d characters, a label at most %d; the release is found all the same",
				key, value, len(value), validation.LabelValueMaxLength)
			continue
		}
		labels[key] = value
	}
	return labels, problem
}
