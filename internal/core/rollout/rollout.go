// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// Decide returns which targets may be triggered now. It is a pure function of its input.
func Decide(in Input) Decision {
	d := Decision{Targets: make([]Admission, len(in.Targets))}
	targets := groupOf(in.Targets, d.Targets)
	status, fresh := recordOf(in)
	assigned := assign(in, status, fresh, targets)
	approve(in, status)
	d.RejectRefused = reject(in, status)

	windows, settler, restorer := windowsOf(in), settlerOf(in), restorerOf(in)
	var next step
	switch {
	case in.Restored && status.Rollback != nil:
		next = restorer.restore(*status.Rollback, assigned)
	case status.RejectedBy != nil:
		next = restorer.stop(status, assigned)
	case status.Overridden:
		next = force(assigned)
	case settler.isSettling(status, targets):
		next = settler.wait(status, targets)
	case in.Rollout == nil:
		next = atOnce(status, targets, windows)
	default:
		next = walkerOf(in, status, assigned, windows, restorer).walk()
	}

	targets.holdRest("waits for its turn")
	next.record(status)
	status.NextWindow = windows.next
	d.Status, d.Turns, d.Measure, d.After = status, next.turns, next.measure, sooner(next.after, windows.wait())
	d.Passed = in.Rollout != nil && passed(status, assigned)
	return d
}

// step is how a rollout goes on, or what one stage adds to that.
type step struct {
	// phase, message and rollback to record. What is empty stays as it is recorded.
	phase    triggerv1.RolloutPhase
	message  string
	rollback *triggerv1.RollbackStatus

	// stage is the present one, empty if there is none.
	stage string

	// failure says why a stage fails the rollout, empty if it does not.
	failure string

	// turns, measure and after are those of the decision.
	turns   []Turn
	measure *analysis.Request
	after   time.Duration
}

// and adds to a step what a stage does after it.
func (s step) and(next step) step {
	if next.phase != "" {
		s.phase = next.phase
	}
	if next.message != "" {
		s.message = next.message
	}
	if next.rollback != nil {
		s.rollback = next.rollback
	}
	if next.measure != nil {
		s.measure = next.measure
	}
	s.turns = append(s.turns, next.turns...)
	s.after = sooner(s.after, next.after)
	return s
}

// halts reports that no stage goes on.
func (s step) halts() bool { return s.phase == triggerv1.RolloutHalted || s.rollback != nil }

// record notes how the rollout goes on.
func (s step) record(status *triggerv1.RolloutStatus) {
	status.Stage = s.stage
	if s.phase != "" {
		status.Phase = s.phase
	}
	if s.message != "" {
		status.Message = s.message
	}
	if s.rollback != nil {
		status.Rollback = s.rollback
	}
}

// sooner returns the shorter of two times, of which 0 is never.
func sooner(a, b time.Duration) time.Duration {
	switch {
	case a <= 0:
		return max(0, b)
	case b <= 0:
		return a
	}
	return min(a, b)
}

// force lets everything through, since a person forces it.
func force(a assignment) step {
	a.all.admit()
	for i := range a.stages {
		if st := &a.stages[i]; st.settled() {
			st.set(triggerv1.StageFinished)
		} else {
			st.set(triggerv1.StageProgressing)
		}
	}
	return step{phase: progressOf(a.all.any(Due, UnderWay, Busy))}
}

// atOnce triggers all targets, in a window, where there are no stages. What has halted while there were stays so.
func atOnce(recorded *triggerv1.RolloutStatus, targets group, w *windows) step {
	if w.open(targets) {
		targets.admit()
	}
	switch {
	case recorded.Phase == triggerv1.RolloutHalted:
		return step{}
	case w.blocks(targets):
		return step{phase: triggerv1.RolloutAwaitingWindow}
	}
	return step{phase: progressOf(targets.any(Due, UnderWay, Busy))}
}

// progressOf returns the phase of a rollout that nothing holds back.
func progressOf(goesOn bool) triggerv1.RolloutPhase {
	if goesOn {
		return triggerv1.RolloutProgressing
	}
	return triggerv1.RolloutFinished
}

// passed reports whether this content is a valid rollback target: it has passed all stages and their
// analysis, and at least one target runs it.
func passed(s *triggerv1.RolloutStatus, a assignment) bool {
	if s.Phase != triggerv1.RolloutFinished {
		return false
	}
	for i := range a.stages {
		if st := &a.stages[i]; st.failed > st.budget() || st.analysisFailed() != "" {
			return false
		}
	}
	return a.all.any(Current)
}
