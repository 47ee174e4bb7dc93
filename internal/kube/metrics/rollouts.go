// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Outcomes of a rollout, beside being superseded.
const (
	outcomeFinished = "finished"
	outcomeHalted   = "halted"

	outcomeRolledBack     = "rolled_back"
	outcomeRollbackHalted = "rollback_halted"
)

var (
	rolloutBuckets = []float64{10, 60, 300, 900, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600}

	rolloutPhases = []triggerv1.RolloutPhase{
		triggerv1.RolloutSettling, triggerv1.RolloutAwaitingWindow, triggerv1.RolloutAwaitingApproval,
		triggerv1.RolloutAwaitingGate, triggerv1.RolloutProgressing, triggerv1.RolloutSoaking, triggerv1.RolloutBlocked, triggerv1.RolloutHalted, triggerv1.RolloutFinished,
		triggerv1.RolloutRollingBack, triggerv1.RolloutRolledBack, triggerv1.RolloutRollbackHalted,
	}
)

// analysisResults are those of a measurement.
var analysisResults = []triggerv1.AnalysisResult{triggerv1.AnalysisSuccessful, triggerv1.AnalysisFailed, triggerv1.AnalysisInconclusive}

// endPhases are those of a rollout that has come to an end.
var endPhases = []triggerv1.RolloutPhase{
	triggerv1.RolloutFinished, triggerv1.RolloutHalted, triggerv1.RolloutRolledBack, triggerv1.RolloutRollbackHalted,
}

// rollouts are the metrics of what holds changes back.
type rollouts struct {
	ended    *prometheus.CounterVec
	took     prometheus.Histogram
	measured *prometheus.CounterVec
}

func newRollouts() rollouts {
	r := rollouts{
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trigger_rollouts_total",
			Help: "Rollouts that came to an end, by outcome: finished, halted, rolled_back, rollback_halted, superseded. " +
				"One that has halted and continues after a reset counts as both.",
		}, []string{"outcome"}),
		took: newHistogram("trigger_change_to_finished_seconds",
			"Time from the change that a rollout delivers until it was finished, waiting included. In whole seconds.", rolloutBuckets),
		measured: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trigger_measurements_total",
			Help: "Measurements of stages, by purpose (start: gates and baselines, check) and result: successful, failed (of a gate: closed), inconclusive.",
		}, []string{"purpose", "result"}),
	}
	for _, purpose := range []analysis.Purpose{analysis.Start, analysis.Check} {
		for _, result := range analysisResults {
			r.measured.WithLabelValues(strings.ToLower(string(purpose)), strings.ToLower(string(result)))
		}
	}
	for _, outcome := range []string{outcomeFinished, outcomeHalted, outcomeRolledBack, outcomeRollbackHalted, outcomeSuperseded} {
		r.ended.WithLabelValues(outcome)
	}
	return r
}

// ObserveRollout counts what became of a rollout from one stored status to the next, at a
// time. A change that nothing had to be done for is not a rollout.
func (m *Metrics) ObserveRollout(was, is *triggerv1.RolloutStatus, at time.Time) {
	for _, taken := range rollout.Measurements(was, is) {
		if slices.Contains(analysisResults, taken.Result) {
			m.rollouts.measured.WithLabelValues(strings.ToLower(string(taken.Purpose)), strings.ToLower(string(taken.Result))).Inc()
		}
	}
	if was == nil || is == nil {
		return
	}
	if was.Digest != is.Digest {
		if !slices.Contains(endPhases, was.Phase) {
			m.rollouts.ended.WithLabelValues(outcomeSuperseded).Inc()
		}
		return
	}
	if was.Phase == is.Phase {
		return
	}
	switch is.Phase {
	case triggerv1.RolloutHalted:
		m.rollouts.ended.WithLabelValues(outcomeHalted).Inc()
	case triggerv1.RolloutRolledBack:
		m.rollouts.ended.WithLabelValues(outcomeRolledBack).Inc()
	case triggerv1.RolloutRollbackHalted:
		m.rollouts.ended.WithLabelValues(outcomeRollbackHalted).Inc()
	case triggerv1.RolloutFinished:
		m.rollouts.ended.WithLabelValues(outcomeFinished).Inc()
		if is.ChangedAt != nil {
			m.rollouts.took.Observe(seconds(is.ChangedAt.Time, new(metav1.NewTime(at))))
		}
	case triggerv1.RolloutSettling, triggerv1.RolloutAwaitingWindow, triggerv1.RolloutAwaitingApproval,
		triggerv1.RolloutAwaitingGate, triggerv1.RolloutProgressing, triggerv1.RolloutSoaking, triggerv1.RolloutBlocked,
		triggerv1.RolloutRollingBack:
	}
}
