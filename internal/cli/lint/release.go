// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
)

// checkRelease looks at what a HelmRelease reads and whom it accepts.
func (s *set) checkRelease(r *resource) {
	for _, ref := range r.release.Spec.ValuesFrom {
		if ref.Kind != triggerv1.ConfigMapKind && ref.Kind != triggerv1.SecretKind {
			s.report(r, Error, "kind", ref.Name, "valuesFrom: kind %q; write %s or %s", ref.Kind, triggerv1.ConfigMapKind, triggerv1.SecretKind)
		}
	}
	for _, ref := range binding.ReadsOf(r.release) {
		s.checkReference(r, reference{
			field: "valuesFrom", kind: ref.Kind, namespace: ref.Namespace, name: ref.Name,
			keys: []string{ref.Key}, optional: ref.Optional,
		})
		if source := s.find(ref.Kind, ref.Namespace, ref.Name); source != nil && contract.IsExcluded(source.labels) {
			s.report(r, Warning, "excluded", ref.Name, "valuesFrom: changes of %s are not followed: its label %s: %q takes it out",
				source, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled)
		}
	}
	if _, problem := discovery.Labels(r.release); problem != "" {
		s.report(r, Warning, "label-length", "name:", "%s", problem)
	}
	s.checkNamespaces(r, triggerv1.AllowFromAnnotation)
}

// reference to a ConfigMap or Secret.
type reference struct {
	field, kind, namespace, name string
	keys                         []string
	optional                     bool
}

// checkReference reports what a reference leads to, if it leads nowhere.
func (s *set) checkReference(r *resource, ref reference) {
	if isVariable(ref.name) || isVariable(ref.namespace) || ref.optional {
		return
	}
	source := s.find(ref.kind, ref.namespace, ref.name)
	if source == nil && s.checkRenamed(r, ref.field, ref.kind, ref.namespace, ref.name) {
		return
	}
	if source == nil {
		s.report(r, s.dangling(), "dangling", ref.name, "%s: %s %s/%s is not among the manifests%s",
			ref.field, ref.kind, ref.namespace, ref.name, s.hint(ref.kind, ref.namespace, ref.name))
		return
	}
	for _, key := range ref.keys {
		s.checkKey(r, source, key)
	}
}
