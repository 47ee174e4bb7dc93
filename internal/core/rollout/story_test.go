// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"flag"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

var (
	stories    = flag.Int64("stories", 3000, "how many stories the test tells")
	firstStory = flag.Int64("first-story", 0, "seed of the first of them")
)

// TestStories runs random stories of fleets, failures, clocks, superseding contents,
// crashes and people, and checks with each decision what a rollout promises: no stage
// before the one before it is finished, never more in progress than may be, nothing after
// too many failures, nothing outside of a window, before the sources have settled,
// or without approval. What is rolled back goes the same way backwards, and waits for none
// of that. At the end nothing may be left that no one has to act on.
func TestStories(t *testing.T) {
	t.Parallel()
	ends := map[triggerv1.RolloutPhase]int{}
	last := *firstStory + *stories
	if testing.Short() { // With the race detector, which finds nothing in one goroutine.
		last = *firstStory + *stories/10
	}
	for seed := *firstStory; seed < last; seed++ {
		s := newStory(seed)
		if problem := s.tell(); problem != "" {
			t.Fatalf("seed %d: %s\n%s", seed, problem, strings.Join(s.log, "\n"))
		}
		ends[s.stored.Phase]++
	}
	t.Log(ends)
}

func (s *story) tell() (problem string) {
	defer func() {
		if r := recover(); r != nil {
			problem = fmt.Sprint(r)
		}
	}()
	edits := 1 + s.rng.Intn(4)
	for range 20 + s.rng.Intn(60) {
		s.now = s.now.Add(time.Duration(100+s.rng.Intn(8000)) * time.Millisecond)
		s.helmController()
		m := s.members[s.rng.Intn(len(s.members))]
		switch s.rng.Intn(32) {
		case 0, 1:
			if edits > 0 {
				edits--
				s.edit()
			}
		case 2:
			m.suspended = !m.suspended
			s.note("%s: suspended %t", m.name, m.suspended)
		case 3:
			if m.runs == s.content {
				m.unready = !m.unready
				s.note("%s: unready %t", m.name, m.unready)
			}
		case 4:
			m.busyUntil = s.now.Add(5 * time.Second)
		case 5:
			s.approve()
		case 6:
			if s.chance(3) {
				s.reset = true
			}
		case 7:
			if s.chance(10) {
				s.forced = s.content
				s.note("a person forces")
			}
		case 8:
			if m.failed && !s.breaks[m.asked][m.name] { // What ailed it is over.
				m.failed, m.runs, m.unready, m.unreadyBefore = false, m.asked, false, false
				s.note("%s: heals", m.name)
			}
		case 9:
			m.refused = s.chance(3)
		case 10:
			if s.chance(6) {
				s.retrigger()
			}
		default:
			s.meddle(m, s.rng.Intn(14))
		}
		s.reconcile(true)
	}
	return s.settle()
}

// reconcile is one decision, the execution of which may end halfway. It returns whether
// anything was done.
func (s *story) reconcile(mayCrash bool) (acted bool, after time.Duration) {
	in := s.in
	in.Now, in.Digest, in.Previous = s.now, digestOf(s.content), s.stored
	in.Force, in.Reset, in.Handled = s.forced == s.content, s.reset, s.handled
	in.Restored = s.restored()
	in.TriggerAt = s.absorbTrigger(in.Restored)
	if s.earlier > 0 {
		in.Earlier = digestOf(s.earlier)
	}
	for _, m := range s.members {
		if !m.gone && m.rolledBack == s.content && m.runs != s.content {
			in.RejectedBy = m.name
		}
		if s.reset && m.asked == s.wanted() && m.failed {
			m.asked, m.failed = 0, false // As plan does.
		}
		in.Targets = append(in.Targets, s.target(m))
	}
	in.Applying = s.in.Settle > 0 && s.chance(4)
	if s.tools[s.content] && (s.stored == nil || s.stored.Digest != in.Digest) {
		in.Applied = fromGit()
	}
	if s.stored == nil || s.stored.Digest != in.Digest || begins(in) {
		if s.settled || s.unsettled.IsZero() {
			s.unsettled, s.settled = s.now, false
		}
		s.changed = s.now
	} else { // What was never recorded may have come and gone.
		s.changed = s.stored.ChangedAt.Time
		s.settled = s.stored.UnsettledSince == nil
	}
	switch {
	case in.Applied != nil && in.Settle > 0:
		s.applied = s.now
	case s.stored != nil && s.stored.Settling != nil:
		s.applied = s.stored.Settling.Since.Time
	default:
		s.applied = time.Time{}
	}
	in.Trigger, in.Measured = "uid", s.measurement()
	d := Decide(in)
	if again := Decide(in); !reflect.DeepEqual(d, again) {
		panic("decided differently the second time")
	}
	s.check(in, d)
	asked := s.askProvider(in, d)
	statuses, acted := s.execute(d, mayCrash)
	acted = acted || asked && !mayCrash
	if statuses == nil {
		return true, 0
	}
	if mayCrash && s.chance(15) {
		s.note("killed before the status")
		return true, 0
	}
	if !reflect.DeepEqual(s.stored, d.Status) {
		s.note("%s %s %q", d.Status.Phase, Where(d.Status), d.Status.Message)
	}
	if s.stored == nil || s.stored.Digest != d.Status.Digest || in.Reset && s.stored.Rollback != nil && d.Status.Rollback == nil || s.stored.TriggerAt != d.Status.TriggerAt {
		s.approvals = map[string]bool{} // It is another rollout.
	}
	if in.Reset && s.stored != nil && !in.Restored {
		s.rejected = 0
	}
	s.stored, s.reset, s.handled = d.Status, false, in.Approval
	for i, m := range s.members {
		m.status = statuses[i]
	}
	if !mayCrash || !s.chance(4) { // About some target nothing could be decided.
		s.trigger.handled = in.TriggerAt
	}
	if d.Passed && s.in.Rollout.OnFailure == triggerv1.FailureRollback {
		s.earlier = s.content
	}
	s.settled = d.Status.UnsettledSince == nil
	return acted, d.After
}

// settle ends the trouble, first that of all members that the API server does not refuse.
func (s *story) settle() string {
	s.note("--- calm ---")
	s.provider.calm = true
	for _, m := range s.members {
		m.suspended = false
	}
	if problem := s.rest(); problem != "" {
		return problem
	}
	s.note("--- nothing is refused any more ---")
	for _, m := range s.members {
		m.refused = false
	}
	return s.rest()
}

// rest goes on by what Decide asks for and what happens, until nothing happens any more. A
// person does what the rollout waits for.
func (s *story) rest() string {
	for round := 0; ; round++ {
		if round > 3000 {
			return fmt.Sprintf("does not settle: %s %s", s.stored.Phase, s.stored.Message)
		}
		s.helmController()
		acted, after := s.reconcile(false)
		if acted {
			continue
		}
		next := time.Time{}
		sooner := func(at time.Time) {
			if at.After(s.now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		for _, m := range s.members {
			if !m.gone {
				sooner(m.done)
				sooner(m.busyUntil)
			}
		}
		if after > 0 {
			sooner(s.now.Add(after))
		}
		if !next.IsZero() {
			s.now = next
			continue
		}
		if s.stored.Phase == triggerv1.RolloutAwaitingApproval {
			s.annotate(Approval(s.stored.Digest, s.stored.Stage, s.handled), true)
			continue
		}
		if s.stored.Phase == triggerv1.RolloutBlocked && s.empty(s.stored.Stage) {
			s.reset = true
			continue
		}
		return s.verdict()
	}
}

func (s *story) verdict() string {
	switch s.stored.Phase {
	case triggerv1.RolloutHalted, triggerv1.RolloutRollbackHalted:
		return ""
	case triggerv1.RolloutFinished, triggerv1.RolloutRolledBack:
	case triggerv1.RolloutBlocked:
		for _, m := range s.members {
			if m.stage >= 0 && s.in.Rollout.Stages[m.stage].Name == s.stored.Stage && !m.refused && !m.gone {
				return "blocked, and nothing refuses " + m.name
			}
		}
		return ""
	case triggerv1.RolloutSettling, triggerv1.RolloutProgressing, triggerv1.RolloutSoaking,
		triggerv1.RolloutAwaitingApproval, triggerv1.RolloutAwaitingGate, triggerv1.RolloutAwaitingWindow, triggerv1.RolloutRollingBack:
		fallthrough
	default:
		return "rests in phase " + string(s.stored.Phase)
	}
	for _, m := range s.members {
		standing, _ := s.standing(m)
		unmatched := s.in.Rollout != nil && m.stage == NoStage
		if !m.gone && standing != Current && standing != Failed && !unmatched && !m.refused {
			return fmt.Sprintf("finished, and %s is %d", m.name, standing)
		}
	}
	return ""
}
