// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
	"time"
)

// samples are durations or amounts, in one unit.
type samples []float64

// addTime appends a duration, in milliseconds.
func (s *samples) addTime(d time.Duration) {
	*s = append(*s, float64(d)/float64(time.Millisecond))
}

// percentile returns the smallest sample that at least p percent of all do not exceed.
func (s samples) percentile(p float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(0, rank-1)]
}

// median returns the middle, between the two middle ones of an even number.
func (s samples) median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// below and above split samples into two humps.
func (s samples) below(limit float64) samples {
	return slices.DeleteFunc(slices.Clone(s), func(v float64) bool { return v >= limit })
}

func (s samples) above(limit float64) samples {
	return slices.DeleteFunc(slices.Clone(s), func(v float64) bool { return v < limit })
}

// slope returns how much the values grow for one more, by least squares.
func slope(n []int, values []float64) float64 {
	var meanN, meanV float64
	for i := range n {
		meanN += float64(n[i]) / float64(len(n))
		meanV += values[i] / float64(len(n))
	}
	var over, under float64
	for i := range n {
		over += (float64(n[i]) - meanN) * (values[i] - meanV)
		under += (float64(n[i]) - meanN) * (float64(n[i]) - meanN)
	}
	return over / under
}

// linearTolerance is how much faster than n a value may seem to grow, since it is
// measured on a machine that does other things too.
const linearTolerance = 1.25

// linear reports whether values grow no faster than n, from the first to the last.
func linear(n []int, values []float64) bool {
	last := len(n) - 1
	return values[last]/values[0] <= linearTolerance*float64(n[last])/float64(n[0])
}
