// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Analysed says what the analysis of the stages is good for.
type Analysed struct {
	// Stages that are measured.
	Stages []AnalysedStage `json:"stages"`

	// StoppedWrongly is the number of runs in which a change that does no harm was stopped by analysis.
	StoppedWrongly int `json:"goodChangesStopped"`

	// Harmful is what becomes of a change with which all upgrades succeed, and which does harm.
	Harmful Harmful `json:"harmfulChange"`
}

// AnalysedStage is a stage that is measured.
type AnalysedStage struct {
	Name           string  `json:"name"`
	FalsePositives float64 `json:"falsePositives"`
	Detections     float64 `json:"detections"`

	// Stops is the number of runs in which it stopped the change that does harm, and StopsWrongly the one
	// that does none.
	Stops        int `json:"stops"`
	StopsWrongly int `json:"stopsWrongly"`
}

// Harmful is what becomes of a change that does harm.
type Harmful struct {
	// Stopped is the number of runs in which analysis stopped it, and Took how long that took.
	Stopped int             `json:"stopped"`
	Took    metav1.Duration `json:"took"`

	// Hit is how many HelmReleases got it: in the run in the middle, at most in 95 percent of the runs, and
	// in the worst.
	Hit   int `json:"hit"`
	Hit95 int `json:"hitIn95Percent"`
	Worst int `json:"hitInTheWorstRun"`
}

// analysed runs a change that does harm, and counts what became of the good one. It returns nil without an
// analysis.
func (f Fleet) analysed(ctx context.Context, good []Outcome, seed int64) (*Analysed, error) {
	if !Measures(f.Trigger) {
		return nil, nil
	}
	f.Breaks, f.Harmful = 0, true
	harmful, err := f.runs(ctx, len(good), seed)
	if err != nil {
		return nil, err
	}
	a := &Analysed{StoppedWrongly: count(good, isStopped), Harmful: Harmful{Stopped: count(harmful, isStopped)}}
	for i, st := range f.Trigger.Spec.Rollout.Stages {
		if !measures(st.Analysis) {
			continue
		}
		here := func(o Outcome) bool { return o.StoppedBy == i }
		rates := f.ratesOf(i)
		a.Stages = append(a.Stages, AnalysedStage{
			Name: st.Name, FalsePositives: rates.FalsePositives, Detections: rates.Detections,
			Stops: count(harmful, here), StopsWrongly: count(good, here),
		})
	}
	hit := sorted(harmful, func(o Outcome) int { return o.Triggered })
	a.Harmful.Hit, a.Harmful.Hit95, a.Harmful.Worst = middle(hit), hit[(len(hit)*95-1)/100], hit[len(hit)-1]
	if stopped := slices.DeleteFunc(harmful, func(o Outcome) bool { return !isStopped(o) }); len(stopped) > 0 {
		a.Harmful.Took = duration(middle(sorted(stopped, func(o Outcome) time.Duration { return o.Took })))
	}
	return a, nil
}

// isStopped reports whether analysis stopped the change. With onFailure Continue it stops nothing.
func isStopped(o Outcome) bool { return o.StoppedBy >= 0 && o.Phase == triggerv1.RolloutHalted }

func count(outcomes []Outcome, is func(Outcome) bool) int {
	n := 0
	for _, o := range outcomes {
		if is(o) {
			n++
		}
	}
	return n
}
