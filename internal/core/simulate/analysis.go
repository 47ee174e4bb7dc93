// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// This file answers what the decisions ask to be measured. Gates open at once, and what was measured
// before the change is there.

// baseline is what each metric with a baseline has measured before the change.
const baseline = 1.0

// Rates say how well the analysis of a stage tells changes apart, as shares of its measurements.
type Rates struct {
	// FalsePositives fail though the change does no harm, and Detections fail if it does.
	FalsePositives float64
	Detections     float64
}

// measures reports whether a stage is judged by measurements once it has started.
func measures(a *triggerv1.Analysis) bool {
	return a != nil && (len(a.Metrics) > 0 || slices.ContainsFunc(a.Webhooks, func(w triggerv1.AnalysisWebhook) bool { return w.Type == triggerv1.WebhookCheck }))
}

// Measures reports whether a stage of a trigger is judged by measurements.
func Measures(vt *triggerv1.ValuesTrigger) bool {
	return vt.Spec.Rollout != nil && slices.ContainsFunc(vt.Spec.Rollout.Stages, func(st triggerv1.Stage) bool { return measures(st.Analysis) })
}

// checkRates reports what is wrong with the rates.
func (f Fleet) checkRates(stages int) error {
	if len(f.Rates) > 1 && len(f.Rates) != stages {
		return fmt.Errorf("there are rates for %d stages of %d", len(f.Rates), stages)
	}
	for _, r := range f.Rates {
		if !isShare(r.FalsePositives) || !isShare(r.Detections) {
			return errors.New("the shares of measurements that fail must be between 0 and 1")
		}
	}
	return nil
}

func isShare(x float64) bool { return x >= 0 && x <= 1 }

// ratesOf returns the rates of a stage: one for all stands for each.
func (f Fleet) ratesOf(stage int) Rates {
	switch len(f.Rates) {
	case 0:
		return Rates{Detections: 1}
	case 1:
		return f.Rates[0]
	}
	return f.Rates[stage]
}

// answer gives the answer to a measurement that is due, and reports whether there is one.
func (s *simulation) answer(due *analysis.Request) bool {
	last := s.in.Measured
	s.in.Measured = nil
	if due == nil || last != nil && last.Key == due.Key {
		return false
	}
	s.in.Measured = s.measure(due)
	return true
}

// measure answers a measurement.
func (s *simulation) measure(r *analysis.Request) *analysis.Measurement {
	m := &analysis.Measurement{Key: r.Key, Metrics: map[string]analysis.Answer{}, Webhooks: map[string]analysis.Answer{}}
	fails := r.Purpose == analysis.Check && s.rng.Float64() < s.failing(r.Stage)
	for i, metric := range r.Metrics {
		value := baseline
		if r.Purpose == analysis.Check {
			value = valueOf(metric, fails && i == 0)
		}
		m.Metrics[metric.Name] = analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: &value}
	}
	for i, w := range r.Webhooks {
		result := triggerv1.AnalysisSuccessful
		if fails && i == 0 && len(r.Metrics) == 0 {
			result = triggerv1.AnalysisFailed
		}
		m.Webhooks[w.Name] = analysis.Answer{Result: result}
	}
	return m
}

// failing is how likely a measurement of a stage fails now.
func (s *simulation) failing(name string) float64 {
	i := slices.IndexFunc(s.out.Stages, func(st Stage) bool { return st.Name == name })
	rates := s.ratesOf(i)
	if s.Harmful && s.out.Stages[i].Delivered > 0 {
		return rates.Detections
	}
	return rates.FalsePositives
}

// valueOf is a value that is in the range of a metric, or out of it.
func valueOf(m triggerv1.AnalysisMetric, out bool) float64 {
	low, high := m.ThresholdRange.Min, m.ThresholdRange.Max
	far := func(bound *float64, direction float64) float64 { return *bound + direction*max(1, math.Abs(*bound)) }
	figure := 0.0
	switch {
	case high == nil && out:
		figure = far(low, -1)
	case high == nil:
		figure = far(low, 1)
	case out:
		figure = far(high, 1)
	case low == nil:
		figure = far(high, -1)
	default:
		figure = *low + (*high-*low)/2
	}
	switch m.Baseline {
	case triggerv1.BaselineDifference:
		return baseline + figure
	case triggerv1.BaselineRatio:
		return baseline * figure
	}
	return figure
}

// stopped returns the index of the stage that its analysis has failed, -1 if none has.
func (s *simulation) stopped() int {
	return slices.IndexFunc(s.in.Previous.Stages, func(st triggerv1.StageStatus) bool { return st.Analysis != nil && st.Analysis.Failed != "" })
}
