// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"encoding/json"
	"fmt"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file keeps the record of what is measured of a stage in line with the spec and with what becomes of
// the stage.

// measures reports whether the analysis of a stage has metrics or checks.
func (st *stage) measures() bool {
	a := st.spec.Analysis
	return a != nil && len(a.Metrics)+len(webhooksOf(a, triggerv1.WebhookCheck)) > 0
}

// analysisFailed returns why the analysis has failed the stage, empty if it has not.
func (st *stage) analysisFailed() string {
	if st.Analysis == nil {
		return ""
	}
	return st.Analysis.Failed
}

// isMeasured reports whether a stage is to be measured: it has started, and not failed. As long as targets may
// run content before this one that has not passed, what is measured would be blamed on this one.
func (st *stage) isMeasured() bool {
	inherited := st.Analysis != nil && st.Analysis.Inherited && st.Phase == triggerv1.StageProgressing
	return st.measures() && begun(st.Phase) && st.analysisFailed() == "" && !inherited
}

// failsAnalysis reports that the analysis has failed a stage that has not finished all the same.
func (st *stage) failsAnalysis() bool {
	return st.analysisFailed() != "" && st.Phase != triggerv1.StageFinished
}

// unproven reports that targets of the stage may run content that has not passed.
func unproven(st *triggerv1.StageStatus) bool { return st.Analysis != nil && st.Analysis.Unproven }

// noted returns the record of what was measured, which begins with this if there is none.
func (st *stage) noted() *triggerv1.AnalysisStatus {
	if st.Analysis == nil {
		st.Analysis = &triggerv1.AnalysisStatus{Spec: specOf(st.spec.Analysis)}
	}
	return st.Analysis
}

func webhooksOf(a *triggerv1.Analysis, is triggerv1.WebhookType) []triggerv1.AnalysisWebhook {
	var found []triggerv1.AnalysisWebhook
	for _, w := range a.Webhooks {
		if w.Type == is {
			found = append(found, w)
		}
	}
	return found
}

// EventWebhooks returns the webhooks of a stage that are informed of what becomes of it.
func EventWebhooks(r *triggerv1.Rollout, name string) []triggerv1.AnalysisWebhook {
	if r == nil {
		return nil
	}
	for _, stage := range r.Stages {
		if stage.Name == name && stage.Analysis != nil {
			return webhooksOf(stage.Analysis, triggerv1.WebhookEvent)
		}
	}
	return nil
}

// specOf returns the digest of all that an analysis asks, empty if there is none.
func specOf(a *triggerv1.Analysis) string {
	if a == nil {
		return ""
	}
	return digest.Short(digest.Combine(map[string]string{
		"metrics": encoded(a.Metrics), "gates": encoded(webhooksOf(a, triggerv1.WebhookGate)), "checks": encoded(webhooksOf(a, triggerv1.WebhookCheck)),
	}))
}

func encoded(asked any) string {
	text, err := json.Marshal(asked)
	if err != nil { // NaN is no JSON, so no API server has it.
		return fmt.Sprint(asked)
	}
	return string(text)
}

// baselineOf returns the digest of what a baseline is from.
func baselineOf(m triggerv1.AnalysisMetric) string {
	return digest.Short(digest.Combine(map[string]string{"provider": m.Provider, "query": m.Query}))
}

// baselines returns what is recorded of metrics that are compared with a value from before the change, for as
// long as provider and query are the same.
func baselines(a *triggerv1.Analysis, recorded *triggerv1.AnalysisStatus) []triggerv1.MetricStatus {
	var kept []triggerv1.MetricStatus
	for _, m := range a.Metrics {
		if before := metricOf(recorded, m.Name); m.Baseline != "" && before.Baseline != "" && before.BaselineOf == baselineOf(m) {
			kept = append(kept, triggerv1.MetricStatus{Name: m.Name, Baseline: before.Baseline, BaselineOf: before.BaselineOf})
		}
	}
	return kept
}

func metricOf(s *triggerv1.AnalysisStatus, name string) triggerv1.MetricStatus {
	if s != nil {
		for _, m := range s.Metrics {
			if m.Name == name {
				return m
			}
		}
	}
	return triggerv1.MetricStatus{}
}

func webhookOf(s *triggerv1.AnalysisStatus, name string) triggerv1.WebhookStatus {
	if s != nil {
		for _, w := range s.Webhooks {
			if w.Name == name {
				return w
			}
		}
	}
	return triggerv1.WebhookStatus{}
}

// inherit gives a stage whose rollout begins what is kept of the one before, if that has started the stage
// and it has neither passed nor been rolled back: the values from before that are those to compare with,
// and that a target runs the content already proves nothing. Without any record, that is so of what was
// not delivered everywhere.
func (st *stage) inherit(previous *triggerv1.RolloutStatus, targets group) {
	if st.spec.Analysis == nil {
		return
	}
	if previous == nil {
		if st.measures() && !targets.idle() {
			st.noted().Unproven = true
		}
		return
	}
	for i := range previous.Stages {
		if before := &previous.Stages[i]; before.Name == st.Name && unproven(before) {
			st.noted().Unproven, st.Analysis.Inherited = true, true
			st.Analysis.Metrics = baselines(st.spec.Analysis, before.Analysis)
		}
	}
}

// align brings what was measured in line with the spec: with other metrics or webhooks, all is counted again.
// What has failed stays so, since the content has.
func (st *stage) align() {
	s, a := st.Analysis, st.spec.Analysis
	switch spec := specOf(a); {
	case s == nil, s.Spec == spec, s.Failed != "":
	case a == nil:
		st.Analysis = nil
	default:
		st.Analysis = &triggerv1.AnalysisStatus{Spec: spec, Unproven: s.Unproven, Inherited: s.Inherited, Measurements: s.Measurements, Metrics: baselines(a, s)}
		if st.Phase == triggerv1.StageSoaking {
			st.Since = later(st.now)
		}
	}
	if st.measures() && begun(st.Phase) && st.noted().MeasuredAt == nil {
		st.Analysis.MeasuredAt = later(st.now)
	}
}

// enter notes that a stage enters a phase. The interval begins with the start, and again when all is
// delivered.
func (st *stage) enter(phase triggerv1.StagePhase) {
	if st.Analysis == nil && !st.measures() {
		return
	}
	switch s := st.noted(); {
	case begun(phase) && !begun(st.Phase):
		s.Unproven, s.MeasuredAt = true, later(st.now)
		recount(s)
	case phase == triggerv1.StageSoaking:
		s.MeasuredAt, s.Successes = later(st.now), 0
	case phase == triggerv1.StageFinished, phase == triggerv1.StageRolledBack:
		s.Unproven, s.Inherited = s.Failed != "" && phase == triggerv1.StageFinished, false
		for i := range s.Metrics {
			s.Metrics[i].Message = ""
		}
		for i := range s.Webhooks {
			s.Webhooks[i].Message = ""
		}
	}
}

// recount begins to count again.
func recount(s *triggerv1.AnalysisStatus) {
	s.Result, s.Successes, s.Failures, s.InconclusiveSince, s.Failed = "", 0, 0, nil, ""
	for i, m := range s.Metrics {
		s.Metrics[i] = triggerv1.MetricStatus{Name: m.Name, Baseline: m.Baseline, BaselineOf: m.BaselineOf}
	}
	for i := range s.Webhooks {
		s.Webhooks[i].Failures = 0
	}
}

// retry lets a stage that has not finished be measured again from the beginning, since a person retries.
func retry(st *triggerv1.StageStatus, now time.Time) {
	s := st.Analysis
	switch {
	case s == nil:
		return
	case st.Phase == triggerv1.StageWaiting:
		s.MeasuredAt = nil // The next one is due at once.
	case begun(st.Phase):
		st.Since, s.MeasuredAt = later(now), later(now)
	default:
		return
	}
	recount(s)
}

// fixedAnalysis does what fixed does.
func fixedAnalysis(s *triggerv1.AnalysisStatus, now time.Time) {
	if s == nil {
		return
	}
	if s.MeasuredAt != nil {
		s.MeasuredAt = notAfter(s.MeasuredAt, now)
	}
	if s.InconclusiveSince != nil {
		s.InconclusiveSince = notAfter(s.InconclusiveSince, now)
	}
	s.Measurements, s.Successes, s.Failures = max(0, s.Measurements), max(0, s.Successes), max(0, s.Failures)
}
