// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"container/heap"
	"math/rand"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

const (
	// reaction is how long the operator takes to see what happened.
	reaction = time.Second

	content = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

	// patience ends a simulation: no window that comes each year is missed by it.
	patience = 2 * 366 * 24 * time.Hour
)

// Outcome is what became of a change.
type Outcome struct {
	// Phase in which the rollout settled, and why if it halted.
	Phase   triggerv1.RolloutPhase
	Message string

	// Took is the time from the change until then.
	Took time.Duration

	// Triggered, Delivered and Failed are numbers of targets.
	Triggered int
	Delivered int
	Failed    int

	// Broken are the names of those that failed, in the order in which they did.
	Broken []string

	// StoppedBy is the index of the stage that its analysis has failed, -1 if none has.
	StoppedBy int

	Stages []Stage
}

// Stage is what became of it in one stage.
type Stage struct {
	Name    string
	Targets int

	// Triggered, Delivered and Failed are numbers of targets, and Peak is how many were
	// in progress at a time.
	Triggered int
	Delivered int
	Failed    int
	Peak      int

	// Began and Ended are the times from the change until the first request and until
	// the last target was done. They are zero if nothing was triggered.
	Began time.Duration
	Ended time.Duration
}

// simulation is a rollout in the making.
type simulation struct {
	Fleet
	rng     *rand.Rand
	now     time.Time
	in      rollout.Input
	broken  []bool
	queue   []int // triggered, in the order in which helm-controller takes them
	working completions
	out     Outcome
	under   []int
}

// Run rolls the change out and returns what became of it. It is the same for equal
// fleets and seeds.
func (f Fleet) Run(seed int64) (Outcome, error) {
	if err := f.Check(); err != nil {
		return Outcome{}, err
	}
	s := newSimulation(f, rand.New(rand.NewSource(seed))) //nolint:gosec // Chance is to be repeatable here.
	for s.now.Sub(f.Start) < patience {
		d := rollout.Decide(s.in)
		s.in.Previous = d.Status
		s.trigger(d.Targets)
		if s.answer(d.Measure) {
			continue // The answer comes sooner than anything else.
		}
		next := s.next(d.After)
		if next.IsZero() {
			if s.approve(d.Status) {
				continue
			}
			break
		}
		s.now = next
		s.finish()
		s.in.Now = s.now
	}
	s.conclude()
	return s.out, nil
}

func newSimulation(f Fleet, rng *rand.Rand) *simulation {
	spec := f.Trigger.Spec
	names := stageNames(f.Trigger)
	s := &simulation{Fleet: f, rng: rng, now: f.Start, under: make([]int, len(names))}
	s.in = rollout.Input{
		Now: f.Start, Digest: content, Quiet: spec.QuietPeriod.Duration, MaxDelay: f.Trigger.GetMaxDelay(),
		Rollout: spec.Rollout, Timeout: f.Trigger.GetTimeout(),
	}
	s.in.Schedule, _ = f.schedule() // It has been checked.
	for _, name := range names {
		s.out.Stages = append(s.out.Stages, Stage{Name: name})
	}
	for _, t := range f.Targets {
		if t.Stage >= 0 {
			s.out.Stages[t.Stage].Targets++
		}
		s.in.Targets = append(s.in.Targets, rollout.Target{
			Name: t.Name, Stage: t.Stage, DependsOn: t.DependsOn, Standing: rollout.Due, Wants: true, Ready: "True",
		})
		s.broken = append(s.broken, rng.Float64() < f.Breaks)
	}
	return s
}

// trigger notes the requests.
func (s *simulation) trigger(targets []rollout.Admission) {
	for i, decided := range targets {
		if !decided.Admitted {
			continue
		}
		t := &s.in.Targets[i]
		t.Standing, t.Wants = rollout.UnderWay, false
		s.queue = append(s.queue, i)
		stage := &s.out.Stages[t.Stage]
		if stage.Triggered == 0 {
			stage.Began = s.now.Sub(s.Start)
		}
		stage.Triggered++
		s.under[t.Stage]++
		stage.Peak = max(stage.Peak, s.under[t.Stage])
	}
	s.work(s.now)
}

// work gives helm-controller what it has workers for.
func (s *simulation) work(at time.Time) {
	for len(s.queue) > 0 && len(s.working) < s.Workers {
		heap.Push(&s.working, completion{target: s.queue[0], at: at.Add(s.upgrade(s.rng))})
		s.queue = s.queue[1:]
	}
}

// next returns when something happens that the operator has to see, zero if nothing does. While many upgrades are in
// progress, a hundredth of them is seen together: to decide about all targets after each would take minutes, and no
// request is late by it, since helm-controller has others to go on with.
func (s *simulation) next(after time.Duration) time.Time {
	var next time.Time
	if after > 0 {
		next = s.now.Add(after)
	}
	sooner := func() bool {
		return len(s.working) > 0 && (next.IsZero() || s.working[0].at.Add(reaction).Before(next))
	}
	for range (len(s.queue)+len(s.working))/100 - 1 {
		if len(s.queue) > 0 && sooner() && !s.broken[s.working[0].target] {
			s.complete()
		}
	}
	if sooner() {
		next = s.working[0].at.Add(reaction)
	}
	return next
}

// finish ends the upgrades that are done by now.
func (s *simulation) finish() {
	for len(s.working) > 0 && !s.working[0].at.After(s.now) {
		s.complete()
	}
}

// complete ends the upgrade that is done first.
func (s *simulation) complete() {
	done := heap.Pop(&s.working).(completion)
	t := &s.in.Targets[done.target]
	stage := &s.out.Stages[t.Stage]
	s.under[t.Stage]--
	stage.Ended = done.at.Sub(s.Start)
	if s.broken[done.target] {
		t.Standing, t.Ready, t.Message = rollout.Failed, "False", "the change breaks it"
		stage.Failed++
		s.out.Broken = append(s.out.Broken, t.Name)
	} else {
		t.Standing = rollout.Current
		stage.Delivered++
	}
	s.work(done.at)
}

// approve is a person who approves the stage that waits.
func (s *simulation) approve(status *triggerv1.RolloutStatus) bool {
	if status.Phase != triggerv1.RolloutAwaitingApproval {
		return false
	}
	s.now = s.now.Add(max(s.Approval, time.Second))
	s.in.Now, s.in.Approval = s.now, rollout.Approval(content, status.Stage, s.in.Approval)
	return true
}

func (s *simulation) conclude() {
	s.out.Phase, s.out.Message = s.in.Previous.Phase, s.in.Previous.Message
	s.out.StoppedBy = s.stopped()
	s.out.Took = s.now.Sub(s.Start)
	for _, stage := range s.out.Stages {
		s.out.Triggered += stage.Triggered
		s.out.Delivered += stage.Delivered
		s.out.Failed += stage.Failed
	}
}

// completion is the end of an upgrade, and completions a heap of them.
type completion struct {
	target int
	at     time.Time
}

type completions []completion

// Len, Less, Swap, Push and Pop are what package heap needs.
func (c completions) Len() int           { return len(c) }
func (c completions) Less(i, j int) bool { return c[i].at.Before(c[j].at) }
func (c completions) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }

// Push adds a completion.
func (c *completions) Push(x any) { *c = append(*c, x.(completion)) }

// Pop removes the last one.
func (c *completions) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}
