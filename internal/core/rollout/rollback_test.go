// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// takingBack returns a scene in which second follows on first, which can be restored.
func takingBack(stages ...triggerv1.Stage) *scene {
	s := newScene(stages...)
	s.Rollout.OnFailure, s.Earlier, s.Digest = triggerv1.FailureRollback, first, second
	return s
}

// comeBack puts targets that were triggered for the rejected content before what they are to get
// again.
func (s *scene) comeBack(names ...string) {
	s.Restored = true
	for i := range s.Targets {
		s.Targets[i].Standing, s.Targets[i].Wants = Current, false
	}
	s.become(Due, names...)
}

func TestRollback_restores_stage_by_stage_from_the_last(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := takingBack(stageNamed("canary"), stageNamed("prod", atMost("2")), stageNamed("rest")).
		with(0, "c").with(1, "p1", "p2", "p3", "p4").with(2, "r").with(NoStage, "none")
	s.target("p1").DependsOn = []string{"apps/p2"}
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(Equal([]string{"p2", "p3"}))
	s.become(Failed, "p2")
	s.become(Current, "p3")
	s.step()
	g.Expect(s.last.Admits()).To(BeFalse())
	g.Expect(s.last.After).To(Equal(immediately))
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollingBack))
	g.Expect(s.Previous.Rollback).To(And(HaveField("Digest", first), HaveField("StartedAt", Equal(new(metav1.NewTime(noon))))))
	g.Expect(s.Previous.Message).To(Equal("apps/p2: it is broken"))
	g.Expect(s.held("p1")).To(Equal("the rollout has halted"))
	g.Expect(Rejects(s.Rollout, s.Previous, second, false, false)).To(BeTrue())

	s.inAnHour() // A window holds back changes, and not their end.
	s.comeBack("c", "p1", "p2", "p3")
	g.Expect(s.admitted()).To(ConsistOf("p3", "p1"), "backwards, and two at a time")
	g.Expect(s.held("p2")).To(Equal("waits for apps/p1, which depends on it"))
	g.Expect(s.held("c")).To(Equal("waits for stage prod to be rolled back"))
	g.Expect(s.Previous.Stage).To(Equal("prod"))
	s.become(Current, "p1", "p3")
	g.Expect(s.admitted()).To(Equal([]string{"p2"}))
	s.become(Current, "p2")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollingBack))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRolledBack))
	g.Expect(s.Previous.Message).To(Equal("apps/p2: it is broken"), "why, to the end")
	g.Expect(s.last.Passed).To(BeFalse())
	for i, phase := range []triggerv1.StagePhase{triggerv1.StageRolledBack, triggerv1.StageRolledBack, triggerv1.StageWaiting} {
		g.Expect(s.Previous.Stages[i].Phase).To(Equal(phase))
	}
	g.Expect(s.held("none")).To(BeEmpty(), "it never got anything")
}

func TestRollback_halts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(s *scene)
		most int32
		want triggerv1.RolloutPhase
		says string
	}{
		{"when a target fails again", func(s *scene) { s.become(Failed, "p1") }, 0, triggerv1.RolloutRollbackHalted, "apps/p1: it is broken"},
		{"not when so many may", func(s *scene) { s.become(Failed, "p1"); s.become(Current, "p2") }, 1, triggerv1.RolloutRolledBack, "1 not restored; apps/p1: it is broken"},
		{"not when it was broken before", func(s *scene) {
			s.become(Failed, "p1")
			s.target("p1").UnreadyBefore = true
			s.become(Current, "p2")
		}, 0, triggerv1.RolloutRolledBack, "1 not restored; apps/p1: it is broken"},
		{"when nothing is kept", func(s *scene) { s.Unrestorable = "ConfigMap apps/kept is gone" }, 9, triggerv1.RolloutRollbackHalted, "ConfigMap apps/kept is gone"},
		{"not for one that cannot be triggered", func(s *scene) { s.become(Out, "p1", "p2") }, 0, triggerv1.RolloutRolledBack, "2 not restored; apps/p1: it is broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := takingBack(stageNamed("canary"), stageNamed("prod")).with(0, "c").with(1, "p1", "p2")
			s.Rollout.MaxFailures = new(intstr.FromInt32(c.most))
			s.Previous = &triggerv1.RolloutStatus{Digest: second, Phase: triggerv1.RolloutRollingBack, Message: "why", Rollback: &triggerv1.RollbackStatus{Digest: first}}
			s.comeBack("p1", "p2")
			c.make(s)
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(c.want))
			g.Expect(s.Previous.Rollback.Message).To(Equal(c.says))
			g.Expect(s.Previous.Message).To(Equal("why"))
		})
	}
}

func TestRollback_goes_on_when_what_failed_again_has_been_mended(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := takingBack(stageNamed("canary"), stageNamed("prod")).with(0, "c").with(1, "p")
	s.Previous = &triggerv1.RolloutStatus{Digest: second, Phase: triggerv1.RolloutRollingBack, Rollback: &triggerv1.RollbackStatus{Digest: first}}
	s.comeBack("c")
	s.become(Failed, "p")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollbackHalted))
	s.become(Current, "p")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	g.Expect(s.Previous.Rollback.Message).To(BeEmpty())
}

func TestRollback_without_earlier_content_halts(t *testing.T) {
	t.Parallel()
	for name, earlier := range map[string]string{"none is known": "", "it is the present one": second} {
		g := NewWithT(t)
		s := takingBack(stageNamed("canary")).with(0, "c")
		s.Earlier = earlier
		g.Expect(s.admitted()).To(Equal([]string{"c"}), name)
		s.become(Failed, "c")
		g.Expect(s.admitted()).To(BeEmpty(), name)
		g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted), name)
		g.Expect(s.Previous.Message).To(Equal("apps/c: it is broken; there is no earlier content to roll back to"), name)
	}
}

func TestRollback_of_a_rollout_that_has_halted_before_begins_when_the_policy_changes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := takingBack(stageNamed("canary")).with(0, "c")
	s.Rollout.OnFailure = triggerv1.FailureHalt
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Failed, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.Rollout.OnFailure = triggerv1.FailureRollback
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollingBack))
	g.Expect(s.Previous.Message).To(Equal("apps/c: it is broken"))
}

func TestRollback_of_a_stage_that_does_not_stay_ready(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := takingBack(stageNamed("canary", soaks(time.Hour)), stageNamed("prod")).with(0, "c").with(1, "p")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	s.target("c").Ready, s.target("c").Message = "False", "it crashes"
	g.Expect(s.admitted()).To(BeEmpty())
	s.later(6 * time.Minute).step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollingBack))
	g.Expect(s.Previous.Message).To(Equal("apps/c has not been ready for 5m0s: it crashes"))
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	spec := &triggerv1.Rollout{OnFailure: triggerv1.FailureRollback}
	in := func(phase triggerv1.RolloutPhase) *triggerv1.RolloutStatus {
		return &triggerv1.RolloutStatus{Digest: second, Phase: phase, Rollback: &triggerv1.RollbackStatus{Digest: first}}
	}
	for _, c := range []struct {
		name         string
		spec         *triggerv1.Rollout
		recorded     *triggerv1.RolloutStatus
		digest       string
		force, reset bool
		want         bool
	}{
		{"nothing is recorded", spec, nil, second, false, false, false},
		{"nothing is rolled back", spec, &triggerv1.RolloutStatus{Digest: second, Phase: triggerv1.RolloutHalted}, second, false, false, false},
		{"rolled back", spec, in(triggerv1.RolloutRolledBack), second, false, false, true},
		{"being rolled back", spec, in(triggerv1.RolloutRollingBack), second, false, false, true},
		{"other content", spec, in(triggerv1.RolloutRolledBack), first, false, false, false},
		{"forced", spec, in(triggerv1.RolloutRollingBack), second, true, false, false},
		{"retried when all is restored", spec, in(triggerv1.RolloutRolledBack), second, false, true, false},
		{"retried when the restoring has halted", spec, in(triggerv1.RolloutRollbackHalted), second, false, true, true},
		{"another policy", &triggerv1.Rollout{OnFailure: triggerv1.FailureHalt}, in(triggerv1.RolloutRolledBack), second, false, false, false},
		{"no stages", nil, in(triggerv1.RolloutRolledBack), second, false, false, false},
	} {
		NewWithT(t).Expect(Rejects(c.spec, c.recorded, c.digest, c.force, c.reset)).To(Equal(c.want), c.name)
	}
}

func TestRollback_is_over(t *testing.T) {
	t.Parallel()
	over := func(modify func(s *scene)) *scene {
		s := takingBack(stageNamed("canary")).with(0, "c")
		s.Previous = &triggerv1.RolloutStatus{
			Digest: second, Phase: triggerv1.RolloutRolledBack, Message: "why", Rollback: &triggerv1.RollbackStatus{Digest: first},
			Stages: []triggerv1.StageStatus{{Name: "canary", Phase: triggerv1.StageRolledBack, Approved: true}},
		}
		modify(s)
		return s
	}
	g := NewWithT(t)
	s := over(func(s *scene) { s.Reset = true })
	g.Expect(s.admitted()).To(Equal([]string{"c"}), "retried from the first stage")
	g.Expect(s.Previous).To(And(HaveField("Rollback", BeNil()), HaveField("Message", BeEmpty()), HaveField("Digest", second)))

	s = over(func(s *scene) { s.Force = true })
	g.Expect(s.admitted()).To(Equal([]string{"c"}), "forced")
	g.Expect(s.Previous).To(And(HaveField("Rollback", BeNil()), HaveField("Overridden", true)))

	s = over(func(s *scene) { s.Digest = "sha256:3" })
	g.Expect(s.admitted()).To(Equal([]string{"c"}), "the sources have changed")
	g.Expect(s.Previous.Rollback).To(BeNil())

	s = over(func(s *scene) { s.Rollout.OnFailure = triggerv1.FailureHalt })
	g.Expect(s.admitted()).To(BeEmpty(), "another policy lets nothing through that has failed")
	g.Expect(s.Previous).To(And(HaveField("Rollback", BeNil()), HaveField("Phase", triggerv1.RolloutHalted), HaveField("Message", "why")))
}

func TestPassed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := takingBack(stageNamed("canary")).with(0, "a", "b")
	s.Rollout.MaxFailures = new(intstr.FromInt32(1))
	g.Expect(s.admitted()).To(HaveLen(2))
	g.Expect(s.last.Passed).To(BeFalse())
	s.become(Current, "a")
	s.become(Failed, "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.Passed).To(BeTrue(), "as many failures as may be")

	s.Force = true
	s.become(Failed, "a", "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.Passed).To(BeFalse(), "a person has let it through, and it broke too much")

	s = takingBack(stageNamed("canary"))
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.Passed).To(BeFalse(), "there was no one to get it")

	s = takingBack(stageNamed("canary")).with(0, "a", "b")
	g.Expect(s.admitted()).To(HaveLen(2))
	s.become(Failed, "a", "b")
	s.target("a").UnreadyBefore, s.target("b").UnreadyBefore = true, true
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.Passed).To(BeFalse(), "no one was ready before, and no one runs it")
	s.become(Current, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.Passed).To(BeTrue(), "someone runs it, and the other was not ready before")
}
