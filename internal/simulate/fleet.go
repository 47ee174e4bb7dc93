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
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/schedule"
)

// Fleet is what a change is rolled out to, and how.
type Fleet struct {
	// Trigger has the quiet period, windows, stages and timeout.
	Trigger *triggerv1.ValuesTrigger

	// Sizes are the numbers of targets in each stage, or one number if there are no
	// stages.
	Sizes []int

	// Median and Slow are the times that half and 95 percent of the upgrades take no
	// more than.
	Median time.Duration
	Slow   time.Duration

	// Workers is how many upgrades helm-controller makes at a time.
	Workers int

	// Breaks is the share of targets that the change breaks.
	Breaks float64

	// Approval is how long it takes a person to approve a stage.
	Approval time.Duration

	// Start is when the sources are changed.
	Start time.Time
}

// MaxTargets bounds the size of a fleet.
const MaxTargets = 100_000

// Check returns what is wrong with a fleet.
func (f Fleet) Check() error {
	stages := 1
	if f.Trigger.Spec.Rollout != nil {
		stages = len(f.Trigger.Spec.Rollout.Stages)
	}
	total := 0
	for _, n := range f.Sizes {
		if n < 0 || n > MaxTargets {
			return fmt.Errorf("a stage of %d targets: between 0 and %d can be simulated", n, MaxTargets)
		}
		total += n
	}
	switch {
	case len(f.Sizes) != stages:
		return fmt.Errorf("%d numbers of targets for %d stages", len(f.Sizes), stages)
	case total == 0 || total > MaxTargets:
		return fmt.Errorf("%d targets: between 1 and %d can be simulated", total, MaxTargets)
	case f.Median <= 0 || f.Slow < f.Median:
		return errors.New("the time of slow upgrades must not be shorter than that of most")
	case f.Workers < 1:
		return errors.New("helm-controller must have a worker")
	case f.Breaks < 0 || f.Breaks > 1:
		return errors.New("the share of targets that break must be between 0 and 1")
	}
	_, err := f.schedule()
	return err
}

func (f Fleet) schedule() (schedule.Schedule, error) {
	windows := make([]schedule.Window, 0, len(f.Trigger.Spec.Schedule))
	for _, w := range f.Trigger.Spec.Schedule {
		windows = append(windows, schedule.Window{Cron: w.Cron, TimeZone: w.TimeZone, Duration: w.Window.Duration})
	}
	s, err := schedule.Parse(windows)
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
