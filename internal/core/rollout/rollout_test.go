// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func quiet(d, most time.Duration) *scene {
	s := newScene().with(NoStage, "a", "b")
	s.Quiet, s.MaxDelay = d, most
	return s
}

func TestQuietPeriod_waits_until_the_sources_have_come_to_rest(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := quiet(10*time.Second, time.Minute)
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSettling))
	g.Expect(s.held("a")).To(Equal("waits until the sources have not changed for 10s (spec.quietPeriod)"))
	g.Expect(s.last.After).To(Equal(10 * time.Second))

	s.later(9 * time.Second).edit(second)
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.later(9 * time.Second).admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(time.Second))
	g.Expect(s.later(time.Second).admitted()).To(Equal([]string{"a", "b"}))
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutProgressing))
	g.Expect(s.Previous.UnsettledSince).To(BeNil())
}

func TestQuietPeriod_is_capped(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := quiet(10*time.Second, 25*time.Second)
	for _, digest := range []string{first, second, first} {
		s.edit(digest)
		g.Expect(s.admitted()).To(BeEmpty())
		s.later(8 * time.Second)
	}
	s.edit(second)
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(time.Second), "24 s of 25 have passed")
	g.Expect(s.later(time.Second).admitted()).To(HaveLen(2))

	s.later(time.Second).edit(first)
	g.Expect(s.admitted()).To(BeEmpty(), "the next change waits again")
	g.Expect(s.last.After).To(Equal(10 * time.Second))
}

func TestQuietPeriod_is_counted_in_whole_seconds_and_never_too_short(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := quiet(10*time.Second, time.Minute).later(700 * time.Millisecond)
	s.step()
	g.Expect(s.last.After).To(Equal(10*time.Second + 300*time.Millisecond))
}

func TestQuietPeriod_holds_nothing_back_where_nothing_changes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := quiet(10*time.Second, time.Minute)
	s.become(Current, "a", "b")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.After).To(BeZero())
	s.become(Due, "a")
	g.Expect(s.admitted()).To(Equal([]string{"a"}), "a release that comes later gets what the others have")
}

func TestSchedule_holds_everything_back_until_a_window_opens(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene().with(NoStage, "a", "b").inAnHour()
	s.become(UnderWay, "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutProgressing), "what was triggered before continues")
	s.become(Current, "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingWindow))
	g.Expect(s.last.After).To(Equal(time.Hour))
	g.Expect(s.held("a")).To(Equal("waits for the next window of spec.schedule"))
	g.Expect(s.Previous.NextWindow.Opens.Time).To(Equal(noon.Add(time.Hour)))
	g.Expect(s.Previous.NextWindow.Closes.Time).To(Equal(noon.Add(2 * time.Hour)))

	before := s.Previous.DeepCopy()
	s.later(10 * time.Minute).step()
	g.Expect(s.Previous).To(Equal(before), "nothing is written while it waits")

	g.Expect(s.later(50 * time.Minute).admitted()).To(Equal([]string{"a"}))
	g.Expect(s.Previous.NextWindow).To(BeNil())
	s.become(UnderWay, "a")
	s.target("a").Wants = true
	g.Expect(s.later(time.Hour).admitted()).To(BeEmpty(), "a repetition is a request like any other")
	s.become(Current, "a")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.Previous.NextWindow).To(BeNil())
}

func TestOverride_lets_everything_through_and_keeps_doing_so(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", manually), stageNamed("rest")).with(0, "a").with(1, "b", "late").with(NoStage, "none").inAnHour()
	s.Quiet, s.MaxDelay = time.Minute, time.Hour
	s.become(Out, "late")
	g.Expect(s.admitted()).To(BeEmpty())
	s.Force = true
	g.Expect(s.admitted()).To(Equal([]string{"a", "b", "none"}))
	s.become(UnderWay, "a", "b", "none")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutProgressing))
	s.become(Failed, "a")
	s.become(Due, "late")
	g.Expect(s.admitted()).To(Equal([]string{"late"}), "one that had to wait is meant as well")
	s.become(Current, "b", "late", "none")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))

	s.edit(second)
	g.Expect(s.admitted()).To(BeEmpty(), "other content is another matter")
	g.Expect(s.Previous.Overridden).To(BeFalse())
}

func TestOverride_of_a_rollout_that_has_halted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("rest")).with(0, "a").with(1, "b")
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	s.become(Failed, "a")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.Force = true
	s.become(Due, "a")
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}))
	g.Expect(s.Previous.Message).To(BeEmpty())
}

func TestSilence_a_decision_at_rest_is_the_same_at_any_time(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*scene{
		"awaiting approval": newScene(stageNamed("canary", manually)).with(0, "a"),
		"waiting its turn":  newScene(stageNamed("canary", atMost("1"))).with(0, "a", "b"),
		"blocked":           newScene(stageNamed("canary")).with(0, "out"),
		"halted":            newScene(stageNamed("canary")).with(0, "failed", "b"),
		"soaking":           newScene(stageNamed("canary", soaks(time.Hour)), stageNamed("rest")).with(0, "current").with(1, "b"),
		"settling":          quiet(time.Hour, time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s.admitted()
			for i := range s.Targets {
				switch s.Targets[i].Name {
				case "apps/a":
					if s.last.Targets[i].Admitted {
						s.become(UnderWay, "a")
					}
				case "apps/out":
					s.become(Out, "out")
				case "apps/failed":
					s.become(Failed, "failed")
				case "apps/current":
					s.become(Current, "current")
				}
			}
			s.admitted()
			before := s.Previous.DeepCopy()
			g.Expect(s.later(17 * time.Minute).admitted()).To(BeEmpty())
			g.Expect(s.Previous).To(Equal(before))
		})
	}
}

// Clocks go wrong and are put right.
func TestTimes_to_come_are_taken_for_now(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(time.Minute)), stageNamed("prod")).with(0, "a").with(1, "b")
	s.Quiet, s.MaxDelay = 10*time.Second, time.Minute
	s.Now = noon.Add(24 * time.Hour)
	s.step()
	s.Now = noon
	s.step()
	g.Expect(s.later(11 * time.Second).admitted()).To(ConsistOf("a"))
	s.become(Current, "a")
	s.Now = noon.Add(24 * time.Hour)
	s.step()
	s.Now = noon.Add(time.Minute)
	s.step()
	g.Expect(s.later(61 * time.Second).admitted()).To(ConsistOf("b"))
}
