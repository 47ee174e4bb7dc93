// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// namespaceKind is read for the labels that namespaces are selected by.
const namespaceKind = "Namespace"

// namespace returns a Namespace. It concerns the operator only as what others select.
func (s *set) namespace(d Document) {
	metadata := at(d.Object, "metadata")
	name := text(metadata, "name")
	known := labels.Set{corev1.LabelMetadataName: name}
	for key, value := range at(metadata, "labels") {
		known[key], _ = value.(string)
	}
	s.namespaces[name] = known
}

// selection is what a reference to HelmReleases leads to.
type selection struct {
	releases []*resource

	// absent are the namespaces that are selected and lack the HelmRelease of that name.
	absent []string

	// perhaps are HelmReleases in namespaces whose labels are not among the manifests.
	perhaps []*resource
}

// targets returns what a reference leads to, nothing if it is malformed.
func (s *set) targets(r *resource, ref triggerv1.TargetReference) selection {
	if (ref.Name == "") == (ref.Selector == nil) {
		return selection{}
	}
	if ref.NamespaceSelector == nil {
		return selection{releases: s.matching(helmv2.HelmReleaseKind, firstOf(ref.Namespace, r.key.Namespace), ref.Name, ref.Selector)}
	}
	selector, err := ref.NamespaceSelector.AsSelector()
	if err != nil {
		return selection{}
	}
	var out selection
	for _, namespace := range s.namespaceNames() {
		found := s.matching(helmv2.HelmReleaseKind, namespace, ref.Name, ref.Selector)
		known, listed := s.namespaces[namespace]
		switch {
		case !listed:
			out.perhaps = append(out.perhaps, found...)
		case selector.Matches(known):
			out.releases = append(out.releases, found...)
			if len(found) == 0 {
				out.absent = append(out.absent, namespace)
			}
		case hasVariable(known):
			out.perhaps = append(out.perhaps, found...)
		}
	}
	return out
}

// namespaceNames returns the namespaces that are among the manifests or hold HelmReleases.
func (s *set) namespaceNames() []string {
	var names []string
	for name := range s.namespaces {
		names = append(names, name)
	}
	for _, hr := range s.of(helmv2.HelmReleaseKind) {
		names = append(names, hr.key.Namespace)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func hasVariable(set labels.Set) bool {
	for key, value := range set {
		if isVariable(key) || isVariable(value) {
			return true
		}
	}
	return false
}
