// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// maxNames bounds the names of targets in a report.
const maxNames = 10

// Shares of targets that changes break, if no others are given.
var Shares = []float64{1, 0.5, 0.1, 0.01}

// Report says what became of changes that were rolled out several times each. Numbers
// are those of the run in the middle, if nothing else is said.
type Report struct {
	Targets int   `json:"targets"`
	Runs    int   `json:"runs"`
	Good    Good  `json:"good"`
	Bad     []Bad `json:"bad"`

	// Analysis is what measurements find, nil if there are none.
	Analysis *Analysed `json:"analysis,omitempty"`
}

// Good is what became of a change that breaks nothing.
type Good struct {
	// Phase in which it settled, and when.
	Phase   triggerv1.RolloutPhase `json:"phase"`
	Took    metav1.Duration        `json:"took"`
	Slowest metav1.Duration        `json:"slowest"`
	Stages  []StageTimes           `json:"stages"`
}

// StageTimes says when a stage made its first request and when its last target was done,
// and how many were in progress together.
type StageTimes struct {
	Name    string          `json:"name,omitempty"`
	Targets int             `json:"targets"`
	Began   metav1.Duration `json:"firstRequest"`
	Ended   metav1.Duration `json:"lastDone"`
	Peak    int             `json:"mostAtATime"`
}

// Bad is what became of a change that breaks a share of the targets.
type Bad struct {
	Breaks float64 `json:"breaks"`

	// Halted is the number of runs that did.
	Halted int `json:"halted"`

	Triggered int             `json:"triggered"`
	Broken    int             `json:"broken"`
	WorstCase int             `json:"brokenInTheWorstRun"`
	Took      metav1.Duration `json:"took"`

	// Names of targets that broke in the worst run, the first of them.
	Names []string `json:"names,omitempty"`
}

// Report rolls a good change out, and one that breaks each of the shares.
func (f Fleet) Report(ctx context.Context, shares []float64, runs int, seed int64) (Report, error) {
	f.Breaks = 0
	good, err := f.runs(ctx, runs, seed)
	if err != nil {
		return Report{}, err
	}
	r := Report{Targets: len(f.Targets), Runs: len(good), Bad: make([]Bad, 0, len(shares))}
	if r.Analysis, err = f.analysed(ctx, good, seed); err != nil {
		return Report{}, err
	}
	if passed := slices.DeleteFunc(slices.Clone(good), isStopped); len(passed) > 0 {
		good = passed // Those that analysis stopped are counted apart.
	}
	took := sorted(good, func(o Outcome) time.Duration { return o.Took })
	r.Good = Good{Phase: good[0].Phase, Took: duration(middle(took)), Slowest: duration(took[len(took)-1])}
	for i, stage := range good[0].Stages {
		r.Good.Stages = append(r.Good.Stages, StageTimes{
			Name: stage.Name, Targets: stage.Targets,
			Began: duration(middle(sorted(good, func(o Outcome) time.Duration { return o.Stages[i].Began }))),
			Ended: duration(middle(sorted(good, func(o Outcome) time.Duration { return o.Stages[i].Ended }))),
			Peak:  slices.Max(sorted(good, func(o Outcome) int { return o.Stages[i].Peak })),
		})
	}
	for _, share := range shares {
		f.Breaks = share
		outcomes, err := f.runs(ctx, runs, seed)
		if err != nil {
			return Report{}, err
		}
		r.Bad = append(r.Bad, badOf(share, outcomes))
	}
	return r, nil
}

func badOf(share float64, outcomes []Outcome) Bad {
	worst := slices.MaxFunc(outcomes, func(a, b Outcome) int { return cmp.Compare(a.Failed, b.Failed) })
	bad := Bad{
		Breaks: share, WorstCase: worst.Failed, Names: worst.Broken[:min(maxNames, len(worst.Broken))],
		Triggered: middle(sorted(outcomes, func(o Outcome) int { return o.Triggered })),
		Broken:    middle(sorted(outcomes, func(o Outcome) int { return o.Failed })),
		Took:      duration(middle(sorted(outcomes, func(o Outcome) time.Duration { return o.Took }))),
	}
	for _, o := range outcomes {
		if o.Phase == triggerv1.RolloutHalted {
			bad.Halted++
		}
	}
	return bad
}

func (f Fleet) runs(ctx context.Context, runs int, seed int64) ([]Outcome, error) {
	outcomes := make([]Outcome, 0, runs)
	for i := range max(1, runs) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o, err := f.Run(seed + int64(i))
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

func sorted[T cmp.Ordered](outcomes []Outcome, of func(Outcome) T) []T {
	all := make([]T, 0, len(outcomes))
	for _, o := range outcomes {
		all = append(all, of(o))
	}
	slices.Sort(all)
	return all
}

func middle[T any](sorted []T) T { return sorted[len(sorted)/2] }

// duration leaves out what does not matter.
func duration(d time.Duration) metav1.Duration {
	return metav1.Duration{Duration: d.Round(time.Second)}
}
