// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file rolls back a rollout that has failed. That is recorded first. From then on
// the content is rejected: the targets are compared with the earlier one, as if the sources
// held that again.

// Rejects reports whether content is not to be delivered since it has failed and is rolled
// back, as the spec and the record of a rollout say. Who forces it wants it all the same,
// and so does who retries when all is restored. Before, that is to retry the restoring.
func Rejects(spec *triggerv1.Rollout, recorded *triggerv1.RolloutStatus, content string, force, reset bool) bool {
	if spec == nil || spec.OnFailure != triggerv1.FailureRollback || recorded == nil || recorded.Rollback == nil {
		return false
	}
	return recorded.Digest == content && !force && (!reset || recorded.Phase != triggerv1.RolloutRolledBack)
}

// reject begins a rollout with the end of one that is not recorded any more, since the
// trigger was made again: only the releases say that the content was rolled back.
func (p *planner) reject() {
	s := p.Status
	s.Phase = triggerv1.RolloutHalted
	p.rest()
	s.Message = text.Line(fmt.Sprintf("this content was rolled back before the ValuesTrigger was made again, as recorded on HelmRelease %s", p.RejectedBy), maxMessage)
}

// retried reports that a person wants content once more that was rolled back.
func (p *planner) retried(previous *triggerv1.RolloutStatus) bool {
	return p.Reset && !p.Restored && previous.Rollback != nil
}

// returnable reports that there is earlier content to go back to.
func (p *planner) returnable() bool {
	return p.Rollout.OnFailure == triggerv1.FailureRollback && p.Earlier != "" && p.Earlier != p.Digest
}

// rollBack begins to restore the earlier content, with the next decision.
func (p *planner) rollBack() {
	p.Status.Phase = triggerv1.RolloutRollingBack
	p.Status.Rollback = &triggerv1.RollbackStatus{Digest: p.Earlier, StartedAt: later(p.Now)}
	p.look(immediately)
}

// withdraw withdraws what was admitted before it was seen that the content fails.
func (p *planner) withdraw() {
	for i := range p.Decision.Targets {
		p.Decision.Targets[i].Admitted = false
	}
	p.Turns = nil
	p.hold(p.all(), "the rollout has halted")
}

// retreat restores the earlier content, stage by stage from the last to the first. No
// window and no approval is waited for: the sooner it runs, the better.
func (p *planner) retreat() {
	s := p.Status
	s.Phase, s.Rollback.Message = triggerv1.RolloutRollingBack, ""
	p.hold(p.unmatched, "is selected by no stage of spec.rollout")
	if p.Unrestorable != "" {
		p.haltRollback(p.Unrestorable)
		p.hold(p.all(), "the rollback has halted")
		return
	}
	for i := len(p.stages) - 1; i >= 0; i-- {
		st := &p.stages[i]
		if !st.settled() {
			st.set(p.Now, triggerv1.StageRollingBack)
		}
		switch {
		case s.Stage != "":
			p.hold(st.members, "waits for stage "+s.Stage+" to be rolled back")
		case st.failed > p.budget(st):
			t := p.firstFailed(st)
			p.haltRollback(t.Name + ": " + t.Message)
			p.hold(st.members, "the rollback has halted")
			s.Stage = st.Name
		case !st.settled():
			p.recede(st)
			s.Stage = st.Name
		default:
			p.recede(st) // What was refused is tried again.
			if st.Phase != triggerv1.StageUnchanged && st.Phase != triggerv1.StageWaiting {
				st.set(p.Now, triggerv1.StageRolledBack)
			}
		}
	}
	if s.Stage == "" {
		s.Phase = triggerv1.RolloutRolledBack
		p.reportRest()
	}
}

func (p *planner) haltRollback(why string) {
	p.Status.Phase = triggerv1.RolloutRollbackHalted
	p.Status.Rollback.Message = text.Line(why, maxMessage)
}

// firstFailed returns the first target of a stage whose failure counts.
func (p *planner) firstFailed(st *stage) Target {
	for _, i := range st.members {
		if t := p.Input.Targets[i]; t.Standing == Failed && !t.UnreadyBefore {
			return t
		}
	}
	return Target{}
}

// reportRest names the targets that the rollback could not reach.
func (p *planner) reportRest() {
	count, first := 0, Target{}
	for i := range p.stages {
		for _, member := range p.stages[i].members {
			if t := p.Input.Targets[member]; t.Standing == Failed || t.Standing == Out {
				if count == 0 {
					first = t
				}
				count++
			}
		}
	}
	if count > 0 {
		p.Status.Rollback.Message = text.Line(fmt.Sprintf("%d not restored; %s: %s", count, first.Name, first.Message), maxMessage)
	}
}

// passed reports whether this content is a valid rollback target: it has passed all stages and their
// analysis, and at least one target runs it.
func (p *planner) passed() bool {
	if p.Status.Phase != triggerv1.RolloutFinished || p.Rollout == nil {
		return false
	}
	for i := range p.stages {
		if st := &p.stages[i]; st.failed > p.budget(st) || st.analysisFailed() != "" {
			return false
		}
	}
	return p.any(Current)
}
