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
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// MaxSources and MaxKeys are how many sources a ValuesTrigger, and how many keys one of them
// can list.
const (
	MaxSources = 64
	MaxKeys    = 64
)

// Found returns the ConfigMaps and Secrets that a HelmRelease reads through valuesFrom, in
// the order in which it names them: each with the keys that must exist, then with those
// that need not.
func Found(hr *helmv2.HelmRelease) []triggerv1.SourceReference {
	var objects []read
	at := map[binding.Object]int{}
	for _, r := range binding.ReadsOf(hr) {
		i, known := at[r.Object]
		if !known {
			if len(validation.IsDNS1123Subdomain(r.Name)) > 0 {
				continue // There is no such object, and no trigger can name it.
			}
			i = len(objects)
			at[r.Object] = i
			objects = append(objects, read{Object: r.Object})
		}
		objects[i].add(r.Key, r.Optional)
	}
	sources := make([]triggerv1.SourceReference, 0, len(objects))
	for _, o := range objects {
		sources = append(sources, o.references()...)
	}
	return sources
}

// read is an object that a HelmRelease reads, with the keys that it reads of it.
type read struct {
	binding.Object
	required, optional []string
}

func (o *read) add(key string, optional bool) {
	keys := &o.required
	if optional {
		keys = &o.optional
	}
	if !slices.Contains(*keys, key) {
		*keys = append(*keys, key)
	}
}

// references returns the one or two references to the object.
func (o *read) references() []triggerv1.SourceReference {
	slices.Sort(o.required)
	slices.Sort(o.optional)
	mayLack := slices.DeleteFunc(slices.Clone(o.optional), func(key string) bool { return slices.Contains(o.required, key) })
	var refs []triggerv1.SourceReference
	for _, part := range []struct {
		keys     []string
		optional bool
	}{{o.required, false}, {mayLack, true}} {
		if len(part.keys) == 0 {
			continue
		}
		ref := triggerv1.SourceReference{
			Kind: o.Kind, Name: o.Name, Namespace: o.Namespace, Force: triggerv1.ForceAuto, Keys: part.keys, Optional: part.optional,
		}
		if len(ref.Keys) > MaxKeys {
			ref.Keys = nil // All of them.
		}
		refs = append(refs, ref)
	}
	return refs
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
	read, others := slices.Clone(found), []triggerv1.SourceReference{}
	for _, l := range labelled {
		i := slices.IndexFunc(read, func(s triggerv1.SourceReference) bool { return SameObject(s, l) })
		if i < 0 {
			others = append(others, l)
			continue
		}
		read[i].Force, read[i].Keys = l.Force, nil
		if i+1 < len(read) && SameObject(read[i+1], l) {
			read = slices.Delete(read, i+1, i+2)
		}
	}
	if len(read)+len(others) > MaxSources {
		read = fold(read)
	}
	// What the release reads comes first, so that nothing that others do by
	// labels can push it out.
	if dropped = len(read) + len(others) - MaxSources; dropped > 0 {
		slices.SortFunc(others, compare)
		takeTurns(others)
	}
	merged = slices.Concat(read, others)
	merged = merged[:min(len(merged), MaxSources)]
	slices.SortStableFunc(merged, compare)
	return merged, max(0, dropped)
}

// fold makes one reference of the two to an object, where there is no room for both. An
// object that is missing is then delivered like any other change of it, and helm-controller
// says so: that is one request more, and nothing is lost.
func fold(found []triggerv1.SourceReference) []triggerv1.SourceReference {
	var folded []triggerv1.SourceReference
	for _, s := range found {
		last := len(folded) - 1
		if last < 0 || !SameObject(folded[last], s) {
			folded = append(folded, s)
			continue
		}
		keys := slices.Compact(slices.Sorted(slices.Values(slices.Concat(folded[last].Keys, s.Keys))))
		if folded[last].Keys == nil || s.Keys == nil || len(keys) > MaxKeys {
			keys = nil
		}
		folded[last].Keys, folded[last].Optional = keys, true
	}
	return folded
}

// takeTurns orders sorted sources so that the first of each namespace come first, then the
// second ones, and so on: no one's labels push out those of another namespace.
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

// SameObject reports whether two references name the same object.
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
