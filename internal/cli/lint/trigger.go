// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"cmp"
	"fmt"
	"slices"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	words "github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// checkTrigger looks at the references of a ValuesTrigger.
func (s *set) checkTrigger(r *resource) {
	if r.labels[triggerv1.ManagedByLabel] == triggerv1.FieldManager {
		s.report(r, Error, "generated", triggerv1.ManagedByLabel, "the label %s: %s marks what the operator generates; remove it, or the manifest",
			triggerv1.ManagedByLabel, triggerv1.FieldManager)
	}
	for _, list := range []struct {
		field string
		size  int
	}{{"sources", len(r.trigger.Spec.Sources)}, {"targets", len(r.trigger.Spec.Targets)}} {
		if list.size == 0 {
			s.report(r, Error, "schema", "spec", "spec.%s is empty; give at least one", list.field)
		}
	}
	var targets []*resource
	for i, ref := range r.trigger.Spec.Targets {
		targets = append(targets, s.checkTarget(r, ref, fmt.Sprintf("spec.targets[%d]", i))...)
	}
	for i, ref := range r.trigger.Spec.Sources {
		s.checkSource(r, ref, targets, fmt.Sprintf("spec.sources[%d]", i))
	}
	s.checkCopies(r)
}

// checkNames reports a reference that the API server would refuse, and reports whether it
// is one that can be followed.
func (s *set) checkNames(r *resource, field, name, namespace string, selector *triggerv1.Selector) bool {
	switch {
	case (name == "") == (selector == nil):
		s.report(r, Error, "schema", cmp.Or(name, "spec"), "%s: set exactly one of name and selector", field)
		return false
	case name != "" && !isName(name):
		s.report(r, Error, "name", name, "%s: %q cannot be the name of an object", field, name)
		return false
	case namespace != "" && !isNamespace(namespace):
		s.report(r, Error, "name", namespace, "%s: %q cannot be the name of a namespace", field, namespace)
		return false
	case selector != nil:
		if _, err := selector.AsSelector(); err != nil {
			s.report(r, Error, "schema", "selector", "%s.selector: %s", field, err)
			return false
		}
	}
	return !isVariable(name) && !isVariable(namespace)
}

// checkTarget returns the HelmReleases that a reference leads to.
func (s *set) checkTarget(r *resource, ref triggerv1.TargetReference, field string) []*resource {
	if ref.Namespace != "" && ref.NamespaceSelector != nil {
		s.report(r, Error, "schema", "namespaceSelector", "%s: set at most one of namespace and namespaceSelector", field)
		return nil
	}
	if ref.NamespaceSelector != nil {
		if _, err := ref.NamespaceSelector.AsSelector(); err != nil {
			s.report(r, Error, "schema", "namespaceSelector", "%s.namespaceSelector: %s", field, err)
			return nil
		}
	}
	if !s.checkNames(r, field, ref.Name, ref.Namespace, ref.Selector) {
		return nil
	}
	namespace := cmp.Or(ref.Namespace, r.key.Namespace)
	found := s.targets(r, ref)
	switch {
	case ref.NamespaceSelector != nil:
		s.checkSelected(r, ref, found, field)
	case len(found.releases) == 0 && ref.Name != "" && s.checkRenamed(r, field, helmv2.HelmReleaseKind, namespace, ref.Name):
	case len(found.releases) == 0 && ref.Name != "":
		s.report(r, s.dangling(), "dangling", ref.Name, "%s: HelmRelease %s/%s is not among the manifests%s", field, namespace, ref.Name, s.hint(helmv2.HelmReleaseKind, namespace, ref.Name))
	case len(found.releases) == 0:
		s.report(r, Warning, "dangling", "selector", "%s.selector: no HelmRelease in namespace %s of the manifests matches", field, namespace)
	}
	for _, hr := range found.releases {
		s.checkAccess(r, hr, cmp.Or(ref.Name, "selector"))
	}
	return found.releases
}

// checkSelected reports a reference by the labels of namespaces that leads to nothing.
func (s *set) checkSelected(r *resource, ref triggerv1.TargetReference, found selection, field string) {
	switch {
	case len(found.releases)+len(found.absent)+len(found.perhaps) == 0 && len(s.namespaces) > 0:
		s.report(r, Warning, "dangling", "namespaceSelector", "%s.namespaceSelector: no Namespace of the manifests matches", field)
	case ref.Name != "":
		for _, namespace := range found.absent {
			s.report(r, s.dangling(), "dangling", ref.Name, "%s: HelmRelease %s/%s is not among the manifests%s", field, namespace, ref.Name, s.hint(helmv2.HelmReleaseKind, namespace, ref.Name))
		}
	case len(found.releases)+len(found.perhaps) == 0 && len(s.namespaces) > 0:
		s.report(r, Warning, "dangling", "selector", "%s.selector: no HelmRelease of the manifests matches in the namespaces that are selected: %s", field, words.Some(found.absent, 5))
	}
}

// checkSource looks at what a reference to a ConfigMap or Secret leads to.
func (s *set) checkSource(r *resource, ref triggerv1.SourceReference, targets []*resource, field string) {
	if ref.Kind != triggerv1.ConfigMapKind && ref.Kind != triggerv1.SecretKind {
		s.report(r, Error, "kind", "kind: "+ref.Kind, "%s: kind %q; write %s or %s", field, ref.Kind, triggerv1.ConfigMapKind, triggerv1.SecretKind)
		return
	}
	if !s.checkNames(r, field, ref.Name, ref.Namespace, ref.Selector) {
		return
	}
	namespace := cmp.Or(ref.Namespace, r.key.Namespace)
	policy := access.Policy{NoCrossNamespaceRefs: s.NoCrossNamespaceRefs}
	if err := policy.CheckSource(r.key.Namespace, namespace); err != nil {
		s.report(r, Error, "access", ref.Namespace, "%s: %s", field, err)
		return
	}
	found := s.sources(r, ref)
	if ref.Name != "" {
		s.checkReference(r, reference{field: field, kind: ref.Kind, namespace: namespace, name: ref.Name, keys: ref.Keys, optional: ref.Optional})
	} else if len(found) == 0 && !ref.Optional {
		s.report(r, s.dangling(), "dangling", "selector", "%s.selector: no %s in namespace %s of the manifests matches", field, ref.Kind, namespace)
	}
	for _, source := range found {
		if contract.IsExcluded(source.labels) && ref.Name != "" && !ref.Optional {
			s.report(r, Error, "excluded", ref.Name, "%s: %s counts as missing: its label %s: %q takes it out",
				field, source, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled)
		}
		s.checkWatched(r, source, targets, field)
	}
}

// checkWatched reports a source that helm-controller delivers by itself to a target.
func (s *set) checkWatched(r, source *resource, targets []*resource, field string) {
	if !binding.FluxWatches(source.labels) {
		return
	}
	for _, hr := range targets {
		if binding.Reads(hr.release, source.object()) {
			s.report(r, Warning, "both-labels", source.key.Name,
				"%s: %s has Flux's label %s, too: helm-controller reconciles %s at once, past whatever holds this ValuesTrigger back; remove that label",
				field, source, meta.LabelKeyWatch, hr)
			return
		}
	}
}

// sources returns the resources to which a reference leads.
func (s *set) sources(r *resource, ref triggerv1.SourceReference) []*resource {
	if ref.Name != "" {
		if source := s.find(ref.Kind, cmp.Or(ref.Namespace, r.key.Namespace), ref.Name); source != nil {
			return []*resource{source}
		}
		return nil
	}
	return slices.DeleteFunc(s.of(ref.Kind), func(source *resource) bool {
		return !binding.SelectsSource(r.trigger, ref, source.object(), source.labels)
	})
}
