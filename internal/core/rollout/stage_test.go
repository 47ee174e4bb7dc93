// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestStages_follow_each_other(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("empty"), stageNamed("prod", atMost("2"))).
		with(2, "p1", "p2", "p3").with(0, "c").with(NoStage, "none")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	g.Expect(s.Previous.Stage).To(Equal("canary"))
	g.Expect(s.held("p1")).To(Equal("waits for stage canary"))
	g.Expect(s.held("none")).To(Equal("is selected by no stage of spec.rollout"))
	g.Expect(s.Previous.Unmatched).To(BeEquivalentTo(1))

	s.become(UnderWay, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	s.become(Current, "c")
	g.Expect(s.admitted()).To(Equal([]string{"p1", "p2"}))
	g.Expect(s.held("p3")).To(Equal("queued: stage prod allows 2 at a time"))
	s.become(UnderWay, "p1", "p2")
	g.Expect(s.admitted()).To(BeEmpty())
	s.become(Current, "p1")
	g.Expect(s.admitted()).To(Equal([]string{"p3"}))
	s.become(Current, "p2", "p3")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.held("none")).NotTo(BeEmpty())
	g.Expect(s.Previous.Stage).To(BeEmpty())
	for _, st := range s.Previous.Stages {
		g.Expect(st.Phase).To(Equal(triggerv1.StageFinished))
	}
}

func TestStages_a_stage_is_recorded_before_its_first_request(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod")).with(0, "c").with(1, "p")
	s.step()
	g.Expect(s.last.Admits()).To(BeFalse())
	g.Expect(s.last.After).To(Equal(immediately))
	s.step()
	g.Expect(s.triggers()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	s.step()
	g.Expect(s.last.Admits()).To(BeFalse())
	s.step()
	g.Expect(s.triggers()).To(Equal([]string{"p"}))
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	for value, want := range map[string]int{"": 7, "1": 1, "3": 3, "100": 7, "1%": 1, "28%": 1, "29%": 2, "50%": 3, "99%": 6, "100%": 7} {
		s := newScene(stageNamed("all")).with(0, names...)
		if value != "" {
			s.Rollout.Stages[0].MaxConcurrency = new(intstr.Parse(value))
		}
		NewWithT(t).Expect(s.admitted()).To(HaveLen(want), value)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		most     string
		policy   triggerv1.FailurePolicy
		failed   []string
		unready  []string
		wantHalt bool
	}{
		{name: "one is too many", failed: []string{"a"}, wantHalt: true},
		{name: "one may", most: "1", failed: []string{"a"}},
		{name: "two are too many", most: "1", failed: []string{"a", "b"}, wantHalt: true},
		{name: "a percentage is rounded down", most: "49%", failed: []string{"a"}, wantHalt: false},
		{name: "a small percentage is none", most: "24%", failed: []string{"a"}, wantHalt: true},
		{name: "going on", policy: triggerv1.FailureContinue, failed: []string{"a", "b", "c"}},
		{name: "one that was not ready before", unready: []string{"a", "b"}},
		{name: "one of each kind", unready: []string{"a"}, failed: []string{"b"}, wantHalt: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newScene(stageNamed("canary"), stageNamed("prod")).with(0, "a", "b", "c", "d").with(1, "p")
			if c.most != "" {
				s.Rollout.MaxFailures = new(intstr.Parse(c.most))
			}
			if c.policy != "" {
				s.Rollout.OnFailure = c.policy
			}
			g.Expect(s.admitted()).To(HaveLen(4))
			s.become(Current, "a", "b", "c", "d")
			s.become(Failed, c.failed...)
			s.become(Failed, c.unready...)
			for _, name := range c.unready {
				s.target(name).UnreadyBefore = true
			}
			admitted := s.admitted()
			g.Expect(s.Previous.Stages[0].Failed).To(BeEquivalentTo(len(c.failed)))
			if !c.wantHalt {
				g.Expect(admitted).To(Equal([]string{"p"}))
				return
			}
			g.Expect(admitted).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
			g.Expect(s.Previous.Message).To(Equal("apps/" + c.failed[0] + ": it is broken"))
		})
	}
}

func halted(g Gomega) *scene {
	s := newScene(stageNamed("canary", atMost("2")), stageNamed("prod")).with(0, "a", "b", "c").with(1, "p")
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}))
	s.become(UnderWay, "b")
	s.become(Failed, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.held("c")).To(Equal("the rollout has halted"))
	g.Expect(s.held("p")).To(Equal("waits for stage canary"))
	return s
}

func TestHalt_lasts_although_the_target_recovers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := halted(g)
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.Previous.Message).To(Equal("apps/a: it is broken"))

	s.Reset = true
	g.Expect(s.admitted()).To(Equal([]string{"c"}), "goes on where it halted")
	s.become(Current, "c")
	g.Expect(s.admitted()).To(Equal([]string{"p"}))
}

func TestHalt_a_reset_tries_what_failed_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := halted(g)
	s.Reset = true
	s.become(Current, "b")
	s.become(Due, "a") // As plan has it after a reset.
	g.Expect(s.admitted()).To(Equal([]string{"a", "c"}))
	s.become(Failed, "a")
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted), "and halts again")
}

func TestHalt_new_content_begins_a_new_rollout(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := halted(g)
	s.edit(second)
	s.become(UnderWay, "b")
	g.Expect(s.admitted()).To(Equal([]string{"a"}), "what is in progress with the old content has its place until it is done")
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutProgressing))
	g.Expect(s.Previous.Message).To(BeEmpty())
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
}

func TestHalt_is_over_when_everything_runs(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := halted(g)
	s.become(Current, "a", "b", "c", "p")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
}

func TestSupersede_skips_what_runs_the_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(time.Hour)), stageNamed("prod")).with(0, "c").with(1, "p1", "p2")
	s.edit(second)
	s.become(Current, "c", "p1") // For example since the old content came back.
	g.Expect(s.admitted()).To(Equal([]string{"p2"}), "a stage without anything to do is not watched either")
	g.Expect(s.held("p1")).To(BeEmpty())
}

func TestStages_what_nobody_has_to_ask_needs_neither_approval_nor_window(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", manually), stageNamed("prod", manually)).with(0, "c").with(1, "p").inAnHour()
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
	s.become(Current, "c", "p") // By itself.
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
}

func TestSoak(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(10*time.Minute)), stageNamed("prod")).with(0, "c1", "c2").with(1, "p")
	g.Expect(s.admitted()).To(HaveLen(2))
	s.become(Current, "c1", "c2")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	g.Expect(s.last.After).To(Equal(10 * time.Minute))

	s.later(9 * time.Minute).target("c2").Ready = "False"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.Previous.Stages[0].Phase).To(Equal(triggerv1.StageUnready))
	g.Expect(s.last.After).To(Equal(5*time.Minute), "the timeout")
	s.later(time.Minute).target("c2").Ready = "True"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(10*time.Minute), "from the beginning")

	s.later(5 * time.Minute).target("c1").Ready = "Unknown"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(5*time.Minute), "helm-controller looks at it, no more")
	g.Expect(s.later(5*time.Minute).admitted()).To(BeEmpty(), "and has not said what it found")
	s.target("c1").Ready = "True"
	g.Expect(s.later(time.Second).admitted()).To(Equal([]string{"p"}))
	g.Expect(s.Previous.Stages[0].Phase).To(Equal(triggerv1.StageFinished))

	s.target("c1").Ready = "False"
	s.become(Current, "p")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished), "what comes later is not the rollout's matter")
}

func TestSoak_of_what_stays_unready(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		most   string
		policy triggerv1.FailurePolicy
		want   triggerv1.RolloutPhase
		after  time.Duration
	}{
		{"halts after the timeout", "0", triggerv1.FailureHalt, triggerv1.RolloutHalted, 5 * time.Minute},
		{"is one of those that may fail", "1", triggerv1.FailureHalt, triggerv1.RolloutFinished, 10 * time.Minute},
		{"goes on after the timeout", "0", triggerv1.FailureContinue, triggerv1.RolloutFinished, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newScene(stageNamed("canary", soaks(10*time.Minute))).with(0, "a", "b")
			s.Rollout.MaxFailures, s.Rollout.OnFailure = new(intstr.Parse(c.most)), c.policy
			s.admitted()
			s.become(Current, "a", "b")
			s.target("b").Ready, s.target("b").Message = "False", "crash loop"
			s.step()
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
			g.Expect(s.last.After).To(Equal(c.after))
			s.later(c.after).step()
			g.Expect(s.phase()).To(Equal(c.want))
			if c.want != triggerv1.RolloutHalted {
				return
			}
			g.Expect(s.Previous.Message).To(Equal("apps/b has not been ready for 5m0s: crash loop"))
			s.Reset = true
			s.step()
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking), "a reset gives it the time again")
			g.Expect(s.last.After).To(Equal(c.after))
		})
	}
}

func TestBlocked_nothing_is_learnt_from_a_stage_that_cannot_be_asked(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod")).with(0, "c1", "c2").with(1, "p")
	s.become(Out, "c1", "c2")
	s.target("c1").Message = "HelmRelease is suspended"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutBlocked))
	g.Expect(s.Previous.Message).To(Equal("no target of stage canary can be delivered to; apps/c1: HelmRelease is suspended"))

	s.become(Due, "c1")
	g.Expect(s.admitted()).To(Equal([]string{"c1"}))
	s.become(Current, "c1")
	g.Expect(s.admitted()).To(Equal([]string{"p"}), "one of them is enough")
	s.become(Due, "c2")
	s.become(UnderWay, "p")
	g.Expect(s.admitted()).To(Equal([]string{"c2"}), "the other one catches up when it can")
	s.become(Failed, "c2")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted), "and its failure counts")
}

func TestSpec_stages_that_change_during_a_rollout(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod")).with(0, "c").with(1, "p")
	s.admitted()
	s.become(Current, "c")
	g.Expect(s.admitted()).To(Equal([]string{"p"}))
	s.become(UnderWay, "p")

	s.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary"), stageNamed("staging"), stageNamed("prod", manually)}}
	s.with(1, "s1").with(2, "p2")
	s.target("p").Stage = 2
	g.Expect(s.admitted()).To(Equal([]string{"s1"}), "a stage in between comes first")
	g.Expect(s.Previous.Stage).To(Equal("staging"))
	s.become(Current, "s1")
	g.Expect(s.admitted()).To(Equal([]string{"p2"}), "a stage that has started needs no approval any more")

	s.Rollout = nil
	s.become(Due, "p")
	g.Expect(s.admitted()).To(Equal([]string{"p", "p2"}))
	g.Expect(s.Previous.Stages).To(BeEmpty())
}
