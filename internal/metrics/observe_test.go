// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at returns a time in seconds after noon.
func at(seconds int) *metav1.Time {
	stamp := metav1.NewTime(noon.Add(time.Duration(seconds) * time.Second))
	return &stamp
}

// The states of a target on the way of one change, and of another one after it.
var (
	unseen    = triggerv1.TargetStatus{}
	first     = triggerv1.TargetStatus{State: triggerv1.TargetDelivered, Digest: "a", DeliveredAt: at(0), Revision: 1}
	pending   = with(first, func(t *triggerv1.TargetStatus) { t.State = triggerv1.TargetPending })
	triggered = triggerv1.TargetStatus{State: triggerv1.TargetTriggered, Digest: "b", Token: "b.1", Attempts: 1, TriggeredAt: at(12), Revision: 1}
	delivered = with(triggered, func(t *triggerv1.TargetStatus) {
		t.State, t.DeliveredAt, t.Revision = triggerv1.TargetDelivered, at(15), 2
	})
	failed   = with(triggered, func(t *triggerv1.TargetStatus) { t.State = triggerv1.TargetFailed })
	repeated = with(triggered, func(t *triggerv1.TargetStatus) { t.Token, t.Attempts, t.TriggeredAt = "b.2", 2, at(16) })
	newer    = with(triggered, func(t *triggerv1.TargetStatus) { t.Digest, t.Token, t.TriggeredAt = "c", "c.2", at(20) })
	forced   = with(triggered, func(t *triggerv1.TargetStatus) { t.Forced = true })
	missing  = triggerv1.TargetStatus{State: triggerv1.TargetMissing}
)

func with(t triggerv1.TargetStatus, change func(*triggerv1.TargetStatus)) triggerv1.TargetStatus {
	change(&t)
	return t
}

func TestObserve(t *testing.T) {
	t.Parallel()
	edit := at(10).Time
	for _, c := range []struct {
		name    string
		was, is triggerv1.TargetStatus
		edited  time.Time
		want    map[string]float64
	}{
		{"a release that runs its content is seen for the first time", unseen, first, edit, map[string]float64{}},
		{"a release that was not installed yet runs its content", with(pending, func(t *triggerv1.TargetStatus) {
			t.Digest, t.DeliveredAt = "", nil
		}), first, edit, map[string]float64{}},
		{"a change waits", first, pending, edit, map[string]float64{}},
		{"a request", first, triggered, edit, map[string]float64{
			"requests_total{forced=false}": 1, "edit_to_trigger_seconds_count": 1, "edit_to_trigger_seconds_sum": 2,
		}},
		{"a request after a wait", pending, triggered, edit, map[string]float64{
			"requests_total{forced=false}": 1, "edit_to_trigger_seconds_count": 1, "edit_to_trigger_seconds_sum": 2,
		}},
		{"a request in the same second", first, triggered, at(12).Add(900 * time.Millisecond), map[string]float64{
			"requests_total{forced=false}": 1, "edit_to_trigger_seconds_count": 1,
		}},
		{"a clock that is behind", first, triggered, at(14).Time, map[string]float64{
			"requests_total{forced=false}": 1, "edit_to_trigger_seconds_count": 1,
		}},
		{"a request that no edit has caused", first, triggered, time.Time{}, map[string]float64{"requests_total{forced=false}": 1}},
		{"a request of what is older than the last delivery", first, triggered, at(0).Time, map[string]float64{"requests_total{forced=false}": 1}},
		{"a request at first sight", unseen, triggered, edit, map[string]float64{"requests_total{forced=false}": 1}},
		{"a forced request", first, forced, time.Time{}, map[string]float64{"requests_total{forced=true}": 1}},
		{"the same request once more", triggered, triggered, edit, map[string]float64{}},
		{"the proof", triggered, delivered, edit, map[string]float64{
			"deliveries_total{outcome=delivered}": 1, "trigger_to_delivered_seconds_count": 1, "trigger_to_delivered_seconds_sum": 3,
		}},
		{"the proof of what was requested before a crash", first, delivered, edit, map[string]float64{
			"requests_total{forced=false}": 1, "edit_to_trigger_seconds_count": 1, "edit_to_trigger_seconds_sum": 2,
			"deliveries_total{outcome=delivered}": 1, "trigger_to_delivered_seconds_count": 1, "trigger_to_delivered_seconds_sum": 3,
		}},
		{"the same proof once more", delivered, delivered, edit, map[string]float64{}},
		{"a failure", triggered, failed, edit, map[string]float64{"deliveries_total{outcome=failed}": 1}},
		{"the same failure in other words", failed, with(failed, func(t *triggerv1.TargetStatus) { t.Message = "other" }), edit, map[string]float64{}},
		{"a late proof", failed, delivered, edit, map[string]float64{
			"deliveries_total{outcome=delivered}": 1, "trigger_to_delivered_seconds_count": 1, "trigger_to_delivered_seconds_sum": 3,
		}},
		{"a lost request", triggered, repeated, edit, map[string]float64{"requests_total{forced=false}": 1, "requests_lost_total": 1}},
		{"newer content while a request is under way", triggered, newer, at(18).Time, map[string]float64{
			"requests_total{forced=false}": 1, "deliveries_total{outcome=superseded}": 1,
			"edit_to_trigger_seconds_count": 1, "edit_to_trigger_seconds_sum": 2,
		}},
		{"newer content after a failure", failed, newer, at(18).Time, map[string]float64{
			"requests_total{forced=false}": 1, "edit_to_trigger_seconds_count": 1, "edit_to_trigger_seconds_sum": 2,
		}},
		{"a change that helm-controller took up by itself", delivered, with(delivered, func(t *triggerv1.TargetStatus) {
			t.Digest, t.DeliveredAt, t.Revision = "c", at(40), 3
		}), at(38).Time, map[string]float64{"deliveries_total{outcome=delivered}": 1}},
		{"a release that is gone", delivered, missing, edit, map[string]float64{}},
		{"a release that is back", missing, first, edit, map[string]float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			registry := prometheus.NewPedanticRegistry()
			m := New(registry)
			m.Observe([]triggerv1.TargetStatus{c.was}, []triggerv1.TargetStatus{c.is}, c.edited)
			g.Expect(counted(g, registry)).To(Equal(c.want))

			m.Observe([]triggerv1.TargetStatus{c.is}, []triggerv1.TargetStatus{c.is}, c.edited)
			g.Expect(counted(g, registry)).To(Equal(c.want), "what is the same is counted once")
		})
	}
}

func TestObserve_tells_targets_apart_by_name_and_not_by_place(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	named := func(t triggerv1.TargetStatus, name string) triggerv1.TargetStatus {
		t.Namespace, t.Name = "apps", name
		return t
	}
	New(registry).Observe(
		[]triggerv1.TargetStatus{named(triggered, "a"), named(delivered, "b"), named(failed, "c")},
		[]triggerv1.TargetStatus{named(failed, "c"), named(delivered, "a"), named(delivered, "b")}, time.Time{})
	g.Expect(counted(g, registry)).To(HaveKeyWithValue("deliveries_total{outcome=delivered}", 1.0))
	g.Expect(counted(g, registry)).NotTo(HaveKey("deliveries_total{outcome=failed}"))
}
