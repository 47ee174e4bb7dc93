// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"maps"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// The keys of the contract, and where each of them means something.
var (
	contentLabels      = []string{triggerv1.LabelReconcilerNameSourceKey}
	contentAnnotations = []string{triggerv1.HRNameAnnotation, triggerv1.HRNSAnnotation, triggerv1.HashAnnotation, triggerv1.PublishToAnnotation}

	releaseLabels      = []string{triggerv1.LabelReconcilerNameSourceKey, triggerv1.HRNameAnnotation, triggerv1.HRNSAnnotation}
	releaseAnnotations = []string{triggerv1.AllowFromAnnotation, triggerv1.CauseAnnotation, triggerv1.RequestAnnotation}
)

// group is the prefix of the annotations of this API's own group.
const group = "trigger.nebius.ai/"

// checkMetadata looks at keys and values of labels and annotations.
func (s *set) checkMetadata(r *resource) {
	if !r.made && !isName(r.key.Name) {
		s.report(r, Error, "name", "name:", "%q cannot be the name of an object", r.key.Name)
	}
	if trigger, copied := publish.Trigger(r.labels); copied && r.isContent() {
		s.report(r, Warning, "operators-own", triggerv1.PublishedByLabel, "a copy that the operator writes for ValuesTrigger %s; leave it out", trigger)
		return
	}
	labels, annotations := contentLabels, contentAnnotations
	switch {
	case r.release != nil:
		labels, annotations = releaseLabels, releaseAnnotations
	case r.trigger != nil:
		return
	}
	s.checkKeys(r, r.labels, labels, annotations, "label", "annotation")
	s.checkKeys(r, r.annotations, annotations, labels, "annotation", "label")

	value, set := r.labels[triggerv1.LabelReconcilerNameSourceKey]
	if set && value != triggerv1.LabelValueEnabled && value != triggerv1.LabelValueDisabled && !isVariable(value) {
		s.report(r, Error, "label-value", triggerv1.LabelReconcilerNameSourceKey, "label %s: %q means nothing; write %q or %q",
			triggerv1.LabelReconcilerNameSourceKey, value, triggerv1.LabelValueEnabled, triggerv1.LabelValueDisabled)
	}
	for _, key := range []string{triggerv1.HashAnnotation, triggerv1.CauseAnnotation, triggerv1.RequestAnnotation} {
		if _, set := r.annotations[key]; set {
			s.report(r, Warning, "operators-own", key, "annotation %s is written by the operator; leave it out", key)
		}
	}
}

// checkNamespaces reports names in a list of namespaces that cannot be any.
func (s *set) checkNamespaces(r *resource, annotation string, others ...string) {
	for namespace := range strings.SplitSeq(r.annotations[annotation], ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" && !isNamespace(namespace) && !slices.Contains(others, namespace) {
			s.report(r, Error, "name", annotation, "annotation %s: %q cannot be the name of a namespace; separate names by commas", annotation, namespace)
		}
	}
}

// checkKeys reports keys that were meant to be one of the known ones, and known ones
// that are in the wrong place.
func (s *set) checkKeys(r *resource, values map[string]string, known, elsewhere []string, here, there string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch {
		case slices.Contains(known, key):
		case slices.Contains(elsewhere, key):
			s.report(r, Error, "misplaced", key, "%s means nothing as %s; make it %s", key, article(here), article(there))
		default:
			if meant := meantKey(key, slices.Concat(known, elsewhere)); meant != "" {
				s.report(r, Error, "misspelt", key, "%s %s means nothing; did you mean %s?", here, key, meant)
			} else if strings.HasPrefix(key, group) {
				s.report(r, Error, "misspelt", key, "%s %s means nothing on a %s", here, key, r.kind)
			}
		}
	}
}

// meantKey returns the known key that another is nearly, "" if none. What comes before
// the slash may be quite different.
func meantKey(key string, known []string) string {
	domain, name, found := strings.Cut(key, "/")
	if !found {
		name, domain = key, ""
	}
	for _, candidate := range known {
		of, meant, _ := strings.Cut(candidate, "/")
		if name == meant && (domain == "" || strings.Contains(name, "helmrelease")) {
			return candidate
		}
		if distance(key, candidate) <= 3 || of == domain && distance(name, meant) <= 3 {
			return candidate
		}
	}
	return ""
}

func article(noun string) string {
	if strings.HasPrefix(noun, "a") {
		return "an " + noun
	}
	return "a " + noun
}
