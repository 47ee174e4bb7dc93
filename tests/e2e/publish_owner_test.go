// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// optionally is a reference to an object that may be missing.
func optionally(ref *meta.ValuesReference) { ref.Optional = true }

// ownersConsent tries what an author who may write ConfigMaps and ValuesTriggers in one
// namespace can do to a release in another: nothing, unless its owner names that namespace.
// What the owner applies over a copy is his.
func ownersConsent(e *env) {
	evil, victim := e.namespace("evil"), e.namespace("victim")
	payload := kit.Values(evil, "payload", "a: evil\n")
	payload.Annotations = map[string]string{triggerv1.PublishToAnnotation: victim}
	e.create(payload)
	e.releases(kit.Release(victim, "app", kit.Reads(cmKind, "app-overrides", optionally)))
	inject := kit.Trigger(evil, "inject", kit.From(cmKind, "payload"), kit.To("app", kit.TargetIn(victim)), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Publish = &triggerv1.Publish{Name: "overrides"}
	})
	e.create(inject)
	fix := triggerv1.AllowFromAnnotation + ": " + evil + " on HelmRelease " + victim + "/app, or on Namespace " + victim
	e.stalled(evil, "inject", acl.AccessDeniedReason, fix)
	e.Expect(e.copied(victim, "app-overrides")()).To(BeEmpty())
	e.stay(victim, map[string]int{"app": 1})

	// For one release, or for all in the namespace.
	annotate(e, kit.Release(victim, "app"), map[string]string{triggerv1.AllowFromAnnotation: evil})
	e.Eventually(e.copied(victim, "app-overrides")).Should(Equal("a: evil\n"))
	e.Eventually(e.deliveredRevision(evil, "inject", "app")).Should(BeEquivalentTo(2))
	edit(e, kit.Release(victim, "app"), func(hr *helmv2.HelmRelease) { delete(hr.Annotations, triggerv1.AllowFromAnnotation) })
	e.setValues(payload, "a: worse\n")
	e.stalled(evil, "inject", acl.AccessDeniedReason, fix)
	e.Expect(e.copied(victim, "app-overrides")()).To(Equal("a: evil\n"), "what is there stays, and is not written")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: victim}}
	annotate(e, namespace, map[string]string{triggerv1.AllowFromAnnotation: "other, " + evil})
	e.Eventually(e.copied(victim, "app-overrides")).Should(Equal("a: worse\n"))

	// The owner applies an object of his own, as kubectl and GitOps tools do.
	mine := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"app-overrides"},"data":{"values.yaml":"a: mine\n"}}`)
	e.Expect(e.c.Patch(e.ctx, kit.ConfigMap(victim, "app-overrides", nil), client.RawPatch(types.ApplyPatchType, mine), client.FieldOwner("owner"), client.ForceOwnership)).To(Succeed())
	e.stalled(evil, "inject", triggerv1.NameConflictReason, "ConfigMap "+victim+"/app-overrides is not a copy of this ValuesTrigger for HelmRelease app, or its owner applies it")
	e.request(evil, "inject", "again")
	e.setValues(payload, "a: worst\n")
	e.Consistently(e.copied(victim, "app-overrides"), patience).Should(Equal("a: mine\n"))
}

// deletedWithoutOperator deletes triggers, and the namespace of one, while no operator is
// there. Their copies go when it is back.
func deletedWithoutOperator(e *env, op *operator.Operator) {
	ns, doomed, apps := e.namespace("delete"), e.namespace("doomed"), e.namespace("apps")
	annotate(e, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: apps}}, map[string]string{triggerv1.AllowFromAnnotation: ns + "," + doomed})
	for _, in := range []string{ns, doomed} {
		source := kit.Values(in, "values", "a: 1\n")
		source.Annotations = map[string]string{triggerv1.PublishToAnnotation: apps}
		e.create(source)
	}
	publishing := func(namespace, name string, policy triggerv1.DeletionPolicy) {
		e.create(kit.Trigger(namespace, name, kit.From(cmKind, "values"), kit.To("app", kit.TargetIn(apps)), func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Publish = &triggerv1.Publish{Name: name, DeletionPolicy: policy}
			vt.Finalizers = []string{triggerv1.CopiesFinalizer} // As earlier versions left it.
		}))
		e.Eventually(e.copied(apps, "app-"+name)).Should(Equal("a: 1\n"))
		e.Eventually(func() ([]string, error) {
			vt, err := e.trigger(namespace, name)
			return vt.GetFinalizers(), err
		}).Should(BeEmpty())
	}
	publishing(ns, "goes", triggerv1.DeletionDelete)
	publishing(ns, "stays", triggerv1.DeletionOrphan)
	publishing(ns, "paused", triggerv1.DeletionDelete)
	publishing(doomed, "dies", triggerv1.DeletionDelete)
	goes := func(name string) func() (string, error) {
		return func() (string, error) {
			cm := kit.ConfigMap(apps, "app-"+name, nil)
			err := e.c.Get(e.ctx, client.ObjectKeyFromObject(cm), cm)
			return cm.Labels[triggerv1.DeletionPolicyLabel], err
		}
	}
	edit(e, kit.Trigger(ns, "paused"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true })
	e.Eventually(goes("paused")).Should(BeEmpty())
	e.Expect(goes("goes")()).To(Equal("Delete"))

	// Labels that were copied by hand are not those of a copy.
	forged := kit.ConfigMap(apps, "forged", nil)
	made := kit.ConfigMap(apps, "app-goes", nil)
	e.Expect(e.c.Get(e.ctx, client.ObjectKeyFromObject(made), made)).To(Succeed())
	forged.Labels = made.Labels
	e.create(forged)

	e.Expect(op.Stop(e.ctx)).To(Succeed())
	e.delete(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: doomed}})
	for _, name := range []string{"goes", "stays", "paused"} {
		e.delete(kit.Trigger(ns, name))
		e.Expect(e.gone(kit.Trigger(ns, name))()).To(BeTrue(), "nothing holds it up")
	}
	e.Eventually(e.gone(kit.Trigger(doomed, "dies"))).Should(BeTrue())
	e.Eventually(e.gone(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: doomed}})).Should(BeTrue())

	e.Expect(op.Start(e.ctx)).To(Succeed())
	for _, name := range []string{"goes", "dies"} {
		e.Eventually(e.gone(kit.ConfigMap(apps, "app-"+name, nil))).Should(BeTrue(), name)
	}
	for _, name := range []string{"app-stays", "app-paused", "forged"} {
		e.Expect(e.gone(kit.ConfigMap(apps, name, nil))()).To(BeFalse(), name)
	}
}

// renamed gives copies another name while a change waits for an approval: what waits has to
// stay installable. So has a release whose trigger is made again.
func renamed(e *env) {
	ns := e.namespace("renamed")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	vt := rollout(ns, published(triggerv1.DeletionDelete), inStages("prod", manually))
	vt.Spec.Targets = []triggerv1.TargetReference{{Name: "prod"}}
	e.create(vt)
	e.Eventually(e.copied(ns, "prod-shared")).Should(Equal("a: 1\n"))
	e.releases(kit.Labelled(kit.Release(ns, "prod", kit.Reads(cmKind, "prod-shared")), stageLabel, "prod"))
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))

	// One commit, applied object by object.
	edit(e, kit.Release(ns, "prod"), func(hr *helmv2.HelmRelease) { hr.Spec.ValuesFrom[0].Name = "prod-other" })
	edit(e, kit.Trigger(ns, "platform"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Publish.Name = "other" })
	e.Eventually(e.copied(ns, "prod-other")).Should(Equal("a: 1\n"))
	e.Eventually(e.readyConditionOf(ns, "prod")).Should(HavePrefix("True"))
	e.Eventually(e.gone(kit.ConfigMap(ns, "prod-shared", nil))).Should(BeTrue(), "the old one is not needed any more")
	e.Expect(e.copied(ns, "prod-other")()).To(Equal("a: 1\n"))
	e.stay(ns, map[string]int{"prod": 1})

	// The source is as it was, and the trigger and its copies go and come back.
	e.setValues(cm, "a: 1\n")
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
	again := rollout(ns, published(triggerv1.DeletionDelete), inStages("prod", manually))
	again.Spec.Targets, again.Spec.Publish.Name = []triggerv1.TargetReference{{Name: "prod"}}, "other"
	e.delete(kit.Trigger(ns, "platform"))
	e.Eventually(e.gone(kit.ConfigMap(ns, "prod-other", nil))).Should(BeTrue())
	e.create(again)
	e.Eventually(e.copied(ns, "prod-other")).Should(Equal("a: 1\n"), "it changes nothing, so no one is triggered")
	e.stay(ns, map[string]int{"prod": 1})
}
