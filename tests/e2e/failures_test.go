// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

func TestFailures_a_suspended_release_gets_the_newest_content_once_after_it_is_resumed(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("held")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.releases(kit.Release(ns, "other"))
	e.create(cm)
	e.releases(kit.Release(ns, "reader", kit.Reads(cmKind, "values")))
	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "values"), kit.To("reader"), kit.To("other")))
	e.Eventually(e.deliveredRevision(ns, "mine", "reader")).Should(BeEquivalentTo(1))
	e.Eventually(e.deliveredRevision(ns, "mine", "other")).Should(BeEquivalentTo(2))

	e.suspend(ns, "reader", true)
	e.suspend(ns, "other", true)
	mark := e.mark()
	for _, values := range []string{"a: 2\n", "a: 3\n"} {
		e.setValues(cm, values)
		for _, name := range []string{"reader", "other"} {
			e.Eventually(e.target(ns, "mine", name)).Should(And(
				HaveField("State", triggerv1.TargetHeld),
				HaveField("Message", "HelmRelease is suspended; the change is delivered when spec.suspend is removed")))
		}
		e.Eventually(e.condition(ns, "mine", meta.ReadyCondition)).Should(And(
			HavePrefix("False TargetsHeld: None of 2 delivered; %s/other: HelmRelease is suspended", ns), HaveSuffix("(and 1 more Held)")))
	}
	e.Consistently(e.asked(standard, ns, mark), patience).Should(BeEmpty())

	e.suspend(ns, "reader", false)
	e.suspend(ns, "other", false)
	e.Eventually(e.deliveredRevision(ns, "mine", "reader")).Should(BeEquivalentTo(2))
	e.Eventually(e.deliveredRevision(ns, "mine", "other")).Should(BeEquivalentTo(3))
	e.Expect(e.rendered(ns, "reader")()).To(ContainSubstring("a: 3"))
	e.stay(ns, map[string]int{"reader": 2, "other": 3})
}

func TestFailures_a_missing_release_gets_the_content_when_it_appears(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("missing")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "values"), kit.To("later")))
	e.Eventually(e.target(ns, "mine", "later")).Should(And(
		HaveField("State", triggerv1.TargetMissing),
		HaveField("Message", "HelmRelease does not exist; create it, or remove it from spec.targets")))
	e.Expect(e.condition(ns, "mine", meta.ReadyCondition)()).To(HavePrefix("False TargetNotFound: None of 1 delivered; %s/later: HelmRelease does not exist", ns))
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "mine", corev1.EventTypeWarning, triggerv1.TargetNotFoundReason)).Should(HaveLen(1))

	e.releases(kit.Release(ns, "later", kit.Reads(cmKind, "values")))
	e.Eventually(e.deliveredRevision(ns, "mine", "later")).Should(BeEquivalentTo(1))
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "mine", "later")).Should(BeEquivalentTo(2))

	e.delete(e.get(ns, "later"))
	e.Eventually(e.state(ns, "mine", "later")).Should(Equal(triggerv1.TargetMissing))
	e.releases(kit.Release(ns, "later", kit.Reads(cmKind, "values")))
	e.Eventually(e.deliveredRevision(ns, "mine", "later")).Should(BeEquivalentTo(1), "a new release, which installs the content by itself")
	e.stay(ns, map[string]int{"later": 1})
}

func TestFailures_a_failed_upgrade_is_told_and_delivered_after_the_fix(t *testing.T) {
	for _, tc := range []struct {
		name, values, says string
		failed, fixed      int // revisions
		fix                func(*env, *corev1.ConfigMap)
		requests           int // after the fix
	}{
		{"refused, fixed by content", "reject: true\n", "Refused", 2, 3, fixValues, 1},
		{"refused, fixed by chart", "reject: true\n", "Refused", 2, 3, fixChart, 0},
		{"not rendered, fixed by content", "fail: true\n", "the value fail is true", 1, 2, fixValues, 1},
		{"not rendered, fixed by chart", "fail: true\n", "the value fail is true", 1, 2, fixChart, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := parallel(t)
			ns := e.namespace("failing")
			cm := kit.Values(ns, "values", "a: 1\n")
			e.create(cm)
			e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")))
			e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

			e.setValues(cm, tc.values)
			e.Eventually(e.target(ns, "app", "app")).Should(And(
				HaveField("State", triggerv1.TargetFailed), HaveField("Message", HavePrefix("UpgradeFailed: ")), HaveField("Message", ContainSubstring(tc.says))))
			e.stalled(ns, "app", triggerv1.DeliveryFailedReason, "None of 1 delivered; "+ns+"/app: UpgradeFailed: ", tc.says)
			e.Eventually(e.eventsAbout(helmv2.HelmReleaseKind, ns, "app", corev1.EventTypeWarning, triggerv1.DeliveryFailedReason)).
				Should(ContainElement(ContainSubstring(tc.says)))
			mark := e.mark()
			e.stay(ns, map[string]int{"app": tc.failed})
			e.Expect(e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
				return world.WritesBy(standard.User())(event) && event.Namespace == ns
			})).To(BeEmpty(), "the further tries of helm-controller are no news")

			mark = e.mark()
			tc.fix(e, cm)
			e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(tc.fixed))
			e.Eventually(e.condition(ns, "app", meta.ReadyCondition)).Should(HavePrefix("True Succeeded: "))
			e.Expect(e.condition(ns, "app", meta.StalledCondition)()).To(BeEmpty())
			e.Expect(e.asked(standard, ns, mark)()).To(HaveLen(tc.requests), "a new chart is helm-controller's own business")
			e.stay(ns, map[string]int{"app": tc.fixed})
		})
	}
}

func fixValues(e *env, cm *corev1.ConfigMap) { e.setValues(cm, "a: 2\n") }

// fixChart publishes a chart to which no value is wrong.
func fixChart(e *env, cm *corev1.ConfigMap) {
	chart := world.Chart{Name: "test", Version: "0.2.0", Files: map[string]string{
		"templates/configmap.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n",
	}}
	e.Expect(e.w.PublishChart(e.ctx, cm.Namespace, kit.ChartName, chart)).To(Succeed())
}

func TestFailures_malformed_values_are_told_and_delivered_after_the_fix(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("malformed")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	e.setValues(cm, "a: [1\n")
	e.Eventually(e.target(ns, "app", "app")).Should(And(
		HaveField("State", triggerv1.TargetFailed), HaveField("Message", HavePrefix("ValuesError: ")), HaveField("Message", ContainSubstring("values"))))
	e.stalled(ns, "app", triggerv1.DeliveryFailedReason, ns+"/app: ValuesError: ")
	e.stay(ns, map[string]int{"app": 1})

	e.setValues(cm, "a: 1\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1), "what it has been running all the time")
	e.setValues(cm, "a: [2\n")
	e.stalled(ns, "app", triggerv1.DeliveryFailedReason, ns+"/app: ValuesError: ")
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	e.stay(ns, map[string]int{"app": 2})
}

func TestFailures_a_required_source_that_is_deleted_holds_the_trigger_back(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("deleted")
	content := map[string]string{"key": "one"}
	e.releases(kit.Release(ns, "app"))
	e.create(kit.ConfigMap(ns, "settings", content))
	e.create(kit.ConfigMap(ns, "more", content))
	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.From(cmKind, "more"), kit.To("app")))
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(2))

	lost := func() {
		e.t.Helper()
		e.delete(kit.ConfigMap(ns, "settings", nil))
		e.Eventually(e.condition(ns, "mine", meta.ReadyCondition)).Should(Equal(
			"False SourceNotFound: source not found: ConfigMap " + ns + "/settings does not exist; create it, or set spec.sources[0].optional"))
		e.Expect(e.condition(ns, "mine", meta.StalledCondition)()).To(BeEmpty(), "it goes on by itself")
	}
	mark := e.mark()
	lost()
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "mine", corev1.EventTypeWarning, triggerv1.SourceNotFoundReason)).
		Should(ContainElement(ContainSubstring("ConfigMap %s/settings does not exist", ns)))
	e.setData(kit.ConfigMap(ns, "more", nil), "key", "two")
	e.Consistently(e.asked(standard, ns, mark), patience).Should(BeEmpty(), "no target is touched")

	e.create(kit.ConfigMap(ns, "settings", content))
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(3), "what changed meanwhile")
	lost()
	e.create(kit.ConfigMap(ns, "settings", content))
	e.Eventually(e.condition(ns, "mine", meta.ReadyCondition)).Should(HavePrefix("True Succeeded: "))
	e.stay(ns, map[string]int{"app": 3})
	lost()
	e.create(kit.ConfigMap(ns, "settings", map[string]string{"key": "two"}))
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(4))
}

func TestFailures_an_operator_that_is_killed_loses_and_doubles_nothing(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Args: []string{"--leader-elect=false"}}) // Nothing to wait for after a kill.
	ns := e.namespace("processes")
	sources := map[string]*corev1.ConfigMap{}
	for _, name := range []string{"killed", "killed-later", "down"} {
		sources[name] = kit.Source(kit.ConfigMap(ns, name+"-settings", map[string]string{"key": "one"}), name, ns)
		e.releases(kit.Release(ns, name))
		e.create(sources[name])
	}
	for name := range sources {
		e.Eventually(e.deliveredRevision(ns, name, name)).Should(BeEquivalentTo(2), name)
	}
	requestedAt := func(name string) func() (string, error) {
		return e.annotation(kit.Release(ns, name), meta.ReconcileRequestAnnotation)
	}
	edited := func(name string, killAt func(before string)) {
		e.t.Helper()
		before, err := requestedAt(name)()
		e.Expect(err).NotTo(HaveOccurred())
		e.setData(sources[name], "key", "two")
		killAt(before)
	}

	edited("killed", func(string) { op.Kill() })
	edited("down", func(string) {})
	e.Expect(op.Start(e.ctx)).To(Succeed())
	e.Eventually(e.deliveredRevision(ns, "killed", "killed")).Should(BeEquivalentTo(3))
	e.Eventually(e.deliveredRevision(ns, "down", "down")).Should(BeEquivalentTo(3))

	edited("killed-later", func(before string) {
		e.Eventually(requestedAt("killed-later"), "30s", "1ms").ShouldNot(Equal(before))
		op.Kill()
	})
	e.Expect(op.Start(e.ctx)).To(Succeed())
	e.Eventually(e.deliveredRevision(ns, "killed-later", "killed-later")).Should(BeEquivalentTo(3))
	e.stay(ns, map[string]int{"killed": 3, "down": 3, "killed-later": 3})
}

// What was rolled back runs what ran before, in a revision that is new. Of equal values,
// helm-controller takes it for what is wanted.
func TestFailures_a_forced_upgrade_that_is_rolled_back_is_Failed_until_it_succeeds(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("rolledback")
	chart := world.TestChart()
	chart.Files["templates/refused.yaml"] = `{{- if eq "refused" (dig "data" "key" "" (lookup "v1" "ConfigMap" .Release.Namespace "settings")) }}
apiVersion: v1
kind: ConfigMap
metadata: {name: Refused}
{{- end }}
`
	e.Expect(e.w.PublishChart(e.ctx, ns, kit.ChartName, chart)).To(Succeed())
	e.releases(kit.Release(ns, "app", func(hr *helmv2.HelmRelease) {
		hr.Spec.Upgrade = &helmv2.Upgrade{Remediation: &helmv2.UpgradeRemediation{Retries: 2}}
	}))
	cm := kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), "app", ns)
	e.create(cm)
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))

	e.setData(cm, "key", "refused")
	e.Eventually(e.target(ns, "app", "app")).Should(And(
		HaveField("State", triggerv1.TargetFailed), HaveField("Message", HavePrefix("the upgrade failed and helm-controller rolled it back"))))
	e.Expect(e.readyConditionOf(ns, "app")()).To(HavePrefix("True "), "so it seems")
	e.stay(ns, map[string]int{"app": 4})

	e.setData(cm, "key", "two")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(5))
	e.stay(ns, map[string]int{"app": 5})
}
