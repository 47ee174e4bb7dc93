// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package simulate rolls a change out to a made-up fleet, by the same decisions as the
// operator: how long does it take, and how far does a change get that breaks something?
package simulate

import (
	"errors"
	"fmt"
	"math"
	"math/rand"
	"slices"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

// Fleet is what a change is rolled out to, and how.
type Fleet struct {
	// Trigger has the quiet period, windows, stages and timeout.
	Trigger *triggerv1.ValuesTrigger

	// Targets in the order in which they are triggered.
	Targets []Target

	// Median and Slow are the times that half and 95 percent of the upgrades take no
	// more than.
	Median time.Duration
	Slow   time.Duration

	// Workers is how many upgrades helm-controller makes at a time.
	Workers int

	// Breaks is the share of targets that the change breaks.
	Breaks float64

	// Harmful reports that the change does harm wherever it is delivered, which no upgrade shows and only
	// analysis can find.
	Harmful bool

	// Rates of the analysis, one for all stages or one for each. Without, each measurement is right.
	Rates []Rates

	// Approval is how long it takes a person to approve a stage.
	Approval time.Duration

	// Start is when the sources are changed.
	Start time.Time
}

// Target is a HelmRelease of a fleet.
type Target struct {
	Name string

	// Stage is its index in the spec, 0 if there are no stages, rollout.NoStage if
	// none selects it.
	Stage int

	// DependsOn names targets that have to be triggered before.
	DependsOn []string
}

// Numbered returns made-up targets, of which each stage has a number.
func Numbered(vt *triggerv1.ValuesTrigger, sizes ...int) []Target {
	names, total := stageNames(vt), 0
	for _, n := range sizes {
		total += n
	}
	targets := make([]Target, 0, min(max(0, total), MaxTargets+1))
	for stage, n := range sizes {
		for i := range n {
			if len(targets) > MaxTargets {
				return targets // Check refuses them.
			}
			name := fmt.Sprintf("release-%d", i+1)
			if stage < len(names) && names[stage] != "" {
				name = fmt.Sprintf("%s-%d", names[stage], i+1)
			}
			targets = append(targets, Target{Name: name, Stage: stage})
		}
	}
	return targets
}

// stageNames returns the names of the stages, one without a name if there are none.
func stageNames(vt *triggerv1.ValuesTrigger) []string {
	if vt.Spec.Rollout == nil {
		return []string{""}
	}
	names := make([]string, 0, len(vt.Spec.Rollout.Stages))
	for _, stage := range vt.Spec.Rollout.Stages {
		names = append(names, stage.Name)
	}
	return names
}

// MaxTargets bounds the size of a fleet.
const MaxTargets = 20_000

// Check returns what is wrong with a fleet.
func (f Fleet) Check() error {
	stages := len(stageNames(f.Trigger))
	switch {
	case stages == 0:
		return errors.New("spec.rollout has no stages")
	case len(f.Targets) == 0 || len(f.Targets) > MaxTargets:
		return fmt.Errorf("%d HelmReleases: between 1 and %d can be simulated", len(f.Targets), MaxTargets)
	case slices.ContainsFunc(f.Targets, func(t Target) bool { return t.Stage >= stages }):
		return fmt.Errorf("there are targets for more than the %d stages", stages)
	case f.Median <= 0 || f.Slow < f.Median:
		return errors.New("the time of slow upgrades must not be shorter than that of most")
	case f.Workers < 1:
		return errors.New("helm-controller must have a worker")
	case f.Breaks < 0 || f.Breaks > 1:
		return errors.New("the share of targets that break must be between 0 and 1")
	}
	if err := f.checkRates(stages); err != nil {
		return err
	}
	_, err := f.schedule()
	return err
}

func (f Fleet) schedule() (schedule.Schedule, error) {
	s, err := rollout.ScheduleOf(f.Trigger)
	if err != nil {
		return s, fmt.Errorf("spec.schedule%w", err)
	}
	return s, nil
}

// upgrade returns the time of one upgrade: most are near the median, few take much
// longer.
func (f Fleet) upgrade(rng *rand.Rand) time.Duration {
	const slow = 1.6449 // 95 percent of a normal distribution are below.
	spread := math.Log(float64(f.Slow)/float64(f.Median)) / slow
	return max(time.Millisecond, time.Duration(float64(f.Median)*math.Exp(spread*rng.NormFloat64())))
}
