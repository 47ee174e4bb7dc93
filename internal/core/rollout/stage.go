// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// stage is a stage with its targets.
type stage struct {
	*triggerv1.StageStatus
	spec triggerv1.Stage

	// members are the indexes of its targets, and counts how many of them stand how.
	members []int
	counts  [Out + 1]int

	// failed counts those whose failure is one of the change.
	failed int
}

// assign puts the targets into stages, and brings their record in line with the spec.
func (p *planner) assign(fresh bool) {
	if p.Rollout == nil {
		p.Status.Stages, p.Status.Unmatched = nil, 0
		return
	}
	recorded := map[string]triggerv1.StageStatus{}
	for _, st := range p.Status.Stages {
		recorded[st.Name] = st
	}
	p.stages = make([]stage, len(p.Rollout.Stages))
	p.Status.Stages = make([]triggerv1.StageStatus, len(p.stages))
	for i, spec := range p.Rollout.Stages {
		p.stages[i] = stage{StageStatus: &p.Status.Stages[i], spec: spec}
		*p.stages[i].StageStatus = recorded[spec.Name]
		p.stages[i].Name = spec.Name
		if fresh {
			p.inherit(&p.stages[i])
		}
		p.align(&p.stages[i])
		p.revise(&p.stages[i])
	}
	p.sort()
	p.Status.Unmatched = count(len(p.unmatched))
	for i := range p.stages {
		st := &p.stages[i]
		p.place(st, fresh)
		st.Targets, st.Delivered, st.Failed = count(len(st.members)), count(st.counts[Current]), count(st.failed)
	}
}

// place lets a stage wait, or says that it has nothing to do. One whose targets run content that has not
// passed its analysis has.
func (p *planner) place(st *stage, fresh bool) {
	unchanged := st.counts[Current] == len(st.members) && (len(st.members) == 0 || !st.measures() || !unproven(st.StageStatus))
	switch {
	case p.unapproved(st):
		st.set(p.Now, triggerv1.StageWaiting)
	case unchanged && (fresh || st.Phase == "" && (len(st.members) == 0 || p.Previous.Phase == triggerv1.RolloutFinished)):
		st.set(p.Now, triggerv1.StageUnchanged) // One that is renamed meanwhile still has to soak.
	case st.Phase == "" || !unchanged && st.Phase == triggerv1.StageUnchanged:
		st.set(p.Now, triggerv1.StageWaiting)
	}
}

// sort puts each target into its stage.
func (p *planner) sort() {
	sizes := make([]int, len(p.stages))
	for _, t := range p.Input.Targets {
		if t.Stage >= 0 {
			sizes[t.Stage]++
		}
	}
	for i, size := range sizes {
		p.stages[i].members = make([]int, 0, size)
	}
	for i, t := range p.Input.Targets {
		if t.Stage == NoStage {
			p.unmatched = append(p.unmatched, i)
		}
		if t.Stage < 0 {
			continue
		}
		st := &p.stages[t.Stage]
		st.members = append(st.members, i)
		st.counts[t.Standing]++
		if t.Standing == Failed && !t.UnreadyBefore {
			st.failed++
		}
	}
}

// set enters a phase, and notes since when.
func (st *stage) set(now time.Time, phase triggerv1.StagePhase) {
	if st.Phase == phase {
		return
	}
	st.enter(now, phase)
	st.Phase, st.Since = phase, nil
	switch phase {
	case triggerv1.StageUnchanged, triggerv1.StageWaiting:
	default:
		st.Since = later(now)
	}
}

// settled reports that nothing is going on in the stage and nothing is due.
func (st *stage) settled() bool {
	return st.counts[Due]+st.counts[UnderWay]+st.counts[Busy] == 0
}

// walk goes through the stages up to the first one that is not finished.
func (p *planner) walk() {
	switch {
	case p.Status.Phase != triggerv1.RolloutHalted:
	case p.idle() && !slices.ContainsFunc(p.stages, func(st stage) bool { return st.failsAnalysis() }):
		p.Status.Phase, p.Status.Message = triggerv1.RolloutProgressing, ""
	case p.returnable():
		p.rollBack()
	}
	p.hold(p.unmatched, "is selected by no stage of spec.rollout")
	present := ""
	for i := range p.stages {
		st := &p.stages[i]
		switch {
		case present != "":
			p.hold(st.members, "waits for stage "+present)
		case p.Status.Phase == triggerv1.RolloutHalted, p.Status.Rollback != nil:
			p.hold(st.members, "the rollout has halted")
			if st.Phase != triggerv1.StageFinished {
				present = st.Name
			}
		case st.Phase == triggerv1.StageFinished:
			p.catchUp(st)
		case !p.run(i):
			present = st.Name
		}
	}
	p.Status.Stage = present
	if p.Status.Rollback != nil {
		p.withdraw()
	} else if present == "" {
		p.conclude(slices.ContainsFunc(p.stages, func(st stage) bool { return !st.settled() }))
	}
}

// catchUp triggers targets that were out when their stage was the present one.
func (p *planner) catchUp(st *stage) {
	if !p.halted(st) && p.open(st.members) {
		p.advance(st)
	}
}

// run does what is due in the present stage, and reports whether it is finished.
func (p *planner) run(i int) bool {
	st := &p.stages[i]
	switch {
	case st.Phase == triggerv1.StageUnchanged, p.waived(st):
		st.set(p.Now, triggerv1.StageFinished)
		return true
	case len(st.members) == 0: // It had some: those that have gone have shown nothing.
		p.vanish(st)
		return false
	case p.stuck(st):
		p.block(st)
		return false
	case st.Phase == triggerv1.StageWaiting && st.counts[Current] < len(st.members):
		p.start(st)
		return false
	case st.Phase == triggerv1.StageWaiting && st.measures() && !p.admitsStart(st):
		return false
	}
	p.check(st)
	switch {
	case p.halted(st):
		return false
	case !st.settled():
		p.progress(st)
		p.demand(st)
		return false
	}
	finished := p.soak(st)
	p.demand(st)
	if p.Status.Phase != triggerv1.RolloutHalted && p.Status.Rollback == nil && p.open(st.members) {
		p.advance(st) // What was refused is tried again.
	}
	return finished
}

// stuck is true if no target of a stage shows anything, and none can be triggered.
func (p *planner) stuck(st *stage) bool {
	return st.settled() && st.counts[Current]+st.counts[Failed] == 0 && (st.Phase != triggerv1.StageWaiting || !p.wanting(st.members))
}

// progress triggers the targets of a stage whose turn it is, while a window is open.
func (p *planner) progress(st *stage) {
	st.set(p.Now, triggerv1.StageProgressing)
	p.Status.Phase = triggerv1.RolloutProgressing
	if p.open(st.members) {
		p.advance(st)
	} else if st.counts[UnderWay]+st.counts[Busy] == 0 && p.Status.NextWindow != nil {
		p.Status.Phase = triggerv1.RolloutAwaitingWindow
	}
}

// start begins a stage, unless it needs an approval or a window.
func (p *planner) start(st *stage) {
	switch {
	case st.spec.Approval == triggerv1.ApprovalManual && !st.Approved:
		p.Status.Phase = triggerv1.RolloutAwaitingApproval
		p.hold(st.members, "waits for the approval of stage "+st.Name)
	case !p.open(st.members) && p.Status.NextWindow != nil:
		p.Status.Phase = triggerv1.RolloutAwaitingWindow
	case p.admitsStart(st):
		p.Status.Phase = triggerv1.RolloutProgressing
		p.hold(st.members, "waits for stage "+st.Name+" to start")
		st.set(p.Now, triggerv1.StageProgressing)
		p.look(immediately)
	}
}

// halted stops the rollout if more targets of a stage have failed than may, or its analysis has.
func (p *planner) halted(st *stage) bool {
	switch {
	case p.Rollout.OnFailure == triggerv1.FailureContinue:
		return false
	case st.failed > p.budget(st):
		t := p.firstFailed(st)
		p.halt(st, fmt.Sprintf("%s: %s", t.Name, t.Message))
	case st.failsAnalysis():
		p.halt(st, fmt.Sprintf("analysis of stage %s failed: %s", st.Name, st.analysisFailed()))
	default:
		return false
	}
	return true
}

func (p *planner) halt(st *stage, why string) {
	p.Status.Phase = triggerv1.RolloutHalted
	p.hold(st.members, "the rollout has halted")
	switch {
	case p.returnable():
		p.rollBack()
	case p.Rollout.OnFailure == triggerv1.FailureRollback:
		why += "; there is no earlier content to roll back to"
	}
	p.Status.Message = text.Line(why, maxMessage)
}

// budget is how many targets of a stage may fail.
func (p *planner) budget(st *stage) int {
	return Budget(p.Rollout, len(st.members))
}

// limit is how many targets of a stage may be in progress.
func (p *planner) limit(st *stage) int {
	return Limit(&st.spec, len(st.members))
}

// Budget is how many targets of a stage with so many of them may fail.
func Budget(r *triggerv1.Rollout, targets int) int { return scaled(r.MaxFailures, targets, 0) }

// Limit is how many targets of a stage with so many of them may be in progress.
func Limit(st *triggerv1.Stage, targets int) int {
	return max(1, scaled(st.MaxConcurrency, targets, targets))
}

// scaled returns a number, or a percentage of a total, rounded down.
func scaled(value *intstr.IntOrString, total, missing int) int {
	if value == nil {
		return missing
	}
	if value.Type == intstr.Int {
		return int(value.IntVal)
	}
	var percent int
	if _, err := fmt.Sscanf(strings.TrimSuffix(value.StrVal, "%"), "%d", &percent); err != nil {
		return 0 // The schema admits nothing else; the safe side of it.
	}
	return total * percent / 100
}
