// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package access decides who may trigger which HelmRelease.
package access

import (
	"fmt"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Policy is the rule of the operator for references across namespaces.
type Policy struct {
	// NoCrossNamespaceRefs denies them unless the HelmRelease consents.
	NoCrossNamespaceRefs bool
}

// Target is the HelmRelease that is to be triggered.
type Target struct {
	Namespace   string
	Name        string
	Annotations map[string]string
}

// TargetOf returns a HelmRelease as a target.
func TargetOf(hr *helmv2.HelmRelease) Target {
	return Target{Namespace: hr.Namespace, Name: hr.Name, Annotations: hr.Annotations}
}

// Check returns nil if an object in the namespace origin may act on the target:
// a declared ValuesTrigger, or a labelled ConfigMap or Secret. The error names
// the target and the fix.
func (p Policy) Check(origin string, target Target) error {
	if origin == target.Namespace {
		return nil
	}
	listed, allowed := consent(target.Annotations, origin)
	switch {
	case allowed:
		return nil
	case p.NoCrossNamespaceRefs:
		// In the same words whether there is such a release, a list on it, or neither:
		// what is in another namespace is not disclosed here.
		return fmt.Errorf("HelmRelease %s/%s is in another namespace than %s and the operator runs with --no-cross-namespace-refs; consent with the annotation %s: %s on the HelmRelease",
			target.Namespace, target.Name, origin, triggerv1.AllowFromAnnotation, origin)
	case listed:
		return fmt.Errorf("HelmRelease %s/%s does not accept triggers from namespace %s; add it to its annotation %s",
			target.Namespace, target.Name, origin, triggerv1.AllowFromAnnotation)
	}
	return nil
}

// ConsentsToCopies reports whether the owner of another namespace lets the triggers of the
// namespace origin have objects made there for a HelmRelease: by the annotation on the
// HelmRelease, or on its Namespace for all in it. That a release reads an object of some
// name says nothing about who may make it.
func ConsentsToCopies(origin string, release, namespace map[string]string) bool {
	_, byRelease := consent(release, origin)
	_, byNamespace := consent(namespace, origin)
	return byRelease || byNamespace
}

// CheckSource returns nil if a declared ValuesTrigger in the namespace trigger may read
// a source in the namespace source. No HelmRelease can consent to that: it is not its
// content.
func (p Policy) CheckSource(trigger, source string) error {
	if !p.NoCrossNamespaceRefs || source == trigger {
		return nil
	}
	return fmt.Errorf("namespace %s is another than the ValuesTrigger's, %s, and the operator runs with --no-cross-namespace-refs; create the ValuesTrigger in %s, or label the source there (%s)",
		source, trigger, source, triggerv1.LabelReconcilerNameSourceKey)
}

// consent reports whether the HelmRelease lists namespaces at all, and whether it lists this
// one: an empty list consents to no one.
func consent(annotations map[string]string, origin string) (listed, allowed bool) {
	value, listed := annotations[triggerv1.AllowFromAnnotation]
	for namespace := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(namespace) == origin && origin != "" {
			return listed, true
		}
	}
	return listed, false
}
