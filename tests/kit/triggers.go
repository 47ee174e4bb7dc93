// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package kit

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Trigger returns a ValuesTrigger as a user would write it.
func Trigger(namespace, name string, modify ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	for _, m := range modify {
		m(vt)
	}
	return vt
}

// From adds a source to a ValuesTrigger.
func From(kind, name string, modify ...func(*triggerv1.SourceReference)) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) {
		ref := triggerv1.SourceReference{Kind: kind, Name: name}
		for _, m := range modify {
			m(&ref)
		}
		vt.Spec.Sources = append(vt.Spec.Sources, ref)
	}
}

// To adds a target to a ValuesTrigger.
func To(name string, modify ...func(*triggerv1.TargetReference)) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) {
		ref := triggerv1.TargetReference{Name: name}
		for _, m := range modify {
			m(&ref)
		}
		vt.Spec.Targets = append(vt.Spec.Targets, ref)
	}
}

// ToSelected adds the HelmReleases that a selector selects to the targets of a ValuesTrigger.
func ToSelected(selector *triggerv1.Selector) func(*triggerv1.ValuesTrigger) {
	return To("", func(ref *triggerv1.TargetReference) { ref.Selector = selector })
}

// As makes a ValuesTrigger act as a service account.
func As(account string) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) { vt.Spec.ServiceAccountName = account }
}

// SourceIn has a source be of another namespace than its ValuesTrigger.
func SourceIn(namespace string) func(*triggerv1.SourceReference) {
	return func(ref *triggerv1.SourceReference) { ref.Namespace = namespace }
}

// TargetIn has a target be of another namespace than its ValuesTrigger.
func TargetIn(namespace string) func(*triggerv1.TargetReference) {
	return func(ref *triggerv1.TargetReference) { ref.Namespace = namespace }
}

// Selecting returns a selector of one label.
func Selecting(key, value string) *triggerv1.Selector {
	return &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{key: triggerv1.LabelValue(value)}}
}
