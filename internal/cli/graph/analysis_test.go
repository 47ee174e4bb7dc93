// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestAnalysis_Findings(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ago := func(d time.Duration) *metav1.Time { return new(metav1.NewTime(now.Add(-d))) }
	spec := &triggerv1.Analysis{
		Interval: metav1.Duration{Duration: 30 * time.Second}, Threshold: 3,
		Metrics: []triggerv1.AnalysisMetric{
			{Name: "error-rate", ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}},
			{Name: "latency", ThresholdRange: triggerv1.ThresholdRange{Min: new(0.5), Max: new(1.5)}, Baseline: triggerv1.BaselineRatio},
			{Name: "requests", ThresholdRange: triggerv1.ThresholdRange{Min: new(1000000.0)}},
		},
		Webhooks: []triggerv1.AnalysisWebhook{
			{Name: "board", Type: triggerv1.WebhookGate}, {Name: "smoke", Type: triggerv1.WebhookCheck}, {Name: "chat", Type: triggerv1.WebhookEvent},
		},
	}
	texts := func(a *Analysis) (out []string) {
		for _, finding := range a.Findings(now) {
			out = append(out, string(finding.Result)+" "+finding.Text)
		}
		return out
	}
	for _, c := range []struct {
		name   string
		status *triggerv1.AnalysisStatus
		want   []string
	}{
		{"before it is measured", nil, []string{
			" measured every 30s: nothing yet",
			" error-rate: not measured yet (at most 0.05)",
			" latency: not measured yet (ratio to the baseline that is not measured yet: 0.5 to 1.5)",
			" requests: not measured yet (at least 1000000)",
			" gate board: not called yet",
			" check smoke: not called yet",
		}},
		{"with failures and no answers", &triggerv1.AnalysisStatus{
			Result: triggerv1.AnalysisFailed, MeasuredAt: ago(10 * time.Second), Failures: 2, InconclusiveSince: ago(5 * time.Minute),
			Metrics: []triggerv1.MetricStatus{
				{Name: "requests", Result: triggerv1.AnalysisInconclusive, Message: "no data"},
				{Name: "error-rate", Result: triggerv1.AnalysisFailed, Value: "0.31", Message: "0.31 is above 0.05", Failures: 2},
				{Name: "latency", Result: triggerv1.AnalysisSuccessful, Value: "0.12", Baseline: "0.1", Failures: 1},
				{Name: "of another spec", Result: triggerv1.AnalysisFailed},
			},
			Webhooks: []triggerv1.WebhookStatus{{Name: "board", Result: triggerv1.AnalysisSuccessful}, {Name: "smoke", Result: triggerv1.AnalysisFailed, Message: "status 418", Failures: 1}},
		}, []string{
			"Failed measured every 30s: failed 10s ago, 2 of 3 failures, no answer for 5m",
			"Failed error-rate: 0.31 is above 0.05 (at most 0.05); failed 2 times",
			"Successful latency: 0.12 (ratio to the baseline 0.1: 0.5 to 1.5); failed once",
			"Inconclusive requests: no data (at least 1000000)",
			"Successful gate board: successful",
			"Failed check smoke: status 418; failed once",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(texts(analysisOf(spec, c.status))).To(Equal(c.want))
		})
	}
	g := NewWithT(t)
	failed := analysisOf(spec, &triggerv1.AnalysisStatus{Failed: "error-rate 0.31 is above 0.05 (3 of 3)"})
	g.Expect(failed.Findings(now)[0]).To(Equal(Finding{triggerv1.AnalysisFailed, "analysis has failed: error-rate 0.31 is above 0.05 (3 of 3)"}))
	g.Expect(analysisOf(nil, &triggerv1.AnalysisStatus{})).To(BeNil())
	g.Expect(Stage{Analysis: failed}.Matters()).To(BeTrue())
	g.Expect(Stage{Analysis: analysisOf(spec, nil)}.Matters()).To(BeFalse())
	g.Expect(Stage{Analysis: analysisOf(spec, nil), Present: true}.Matters()).To(BeTrue())
}

func TestTurn_names_the_analysis_that_comes_first(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	stages := []triggerv1.Stage{{Name: "canary", Analysis: &triggerv1.Analysis{}}, {Name: "prod"}}
	g.Expect(before(stages)).To(Equal("after stage canary has passed its analysis"))
	stages[0].MinSuccessTime.Duration = 10 * time.Minute
	g.Expect(before(stages)).To(Equal("after stage canary has succeeded for 10m and passed its analysis"))
}
