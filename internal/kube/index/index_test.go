// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func labelled(namespace, name, targets, targetNamespace string) *corev1.ConfigMap {
	obj := &corev1.ConfigMap{}
	obj.Namespace, obj.Name = namespace, name
	obj.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueEnabled}
	obj.Annotations = map[string]string{triggerv1.HRNameAnnotation: targets, triggerv1.HRNSAnnotation: targetNamespace}
	return obj
}

func TestLabelled_finds_exactly_the_objects_that_name_a_release(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	unlabelled := labelled("a", "unlabelled", "app", "apps")
	unlabelled.Labels = nil
	everything := make([]string, triggerv1.MaxTargetNames)
	for i := range everything {
		everything[i] = fmt.Sprintf("app-%d", i)
	}
	c := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).
		WithIndex(Metadata(triggerv1.ConfigMapKind), contractTarget, contractTargets).
		WithObjects(
			labelled("a", "one", "app", "apps"),
			labelled("a", "several", " other, app ", "apps"),
			labelled("b", "one", "app", "apps"),
			labelled("a", "elsewhere", "app", "other"),
			labelled("a", "others", strings.Join(everything, ","), "apps"),
			labelled("a", "too-many", strings.Join(append(everything, "app"), ","), "apps"),
			unlabelled,
		).Build()
	target := types.NamespacedName{Namespace: "apps", Name: "app"}
	find := func(filter func(string) bool) []types.NamespacedName {
		found, err := Labelled(t.Context(), c, triggerv1.ConfigMapKind, target, filter)
		g.Expect(err).NotTo(HaveOccurred())
		return found
	}
	g.Expect(find(func(string) bool { return true })).To(ConsistOf(
		types.NamespacedName{Namespace: "a", Name: "one"}, types.NamespacedName{Namespace: "a", Name: "several"}, types.NamespacedName{Namespace: "b", Name: "one"}))
	g.Expect(find(func(namespace string) bool { return namespace == "b" })).To(ConsistOf(types.NamespacedName{Namespace: "b", Name: "one"}))
}

func TestContractTargets_are_bounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	names := make([]string, 10*triggerv1.MaxTargetNames)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	g.Expect(len(contractTargets(labelled("a", "one", strings.Join(names, ","), "apps")))).To(BeNumerically("<=", contractBuckets))
}
