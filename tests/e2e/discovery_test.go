// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

func TestDiscovery_an_unlabelled_ConfigMap_and_Secret_are_delivered(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("found")
	cm := kit.ConfigMap(ns, "plain", map[string]string{"values.yaml": "a: 1\n"})
	sec := kit.Secret(ns, "private", map[string]string{"values.yaml": "b: 1\n"})
	e.create(cm)
	e.create(sec)
	e.releases(kit.Release(ns, "app", kit.Reads(triggerv1.ConfigMapKind, "plain"), kit.Reads(triggerv1.SecretKind, "private")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1), "it runs its values already")

	e.setData(cm, "values.yaml", "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	hr := releasesOf(e, ns, "app")[0]
	e.Expect(hr.Annotations).NotTo(HaveKey(meta.ForceRequestAnnotation), "helm-controller sees the change by itself")
	e.Expect(e.rendered(ns, "app")()).To(ContainSubstring("a: 2"))

	edit(e, sec, func(s *corev1.Secret) { s.StringData = map[string]string{"values.yaml": "b: 2\n"} })
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
	e.Expect(e.rendered(ns, "app")()).To(ContainSubstring("b: 2"))
}

func TestDiscovery_labels_come_and_go_with_valuesFrom(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("labels")
	e.create(kit.ConfigMap(ns, "plain", map[string]string{"values.yaml": "a: 1\n"}))
	hr := kit.Release(ns, "app")
	e.releases(hr)
	e.Consistently(e.labels(hr)).ShouldNot(HaveKey(triggerv1.LabelReconcilerNameSourceKey))

	edit(e, hr, kit.Reads(triggerv1.ConfigMapKind, "plain"))
	e.Eventually(e.labels(hr)).Should(And(
		HaveKeyWithValue(triggerv1.LabelReconcilerNameSourceKey, "true"),
		HaveKeyWithValue(triggerv1.HRNSAnnotation, ns),
		HaveKeyWithValue(triggerv1.HRNameAnnotation, "app")))
	e.Eventually(e.state(ns, "app", "app")).Should(Equal(triggerv1.TargetDelivered))

	edit(e, hr, func(hr *helmv2.HelmRelease) { hr.Spec.ValuesFrom = nil })
	e.Eventually(e.labels(hr)).Should(And(
		Not(HaveKey(triggerv1.LabelReconcilerNameSourceKey)),
		Not(HaveKey(triggerv1.HRNSAnnotation)),
		Not(HaveKey(triggerv1.HRNameAnnotation))))
	vt := &triggerv1.ValuesTrigger{}
	vt.Namespace, vt.Name = ns, auto("app")
	e.Eventually(e.gone(vt)).Should(BeTrue())
}

func TestDiscovery_opt_outs_hold(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("optout")
	excluded := kit.ConfigMap(ns, "excluded", map[string]string{"values.yaml": "a: 1\n"})
	excluded.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false"}
	plain := kit.ConfigMap(ns, "plain", map[string]string{"values.yaml": "b: 1\n"})
	e.create(excluded)
	e.create(plain)
	out := kit.Release(ns, "out", kit.Reads(triggerv1.ConfigMapKind, "plain"))
	out.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false"}
	e.releases(out,
		kit.Release(ns, "only-excluded", kit.Reads(triggerv1.ConfigMapKind, "excluded")),
		kit.Release(ns, "witness", kit.Reads(triggerv1.ConfigMapKind, "plain"), kit.Reads(triggerv1.ConfigMapKind, "excluded")))
	e.Eventually(e.state(ns, "witness", "witness")).Should(Equal(triggerv1.TargetDelivered))

	e.setData(excluded, "values.yaml", "a: 2\n")
	e.setData(plain, "values.yaml", "b: 2\n")
	e.Eventually(e.deliveredRevision(ns, "witness", "witness")).Should(BeEquivalentTo(2))
	for _, name := range []string{"out", "only-excluded"} {
		hr := releasesOf(e, ns, name)[0]
		e.Expect(hr.Annotations).NotTo(HaveKey(meta.ReconcileRequestAnnotation), name)
		_, err := e.trigger(ns, name)
		e.Expect(client.IgnoreNotFound(err)).To(Succeed())
		e.Expect(err).To(HaveOccurred(), "no trigger is generated for %s", name)
	}
	e.Expect(e.labels(out)()).To(HaveKeyWithValue(triggerv1.LabelReconcilerNameSourceKey, "false"), "the user's label stays")
}

func TestDiscovery_a_source_created_after_its_release_deleted_and_recreated_is_delivered(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("late")
	hr := kit.Release(ns, "app", kit.Reads(triggerv1.ConfigMapKind, "late", kit.Optional))
	e.releases(hr)
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	cm := kit.ConfigMap(ns, "late", map[string]string{"values.yaml": "a: 1\n"})
	e.create(cm)
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2), "created after its release")

	e.Expect(e.c.Delete(e.ctx, cm)).To(Succeed())
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3), "an optional source that goes is a change")

	e.create(kit.ConfigMap(ns, "late", map[string]string{"values.yaml": "a: 2\n"}))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(4), "recreated")
	e.Expect(e.rendered(ns, "app")()).To(ContainSubstring("a: 2"))
}

func TestDiscovery_a_required_source_created_after_its_release_is_delivered(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("required")
	hr := kit.Release(ns, "app", kit.Reads(triggerv1.ConfigMapKind, "late"))
	e.create(hr)
	e.Eventually(e.readyReason(ns, "app")).Should(Equal(triggerv1.SourceNotFoundReason))
	e.create(kit.ConfigMap(ns, "late", map[string]string{"values.yaml": "a: 1\n"}))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))
}

func TestDiscovery_a_comment_makes_no_revision_and_a_label_no_request(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("comment")
	cm := kit.ConfigMap(ns, "plain", map[string]string{"values.yaml": "a: 1\n"})
	e.create(cm)
	e.releases(kit.Release(ns, "app", kit.Reads(triggerv1.ConfigMapKind, "plain")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	e.setData(cm, "values.yaml", "a: 1 # one\n")
	e.Eventually(func() (string, error) {
		hr := releasesOf(e, ns, "app")[0]
		return hr.Annotations[meta.ReconcileRequestAnnotation], nil
	}).ShouldNot(BeEmpty())
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1), "the values are the same")
	request := releasesOf(e, ns, "app")[0].Annotations[meta.ReconcileRequestAnnotation]

	edit(e, cm, func(cm *corev1.ConfigMap) { cm.Labels = map[string]string{"team": "blue"} })
	e.setData(cm, "other", "a key that the release does not read")
	e.Consistently(func() string {
		return releasesOf(e, ns, "app")[0].Annotations[meta.ReconcileRequestAnnotation]
	}).Should(Equal(request))
	e.Expect(e.revision(ns, "app")()).To(Equal(1))
}

func TestDiscovery_a_trigger_edited_by_hand_is_put_back_but_for_suspend(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("drift")
	e.create(kit.ConfigMap(ns, "plain", map[string]string{"values.yaml": "a: 1\n"}))
	e.releases(kit.Release(ns, "app", kit.Reads(triggerv1.ConfigMapKind, "plain")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	vt, err := e.trigger(ns, "app")
	e.Expect(err).NotTo(HaveOccurred())
	want := vt.Spec.Sources
	editAs(e, "kubectl-edit", vt, func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Suspend = true
		vt.Spec.Sources = []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "other"}}
	})
	e.Eventually(func() ([]triggerv1.SourceReference, error) {
		vt, err := e.trigger(ns, "app")
		return vt.Spec.Sources, err
	}).Should(Equal(want))
	vt, err = e.trigger(ns, "app")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Spec.Suspend).To(BeTrue())
}
