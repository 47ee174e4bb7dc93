// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Analysis is what is measured of a stage: what the spec wants, and what the status has of it.
type Analysis struct {
	Interval  metav1.Duration `json:"interval"`
	Threshold int32           `json:"threshold"`

	// Result of the last measurement, unset before the first, and when that was.
	Result     triggerv1.AnalysisResult `json:"result,omitempty"`
	MeasuredAt *metav1.Time             `json:"measuredAt,omitempty"`

	// Measurements that were made, Successes in a row since the stage is ready, and Failures of the threshold.
	Measurements int64 `json:"measurements,omitempty"`
	Successes    int32 `json:"successes,omitempty"`
	Failures     int32 `json:"failures,omitempty"`

	// InconclusiveSince is since when there is no answer, and Failed why the stage has failed.
	InconclusiveSince *metav1.Time `json:"inconclusiveSince,omitempty"`
	Failed            string       `json:"failed,omitempty"`

	Metrics  []Metric  `json:"metrics,omitempty"`
	Webhooks []Webhook `json:"webhooks,omitempty"`
}

// Metric is the last value of a metric beside its range.
type Metric struct {
	triggerv1.MetricStatus
	Range triggerv1.ThresholdRange `json:"thresholdRange"`

	// Compared says how the value is compared with the baseline, empty if it is not.
	Compared triggerv1.Baseline `json:"compared,omitempty"`
}

// Webhook is the last answer of a webhook.
type Webhook struct {
	triggerv1.WebhookStatus
	Type triggerv1.WebhookType `json:"type"`
}

// analysisOf returns what is measured of a stage, nil if nothing is.
func analysisOf(spec *triggerv1.Analysis, status *triggerv1.AnalysisStatus) *Analysis {
	if spec == nil {
		return nil
	}
	a := &Analysis{Interval: metav1.Duration{Duration: spec.GetInterval()}, Threshold: spec.GetThreshold()}
	if status == nil {
		status = &triggerv1.AnalysisStatus{}
	}
	a.Result, a.MeasuredAt, a.Measurements = status.Result, status.MeasuredAt, status.Measurements
	a.Successes, a.Failures, a.InconclusiveSince, a.Failed = status.Successes, status.Failures, status.InconclusiveSince, status.Failed
	for _, m := range spec.Metrics {
		one := Metric{MetricStatus: triggerv1.MetricStatus{Name: m.Name}, Range: m.ThresholdRange, Compared: m.Baseline}
		if i := slices.IndexFunc(status.Metrics, func(s triggerv1.MetricStatus) bool { return s.Name == m.Name }); i >= 0 {
			one.MetricStatus = status.Metrics[i]
		}
		a.Metrics = append(a.Metrics, one)
	}
	for _, w := range spec.Webhooks {
		if w.Type == triggerv1.WebhookEvent {
			continue // Its answer does not matter.
		}
		one := Webhook{WebhookStatus: triggerv1.WebhookStatus{Name: w.Name}, Type: w.Type}
		if i := slices.IndexFunc(status.Webhooks, func(s triggerv1.WebhookStatus) bool { return s.Name == w.Name }); i >= 0 {
			one.WebhookStatus = status.Webhooks[i]
		}
		a.Webhooks = append(a.Webhooks, one)
	}
	return a
}

// Matters reports whether the analysis of a stage says something about what happens now: it is the
// present one, or has failed.
func (s Stage) Matters() bool { return s.Analysis != nil && (s.Present || s.Analysis.Failed != "") }

// Finding is a line about an analysis.
type Finding struct {
	Result triggerv1.AnalysisResult
	Text   string
}

// Findings says what the analysis has found, one line for all together and one for each metric and webhook.
func (a *Analysis) Findings(now time.Time) []Finding {
	out := []Finding{{a.Result, a.text(now)}}
	if a.Failed != "" {
		out[0].Result = triggerv1.AnalysisFailed
	}
	for _, m := range a.Metrics {
		text := cmp.Or(m.Value, "not measured yet")
		if m.Result != triggerv1.AnalysisSuccessful {
			text = cmp.Or(m.Message, text)
		}
		out = append(out, Finding{m.Result, fmt.Sprintf("%s: %s (%s)%s", m.Name, text, m.wants(), times(m.Failures))})
	}
	for _, w := range a.Webhooks {
		text := cmp.Or(w.Message, strings.ToLower(string(w.Result)), "not called yet")
		out = append(out, Finding{w.Result, fmt.Sprintf("%s %s: %s%s", w.Type, w.Name, text, times(w.Failures))})
	}
	return out
}

// text is about all together.
func (a *Analysis) text(now time.Time) string {
	switch {
	case a.Failed != "":
		return "analysis has failed: " + a.Failed
	case a.Result == "":
		return fmt.Sprintf("measured every %s: nothing yet", Duration(a.Interval.Duration))
	}
	last := fmt.Sprintf("measured every %s: %s", Duration(a.Interval.Duration), strings.ToLower(string(a.Result)))
	if a.MeasuredAt != nil {
		last += " " + Duration(max(0, now.Sub(a.MeasuredAt.Time)).Round(time.Second)) + " ago"
	}
	parts := []string{last, fmt.Sprintf("%d of %d failures", a.Failures, a.Threshold)}
	if a.InconclusiveSince != nil {
		parts = append(parts, "no answer for "+Duration(max(0, now.Sub(a.InconclusiveSince.Time)).Round(time.Second)))
	}
	return strings.Join(parts, ", ")
}

// wants says where the value has to be.
func (m Metric) wants() string {
	number := func(bound *float64) string { return strconv.FormatFloat(*bound, 'f', -1, 64) }
	within := ""
	switch {
	case m.Range.Min != nil && m.Range.Max != nil:
		within = number(m.Range.Min) + " to " + number(m.Range.Max)
	case m.Range.Max != nil:
		within = "at most " + number(m.Range.Max)
	case m.Range.Min != nil:
		within = "at least " + number(m.Range.Min)
	}
	if m.Compared == "" {
		return within
	}
	return fmt.Sprintf("%s to the baseline %s: %s", strings.ToLower(string(m.Compared)), cmp.Or(m.Baseline, "that is not measured yet"), within)
}

func times(failures int32) string {
	switch failures {
	case 0:
		return ""
	case 1:
		return "; failed once"
	}
	return fmt.Sprintf("; failed %d times", failures)
}
