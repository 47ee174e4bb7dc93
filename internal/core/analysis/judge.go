// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"
	"strconv"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// digits that a value is written with, and compared with as well.
	digits = 6

	// maxDecimal is how long a value may be in a status.
	maxDecimal = 32
)

// Judgement is what a value means.
type Judgement struct {
	Result triggerv1.AnalysisResult

	// Value as the status has it. Empty if there is none.
	Value string

	// Message says what is wrong with the value, or why there is no result. Empty if the metric is in range.
	Message string
}

// Judge compares a value with the range of its metric. The baseline is the one of the status, empty if
// there is none.
//
// A value is out of range if it is so both as it was measured and as it is written: neither the noise of
// floating-point numbers nor the digits that a status leaves out fail a stage.
func Judge(metric triggerv1.AnalysisMetric, answer Answer, baseline string) Judgement {
	switch {
	case answer.Result != triggerv1.AnalysisSuccessful || answer.Value == nil:
		return inconclusive("", answer.Message)
	case math.IsNaN(*answer.Value):
		return inconclusive("", "the value is not a number (NaN)")
	}
	value := *answer.Value
	written := Decimal(value)
	if metric.Baseline == "" {
		bound := outside(metric.ThresholdRange, value)
		if bound == "" {
			return Judgement{Result: triggerv1.AnalysisSuccessful, Value: written}
		}
		return Judgement{Result: triggerv1.AnalysisFailed, Value: written, Message: written + " is " + bound}
	}

	before, err := strconv.ParseFloat(baseline, 64)
	switch {
	case baseline == "" || err != nil:
		return inconclusive(written, "there is no value from before the change to compare with")
	case math.IsNaN(before) || math.IsInf(before, 0):
		return inconclusive(written, "the value from before the change is not finite")
	}
	// Both with the digits of the baseline, so that a value that has not changed is equal to it.
	change := compare(metric.Baseline, rounded(value), before)
	if outside(metric.ThresholdRange, compare(metric.Baseline, value, before)) == "" {
		return Judgement{Result: triggerv1.AnalysisSuccessful, Value: written}
	}
	bound := outside(metric.ThresholdRange, change)
	if bound == "" {
		return Judgement{Result: triggerv1.AnalysisSuccessful, Value: written}
	}
	return Judgement{
		Result: triggerv1.AnalysisFailed, Value: written,
		Message: fmt.Sprintf("%s is %s, %s", written, describe(metric.Baseline, change, baseline), bound),
	}
}

func inconclusive(value, message string) Judgement {
	if message == "" {
		message = "there is no value"
	}
	return Judgement{Result: triggerv1.AnalysisInconclusive, Value: value, Message: message}
}

// compare returns the figure that the range is about.
func compare(how triggerv1.Baseline, value, before float64) float64 {
	switch {
	case how == triggerv1.BaselineDifference:
		return value - before
	case value == 0 && before == 0:
		return 1
	case before == 0:
		// Whatever the sign of the zero is.
		return math.Inf(int(math.Copysign(1, value)))
	default:
		return value / before
	}
}

// describe words what compare returns.
func describe(how triggerv1.Baseline, change float64, baseline string) string {
	switch {
	case how == triggerv1.BaselineDifference && change < 0:
		return Decimal(-change) + " less than the baseline " + baseline
	case how == triggerv1.BaselineDifference:
		return Decimal(change) + " more than the baseline " + baseline
	case math.IsInf(change, 0):
		return "infinitely many times the baseline " + baseline
	default:
		return Decimal(change) + " times the baseline " + baseline
	}
}

// outside says which bound a value violates. Empty if none.
func outside(r triggerv1.ThresholdRange, value float64) string {
	if r.Max != nil && value > *r.Max && rounded(value) > *r.Max {
		return "above " + Decimal(*r.Max)
	}
	if r.Min != nil && value < *r.Min && rounded(value) < *r.Min {
		return "below " + Decimal(*r.Min)
	}
	return ""
}

// rounded returns the value that Decimal writes.
func rounded(value float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'e', digits-1, 64), 64)
	if err != nil {
		// Only the greatest numbers are rounded up to more than there is.
		return value
	}
	return short
}

// Decimal writes a value as the status has it: with up to six significant digits, and with an exponent
// only where it would take more than 32 bytes without.
func Decimal(value float64) string {
	short := rounded(value)
	switch {
	case math.IsNaN(short) || math.IsInf(short, 0):
		return strconv.FormatFloat(short, 'g', -1, 64)
	case short == 0:
		return "0" // Not -0.
	}
	if text := strconv.FormatFloat(short, 'f', -1, 64); len(text) <= maxDecimal {
		return text
	}
	return strconv.FormatFloat(short, 'g', -1, 64)
}
