// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// oneTrigger expects the generated trigger to be the only one of a namespace, and to belong
// to the release as it is now, with these sources.
func (e *env) oneTrigger(namespace, release string, sources ...string) {
	e.t.Helper()
	e.Eventually(func(g Gomega) {
		list := &triggerv1.ValuesTriggerList{}
		g.Expect(e.c.List(e.ctx, list, client.InNamespace(namespace))).To(Succeed())
		g.Expect(list.Items).To(ConsistOf(HaveField("Name", auto(release))))
		hr := &helmv2.HelmRelease{}
		g.Expect(e.c.Get(e.ctx, client.ObjectKey{Namespace: namespace, Name: release}, hr)).To(Succeed())
		g.Expect(metav1.IsControlledBy(&list.Items[0], hr)).To(BeTrue())
		g.Expect(generated.Is(&list.Items[0])).To(BeTrue())
		g.Expect(e.sources(namespace, release)()).To(Equal(sources))
	}).Should(Succeed())
}

func TestGenerated_a_trigger_that_has_lost_its_owner_is_adopted(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("orphan")
	old, more := kit.Values(ns, "app-values", "a: 1\n"), kit.Values(ns, "more-values", "more: one\n")
	e.create(old)
	e.create(more)
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-values"), kit.Reads(cmKind, "more-values")))
	e.Eventually(e.state(ns, "app", "app")).Should(Equal(triggerv1.TargetDelivered))

	e.Expect(e.c.Delete(e.ctx, e.get(ns, "app"), client.PropagationPolicy(metav1.DeletePropagationOrphan))).To(Succeed())
	e.Eventually(e.gone(kit.Release(ns, "app"))).Should(BeTrue())
	e.Eventually(e.gone(kit.Trigger(ns, auto("app")))).Should(BeTrue(), "its release is gone for good")

	// A restore brings the trigger before the release, which by then reads less.
	saved := &triggerv1.ValuesTrigger{}
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-values"), kit.Reads(cmKind, "more-values")))
	e.Eventually(e.state(ns, "app", "app")).Should(Equal(triggerv1.TargetDelivered))
	e.Expect(e.c.Get(e.ctx, client.ObjectKey{Namespace: ns, Name: auto("app")}, saved)).To(Succeed())
	e.delete(e.get(ns, "app"))
	e.Eventually(e.gone(kit.Trigger(ns, auto("app")))).Should(BeTrue())
	saved.ObjectMeta = metav1.ObjectMeta{Namespace: ns, Name: auto("app"), Labels: saved.Labels}
	saved.Spec.QuietPeriod.Duration = time.Second
	e.create(saved)
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, auto("app"), corev1.EventTypeWarning, triggerv1.AmbiguousTriggerReason)).
		Should(ContainElement(ContainSubstring("generated for HelmRelease " + ns + "/app, which does not exist")))
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "more-values")))
	e.delete(old)
	e.oneTrigger(ns, "app", "more-values")
	e.Expect(e.trigger(ns, "app")).To(HaveField("Spec.QuietPeriod.Duration", time.Second), "what the user has set stays")
	e.setValues(more, "more: two\n")
	e.Eventually(e.rendered(ns, "app")).Should(ContainSubstring("more: two"))
	e.Eventually(e.state(ns, "app", "app")).Should(Equal(triggerv1.TargetDelivered))
}

func TestGenerated_a_policy_that_changes_the_label_makes_no_second_trigger(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("policy")
	policy := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": admissionv1.SchemeGroupVersion.String(), "kind": "MutatingAdmissionPolicy", "metadata": map[string]any{"name": ns},
		"spec": map[string]any{
			"reinvocationPolicy": "Never",
			"matchConstraints": map[string]any{
				"namespaceSelector": map[string]any{"matchLabels": map[string]any{corev1.LabelMetadataName: ns}},
				"resourceRules": []any{map[string]any{
					"apiGroups": []any{triggerv1.GroupVersion.Group}, "apiVersions": []any{"*"}, "operations": []any{"CREATE", "UPDATE"}, "resources": []any{"valuestriggers"},
				}},
			},
			"mutations": []any{map[string]any{
				"patchType":          "ApplyConfiguration",
				"applyConfiguration": map[string]any{"expression": `Object{metadata: Object.metadata{labels: {"app.kubernetes.io/managed-by": "platform-team"}}}`},
			}},
		},
	}}
	binding := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": admissionv1.SchemeGroupVersion.String(), "kind": "MutatingAdmissionPolicyBinding", "metadata": map[string]any{"name": ns},
		"spec": map[string]any{"policyName": ns},
	}}
	e.create(policy)
	e.create(binding)
	probe := kit.Trigger(ns, "probe", kit.From(cmKind, "none"), kit.To("none"))
	e.Eventually(func() (map[string]string, error) { // Policies take effect after a moment.
		_ = e.c.Delete(e.ctx, kit.Trigger(ns, "probe"))
		probe = kit.Trigger(ns, "probe", kit.From(cmKind, "none"), kit.To("none"))
		return probe.Labels, e.c.Create(e.ctx, probe)
	}).ShouldNot(BeNil())
	e.delete(kit.Trigger(ns, "probe"))

	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.create(kit.Values(ns, "more", "b: 1\n"))
	hr := kit.Release(ns, "app", kit.Reads(cmKind, "values"))
	e.releases(hr)
	e.oneTrigger(ns, "app", "values")
	e.Eventually(e.eventsAbout(helmv2.HelmReleaseKind, ns, "app", corev1.EventTypeWarning, triggerv1.AmbiguousTriggerReason)).
		Should(ContainElement(ContainSubstring(`makes the label app.kubernetes.io/managed-by of the generated ValuesTrigger ` + ns + `/app-auto "platform-team"`)))
	edit(e, hr, kit.Reads(cmKind, "more"))
	e.oneTrigger(ns, "app", "more", "values")
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.rendered(ns, "app")).Should(ContainSubstring("a: 2"))
	e.Eventually(e.state(ns, "app", "app")).Should(Equal(triggerv1.TargetDelivered))
}

// Two references to one object, of which one requires a key and the other does without.
func TestOptional_belongs_to_a_key(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("optional")
	cm := kit.Values(ns, "app-values", "greeting: one\n")
	e.create(cm)
	overrides := func(ref *meta.ValuesReference) { ref.ValuesKey, ref.Optional = "overrides.yaml", true }
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-values"), kit.Reads(cmKind, "app-values", overrides)), kit.Release(ns, "mine"))
	keys := func(optional bool, keys ...string) func(*triggerv1.SourceReference) {
		return func(ref *triggerv1.SourceReference) { ref.Optional, ref.Keys = optional, keys }
	}
	e.create(kit.Trigger(ns, "both", kit.From(cmKind, "app-values", keys(true, "overrides.yaml")), kit.From(cmKind, "app-values", keys(false, kit.ValuesKey)), kit.To("mine")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))
	e.Eventually(e.state(ns, "both", "mine")).Should(Equal(triggerv1.TargetDelivered))

	e.setValues(cm, "greeting: two\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	e.setData(cm, "overrides.yaml", "greeting: three\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3), "an optional key that comes is a change")
	e.Expect(e.rendered(ns, "app")()).To(ContainSubstring("greeting: three"))
	e.Eventually(e.state(ns, "both", "mine")).Should(Equal(triggerv1.TargetDelivered))

	edit(e, cm, func(cm *corev1.ConfigMap) { delete(cm.Data, kit.ValuesKey) })
	e.Eventually(e.condition(ns, "app", meta.ReadyCondition)).Should(Equal(
		"False SourceNotFound: source not found: ConfigMap " + ns + "/app-values has no key values.yaml; add it, or correct spec.valuesFrom[0].valuesKey of HelmRelease " + ns + "/app"))
	e.Eventually(e.condition(ns, "both", meta.ReadyCondition)).Should(HaveSuffix("has no key values.yaml; add it, or correct spec.sources[1].keys"))
}
