// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math"
	"testing"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// analysisStatus is one that someone has written by hand.
func (d *dice) analysisStatus(word string) *triggerv1.AnalysisStatus {
	if d.below(3) == 0 {
		return nil
	}
	s := &triggerv1.AnalysisStatus{
		Spec: word, Unproven: d.below(2) == 1, Inherited: d.below(4) == 1, MeasuredAt: d.stamp(), InconclusiveSince: d.stamp(),
		Measurements: one[int64](d, 0, 1, -1, math.MaxInt64), Successes: one[int32](d, 0, 1, -1, math.MaxInt32), Failures: one[int32](d, 0, 1, -1, math.MaxInt32),
		Result: one(d, "", triggerv1.AnalysisFailed, triggerv1.AnalysisResult(word)), Failed: one(d, "", "", word),
	}
	for range d.below(3) {
		s.Metrics = append(s.Metrics, triggerv1.MetricStatus{Name: one(d, "m", word), Baseline: one(d, "", "1", word), BaselineOf: one(d, "", word, baselineOf(triggerv1.AnalysisMetric{}))})
		s.Webhooks = append(s.Webhooks, triggerv1.WebhookStatus{Name: one(d, "w", word), Result: triggerv1.AnalysisResult(word)})
	}
	return s
}

// analysis is any that the schema admits, and some that it does not.
func (d *dice) analysis() *triggerv1.Analysis {
	if d.below(3) == 0 {
		return nil
	}
	a := &triggerv1.Analysis{Threshold: one[int32](d, 0, 1, 3, -1)}
	a.Interval.Duration = d.duration()
	if d.below(2) == 1 {
		a.Metrics = append(a.Metrics, triggerv1.AnalysisMetric{Name: "m", Baseline: one(d, "", triggerv1.BaselineRatio, triggerv1.BaselineDifference), ThresholdRange: triggerv1.ThresholdRange{Max: one(d, nil, new(1.0), new(math.NaN()))}})
	}
	for range d.below(3) {
		a.Webhooks = append(a.Webhooks, triggerv1.AnalysisWebhook{Name: "w", Type: one(d, triggerv1.WebhookGate, triggerv1.WebhookCheck, triggerv1.WebhookEvent, "")})
	}
	return a
}

// answers are any to a question, or to none.
func (d *dice) answers(asked *analysis.Request, word string) *analysis.Measurement {
	if asked == nil || d.below(4) == 0 {
		return one(d, nil, &analysis.Measurement{}, &analysis.Measurement{Key: analysis.Key{Digest: first, Stage: "a", Purpose: analysis.Check, Number: 1}})
	}
	answer := func() analysis.Answer {
		return analysis.Answer{
			Result: one(d, triggerv1.AnalysisSuccessful, triggerv1.AnalysisFailed, triggerv1.AnalysisInconclusive, triggerv1.AnalysisResult(word)),
			Value:  one(d, nil, new(0.0), new(5.0), new(math.NaN()), new(math.Inf(1))), Message: word,
		}
	}
	return &analysis.Measurement{Key: asked.Key, Metrics: map[string]analysis.Answer{"m": answer()}, Webhooks: map[string]analysis.Answer{"w": answer()}}
}

// checkMeasured looks at what a decision makes of an analysis.
func checkMeasured(t *testing.T, in Input, d Decision) {
	t.Helper()
	if d.Measure != nil && (d.Measure.Key.Digest != in.Digest || d.Status.Rollback != nil || d.Status.Phase == triggerv1.RolloutHalted || d.Measure.Interval < time.Nanosecond) {
		t.Fatalf("asks for %+v in phase %s", d.Measure, d.Status.Phase)
	}
	if d.Measure != nil && in.Measured != nil && d.Measure.Key == in.Measured.Key {
		t.Fatalf("asks for what has been answered: %+v", d.Measure)
	}
	for _, st := range d.Status.Stages {
		if s := st.Analysis; s != nil && (s.Measurements < 0 || s.Failures < 0 || s.Successes < 0 || len(s.Failed) > 512) {
			t.Fatalf("%+v", s)
		}
	}
}
