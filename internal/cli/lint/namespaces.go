// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// namespaceKind is read for the labels that namespaces are selected by.
const namespaceKind = "Namespace"

// namespace is a Namespace among the manifests.
type namespace struct {
	labels      labels.Set
	annotations map[string]string
}

// addNamespace takes a Namespace in. It concerns the operator only as what others select,
// and by the consent of its owner.
func (s *set) addNamespace(d Document) {
	metadata := at(d.Object, "metadata")
	name := text(metadata, "name")
	known := namespace{labels: labels.Set{corev1.LabelMetadataName: name}, annotations: map[string]string{}}
	for key, value := range at(metadata, "labels") {
		known.labels[key], _ = value.(string)
	}
	for key, value := range at(metadata, "annotations") {
		known.annotations[key], _ = value.(string)
	}
	s.namespaces[name] = known
}

// checkConsent reports a copy that the owner of another namespace does not let the trigger
// make. What its Namespace says, if it is not among the manifests, is not known.
func (s *set) checkConsent(r *resource, c copied) {
	owner, known := s.namespaces[c.Namespace]
	if c.Namespace == r.key.Namespace || r.trigger.Spec.ServiceAccountName != "" || !known ||
		isVariable(owner.annotations[triggerv1.AllowFromAnnotation]) || isVariable(c.release.annotations[triggerv1.AllowFromAnnotation]) ||
		access.ConsentsToCopies(r.key.Namespace, c.release.annotations, owner.annotations) {
		return
	}
	s.report(r, Warning, "allow-from", "publish", "%s %s/%s is in another namespace than the ValuesTrigger, and is written only with the consent of its owner; set the annotation %s: %s on %s, or on Namespace %s for all in it, or name a spec.serviceAccountName that may write it",
		c.Kind, c.Namespace, c.Name, triggerv1.AllowFromAnnotation, r.key.Namespace, c.release, c.Namespace)
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
	meant, err := binding.TargetReferenceOf(r.trigger, ref)
	if err != nil {
		return selection{}
	}
	if ref.NamespaceSelector == nil {
		return selection{releases: s.releases(meant, meant.Namespace)}
	}
	var out selection
	for _, name := range s.namespaceNames() {
		found := s.releases(meant, name)
		known, listed := s.namespaces[name]
		switch {
		case !listed:
			out.perhaps = append(out.perhaps, found...)
		case meant.NamespaceSelector.Matches(known.labels):
			out.releases = append(out.releases, found...)
			if len(found) == 0 {
				out.absent = append(out.absent, name)
			}
		case hasVariable(known.labels):
			out.perhaps = append(out.perhaps, found...)
		}
	}
	return out
}

// releases returns the HelmReleases of a namespace to which a reference leads, without those that
// another manifest overwrites.
func (s *set) releases(ref binding.TargetReference, namespace string) []*resource {
	return slices.DeleteFunc(s.of(helmv2.HelmReleaseKind), func(r *resource) bool {
		return r.key.Namespace != namespace || !ref.Selects(r.key.Name, r.labels) || s.find(r.kind, namespace, r.key.Name) != r
	})
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
