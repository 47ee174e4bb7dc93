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

// This file is about stages from which nothing is learnt: all of none is not a success.

// block waits for a person, since nothing is learnt from a stage in which no target can
// be triggered. What was refused before is tried again.
func (p *planner) block(st *stage) {
	t := p.Input.Targets[st.members[0]]
	st.restart(p.Now)
	p.Status.Phase = triggerv1.RolloutBlocked
	p.Status.Message = text.Line(fmt.Sprintf("no target of stage %s can be delivered to; %s: %s", st.Name, t.Name, t.Message), maxMessage)
	if p.open(st.members) {
		p.advance(st)
	}
}

// vanish waits for a person, since nothing is learnt from a stage whose targets have gone,
// however far it had got with them.
func (p *planner) vanish(st *stage) {
	st.restart(p.Now)
	p.Status.Phase = triggerv1.RolloutBlocked
	p.Status.Message = fmt.Sprintf("the targets that stage %s had for this content are gone, so the stage proves nothing", st.Name)
}

// waived reports whether a person who has been shown that the targets of the stage are
// gone lets the rollout go on.
func (p *planner) waived(st *stage) bool {
	was := p.Previous
	return len(st.members) == 0 && p.Reset && was != nil && was.Digest == p.Digest && was.Phase == triggerv1.RolloutBlocked && was.Stage == st.Name
}

// restart lets the time that targets must stay ready begin again when there are some.
func (st *stage) restart(now time.Time) {
	if st.Phase == triggerv1.StageSoaking || st.Phase == triggerv1.StageUnready {
		st.set(now, triggerv1.StageProgressing)
	}
}

// unapproved reports whether a target is due in a stage that was skipped, since it had
// none or nothing to do: no approval was needed then.
func (p *planner) unapproved(st *stage) bool {
	return st.Phase == triggerv1.StageFinished && st.spec.Approval == triggerv1.ApprovalManual &&
		!st.Approved && !p.Status.Overridden && p.Status.Rollback == nil &&
		slices.ContainsFunc(st.members, func(i int) bool { return p.Input.Targets[i].Wants && p.Input.Targets[i].Standing != UnderWay })
}
