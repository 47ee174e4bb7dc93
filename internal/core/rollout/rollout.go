// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// planner is one decision in the making.
type planner struct {
	Input
	Decision

	// stages with their targets, and the indexes of targets that no stage selects.
	stages    []stage
	unmatched []int
}

// Decide returns which targets may be triggered now. It is a pure function of its input.
func Decide(in Input) Decision {
	p := &planner{Input: in, Decision: Decision{Targets: make([]Admission, len(in.Targets))}}
	p.begin()
	p.hold(p.all(), "waits for its turn")
	switch {
	case p.Restored && p.Status.Rollback != nil:
		p.retreat()
	case p.Status.RejectedBy != nil:
		p.stop()
	case p.Status.Overridden:
		p.override()
	case p.settling():
	case in.Rollout == nil:
		p.atOnce()
	default:
		p.walk()
	}
	p.Passed = p.passed()
	return p.Decision
}

// begin continues the recorded rollout, or begins a new one if the content is another.
func (p *planner) begin() {
	previous := p.Previous
	rejected := previous == nil && p.remembered()
	if rejected { // Requests that came with the trigger, as out of a backup, are none for this content.
		p.Force, p.Reset = false, false
	}
	fresh := previous == nil || previous.Digest != p.Digest || p.retried(previous) || p.triggered(previous)
	if fresh {
		p.Status = &triggerv1.RolloutStatus{Digest: p.Digest, ChangedAt: later(p.Now), TriggerAt: p.TriggerAt, EditedBy: editedBy(previous, p.Editors)}
		p.unsettle()
	} else {
		p.Status = fixed(previous.DeepCopy(), p.Now)
	}
	s := p.Status
	s.NextWindow, s.Stage = nil, ""
	if p.Settle <= 0 || s.UnsettledSince == nil {
		s.Settling = nil
	}
	if p.Quiet <= 0 && s.Settling == nil {
		s.UnsettledSince = nil
	}
	if p.Force {
		s.Overridden = true
		p.rest()
	}
	p.resume()
	if rejected {
		p.reject()
	}
	p.assign(fresh)
	p.approve()
	p.turnDown()
}

// resume goes on from a rollout that has come to an end, if something lets it.
func (p *planner) resume() {
	s := p.Status
	if s.Rollback != nil && !p.Restored {
		s.Phase, s.Rollback = triggerv1.RolloutHalted, nil // Nothing is rolled back any more.
	}
	if s.Phase == triggerv1.RolloutHalted && (p.Reset || s.Overridden) {
		s.Phase, s.RejectedBy = triggerv1.RolloutProgressing, nil
		for i := range s.Stages {
			if s.Stages[i].Phase == triggerv1.StageUnready {
				s.Stages[i].Phase = triggerv1.StageProgressing
			}
		}
	}
	if p.Reset && !p.Restored {
		for i := range s.Stages {
			p.retry(&s.Stages[i])
		}
	}
	if s.Phase != triggerv1.RolloutHalted && s.Rollback == nil {
		s.Message = ""
	}
}

// fixed returns a record with all times that its phases need, and none that is still to
// come: clocks are put right, and anyone with the permission can write a status.
func fixed(s *triggerv1.RolloutStatus, now time.Time) *triggerv1.RolloutStatus {
	s.ChangedAt = notAfter(s.ChangedAt, now)
	if s.UnsettledSince != nil {
		s.UnsettledSince = notAfter(s.UnsettledSince, now)
	}
	if s.Settling != nil {
		s.Settling.Since = notBegun(s.Settling.Since, now)
	}
	for i := range s.Stages {
		fixedAnalysis(s.Stages[i].Analysis, now)
		switch s.Stages[i].Phase {
		case triggerv1.StageProgressing, triggerv1.StageSoaking, triggerv1.StageUnready, triggerv1.StageFinished:
			s.Stages[i].Since = notAfter(s.Stages[i].Since, now)
		case triggerv1.StageUnchanged, triggerv1.StageWaiting:
		}
	}
	return s
}

// notAfter returns a time, or now if it is missing or not come yet.
func notAfter(t *metav1.Time, now time.Time) *metav1.Time {
	if latest := later(now); t == nil || t.After(latest.Time) {
		return latest
	}
	return t
}

// override lets everything through that a person forces.
func (p *planner) override() {
	p.admit(p.all())
	for i := range p.stages {
		if st := &p.stages[i]; st.settled() {
			st.set(p.Now, triggerv1.StageFinished)
		} else {
			st.set(p.Now, triggerv1.StageProgressing)
		}
	}
	p.conclude(p.any(Due, UnderWay, Busy))
}

// atOnce triggers all targets, in a window.
func (p *planner) atOnce() {
	if p.open(p.all()) {
		p.admit(p.all())
	}
	p.conclude(p.any(Due, UnderWay, Busy))
}

// conclude ends a rollout in which nothing goes on any more, if nothing else was said of
// it.
func (p *planner) conclude(goesOn bool) {
	switch {
	case p.Status.Phase == triggerv1.RolloutHalted:
	case p.Status.NextWindow != nil && !p.any(UnderWay, Busy):
		p.Status.Phase = triggerv1.RolloutAwaitingWindow
	case goesOn:
		p.Status.Phase = triggerv1.RolloutProgressing
	default:
		p.Status.Phase = triggerv1.RolloutFinished
	}
}

// open reports whether requests may be made at this time. If not, those of the targets are
// held until the next window.
func (p *planner) open(targets []int) bool {
	if p.Schedule.Open(p.Now) {
		return true
	}
	if !p.wanting(targets) {
		return false
	}
	p.hold(targets, "waits for the next window of spec.schedule")
	opens, closes := p.Schedule.Next(p.Now)
	if opens.IsZero() {
		return false
	}
	p.Status.NextWindow = &triggerv1.NextWindow{Opens: metav1.NewTime(opens.UTC())}
	if !closes.IsZero() {
		p.Status.NextWindow.Closes = new(metav1.NewTime(closes.UTC()))
	}
	p.look(opens.Sub(p.Now))
	return false
}

// admit lets the requests of targets through.
func (p *planner) admit(targets []int) {
	for _, i := range targets {
		if p.Input.Targets[i].Wants {
			p.Decision.Targets[i] = Admission{Admitted: true}
		}
	}
}

// hold says why the requests of targets must wait.
func (p *planner) hold(targets []int, why string) {
	for _, i := range targets {
		if p.Input.Targets[i].Wants && !p.Decision.Targets[i].Admitted {
			p.Decision.Targets[i].Held = why
		}
	}
}

// wanting reports whether a request would be made for any of the targets.
func (p *planner) wanting(targets []int) bool {
	return slices.ContainsFunc(targets, func(i int) bool { return p.Input.Targets[i].Wants })
}

// look makes sure that the next decision comes no later than in some time.
func (p *planner) look(after time.Duration) {
	if after > 0 && (p.After == 0 || after < p.After) {
		p.After = after
	}
}

// all returns the indexes of all targets.
func (p *planner) all() []int {
	all := make([]int, len(p.Input.Targets))
	for i := range all {
		all[i] = i
	}
	return all
}

// idle reports that every target runs the content.
func (p *planner) idle() bool {
	return !p.any(Due, UnderWay, Busy, Failed, Out)
}

func (p *planner) any(standings ...Standing) bool {
	return slices.ContainsFunc(p.Input.Targets, func(t Target) bool { return slices.Contains(standings, t.Standing) })
}

// later and earlier return a time as it is stored, in whole seconds, so that what is
// waited for is never too short and what caps it never too long.
func later(t time.Time) *metav1.Time {
	return new(metav1.NewTime(t.Add(time.Second - time.Nanosecond).Truncate(time.Second)))
}

func earlier(t time.Time) *metav1.Time {
	return new(metav1.NewTime(t.Truncate(time.Second)))
}
