// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Rejects reports whether content is not to be delivered since it has failed and is rolled
// back, as the spec and the record of a rollout say. Who forces it wants it all the same,
// and so does who retries when all is restored. Before, that is to retry the restoring.
func Rejects(spec *triggerv1.Rollout, recorded *triggerv1.RolloutStatus, content string, force, reset bool) bool {
	if spec == nil || spec.OnFailure != triggerv1.FailureRollback || recorded == nil || recorded.Rollback == nil {
		return false
	}
	return recorded.Digest == content && !force && (!reset || recorded.Phase != triggerv1.RolloutRolledBack)
}

// restorer ends a rollout that has failed, and rolls it back. That is recorded first. From then on
// the content is rejected: the targets are compared with the earlier one, as if the sources
// held that again.
type restorer struct {
	now     time.Time
	rollout *triggerv1.Rollout

	// content is that of the rollout, and earlier what can be restored, empty if nothing can.
	content, earlier string

	// unrestorable says why that cannot be had.
	unrestorable string
}

func restorerOf(in Input) restorer {
	return restorer{now: in.Now, rollout: in.Rollout, content: in.Digest, earlier: in.Earlier, unrestorable: in.Unrestorable}
}

// canReturn reports that there is earlier content to go back to.
func (r restorer) canReturn() bool {
	return r.rollout.OnFailure == triggerv1.FailureRollback && r.earlier != "" && r.earlier != r.content
}

// begin begins to restore the earlier content, with the next decision.
func (r restorer) begin() step {
	return step{
		phase:    triggerv1.RolloutRollingBack,
		rollback: &triggerv1.RollbackStatus{Digest: r.earlier, StartedAt: later(r.now)},
		after:    immediately,
	}
}

// halt ends a rollout of which is said why, and begins to restore the earlier content if there is some.
func (r restorer) halt(why string) step {
	halts := step{phase: triggerv1.RolloutHalted}
	switch {
	case r.rollout == nil:
	case r.canReturn():
		halts = r.begin()
	case r.rollout.OnFailure == triggerv1.FailureRollback:
		why += "; there is no earlier content to roll back to"
	}
	halts.message = text.Line(why, maxMessage)
	return halts
}

// restore restores the earlier content, stage by stage from the last to the first. No
// window and no approval is waited for: the sooner it runs, the better.
func (r restorer) restore(recorded triggerv1.RollbackStatus, a assignment) step {
	recorded.Message = ""
	s := step{phase: triggerv1.RolloutRollingBack, rollback: &recorded}
	halt := func(why string) {
		s.phase, recorded.Message = triggerv1.RolloutRollbackHalted, text.Line(why, maxMessage)
	}
	if r.unrestorable != "" {
		halt(r.unrestorable)
		a.all.hold("the rollback has halted")
		return s
	}
	a.unmatched.hold("is selected by no stage of spec.rollout")
	for i := len(a.stages) - 1; i >= 0; i-- {
		st := &a.stages[i]
		if !st.settled() {
			st.set(triggerv1.StageRollingBack)
		}
		switch {
		case s.stage != "":
			st.members.hold("waits for stage " + s.stage + " to be rolled back")
		case st.failed > st.budget():
			halt(st.members.firstFailed().complaint())
			st.members.hold("the rollback has halted")
			s.stage = st.Name
		case !st.settled():
			s.turns = append(s.turns, st.recede()...)
			s.stage = st.Name
		default:
			s.turns = append(s.turns, st.recede()...) // What was refused is tried again.
			if st.Phase != triggerv1.StageUnchanged && st.Phase != triggerv1.StageWaiting {
				st.set(triggerv1.StageRolledBack)
			}
		}
	}
	if s.stage == "" {
		s.phase, recorded.Message = triggerv1.RolloutRolledBack, notRestored(a.stages)
	}
	return s
}

// notRestored names the targets that the rollback could not reach, empty if there are none.
func notRestored(stages []stage) string {
	count, first := 0, Target{}
	for i := range stages {
		for _, t := range stages[i].members.each() {
			if t.Standing == Failed || t.Standing == Out {
				if count == 0 {
					first = *t.Target
				}
				count++
			}
		}
	}
	if count == 0 {
		return ""
	}
	return text.Line(fmt.Sprintf("%d not restored; %s", count, first.complaint()), maxMessage)
}
