// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// walker goes through the stages up to the first one that is not finished.
type walker struct {
	assignment
	now     time.Time
	timeout time.Duration

	// recorded is the rollout as the walk finds it.
	recorded *triggerv1.RolloutStatus

	// waived is the stage whose targets are gone, and without which a person who has been shown that lets the
	// rollout go on.
	waived string

	windows  *windows
	analyst  analyst
	restorer restorer
}

func walkerOf(in Input, s *triggerv1.RolloutStatus, a assignment, w *windows, r restorer) walker {
	walks := walker{assignment: a, now: in.Now, timeout: in.Timeout, recorded: s, windows: w, analyst: analystOf(in, s), restorer: r}
	if was := in.Previous; in.Reset && was != nil && was.Digest == in.Digest && was.Phase == triggerv1.RolloutBlocked {
		walks.waived = was.Stage
	}
	return walks
}

// walk does what is due in the present stage, and in those before it. The others wait for it.
func (w walker) walk() step {
	s := w.afterHalt()
	w.unmatched.hold("is selected by no stage of spec.rollout")
	for i := range w.stages {
		st := &w.stages[i]
		switch {
		case s.stage != "":
			st.members.hold("waits for stage " + s.stage)
		case s.halts():
			st.members.hold("the rollout has halted")
			if st.Phase != triggerv1.StageFinished {
				s.stage = st.Name
			}
		default:
			did, finished := w.run(st)
			if did.failure != "" {
				st.members.hold("the rollout has halted")
				did = w.restorer.halt(did.failure)
			}
			if s = s.and(did); !finished {
				s.stage = st.Name
			}
		}
	}
	switch {
	case s.rollback != nil: // What was admitted before that was seen must not be made.
		s.turns = nil
		w.all.withdraw("the rollout has halted")
	case s.stage != "", s.halts():
	case w.windows.blocks(w.all):
		s.phase = triggerv1.RolloutAwaitingWindow
	default:
		s.phase = progressOf(slices.ContainsFunc(w.stages, func(st stage) bool { return !st.settled() }))
	}
	return s
}

// afterHalt returns what follows from a halt that is recorded. One whose targets all run the content is over, unless
// its analysis has failed.
func (w walker) afterHalt() step {
	switch {
	case w.recorded.Phase != triggerv1.RolloutHalted:
	case w.all.idle() && !slices.ContainsFunc(w.stages, func(st stage) bool { return st.failsAnalysis() }):
		w.recorded.Message = ""
	case w.restorer.canReturn():
		return w.restorer.begin()
	default:
		return step{phase: triggerv1.RolloutHalted}
	}
	return step{}
}

// run does what is due in a stage, and reports whether it is finished.
func (w walker) run(st *stage) (s step, finished bool) {
	switch {
	case st.Phase == triggerv1.StageFinished:
		return w.catchUp(st), true
	case st.Phase == triggerv1.StageUnchanged, st.members.len() == 0 && st.Name == w.waived:
		st.set(triggerv1.StageFinished)
		return step{}, true
	case st.members.len() == 0: // It had some: those that have gone have shown nothing.
		return vanish(st), false
	case st.stuck():
		return w.block(st), false
	case st.Phase == triggerv1.StageWaiting && st.counts[Current] < st.members.len():
		return w.start(st), false
	case st.Phase == triggerv1.StageWaiting && st.measures():
		if waits, starts := w.analyst.start(st); !starts {
			return waits, false
		}
	}
	w.analyst.check(st)
	if why := st.failure(); why != "" {
		return step{failure: why}, false
	}
	if !st.settled() {
		return w.progress(st).and(w.analyst.demand(st)), false
	}
	if s, finished = w.soak(st); s.failure != "" {
		return s, false
	}
	s = s.and(w.analyst.demand(st))
	s.turns, _ = w.advance(st) // What was refused is tried again.
	return s, finished
}

// catchUp triggers targets that were out when their stage was the present one.
func (w walker) catchUp(st *stage) step {
	if why := st.failure(); why != "" {
		return step{failure: why}
	}
	turns, _ := w.advance(st)
	return step{turns: turns}
}

// advance triggers targets of a stage, if a window is open.
func (w walker) advance(st *stage) (turns []Turn, open bool) {
	if !w.windows.open(st.members) {
		return nil, false
	}
	return st.advance(), true
}

// vanish waits for a person, since nothing is learnt from a stage whose targets have gone,
// however far it had got with them: all of none is not a success.
func vanish(st *stage) step {
	st.restart()
	return step{
		phase:   triggerv1.RolloutBlocked,
		message: fmt.Sprintf("the targets that stage %s had for this content are gone, so the stage proves nothing", st.Name),
	}
}

// block waits for a person, since nothing is learnt from a stage in which no target can
// be triggered. What was refused before is tried again.
func (w walker) block(st *stage) step {
	st.restart()
	turns, _ := w.advance(st)
	return step{
		phase:   triggerv1.RolloutBlocked,
		message: text.Line(fmt.Sprintf("no target of stage %s can be delivered to; %s", st.Name, st.members.at(0).complaint()), maxMessage),
		turns:   turns,
	}
}

// start begins a stage, unless it needs an approval, a window or an analysis.
func (w walker) start(st *stage) step {
	switch {
	case st.spec.Approval == triggerv1.ApprovalManual && !st.Approved:
		st.members.hold("waits for the approval of stage " + st.Name)
		return step{phase: triggerv1.RolloutAwaitingApproval}
	case !w.windows.open(st.members) && w.windows.next != nil:
		return step{phase: triggerv1.RolloutAwaitingWindow}
	}
	waits, starts := w.analyst.start(st)
	if !starts {
		return waits
	}
	st.members.hold("waits for stage " + st.Name + " to start")
	st.set(triggerv1.StageProgressing)
	return step{phase: triggerv1.RolloutProgressing, after: immediately}
}

// progress triggers the targets of a stage whose turn it is, while a window is open.
func (w walker) progress(st *stage) step {
	st.set(triggerv1.StageProgressing)
	turns, open := w.advance(st)
	if !open && w.windows.blocks(st.members) {
		return step{phase: triggerv1.RolloutAwaitingWindow}
	}
	return step{phase: triggerv1.RolloutProgressing, turns: turns}
}

// soak watches the targets of a stage that has delivered, and reports whether it is over.
func (w walker) soak(st *stage) (s step, over bool) {
	measured := st.measures() && st.analysisFailed() == ""
	if st.spec.MinSuccessTime.Duration <= 0 && !measured {
		st.set(triggerv1.StageFinished)
		return step{}, true
	}
	unready, unknown, first := st.members.unready()
	tolerated := st.budget() - st.failed
	goesOn := st.rollout.OnFailure == triggerv1.FailureContinue
	if goesOn {
		tolerated = 0
	}
	s = step{phase: triggerv1.RolloutSoaking}
	if unready > tolerated {
		st.set(triggerv1.StageUnready)
		s.message = text.Line(fmt.Sprintf("%s is not ready: %s", first.Name, first.Message), maxMessage)
		s.after = max(0, w.timeout-w.now.Sub(st.Since.Time))
		switch {
		case s.after > 0:
			return s, false
		case !goesOn:
			return step{failure: fmt.Sprintf("%s has not been ready for %s: %s", first.Name, w.timeout, first.Message)}, false
		}
		st.set(triggerv1.StageFinished)
		return s, true
	}
	st.set(triggerv1.StageSoaking)
	if remains := st.spec.MinSuccessTime.Duration - w.now.Sub(st.Since.Time); remains > 0 && st.spec.MinSuccessTime.Duration > 0 {
		s.after = remains
		return s, false
	}
	if unready+unknown > tolerated && unknown > 0 {
		return s, false // helm-controller is looking at it, and will say what it found.
	}
	if measured && (st.Analysis.Successes == 0 || w.analyst.isDue(st)) {
		return s, false
	}
	st.set(triggerv1.StageFinished)
	return s, true
}
