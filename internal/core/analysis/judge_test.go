// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		successful   = triggerv1.AnalysisSuccessful
		failed       = triggerv1.AnalysisFailed
		inconclusive = triggerv1.AnalysisInconclusive

		difference = triggerv1.BaselineDifference
		ratio      = triggerv1.BaselineRatio
	)
	inf := math.Inf(1)
	upTo := func(most float64) triggerv1.ThresholdRange { return triggerv1.ThresholdRange{Max: &most} }
	from := func(least float64) triggerv1.ThresholdRange { return triggerv1.ThresholdRange{Min: &least} }
	between := func(least, most float64) triggerv1.ThresholdRange {
		return triggerv1.ThresholdRange{Min: &least, Max: &most}
	}
	for name, c := range map[string]struct {
		value    float64
		in       triggerv1.ThresholdRange
		how      triggerv1.Baseline
		baseline string
		want     Judgement
	}{
		"in range":           {0.01, upTo(0.05), "", "", Judgement{successful, "0.01", ""}},
		"at the end":         {0.05, upTo(0.05), "", "", Judgement{successful, "0.05", ""}},
		"at both ends":       {7, between(7, 7), "", "", Judgement{successful, "7", ""}},
		"above":              {0.31, upTo(0.05), "", "", Judgement{failed, "0.31", "0.31 is above 0.05"}},
		"below":              {0.9, from(0.99), "", "", Judgement{failed, "0.9", "0.9 is below 0.99"}},
		"below of two":       {-1, between(0, 1), "", "", Judgement{failed, "-1", "-1 is below 0"}},
		"noise":              {0.1 + 0.2, upTo(0.3), "", "", Judgement{successful, "0.3", ""}},
		"many digits":        {1234567, upTo(1234567), "", "", Judgement{successful, "1234570", ""}},
		"infinite":           {inf, upTo(5), "", "", Judgement{failed, "+Inf", "+Inf is above 5"}},
		"infinite and meant": {inf, from(5), "", "", Judgement{successful, "+Inf", ""}},
		"minus infinite":     {-inf, from(5), "", "", Judgement{failed, "-Inf", "-Inf is below 5"}},
		"NaN":                {math.NaN(), from(0), "", "", Judgement{inconclusive, "", "the value is not a number (NaN)"}},

		"not more": {0.31, upTo(0.05), difference, "0.3", Judgement{successful, "0.31", ""}},
		"more": {0.31, upTo(0.05), difference, "0.1",
			Judgement{failed, "0.31", "0.31 is 0.21 more than the baseline 0.1, above 0.05"}},
		"less": {0.2, from(-0.1), difference, "0.5",
			Judgement{failed, "0.2", "0.2 is 0.3 less than the baseline 0.5, below -0.1"}},
		"difference at the end": {0.3, from(0.2), difference, "0.1", Judgement{successful, "0.3", ""}},
		"negative baseline, difference": {-1, upTo(1), difference, "-3",
			Judgement{failed, "-1", "-1 is 2 more than the baseline -3, above 1"}},
		"infinitely more": {inf, upTo(1), difference, "2",
			Judgement{failed, "+Inf", "+Inf is +Inf more than the baseline 2, above 1"}},

		"as often": {0.1234564, upTo(1), ratio, "0.123456", Judgement{successful, "0.123456", ""}},
		"times": {0.54, upTo(1.5), ratio, "0.3",
			Judgement{failed, "0.54", "0.54 is 1.8 times the baseline 0.3, above 1.5"}},
		"fraction": {10, from(0.5), ratio, "40",
			Judgement{failed, "10", "10 is 0.25 times the baseline 40, below 0.5"}},
		"negative baseline, ratio": {-3, upTo(1.5), ratio, "-1",
			Judgement{failed, "-3", "-3 is 3 times the baseline -1, above 1.5"}},
		"other sign": {3, from(0), ratio, "-1",
			Judgement{failed, "3", "3 is -3 times the baseline -1, below 0"}},
		"zero of zero":       {0, between(1, 1), ratio, "0", Judgement{successful, "0", ""}},
		"minus zero of zero": {math.Copysign(0, -1), between(1, 1), ratio, "0", Judgement{successful, "0", ""}},
		"some of zero": {0.2, upTo(1.5), ratio, "0",
			Judgement{failed, "0.2", "0.2 is infinitely many times the baseline 0, above 1.5"}},
		"some of minus zero": {0.2, upTo(1.5), ratio, "-0",
			Judgement{failed, "0.2", "0.2 is infinitely many times the baseline -0, above 1.5"}},
		"zero of some": {0, upTo(1.5), ratio, "0.3", Judgement{successful, "0", ""}},

		"no baseline":       {1, upTo(1.5), ratio, "", Judgement{inconclusive, "1", "there is no value from before the change to compare with"}},
		"broken baseline":   {1, upTo(1.5), ratio, "one", Judgement{inconclusive, "1", "there is no value from before the change to compare with"}},
		"infinite baseline": {1, upTo(1.5), ratio, "+Inf", Judgement{inconclusive, "1", "the value from before the change is not finite"}},
		"baseline of NaN":   {1, upTo(1.5), ratio, "NaN", Judgement{inconclusive, "1", "the value from before the change is not finite"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			metric := triggerv1.AnalysisMetric{Name: "errors", ThresholdRange: c.in, Baseline: c.how}
			answer := Answer{Result: triggerv1.AnalysisSuccessful, Value: &c.value}
			g.Expect(Judge(metric, answer, c.baseline)).To(Equal(c.want))
		})
	}
}

func TestJudge_no_answer_is_neither_success_nor_failure(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	metric := triggerv1.AnalysisMetric{Name: "errors", ThresholdRange: triggerv1.ThresholdRange{Max: new(1.0)}}
	g.Expect(Judge(metric, Answer{Result: triggerv1.AnalysisInconclusive, Message: "status 503"}, "")).
		To(Equal(Judgement{Result: triggerv1.AnalysisInconclusive, Message: "status 503"}))
	g.Expect(Judge(metric, Answer{}, "")).To(Equal(Judgement{Result: triggerv1.AnalysisInconclusive, Message: "there is no value"}))
	g.Expect(Judge(metric, Answer{Result: triggerv1.AnalysisSuccessful}, "").Result).To(Equal(triggerv1.AnalysisInconclusive))
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for value, want := range map[float64]string{
		0: "0", 1: "1", -1: "-1", 0.1: "0.1", 1.0 / 3: "0.333333", 2.0 / 3: "0.666667", 1234567: "1234570", 123456: "123456",
		0.000012345678: "0.0000123457", 999999.9: "1000000", 1e25: "10000000000000000000000000", 1e300: "1e+300", -1.5e-40: "-1.5e-40",
		math.MaxFloat64: "1.79769e+308", math.SmallestNonzeroFloat64: "5e-324", math.Inf(1): "+Inf", math.Inf(-1): "-Inf",
	} {
		g.Expect(Decimal(value)).To(Equal(want))
	}
	g.Expect(Decimal(math.Copysign(0, -1))).To(Equal("0"))
	g.Expect(Decimal(math.NaN())).To(Equal("NaN"))
}

func FuzzDecimal(f *testing.F) {
	f.Add(0.1)
	f.Add(-1234567.89)
	f.Add(1e-31)
	f.Fuzz(func(t *testing.T, value float64) {
		g := NewWithT(t)
		text := Decimal(value)
		g.Expect(len(text)).To(BeNumerically("<=", maxDecimal))
		back, err := strconv.ParseFloat(text, 64)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(Decimal(back)).To(Equal(text), "what is stored is read as it was written")
		if value != 0 && !math.IsInf(value, 0) && !math.IsNaN(value) {
			// A number below the normal ones has fewer digits than that.
			g.Expect(math.Abs(back - value)).To(BeNumerically("<=", math.Abs(value)*1e-5+math.SmallestNonzeroFloat64))
		}
	})
}

// A value that has not changed since the baseline was written is never blamed.
func FuzzJudge_the_same_value_is_no_change(f *testing.F) {
	f.Add(0.1234564)
	f.Add(0.0)
	f.Add(1e300)
	f.Fuzz(func(t *testing.T, value float64) {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return
		}
		g := NewWithT(t)
		answer := Answer{Result: triggerv1.AnalysisSuccessful, Value: &value}
		for how, same := range map[triggerv1.Baseline]float64{triggerv1.BaselineDifference: 0, triggerv1.BaselineRatio: 1} {
			metric := triggerv1.AnalysisMetric{ThresholdRange: triggerv1.ThresholdRange{Min: &same, Max: &same}, Baseline: how}
			g.Expect(Judge(metric, answer, Decimal(value)).Result).To(Equal(triggerv1.AnalysisSuccessful), "%s: %s", how, Decimal(value))
		}
	})
}
