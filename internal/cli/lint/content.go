// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
)

// checkContent looks at the contract on a ConfigMap or Secret.
func (s *set) checkContent(r *resource) {
	s.checkNamespaces(r, triggerv1.PublishToAnnotation, "*")
	names, named := r.annotations[triggerv1.HRNameAnnotation]
	switch {
	case contract.IsExcluded(r.labels) && named:
		s.report(r, Warning, "excluded", triggerv1.HRNameAnnotation, "annotation %s does nothing: the label %s: %q takes the %s out",
			triggerv1.HRNameAnnotation, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled, r.kind)
		return
	case !contract.IsSource(r.labels) && named && r.labels[triggerv1.LabelReconcilerNameSourceKey] == "":
		s.report(r, Error, "unlabelled", triggerv1.HRNameAnnotation, "annotation %s does nothing without the label %s: %q",
			triggerv1.HRNameAnnotation, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueEnabled)
		return
	case !contract.IsSource(r.labels):
		return
	}
	if binding.FluxWatches(r.labels) {
		s.report(r, Warning, "both-labels", meta.LabelKeyWatch,
			"labels %s and %s are both set: helm-controller reconciles the HelmReleases that read it at once, past whatever holds the operator back, and a change may make two revisions; leave one out",
			meta.LabelKeyWatch, triggerv1.LabelReconcilerNameSourceKey)
	}
	if isVariable(names) || isVariable(r.annotations[triggerv1.HRNSAnnotation]) {
		return
	}
	parsed := contract.Parse(r.annotations)
	for _, problem := range parsed.Problems {
		s.report(r, Error, "contract", triggerv1.HRNameAnnotation, "%s", problem)
	}
	for _, target := range parsed.Targets {
		s.checkNamed(r, target.Namespace, target.Name)
	}
}

// checkNamed looks at a HelmRelease that the contract names.
func (s *set) checkNamed(r *resource, namespace, name string) {
	hr := s.find(helmv2.HelmReleaseKind, namespace, name)
	switch {
	case hr == nil:
		fix := ""
		if _, set := r.annotations[triggerv1.HRNSAnnotation]; !set {
			fix = " (annotation " + triggerv1.HRNSAnnotation + " is not set)"
		}
		s.report(r, s.dangling(), "dangling", name, "HelmRelease %s/%s is not among the manifests%s%s", namespace, name, fix, s.hint(helmv2.HelmReleaseKind, namespace, name))
		return
	case contract.IsExcluded(hr.labels):
		s.report(r, Error, "opted-out", name, "%s is opted out by its label %s: %q and not triggered", hr, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled)
	}
	s.checkAccess(r, hr, name)
}

// checkAccess reports a HelmRelease that does not accept what would trigger it.
func (s *set) checkAccess(r, hr *resource, at string) {
	policy := access.Policy{NoCrossNamespaceRefs: s.NoCrossNamespaceRefs}
	if err := policy.Check(r.key.Namespace, access.TargetOf(hr.release)); err != nil {
		s.report(r, Error, "access", at, "%s", err)
	}
}

// checkKey reports a key that an object does not have.
func (s *set) checkKey(r, source *resource, key string) {
	if source.keys != nil && !source.keys[key] {
		s.report(r, Error, "key", source.key.Name, "%s has no key %s", source, key)
	}
}
