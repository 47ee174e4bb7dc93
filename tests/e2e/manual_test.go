// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions/check"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

func TestManual_a_request_evaluates_again_and_forceAt_triggers_all_targets_once(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("manual")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.releases(kit.Release(ns, "a", kit.Reads(cmKind, "values")), kit.Release(ns, "b", kit.Reads(cmKind, "values")))
	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "values"), kit.To("a"), kit.To("b")))
	e.Eventually(e.deliveredRevision(ns, "mine", "a")).Should(BeEquivalentTo(1))
	e.Eventually(e.deliveredRevision(ns, "mine", "b")).Should(BeEquivalentTo(1))
	handled := func() (string, error) {
		vt, err := e.trigger(ns, "mine")
		return vt.Status.LastHandledReconcileAt, err
	}

	mark := e.mark()
	e.request(ns, "mine", "first")
	e.Eventually(handled).Should(Equal("first"))
	e.request(ns, "mine", "second", meta.ForceRequestAnnotation)
	e.Eventually(handled).Should(Equal("second"))
	e.Eventually(e.deliveredRevision(ns, "mine", "a")).Should(BeEquivalentTo(2))
	e.Eventually(e.deliveredRevision(ns, "mine", "b")).Should(BeEquivalentTo(2))
	vt, err := e.trigger(ns, "mine")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Status.LastHandledForceAt).To(Equal("second"))
	e.Expect(e.get(ns, "a").Annotations).To(HaveKeyWithValue(triggerv1.CauseAnnotation,
		"request by reconcile.fluxcd.io/forceAt via ValuesTrigger "+ns+"/mine"))

	e.request(ns, "mine", "third") // The forceAt of before does not count beside it.
	e.Eventually(handled).Should(Equal("third"))
	e.stay(ns, map[string]int{"a": 2, "b": 2})
	e.Expect(e.asked(standard, ns, mark)()).To(HaveLen(2), "one request for each target")
}

// elsewhereChart renders into a namespace that the value "elsewhere" names: a reason to
// fail that goes away without a change of chart or values.
func elsewhereChart() world.Chart {
	chart := world.TestChart()
	chart.Files = maps.Clone(chart.Files)
	chart.Files["templates/elsewhere.yaml"] = `{{- with .Values.elsewhere }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $.Release.Name }}
  namespace: {{ . }}
{{- end }}
`
	return chart
}

func TestManual_resetAt_retries_a_failed_target(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("reset")
	e.Expect(e.w.PublishChart(e.ctx, ns, kit.ChartName, elsewhereChart())).To(Succeed())
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	e.setValues(cm, "elsewhere: "+ns+"-later\n")
	e.stalled(ns, "app", triggerv1.DeliveryFailedReason, ns+"/app", ns+"-later")
	e.Expect(e.revision(ns, "app")()).To(Equal(2))

	e.ensureNamespace(ns + "-later")
	e.request(ns, auto("app"), "again", helmv2.ResetRequestAnnotation)
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
	annotations := e.get(ns, "app").Annotations
	e.Expect(annotations[helmv2.ResetRequestAnnotation]).To(Equal(annotations[meta.ReconcileRequestAnnotation]))
	e.Expect(annotations).NotTo(HaveKey(meta.ForceRequestAnnotation))
	vt, err := e.trigger(ns, "app")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Status.LastHandledResetAt).To(Equal("again"))
	e.stay(ns, map[string]int{"app": 3})
}

// kstatus returns what a health check of a Flux Kustomization sees in a trigger.
func (e *env) kstatus(vt *triggerv1.ValuesTrigger) func() (status.Status, error) {
	return func() (status.Status, error) {
		obj := &unstructured.Unstructured{}
		obj.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind))
		if err := e.c.Get(e.ctx, client.ObjectKeyFromObject(vt), obj); err != nil {
			return "", err
		}
		result, err := status.Compute(obj)
		if err != nil {
			return "", err
		}
		return result.Status, nil
	}
}

// checkConditions has Flux look for mistakes in the conditions of a trigger.
func (e *env) checkConditions(checker *check.Checker, vt *triggerv1.ValuesTrigger) {
	e.t.Helper()
	vt, err := e.trigger(vt.Namespace, vt.Name)
	e.Expect(err).NotTo(HaveOccurred())
	checker.DisableFetch = true
	fail, warn := checker.Check(e.ctx, vt)
	e.Expect(fail).NotTo(HaveOccurred())
	e.Expect(warn).NotTo(HaveOccurred())
}

func TestManual_a_health_check_of_Flux_understands_a_trigger(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("health")
	all := &check.Conditions{NegativePolarity: []string{meta.StalledCondition, meta.ReconcilingCondition}}
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)

	vt := kit.Trigger(ns, "mine", kit.From(cmKind, "values"), kit.To("app"))
	fresh := vt.DeepCopy()
	e.Expect(e.c.Create(e.ctx, fresh, client.DryRunAll)).To(Succeed())
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(fresh)
	e.Expect(err).NotTo(HaveOccurred())
	result, err := status.Compute(&unstructured.Unstructured{Object: object})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(result.Status).To(Equal(status.InProgressStatus), "before the operator has seen it")

	// A selector with a mistake in it.
	typo := kit.Trigger(ns, "typo", kit.From(cmKind, "values"), kit.To("", func(ref *triggerv1.TargetReference) { ref.Selector = kit.Selecting("teir", "web") }))
	e.create(typo)
	e.Eventually(e.condition(ns, "typo", meta.ReadyCondition)).Should(HavePrefix("False SelectorMatchesNothing: spec.targets[0].selector matches no HelmRelease in namespace " + ns))
	e.Expect(e.kstatus(typo)()).To(Equal(status.InProgressStatus))
	e.checkConditions(check.NewChecker(e.c, all), typo)
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "typo", "Warning", triggerv1.SelectorMatchesNothingReason)).Should(HaveLen(1))
	edit(e, typo, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets[0].Optional = true })
	e.Eventually(e.kstatus(typo)).Should(Equal(status.CurrentStatus))

	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")))
	e.create(vt)
	e.Eventually(e.kstatus(vt)).Should(Equal(status.CurrentStatus))
	e.Expect(e.state(ns, "mine", "app")()).To(Equal(triggerv1.TargetDelivered))
	e.checkConditions(check.NewChecker(e.c, all), vt)

	// Another generation of the spec: never Current for what was seen before.
	edit(e, vt, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Force = triggerv1.ForceNever })
	e.Eventually(e.kstatus(vt)).Should(Equal(status.CurrentStatus))
	e.checkConditions(check.NewChecker(e.c, all), vt)

	// What the release depends on is not there, so that the request is not answered.
	edit(e, kit.Release(ns, "app"), func(hr *helmv2.HelmRelease) {
		hr.Spec.DependsOn = []helmv2.DependencyReference{{Name: "base"}}
	})
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.state(ns, "mine", "app")).Should(Equal(triggerv1.TargetTriggered))
	e.Expect(e.kstatus(vt)()).To(Equal(status.InProgressStatus))
	e.checkConditions(check.NewInProgressChecker(e.c), vt)
	e.releases(kit.Release(ns, "base"))
	e.Eventually(e.kstatus(vt)).Should(Equal(status.CurrentStatus))
	e.Expect(e.deliveredRevision(ns, "mine", "app")()).To(BeEquivalentTo(2))

	e.setValues(cm, "reject: true\n")
	e.Eventually(e.kstatus(vt)).Should(Equal(status.FailedStatus))
	e.Expect(e.state(ns, "mine", "app")()).To(Equal(triggerv1.TargetFailed))
	e.checkConditions(check.NewChecker(e.c, all), vt)

	e.delete(cm)
	e.Eventually(e.condition(ns, "mine", meta.ReadyCondition)).Should(HavePrefix("False SourceNotFound: "))
	e.Expect(e.kstatus(vt)()).To(Equal(status.InProgressStatus), "goes on by itself")
	e.checkConditions(check.NewChecker(e.c, all), vt)
}
