// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// measured gives a stage an analysis of one metric, which may be 0.05, measured each minute.
func measured(modify ...func(*triggerv1.Analysis)) func(*triggerv1.Stage) {
	return func(stage *triggerv1.Stage) {
		a := &triggerv1.Analysis{Threshold: 1, Metrics: []triggerv1.AnalysisMetric{errorRate("errors{{ .Releases }}")}}
		a.Interval.Duration = time.Minute
		for _, m := range modify {
			m(a)
		}
		stage.Analysis = a
	}
}

func errorRate(query string) triggerv1.AnalysisMetric {
	return triggerv1.AnalysisMetric{Name: "error-rate", Provider: "prometheus", Query: query, ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}}
}

func compared(a *triggerv1.Analysis) { a.Metrics[0].Baseline = triggerv1.BaselineDifference }

func threshold(n int32) func(*triggerv1.Analysis) {
	return func(a *triggerv1.Analysis) { a.Threshold = n }
}

func calls(name string, is triggerv1.WebhookType) func(*triggerv1.Analysis) {
	return func(a *triggerv1.Analysis) {
		a.Webhooks = append(a.Webhooks, triggerv1.AnalysisWebhook{Name: name, Provider: "hooks", Type: is})
	}
}

func unmeasured(a *triggerv1.Analysis) { a.Metrics = nil }

// answers are those to what the last decision has asked for: the metric has the value, none if it is
// negative, and a webhook the result.
func (s *scene) answers(value float64, result triggerv1.AnalysisResult) *analysis.Measurement {
	m := &analysis.Measurement{Key: s.last.Measure.Key, Metrics: map[string]analysis.Answer{}, Webhooks: map[string]analysis.Answer{}}
	for _, asked := range s.last.Measure.Metrics {
		m.Metrics[asked.Name] = analysis.Answer{Result: triggerv1.AnalysisInconclusive, Message: "no data"}
		if value >= 0 {
			m.Metrics[asked.Name] = analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: &value}
		}
	}
	for _, asked := range s.last.Measure.Webhooks {
		m.Webhooks[asked.Name] = analysis.Answer{Result: result, Message: "status 418"}
	}
	return m
}

// measure lets the clock go on until a measurement is due, and answers it with a value. It returns whom
// the decisions since admit.
func (s *scene) measure(value float64) []string {
	return s.answer(value, triggerv1.AnalysisSuccessful)
}

func (s *scene) answer(value float64, result triggerv1.AnalysisResult) []string {
	s.ask()
	s.Measured = s.answers(value, result)
	return s.admitted()
}

// ask lets the clock go on until a measurement is due.
func (s *scene) ask() {
	for range 10 {
		if s.admitted(); s.last.Measure != nil {
			return
		}
		s.later(s.last.After)
	}
	panic("nothing is measured")
}

// analysis returns what is recorded of the first stage.
func (s *scene) analysis() *triggerv1.AnalysisStatus { return s.Previous.Stages[0].Analysis }

func (s *scene) stagePhase() triggerv1.StagePhase { return s.Previous.Stages[0].Phase }
