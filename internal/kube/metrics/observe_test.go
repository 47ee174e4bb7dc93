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
	for _, c := range []struct {
		name    string
		was, is triggerv1.TargetStatus
		want    map[string]float64
	}{
		{"a release that runs its content is seen for the first time", unseen, first, map[string]float64{}},
		{"a release that was not installed yet runs its content", with(pending, func(t *triggerv1.TargetStatus) {
			t.Digest, t.DeliveredAt = "", nil
		}), first, map[string]float64{}},
		{"a change waits", first, pending, map[string]float64{}},
		{"a request", first, triggered, map[string]float64{
			"requests_total{forced=false}": 1,
		}},
		{"a request after a wait", pending, triggered, map[string]float64{
			"requests_total{forced=false}": 1,
		}},
		{"a request at first sight", unseen, triggered, map[string]float64{"requests_total{forced=false}": 1}},
		{"a forced request", first, forced, map[string]float64{"requests_total{forced=true}": 1}},
		{"the same request once more", triggered, triggered, map[string]float64{}},
		{"the proof", triggered, delivered, map[string]float64{
			"deliveries_total{outcome=delivered}": 1, "trigger_to_delivered_seconds_count": 1, "trigger_to_delivered_seconds_sum": 3,
		}},
		{"the proof of what was requested before a crash", first, delivered, map[string]float64{
			"requests_total{forced=false}":        1,
			"deliveries_total{outcome=delivered}": 1, "trigger_to_delivered_seconds_count": 1, "trigger_to_delivered_seconds_sum": 3,
		}},
		{"the same proof once more", delivered, delivered, map[string]float64{}},
		{"a failure", triggered, failed, map[string]float64{"deliveries_total{outcome=failed}": 1}},
		{"the same failure in other words", failed, with(failed, func(t *triggerv1.TargetStatus) { t.Message = "other" }), map[string]float64{}},
		{"a late proof", failed, delivered, map[string]float64{
			"deliveries_total{outcome=delivered}": 1, "trigger_to_delivered_seconds_count": 1, "trigger_to_delivered_seconds_sum": 3,
		}},
		{"a lost request", triggered, repeated, map[string]float64{"requests_total{forced=false}": 1, "requests_lost_total": 1}},
		{"newer content while a request is in progress", triggered, newer, map[string]float64{
			"requests_total{forced=false}": 1, "deliveries_total{outcome=superseded}": 1,
		}},
		{"newer content after a failure", failed, newer, map[string]float64{
			"requests_total{forced=false}": 1,
		}},
		{"a change that helm-controller applied by itself", delivered, with(delivered, func(t *triggerv1.TargetStatus) {
			t.Digest, t.DeliveredAt, t.Revision = "c", at(40), 3
		}), map[string]float64{"deliveries_total{outcome=delivered}": 1}},
		{"one that it applied within the second of the delivery before", delivered, with(delivered, func(t *triggerv1.TargetStatus) {
			t.Digest, t.Revision = "c", 3
		}), map[string]float64{"deliveries_total{outcome=delivered}": 1}},
		{"a change that does not matter to the release", delivered, with(delivered, func(t *triggerv1.TargetStatus) { t.Digest = "c" }), map[string]float64{}},
		{"a release that is gone", delivered, missing, map[string]float64{}},
		{"a release that is back", missing, first, map[string]float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			registry := prometheus.NewPedanticRegistry()
			m := New(registry)
			m.Observe(c.was, c.is)
			g.Expect(counted(g, registry)).To(Equal(c.want))

			m.Observe(c.is, c.is)
			g.Expect(counted(g, registry)).To(Equal(c.want), "what is the same is counted once")
		})
	}
}

func TestObserveReaction(t *testing.T) {
	t.Parallel()
	request := at(12).Time
	exactly := func(d time.Duration) Change { return Change{Seen: request.Add(-d)} }
	recorded := func(seconds int) Change { return Change{Seen: at(seconds).Time, Recorded: true} }
	for _, c := range []struct {
		name    string
		change  Change
		was     *triggerv1.TargetStatus
		is      triggerv1.TargetStatus
		want    float64
		ignored bool
	}{
		{"a change that is requested at once", exactly(12 * time.Millisecond), &first, triggered, 0.012, false},
		{"a change that has waited", recorded(10), &pending, triggered, 2, false},
		{"a change that waited for less than a second", recorded(12), &pending, triggered, 0, false},
		{"a clock that was set back", recorded(14), &pending, triggered, 0, false},
		{"newer content while a request is in progress", exactly(time.Millisecond), &triggered, newer, 0.001, false},
		{"newer content after a failure", recorded(10), &failed, newer, 2, false},
		{"what a person asks for", Change{}, &first, forced, 0, true},
		{"a repetition", exactly(time.Second), &triggered, repeated, 0, true},
		{"a request at first sight", exactly(time.Second), nil, triggered, 0, true},
		{"a request after a first sight", exactly(time.Second), &missing, triggered, 0, true},
		{"content that was requested before", recorded(10), &triggered, triggered, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			registry := prometheus.NewPedanticRegistry()
			m := New(registry)
			m.ObserveReaction(c.change, c.was, c.is, request)
			got := counted(g, registry)
			if c.ignored {
				g.Expect(got).To(BeEmpty())
				return
			}
			g.Expect(got).To(HaveKeyWithValue("edit_to_trigger_seconds_count", 1.0))
			g.Expect(got["edit_to_trigger_seconds_sum"]).To(BeNumerically("~", c.want, 1e-6))
		})
	}
}

func TestHistograms_tell_milliseconds_apart_and_are_native_too(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	m := New(registry)
	m.ObserveReaction(Change{Seen: at(0).Time}, &first, triggered, at(0).Add(12*time.Millisecond))
	families, err := registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	histograms := 0
	for _, family := range families {
		histogram := family.GetMetric()[0].GetHistogram()
		if histogram == nil {
			continue
		}
		histograms++
		g.Expect(histogram.GetBucket()).NotTo(BeEmpty(), family.GetName())
		g.Expect(histogram.Schema).NotTo(BeNil(), family.GetName())
		if family.GetName() == "trigger_edit_to_trigger_seconds" {
			for _, b := range histogram.GetBucket() {
				g.Expect(b.GetCumulativeCount() > 0).To(Equal(b.GetUpperBound() >= 0.025), "%v", b)
			}
		}
	}
	g.Expect(histograms).To(Equal(3))
}
