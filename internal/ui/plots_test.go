// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// measured is a rollout whose present stage has failed by its analysis.
func measured() *triggerv1.ValuesTrigger {
	vt := halted()
	vt.Spec.Rollout.Stages[1].Analysis = &triggerv1.Analysis{Threshold: 3, Metrics: []triggerv1.AnalysisMetric{
		{Name: "error-rate", Provider: "prometheus", Query: "errors", ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}, Baseline: triggerv1.BaselineDifference},
	}, Webhooks: []triggerv1.AnalysisWebhook{{Name: "smoke", Provider: "tests", Type: triggerv1.WebhookCheck}}}
	vt.Status.Rollout.Stages[1].Analysis = &triggerv1.AnalysisStatus{
		Measurements: 3, Result: triggerv1.AnalysisFailed, Failures: 3, Failed: "error-rate 0.31 is above 0.15 (3 of 3)",
		Metrics:  []triggerv1.MetricStatus{{Name: "error-rate", Result: triggerv1.AnalysisFailed, Value: "0.31", Baseline: "0.1", Failures: 3, Message: "0.31 <b>is</b> above"}},
		Webhooks: []triggerv1.WebhookStatus{{Name: "smoke", Result: triggerv1.AnalysisSuccessful, Message: "status 200"}},
	}
	return vt
}

func TestBoard_draws_what_is_measured(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	body := newSite(t, interceptor.Funcs{}, measured()).body(t, "/board/apps/shop")
	g.Expect(body).To(And(
		ContainSubstring("analysis has failed: error-rate 0.31 is above 0.15 (3 of 3)"),
		ContainSubstring("check smoke: status 200"),
		ContainSubstring(`role="img" aria-label="error-rate: 0.31; 0.31 &lt;b&gt;is&lt;/b&gt; above (difference to the baseline 0.1: at most 0.05); failed 3 times`),
		ContainSubstring(`<rect class="band"`), ContainSubstring(`<line class="baseline"`), ContainSubstring(`<path class="failed"`),
	))
	g.Expect(body).NotTo(MatchRegexp(`<[^>]* style=`), "the policy of the page refuses it")
	g.Expect(newSite(t, interceptor.Funcs{}, halted()).body(t, "/board/apps/shop")).NotTo(ContainSubstring(`class="analysis"`))
}

// Each measurement is one point, whatever else of the object changes; what no status speaks of is forgotten.
func TestSampled(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := measured()
	s := vt.Status.Rollout.Stages[1].Analysis
	key := metricKey{vt.UID, present, "eu", "error-rate"}
	known := map[metricKey][]sample{}
	for number := int64(1); number <= maxSamples+5; number++ {
		s.Measurements = number
		known = sampled(known, []triggerv1.ValuesTrigger{*vt})
		known = sampled(known, []triggerv1.ValuesTrigger{*vt})
	}
	g.Expect(known[key]).To(HaveLen(maxSamples))
	g.Expect(known[key][0].number).To(BeEquivalentTo(6))

	s.Measurements, s.Metrics[0].Value = maxSamples+6, ""
	known = sampled(known, []triggerv1.ValuesTrigger{*vt})
	g.Expect(known[key]).To(HaveLen(maxSamples), "no answer is no point")

	s.Measurements, s.Metrics[0].Value = 1, "0.2"
	known = sampled(known, []triggerv1.ValuesTrigger{*vt})
	g.Expect(known[key]).To(Equal([]sample{{number: 1, value: 0.2, failed: true}}), "it is counted from the beginning again")

	vt.Status.Rollout = nil
	g.Expect(sampled(known, []triggerv1.ValuesTrigger{*vt})).To(BeEmpty())
}

func TestPlotOf(t *testing.T) {
	t.Parallel()
	values := func(all ...float64) []sample {
		var out []sample
		for i, v := range all {
			out = append(out, sample{number: int64(i + 1), value: v})
		}
		return out
	}
	metric := graph.Metric{MetricStatus: triggerv1.MetricStatus{Name: "m", Baseline: "10"}, Range: triggerv1.ThresholdRange{Min: new(0.5), Max: new(2.0)}}
	for name, c := range map[string]struct {
		compared triggerv1.Baseline
		values   []sample
		band     *plotBand
		baseline *float64
		line     string
	}{
		"no value":           {},
		"a value alone":      {values: values(1), band: &plotBand{Y: 5, Height: 38}},
		"values and a range": {values: values(0.5, 2), band: &plotBand{Y: 5, Height: 38}, line: "5,43 235,5"},
		"a ratio":            {compared: triggerv1.BaselineRatio, values: values(5, 20), band: &plotBand{Y: 5, Height: 38}, baseline: new(30.3), line: "5,43 235,5"},
		"a difference":       {compared: triggerv1.BaselineDifference, values: values(10.5, 12), band: &plotBand{Y: 5, Height: 28.5}, baseline: new(43.0), line: "5,33.5 235,5"},
		"the largest":        {values: values(-1.7e308, 1.7e308), band: &plotBand{Y: 24, Height: 1}, line: "5,43 235,5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			m := metric
			m.Compared = c.compared
			p := plotOf(m, c.values)
			g.Expect(p.Band).To(Equal(c.band))
			g.Expect(p.Baseline).To(Equal(c.baseline))
			g.Expect(p.Line).To(Equal(c.line))
			g.Expect(strings.Contains(p.Line, "NaN")).To(BeFalse())
		})
	}
}
