// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// listTimeout bounds a listing from a cache that is not filled yet.
const listTimeout = time.Second

// otherReason stands for reasons that this version does not know: a status could come
// from a newer one.
const otherReason = "Other"

var (
	targetStates = []triggerv1.TargetState{
		triggerv1.TargetPending, triggerv1.TargetHeld, triggerv1.TargetTriggered,
		triggerv1.TargetDelivered, triggerv1.TargetFailed, triggerv1.TargetMissing,
	}

	reasons = []string{
		meta.SucceededReason, meta.ProgressingReason, acl.AccessDeniedReason, triggerv1.InvalidSpecReason,
		triggerv1.SourceNotFoundReason, triggerv1.NameConflictReason, triggerv1.SecretsDisabledReason, triggerv1.ReadFailedReason,
		triggerv1.TargetNotFoundReason, triggerv1.TargetsHeldReason, triggerv1.DeliveryFailedReason,
		triggerv1.AwaitingWindowReason, triggerv1.AwaitingApprovalReason, triggerv1.AwaitingGateReason, triggerv1.RolloutHaltedReason,
		triggerv1.RolledBackReason, triggerv1.RollbackHaltedReason, triggerv1.SelectorMatchesNothingReason,
	}
)

// states is a collector of gauges that are computed from the ValuesTriggers in the cache
// when Prometheus asks. So they are right after a restart and a change of leader, and
// nothing has to be kept in step.
type states struct {
	targets  *prometheus.Desc
	triggers *prometheus.Desc
	rollouts *prometheus.Desc
	measured *prometheus.Desc
	oldest   *prometheus.Desc

	// view is what the running manager sees. Registries are global, managers are not.
	view atomic.Pointer[view]
}

type view struct {
	cache   client.Reader
	serves  func(client.Object) bool
	elected <-chan struct{}
}

func newStates() *states {
	return &states{
		targets: prometheus.NewDesc("trigger_targets",
			"HelmReleases that are targets of ValuesTriggers that are not suspended, by the state of the delivery.", []string{"state"}, nil),
		triggers: prometheus.NewDesc("trigger_valuestriggers",
			"ValuesTriggers by the status and reason of their Ready condition.", []string{"ready", "reason", "suspended"}, nil),
		rollouts: prometheus.NewDesc("trigger_rollouts",
			"Rollouts of ValuesTriggers with a quiet period, windows or stages that are not suspended, by phase.", []string{"phase"}, nil),
		measured: prometheus.NewDesc("trigger_stages_measured",
			"Present stages of rollouts that are not suspended, by the result of their last measurement.", []string{"result"}, nil),
		oldest: prometheus.NewDesc("trigger_oldest_change_seconds",
			"Age of the oldest change in progress, of those that wait for no gate or approval and are not rollouts. 0 if there is none.", nil, nil),
	}
}

// Serve has the gauges computed from a cache, of the objects that this instance serves,
// and only while it leads: the others would report the same once more.
func (m *Metrics) Serve(cache client.Reader, serves func(client.Object) bool, elected <-chan struct{}) {
	m.states.view.Store(&view{cache: cache, serves: serves, elected: elected})
}

// Describe implements prometheus.Collector.
func (s *states) Describe(out chan<- *prometheus.Desc) {
	out <- s.targets
	out <- s.triggers
	out <- s.rollouts
	out <- s.measured
	out <- s.oldest
}

// presentResult returns the result of the last measurement of the present stage, empty if there is none.
func presentResult(s *triggerv1.RolloutStatus) triggerv1.AnalysisResult {
	for _, st := range s.Stages {
		if st.Name == s.Stage && st.Analysis != nil {
			return st.Analysis.Result
		}
	}
	return ""
}

// Collect implements prometheus.Collector.
func (s *states) Collect(out chan<- prometheus.Metric) {
	triggers, ok := s.view.Load().list()
	if !ok {
		return
	}
	targets := map[triggerv1.TargetState]int{}
	phases, measured := map[triggerv1.RolloutPhase]int{}, map[triggerv1.AnalysisResult]int{}
	ready := map[[3]string]int{}
	var oldest time.Duration
	now := time.Now()
	for i := range triggers {
		vt := &triggers[i]
		if !vt.Spec.Suspend {
			count(vt, targets)
			if vt.Status.Rollout != nil {
				phases[vt.Status.Rollout.Phase]++
				measured[presentResult(vt.Status.Rollout)]++
			}
		}
		ready[readiness(vt)]++
		oldest = max(oldest, age(vt, now))
	}
	for _, state := range targetStates {
		out <- prometheus.MustNewConstMetric(s.targets, prometheus.GaugeValue, float64(targets[state]), string(state))
	}
	for _, phase := range rolloutPhases {
		out <- prometheus.MustNewConstMetric(s.rollouts, prometheus.GaugeValue, float64(phases[phase]), string(phase))
	}
	for _, result := range analysisResults {
		out <- prometheus.MustNewConstMetric(s.measured, prometheus.GaugeValue, float64(measured[result]), strings.ToLower(string(result)))
	}
	for labels, n := range ready {
		out <- prometheus.MustNewConstMetric(s.triggers, prometheus.GaugeValue, float64(n), labels[:]...)
	}
	out <- prometheus.MustNewConstMetric(s.oldest, prometheus.GaugeValue, oldest.Seconds())
}

// count adds the targets of a trigger by state. A status of an earlier version lists all of them and
// counts none.
func count(vt *triggerv1.ValuesTrigger, targets map[triggerv1.TargetState]int) {
	summary := vt.Status.Summary
	if summary == nil {
		summary = plan.Count(vt.Status.Targets)
	}
	targets[triggerv1.TargetPending] += int(summary.Pending)
	targets[triggerv1.TargetHeld] += int(summary.Held)
	targets[triggerv1.TargetTriggered] += int(summary.Triggered)
	targets[triggerv1.TargetDelivered] += int(summary.Delivered)
	targets[triggerv1.TargetFailed] += int(summary.Failed)
	targets[triggerv1.TargetMissing] += int(summary.Missing)
}

// list returns the triggers of which this instance has to report. They belong to the
// cache.
func (v *view) list() ([]triggerv1.ValuesTrigger, bool) {
	if v == nil {
		return nil, false
	}
	select {
	case <-v.elected:
	default:
		return nil, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), listTimeout)
	defer cancel()
	list := &triggerv1.ValuesTriggerList{}
	if err := v.cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, false // The cache is not filled, and says so in the log.
	}
	served := list.Items[:0]
	for i := range list.Items {
		if v.serves(&list.Items[i]) {
			served = append(served, list.Items[i])
		}
	}
	return served, true
}

// readiness returns the labels of a trigger.
func readiness(vt *triggerv1.ValuesTrigger) [3]string {
	status, reason := string(metav1.ConditionUnknown), otherReason
	if ready := conditions.Get(vt, meta.ReadyCondition); ready != nil {
		status = string(ready.Status)
		for _, known := range reasons {
			if ready.Reason == known {
				reason = known
			}
		}
	} else {
		reason = meta.ProgressingReason
	}
	return [3]string{status, reason, word(vt.Spec.Suspend)}
}

// age returns how long the newest change of a trigger is in progress, 0 if none is: what
// is held, missing or failed waits for a person, and a rollout takes its time.
func age(vt *triggerv1.ValuesTrigger, now time.Time) time.Duration {
	if vt.Spec.Suspend || vt.Status.Rollout != nil || len(vt.Status.History) == 0 || !conditions.IsUnknown(vt, meta.ReadyCondition) {
		return 0
	}
	if change := vt.Status.History[0]; change.Outcome == triggerv1.ChangeInProgress {
		return now.Sub(change.Time.Time)
	}
	return 0
}
