// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"math"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/monitoring"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// counts is a number for each value of a label.
type counts map[string]float64

// by returns the present values of a metric by a label.
func (e *env) by(p *monitoring.Prometheus, expr, label string) func() (counts, error) {
	return func() (counts, error) {
		found := counts{}
		series, err := p.Query(e.ctx, expr)
		for _, s := range series {
			found[s.Labels[label]] = s.Points[0].Value
		}
		return found, err
	}
}

// nextSecond waits until the clock of objects, which has whole seconds, has moved on.
func (e *env) nextSecond() {
	now := time.Now().Unix()
	e.Eventually(func() int64 { return time.Now().Unix() }).Should(BeNumerically(">", now))
}

func TestMonitoring_shows_what_happens_on_a_real_Flux(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set", "eventsAddr="}})
	began := time.Now()
	p, err := monitoring.Start(e.ctx, e.w, op.Metrics())
	e.Expect(err).NotTo(HaveOccurred())
	ns := e.namespace("watched")

	good, bad, held := kit.Values(ns, "good", "a: 1\n"), kit.Values(ns, "bad", "a: 1\n"), kit.Values(ns, "held", "a: 1\n")
	for _, cm := range []*corev1.ConfigMap{good, bad, held} {
		e.create(cm)
	}
	e.releases(kit.Release(ns, "good", kit.Reads(cmKind, "good")), kit.Release(ns, "bad", kit.Reads(cmKind, "bad")),
		kit.Release(ns, "held", kit.Reads(cmKind, "held")), kit.Release(ns, "lost"))
	flags := kit.Source(kit.ConfigMap(ns, "flags", map[string]string{"a": "1"}), "lost", ns)
	e.create(flags)
	e.create(kit.Trigger(ns, "absent", kit.From(cmKind, "good"), kit.To("stranger")))
	e.create(kit.Trigger(ns, "nothing", kit.From(cmKind, "nowhere"), kit.To("good")))
	for name, revision := range map[string]int{"good": 1, "bad": 1, "held": 1, "lost": 2} {
		e.Eventually(e.deliveredRevision(ns, name, name)).Should(BeEquivalentTo(revision), name)
	}
	e.nextSecond()
	// Prometheus tells a rate only of what it has seen to grow.
	e.Eventually(e.by(p, "trigger_edit_to_trigger_seconds_count", "job")).Should(Equal(counts{monitoring.Job: 0}))

	e.suspend(ns, "held", true)
	e.setValues(good, "a: 2\n")
	e.setValues(bad, "fail: true\n")
	e.setValues(held, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "good", "good")).Should(BeEquivalentTo(2))
	e.Eventually(e.state(ns, "bad", "bad")).Should(Equal(triggerv1.TargetFailed))
	e.Eventually(e.state(ns, "held", "held")).Should(Equal(triggerv1.TargetHeld))

	e.Expect(e.w.StopComponent(e.ctx, world.HelmController)).To(Succeed())
	e.setData(flags, "a", "2")
	e.Eventually(e.state(ns, "lost", "lost")).Should(Equal(triggerv1.TargetTriggered))
	annotate(e, kit.Release(ns, "lost"), map[string]string{meta.ReconcileRequestAnnotation: "someone else's"})
	e.Expect(e.w.StartComponent(e.ctx, world.HelmController)).To(Succeed())
	e.Eventually(e.deliveredRevision(ns, "lost", "lost")).Should(BeEquivalentTo(3))

	t.Run("counters", func(t *testing.T) {
		e := e.again(t)
		e.Eventually(e.by(p, "trigger_requests_total", "forced")).Should(Equal(counts{"false": 2, "true": 3}))
		e.Eventually(e.by(p, "trigger_requests_lost_total", "job")).Should(Equal(counts{monitoring.Job: 1}))
		e.Eventually(e.by(p, "trigger_deliveries_total", "outcome")).Should(Equal(counts{"delivered": 3, "failed": 1, "superseded": 0}))
		e.Eventually(e.by(p, "trigger_edit_to_trigger_seconds_count", "job")).Should(Equal(counts{monitoring.Job: 3}))
		e.Eventually(e.by(p, "trigger_edit_to_trigger_seconds_sum", "job")).Should(HaveKeyWithValue(monitoring.Job, BeNumerically("<", 60)))
		e.Eventually(e.by(p, "trigger_trigger_to_delivered_seconds_count", "job")).Should(Equal(counts{monitoring.Job: 3}))
		e.Eventually(e.by(p, `trigger_source_reads_total{result="ok"}`, "kind")).Should(
			And(HaveKeyWithValue("ConfigMap", BeNumerically(">=", 4)), HaveKeyWithValue("Secret", 0.0)))
	})
	states := counts{"Delivered": 2, "Failed": 1, "Held": 1, "Missing": 1, "Pending": 0, "Triggered": 0}
	reasons := counts{"Succeeded": 2, "DeliveryFailed": 1, "TargetsHeld": 1, "TargetNotFound": 1, "SourceNotFound": 1}
	t.Run("gauges", func(t *testing.T) {
		e := e.again(t)
		e.Eventually(e.by(p, "trigger_targets", "state")).Should(Equal(states))
		e.Eventually(e.by(p, "trigger_valuestriggers", "reason")).Should(Equal(reasons))
		e.Eventually(e.by(p, "trigger_oldest_change_seconds", "job")).Should(Equal(counts{monitoring.Job: 0}))
	})
	t.Run("the state of each trigger", func(t *testing.T) {
		e := e.again(t)
		info := `gotk_resource_info{customresource_group="trigger.nebius.ai", customresource_kind="ValuesTrigger", exported_namespace="` + ns + `"}`
		e.Eventually(e.by(p, info, "reason")).Should(HaveLen(len(reasons)))
		e.Eventually(e.by(p, info+` and on (name) ({name="bad-auto", ready="False", reason="DeliveryFailed", managed_by="`+triggerv1.FieldManager+`"})`, "name")).
			Should(Equal(counts{"bad-auto": 1}))
		e.Eventually(e.by(p, info+` and on (name) ({name="absent", managed_by=""})`, "name")).Should(Equal(counts{"absent": 1}))
	})
	t.Run("alerts", func(t *testing.T) {
		e := e.again(t)
		e.Eventually(func() (map[string]string, error) {
			alerts, err := p.Alerts(e.ctx)
			states := map[string]string{}
			for name, alert := range alerts {
				states[name] = alert.State
				e.Expect(alert.Health).To(Or(Equal("ok"), Equal("unknown")), "%s: %s", name, alert.LastError)
			}
			return states, err
		}).Should(Equal(map[string]string{
			"ValuesTriggerDeliveryFailed": "pending", "ValuesTriggerTargetMissing": "pending",
			"ValuesTriggerTargetHeld": "pending", "ValuesTriggerSourceNotFound": "pending",
			"ValuesTriggerOperatorDown": "inactive", "ValuesTriggerDeliveryStuck": "inactive", "ValuesTriggerBlocked": "inactive",
			"ValuesTriggerRequestsLost": "inactive", "ValuesTriggerReadErrors": "inactive",
			"ValuesTriggerReconcileErrors": "inactive", "ValuesTriggerEventsDropped": "inactive",
			"ValuesTriggerFluxOutdated":  "inactive",
			"ValuesTriggerRolloutHalted": "inactive", "ValuesTriggerGateClosed": "inactive",
			"ValuesTriggerAnalysisUnanswered": "inactive", "ValuesTriggerAnalysisConfigRejected": "inactive", "ValuesTriggerStageUnmeasured": "inactive",
		}))
	})
	t.Run("the dashboard", func(t *testing.T) {
		e := e.again(t)
		dashboard, err := monitoring.LoadDashboard()
		e.Expect(err).NotTo(HaveOccurred())
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				if strings.Contains(target.Expr, "trigger_analysis_") { // Nothing is measured here.
					_, err := p.Range(e.ctx, monitoring.Fill(target.Expr, "20s"), began, time.Now(), time.Second)
					e.Expect(err).NotTo(HaveOccurred(), "panel %q: %s", panel.Title, target.Expr)
					continue
				}
				e.Eventually(func() (int, error) {
					series, err := p.Range(e.ctx, monitoring.Fill(target.Expr, "20s"), began, time.Now(), time.Second)
					return numbers(series), err
				}).Should(BeNumerically(">", 0), "panel %q: %s", panel.Title, target.Expr)
			}
		}
	})
	t.Run("nothing is left of a trigger that is gone", func(t *testing.T) {
		e := e.again(t)
		durations := `gotk_reconcile_duration_seconds_count{namespace="` + ns + `", name="absent"}`
		e.Eventually(e.by(p, durations, "name")).Should(HaveKey("absent"))
		e.delete(kit.Trigger(ns, "absent"))
		e.Eventually(e.by(p, durations, "name")).Should(BeEmpty())
	})
	t.Run("a restart counts nothing twice and forgets no state", func(t *testing.T) {
		e := e.again(t)
		e.Expect(op.Stop(e.ctx)).To(Succeed())
		e.Expect(op.Start(e.ctx)).To(Succeed())
		none := counts{"delivered": 0, "failed": 0, "superseded": 0}
		e.Eventually(e.by(p, "trigger_deliveries_total", "outcome")).Should(Equal(none))
		states["Missing"] = 0
		e.Eventually(e.by(p, "trigger_targets", "state")).Should(Equal(states))
		e.settle(op)
		e.nextSecond()
		e.Consistently(e.by(p, "trigger_deliveries_total", "outcome")).Should(Equal(none))
		e.Expect(e.by(p, "trigger_requests_total", "forced")()).To(Equal(counts{"false": 0, "true": 0}))
	})
}

// numbers counts the values that a panel could draw.
func numbers(series []monitoring.Series) int {
	n := 0
	for _, s := range series {
		for _, point := range s.Points {
			if !math.IsNaN(point.Value) {
				n++
			}
		}
	}
	return n
}
