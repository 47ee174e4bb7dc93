// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// goBack goes back to a version without spec.publish and returns: the API server prunes
// the field and what is recorded of copies, the program of then records as delivered what
// the release has not got, and a person applies spec.publish again.
func goBack(e *env, op *operator.Operator) {
	ns := e.namespace("older")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.create(kit.Trigger(ns, "platform", published(""), kit.From(cmKind, "values"), kit.To("app")))
	e.Eventually(e.copied(ns, "app-shared")).Should(Equal("a: 1\n"))
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-shared")))
	e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(1))
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(2))
	second, err := e.trigger(ns, "platform")
	e.Expect(err).NotTo(HaveOccurred())
	e.setValues(cm, "a: 1\n")
	e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(3))
	edit(e, kit.Trigger(ns, "platform"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true })

	newer := &unstructured.Unstructured{}
	newer.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	e.Expect(e.c.Get(e.ctx, client.ObjectKey{Name: "valuestriggers." + triggerv1.GroupVersion.Group}, newer)).To(Succeed())
	older := newer.DeepCopy()
	withoutCopies(e, older)
	e.Expect(op.Stop(e.ctx)).To(Succeed())
	e.Expect(e.c.Update(e.ctx, older)).To(Succeed())
	back := func() error {
		current := newer.DeepCopy()
		if err := e.c.Get(e.ctx, client.ObjectKeyFromObject(newer), current); err != nil {
			return err
		}
		current.Object["spec"] = newer.Object["spec"]
		return e.c.Update(e.ctx, current)
	}
	e.t.Cleanup(func() { _ = back() })

	e.setValues(cm, "a: 2\n")
	e.Eventually(func(g Gomega) {
		vt, err := e.trigger(ns, "platform")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(vt.Spec.Publish).To(BeNil())
		vt.Status = *second.Status.DeepCopy()
		vt.Status.ObservedGeneration = vt.Generation
		g.Expect(e.c.Status().Update(e.ctx, vt)).To(Succeed())
		g.Expect(vt.Status.Targets[0].State).To(Equal(triggerv1.TargetDelivered))
		g.Expect(vt.Status.Targets[0].Published).To(BeEmpty())
	}).Should(Succeed())
	e.Eventually(back).Should(Succeed())
	e.Expect(op.Start(e.ctx)).To(Succeed())
	e.Expect(e.copied(ns, "app-shared")()).To(Equal("a: 1\n"))

	e.Eventually(func(g Gomega) {
		vt, err := e.trigger(ns, "platform")
		g.Expect(err).NotTo(HaveOccurred())
		vt.Spec.Suspend = false
		published("")(vt)
		g.Expect(e.c.Update(e.ctx, vt)).To(Succeed())
		g.Expect(vt.Spec.Publish).NotTo(BeNil())
	}).Should(Succeed())
	e.Eventually(e.rendered(ns, "app")).Should(ContainSubstring("a: 2"))
	e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(4))
	e.Expect(e.target(ns, "platform", "app")()).To(HaveField("Published", second.Status.LastDigest))
	e.stay(ns, map[string]int{"app": 4})
}

// withoutCopies takes out of a CustomResourceDefinition what an older one did not have.
func withoutCopies(e *env, crd *unstructured.Unstructured) {
	e.t.Helper()
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	e.Expect(err).NotTo(HaveOccurred())
	properties := []string{"schema", "openAPIV3Schema", "properties"}
	for _, v := range versions {
		version := v.(map[string]any)
		for _, path := range [][]string{
			{"spec", "properties", "publish"},
			{"spec", "x-kubernetes-validations"},
			{"status", "properties", "targets", "items", "properties", "published"},
		} {
			unstructured.RemoveNestedField(version, append(properties[:3:3], path...)...)
		}
	}
	e.Expect(unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions")).To(Succeed())
}
