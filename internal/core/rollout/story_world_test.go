// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"math/rand"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

// This file models a fleet of releases, the person who cares for it, and the operator
// around Decide, which may die at any time.

// member is a release of the fleet.
type member struct {
	name      string
	stage     int
	dependsOn []string

	// runs is the content that it runs, asked the one that was requested.
	runs, asked int

	// done is when helm-controller will have finished, zero if it has nothing to do.
	done time.Time

	// lost reports that the request will be handled without effect.
	lost bool

	failed, suspended bool
	busyUntil         time.Time

	// again is one that a person wants asked once more.
	again bool

	// refused is true if the API server refuses whatever is requested, and status is
	// what is stored of that.
	refused bool
	status  triggerv1.TargetStatus

	// gone is true if it is deleted, or its namespace is being deleted.
	gone bool

	// rolledBack is the content that its record says was rolled back, 0 if none.
	rolledBack int

	// unready is a release that is not well for other reasons.
	unready       bool
	unreadyBefore bool
}

// story is a fleet with its trigger.
type story struct {
	rng *rand.Rand
	now time.Time
	in  Input

	members []*member

	// content is the present one, and breaks says which releases it breaks.
	content, newest int
	breaks          map[int]map[string]bool

	// changed is when the operator first saw the content, unsettled when it first saw
	// one that it has not let through.
	changed, unsettled time.Time
	settled            bool

	// tools are the contents that a tool has applied, and applied is when the operator first
	// saw the last of them that has not settled, zero if all have.
	tools   map[int]bool
	applied time.Time

	// stored is what the API server has of the rollout.
	stored *triggerv1.RolloutStatus

	// earlier is the content that can be restored, 0 if there is none. It is stored
	// with the status.
	earlier int

	// approvals of people for the rollout that is stored, by the annotation, and how
	// many stages they have approved. The value of the annotation that is handled is
	// stored with the status.
	approvals map[string]bool
	handled   string

	// approvedFor is what a stage selected when it was approved, by its name.
	approvedFor map[string]string

	// rejected is the content that no target may get any more.
	rejected int

	forced   int
	reset    bool
	trigger  storyTrigger
	provider storyProvider
	log     []string
}

func (s *story) chance(n int) bool { return s.rng.Intn(n) == 0 }

func (s *story) note(format string, args ...any) {
	s.log = append(s.log, s.now.Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// newStory makes up a fleet and a spec.
func newStory(seed int64) *story {
	s := &story{
		rng: rand.New(rand.NewSource(seed)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		breaks: map[int]map[string]bool{}, tools: map[int]bool{}, approvals: map[string]bool{}, approvedFor: map[string]string{}, content: 1, newest: 1,
	}
	s.in = Input{Timeout: time.Minute}
	s.provider.bad = map[string]bool{}
	if s.chance(2) {
		s.in.Settle = time.Duration(1+s.rng.Intn(10)) * time.Second
		s.tools[1] = s.chance(2)
	}
	if s.chance(2) {
		s.in.Quiet = time.Duration(1+s.rng.Intn(30)) * time.Second
		s.in.MaxDelay = s.in.Quiet + time.Duration(s.rng.Intn(60))*time.Second
	}
	if s.chance(3) {
		windows, err := schedule.Parse([]schedule.Window{{Cron: fmt.Sprintf("*/%d * * * *", 2+s.rng.Intn(10)), Duration: time.Minute}})
		if err != nil {
			panic(err)
		}
		s.in.Schedule = windows
	}
	stages := s.rng.Intn(5)
	if stages > 0 {
		s.in.Rollout = s.rollout(stages)
	}
	refusing := 2 + s.rng.Intn(20) // In some fleets next to all do.
	for i := range 1 + s.rng.Intn(20) {
		m := &member{name: fmt.Sprintf("apps/r%02d", i), runs: 0, stage: NoStage}
		if stages > 0 && !s.chance(30) {
			m.stage = s.rng.Intn(stages)
		}
		for range s.rng.Intn(3) {
			if s.chance(3) {
				m.dependsOn = append(m.dependsOn, fmt.Sprintf("apps/r%02d", s.rng.Intn(20)))
			}
		}
		m.suspended, m.refused, m.unready = s.chance(12), s.chance(refusing), s.chance(12)
		m.unreadyBefore = m.unready
		s.members = append(s.members, m)
	}
	if s.in.Rollout != nil && s.in.Rollout.OnFailure == triggerv1.FailureRollback && s.chance(2) {
		s.earlier = s.content
		for _, m := range s.members {
			m.runs, m.asked, m.unready, m.unreadyBefore = s.content, s.content, false, false
		}
	}
	return s
}

func (s *story) rollout(stages int) *triggerv1.Rollout {
	number := func(least, most int) *intstr.IntOrString {
		switch s.rng.Intn(3) {
		case 0:
			return nil
		case 1:
			return new(intstr.FromInt32(int32(least + s.rng.Intn(most))))
		default:
			return new(intstr.FromString(fmt.Sprintf("%d%%", least+s.rng.Intn(60))))
		}
	}
	r := &triggerv1.Rollout{OnFailure: triggerv1.FailureHalt, MaxFailures: number(0, 3)}
	switch s.rng.Intn(4) {
	case 0:
		r.OnFailure = triggerv1.FailureContinue
	case 1:
		r.OnFailure = triggerv1.FailureRollback
	}
	for i := range stages {
		stage := triggerv1.Stage{Name: fmt.Sprintf("s%d", i), MaxConcurrency: number(1, 4), Approval: triggerv1.ApprovalAutomatic}
		selects(stage.Name)(&stage)
		if s.chance(3) {
			stage.MinSuccessTime.Duration = time.Duration(s.rng.Intn(120)) * time.Second
		}
		if s.chance(4) {
			stage.Approval = triggerv1.ApprovalManual
		}
		if s.chance(3) {
			stage.Analysis = s.analysis()
		}
		r.Stages = append(r.Stages, stage)
	}
	return r
}

func digestOf(content int) string { return fmt.Sprintf("sha256:%064d", content) }

// restored reports whether the content is rejected, so that the earlier one is delivered.
func (s *story) restored() bool {
	return s.earlier > 0 && Rejects(s.in.Rollout, s.stored, digestOf(s.content), s.forced == s.content, s.reset)
}

// wanted returns the content that is delivered.
func (s *story) wanted() int {
	if s.restored() {
		return s.earlier
	}
	return s.content
}

// edit changes the sources, mostly for the better.
func (s *story) edit() {
	before := s.content
	s.rejected, s.forced = 0, 0
	if s.newest > 1 && s.chance(4) {
		s.content = 1 + s.rng.Intn(s.newest)
		s.note("content %d comes back", s.content)
		for _, m := range s.members {
			if before != s.content && m.asked == s.content && m.done.IsZero() {
				m.asked, m.failed = 0, false
			}
		}
		return
	}
	s.newest++
	s.content = s.newest
	s.tools[s.content] = s.chance(2)
	s.provider.bad[digestOf(s.content)] = s.chance(4)
	broken := map[string]bool{}
	if s.chance(2) {
		for _, m := range s.members {
			if s.chance(6) {
				broken[m.name] = true
			}
		}
	}
	s.breaks[s.content] = broken
	if s.earlier > 0 && s.chance(3) { // Now it breaks something, too.
		s.breaks[s.earlier] = map[string]bool{s.members[s.rng.Intn(len(s.members))].name: true}
	}
	for _, m := range s.members {
		// What was triggered and failed is not a past to compare with.
		if m.runs == before || m.asked == 0 {
			m.unreadyBefore = m.unready
		}
	}
	s.note("content %d breaks %v, by a tool %t, is bad %t", s.content, broken, s.tools[s.content], s.provider.bad[digestOf(s.content)])
}

// standing returns how a release stands to the content that is delivered.
func (s *story) standing(m *member) (Standing, bool) {
	wanted := s.wanted()
	switch {
	case m.gone:
		return Out, false
	case m.runs == wanted && m.done.IsZero() && !m.again:
		return Current, false
	case m.suspended:
		return Out, false
	case !m.done.IsZero():
		return UnderWay, false
	case m.asked == wanted && m.failed && !m.again:
		return Failed, false
	case m.asked == wanted && !m.again: // The request was lost.
		return Of(m.name, m.stage, s.decision(m), plan.Release{Exists: true}).Standing, true
	case m.busyUntil.After(s.now):
		return Busy, false
	}
	return Of(m.name, m.stage, s.decision(m), plan.Release{Exists: true}).Standing, true
}

func (s *story) target(m *member) Target {
	if m.gone { // However it ended.
		return Of(m.name, m.stage, plan.Decision{Status: triggerv1.TargetStatus{State: triggerv1.TargetMissing}}, plan.Release{})
	}
	t := Target{Name: m.name, Stage: m.stage, Ready: "True", UnreadyBefore: m.unreadyBefore, DependsOn: m.dependsOn, Message: "why"}
	if m.unready || m.failed {
		t.Ready = "False"
	}
	t.Standing, t.Wants = s.standing(m)
	return t
}

// helmController finishes what is done by now.
func (s *story) helmController() {
	for _, m := range s.members {
		if m.done.IsZero() || m.done.After(s.now) || m.suspended || m.gone {
			continue
		}
		m.done = time.Time{}
		switch {
		case m.lost:
			m.lost = false
			s.note("%s: lost", m.name)
		case s.breaks[m.asked][m.name] || m.unreadyBefore && m.unready:
			m.failed = true
			s.note("%s: failed", m.name)
		default:
			m.runs, m.failed, m.unready, m.unreadyBefore = m.asked, false, false, false
			s.note("%s: runs %d", m.name, m.runs)
		}
	}
}

// ask is what a request does. It returns false if it is refused.
func (s *story) ask(m *member) bool {
	if m.refused {
		s.note("%s: refused", m.name)
		return false
	}
	m.rolledBack = 0
	if s.restored() {
		m.rolledBack, s.rejected = s.content, s.content
	}
	m.asked, m.failed, m.again = s.wanted(), false, false
	m.done = s.now.Add(time.Duration(1+s.rng.Intn(20)) * time.Second)
	m.lost = s.chance(10)
	s.note("%s: asked for %d", m.name, m.asked)
	return true
}
