// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// maxSamples is how many values of a metric are kept.
const maxSamples = 60

// Size of a plot in its own units. What is drawn stays off the edges, so that marks are whole.
const (
	plotWidth  = 240
	plotHeight = 48
	plotEdge   = 5
)

// metricKey is a metric of a stage for the content of one rollout.
type metricKey struct {
	trigger               types.UID
	digest, stage, metric string
}

// sample is a value that a status has shown. A status has the last one only, so those before are what the watch has
// seen: losing them shortens a plot.
type sample struct {
	// number is that of the measurement.
	number int64
	value  float64
	failed bool
}

// sampled returns the values that are known with those of the present statuses. What no status speaks of any more
// is dropped. The former values are not changed.
func sampled(known map[metricKey][]sample, all []triggerv1.ValuesTrigger) map[metricKey][]sample {
	next := map[metricKey][]sample{}
	for i := range all {
		vt := &all[i]
		if vt.Status.Rollout == nil {
			continue
		}
		for _, st := range vt.Status.Rollout.Stages {
			if st.Analysis == nil {
				continue
			}
			for _, m := range st.Analysis.Metrics {
				key := metricKey{vt.UID, vt.Status.Rollout.Digest, st.Name, m.Name}
				next[key] = withSample(known[key], st.Analysis.Measurements, m)
			}
		}
	}
	return next
}

// withSample adds the value of a measurement, if it has one and is another one.
func withSample(before []sample, number int64, m triggerv1.MetricStatus) []sample {
	if len(before) > 0 && before[len(before)-1].number > number {
		before = nil // It is counted from the beginning again.
	}
	value, err := strconv.ParseFloat(m.Value, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) || len(before) > 0 && before[len(before)-1].number == number {
		return before
	}
	after := append(slices.Clone(before), sample{number: number, value: value, failed: m.Result == triggerv1.AnalysisFailed})
	return after[max(0, len(after)-maxSamples):]
}

// plotView is a metric as a picture.
type plotView struct {
	Name, Text string

	// Class is that of its last result.
	Class string

	// Label is the picture in words.
	Label string

	// Band is where the value has to be, and Baseline the line of the value from before the change. Nil if there is
	// none to show.
	Band     *plotBand
	Baseline *float64

	Line  string
	Marks []plotMark
}

type plotBand struct{ Y, Height float64 }

// plotMark is a value in the picture.
type plotMark struct {
	X, Y   float64
	Failed bool
}

// plots shows the metrics of a stage whose analysis matters now.
func plots(known map[metricKey][]sample, vt *triggerv1.ValuesTrigger, st graph.Stage, now time.Time) []plotView {
	if !st.Matters() || vt.Status.Rollout == nil {
		return nil
	}
	findings := st.Analysis.Findings(now)
	out := make([]plotView, 0, len(st.Analysis.Metrics))
	for i, m := range st.Analysis.Metrics {
		p := plotOf(m, known[metricKey{vt.UID, vt.Status.Rollout.Digest, st.Name, m.Name}])
		p.Text, p.Class = strings.TrimPrefix(findings[i+1].Text, m.Name+": "), resultClass(m.Result)
		p.Label = m.Name + ": " + p.Label + "; " + p.Text
		out = append(out, p)
	}
	return out
}

// Analysed are the findings about a stage that are no metrics: about all together, and about webhooks.
func (l laneView) Analysed() []finding {
	if !l.Matters() {
		return nil
	}
	var out []finding
	for i, f := range l.Analysis.Findings(l.Now) {
		if i == 0 || i > len(l.Analysis.Metrics) {
			out = append(out, finding{resultClass(f.Result), f.Text})
		}
	}
	return out
}

type finding struct{ Class, Text string }

// resultClass is the class of a result.
func resultClass(result triggerv1.AnalysisResult) string {
	switch result {
	case triggerv1.AnalysisSuccessful:
		return "good"
	case triggerv1.AnalysisFailed:
		return "bad"
	case triggerv1.AnalysisInconclusive:
		return "busy"
	}
	return "dim"
}

// plotOf draws the values of a metric against its range.
func plotOf(m graph.Metric, values []sample) plotView {
	p := plotView{Name: m.Name, Label: "no value yet"}
	if len(values) == 0 {
		return p
	}
	low, high, base := bounds(m)
	scale := scaleFor(values, low, high, base)
	said := make([]string, 0, len(values))
	line := make([]string, 0, len(values))
	for i, v := range values {
		mark := plotMark{X: round(plotX(i, len(values))), Y: round(scale(v.value)), Failed: v.failed}
		p.Marks = append(p.Marks, mark)
		line = append(line, fmt.Sprintf("%g,%g", mark.X, mark.Y))
		said = append(said, strconv.FormatFloat(v.value, 'g', 6, 64))
	}
	if len(values) > 1 {
		p.Line = strings.Join(line, " ")
	}
	top, bottom := 0.0, float64(plotHeight)
	if high != nil {
		top = scale(*high)
	}
	if low != nil {
		bottom = scale(*low)
	}
	if low != nil || high != nil {
		p.Band = &plotBand{Y: round(top), Height: round(max(1, bottom-top))}
	}
	if base != nil {
		p.Baseline = new(round(scale(*base)))
	}
	p.Label = strings.Join(said, ", ")
	return p
}

// bounds returns where the value itself has to be, and the baseline, nil for what is not known.
func bounds(m graph.Metric) (low, high, base *float64) {
	if m.Compared == "" {
		return m.Range.Min, m.Range.Max, nil
	}
	value, err := strconv.ParseFloat(m.Baseline, 64)
	if err != nil {
		return nil, nil, nil
	}
	absolute := func(bound *float64) *float64 {
		switch {
		case bound == nil:
			return nil
		case m.Compared == triggerv1.BaselineRatio:
			return new(value * *bound)
		}
		return new(value + *bound)
	}
	return absolute(m.Range.Min), absolute(m.Range.Max), &value
}

// scaleFor returns where a value is in the picture, in which all values, bounds and the baseline have a place.
func scaleFor(values []sample, more ...*float64) func(float64) float64 {
	least, most := values[0].value, values[0].value
	take := func(v float64) { least, most = min(least, v), max(most, v) }
	for _, v := range values {
		take(v.value)
	}
	for _, v := range more {
		if v != nil {
			take(*v)
		}
	}
	return func(v float64) float64 {
		if most == least {
			return plotHeight / 2
		}
		return plotHeight - plotEdge - (v/2-least/2)/(most/2-least/2)*(plotHeight-2*plotEdge) // Halves of the largest numbers can be subtracted.
	}
}

func plotX(i, of int) float64 {
	if of == 1 {
		return plotWidth / 2
	}
	return plotEdge + float64(i)*(plotWidth-2*plotEdge)/float64(of-1)
}

func round(v float64) float64 { return math.Round(v*10) / 10 }
