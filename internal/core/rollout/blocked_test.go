// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// leave deletes targets, or gives them labels that no stage has.
func (s *scene) leave(stage int, names ...string) {
	for _, name := range names {
		s.target(name).Stage = stage
	}
}

// Whatever a stage was doing when its last target left it, nothing was learnt from it.
func TestBlocked_a_stage_that_all_targets_have_left_is_passed_by_nothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		canary triggerv1.Stage
		before func(*scene)
		left   int
	}{
		"waits for approval": {stageNamed("canary", manually), func(*scene) {}, Nowhere},
		"in progress":        {stageNamed("canary"), func(s *scene) { s.become(UnderWay, "a") }, Nowhere},
		"soaks":              {stageNamed("canary", soaks(time.Hour)), func(s *scene) { s.become(Current, "a") }, Nowhere},
		"is unready": {stageNamed("canary", soaks(time.Hour)), func(s *scene) {
			s.become(Current, "a")
			s.target("a").Ready = "False"
		}, Nowhere},
		"relabelled":                {stageNamed("canary", soaks(time.Hour)), func(s *scene) { s.become(Current, "a") }, NoStage},
		"relabelled for next stage": {stageNamed("canary"), func(s *scene) { s.become(UnderWay, "a") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newScene(c.canary, stageNamed("prod")).with(0, "a").with(1, "b")
			s.admitted()
			c.before(s)
			s.admitted()
			s.leave(c.left, "a")
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.later(24 * time.Hour).admitted()).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutBlocked))
			g.Expect(s.Previous.Stage).To(Equal("canary"))
			g.Expect(s.Previous.Message).To(HavePrefix("the targets that stage canary had for this content are gone, so the stage proves nothing"))
			g.Expect(s.held("b")).To(Equal("waits for stage canary"))

			s.Reset = true
			g.Expect(s.admitted()).To(ContainElement("b"), "a person goes on without it")
			g.Expect(s.Previous.Stages[0]).To(And(HaveField("Phase", triggerv1.StageFinished), HaveField("Targets", BeZero())))
			g.Expect(s.Previous.Message).To(BeEmpty())
		})
	}
}

func TestBlocked_a_reset_passes_no_stage_that_was_not_reported(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("eu"), stageNamed("prod")).with(0, "a").with(1, "b").with(2, "c")
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	s.leave(Nowhere, "a", "b")
	s.Reset = true
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.Previous.Stage).To(Equal("canary"))
	s.Reset = true
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.Previous.Stage).To(Equal("eu"))
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutBlocked))
	s.Reset = true
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
}

func TestBlocked_a_target_that_comes_starts_the_time_to_stay_ready_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(time.Hour)), stageNamed("prod")).with(0, "a").with(1, "b")
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	s.become(Current, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	s.later(50*time.Minute).leave(Nowhere, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	s.leave(0, "a")
	g.Expect(s.later(50 * time.Minute).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	g.Expect(s.later(50 * time.Minute).admitted()).To(BeEmpty())
	g.Expect(s.later(11 * time.Minute).admitted()).To(Equal([]string{"b"}))
}

func TestBlocked_the_rest_of_a_stage_must_still_satisfy(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(time.Hour)), stageNamed("prod")).with(0, "a", "b").with(1, "c")
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}))
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(BeEmpty())
	s.leave(Nowhere, "a")
	g.Expect(s.later(50 * time.Minute).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	g.Expect(s.later(11 * time.Minute).admitted()).To(Equal([]string{"c"}))
}

// A stage without targets from the start has nothing to say.
func TestBlocked_a_stage_that_never_had_a_target_is_passed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", manually, soaks(time.Hour)), stageNamed("prod")).with(1, "b")
	g.Expect(s.admitted()).To(Equal([]string{"b"}))
	g.Expect(s.Previous.Stages[0].Phase).To(Equal(triggerv1.StageFinished))
}

// Under another name a stage has earned nothing, unless the rollout is over.
func TestBlocked_a_stage_that_is_renamed_still_has_to_stay_ready(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(time.Hour)), stageNamed("prod")).with(0, "a").with(1, "b")
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	s.become(Current, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	s.Rollout.Stages[0].Name = "canaries"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	g.Expect(s.later(61 * time.Minute).admitted()).To(Equal([]string{"b"}))
	s.become(Current, "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	s.Rollout.Stages[0].Name = "first"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
}

// Where no rollout is recorded, the releases remember what was rolled back.
func TestRejected_content_stays_rejected_when_the_trigger_is_made_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod")).with(0, "a").with(1, "b")
	s.Rollout.OnFailure, s.Quiet = triggerv1.FailureRollback, time.Minute
	s.RejectedBy = "apps/a"
	s.Force, s.Reset = true, true // They came with it, out of a backup.
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.later(time.Hour).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.Previous.Overridden).To(BeFalse())
	g.Expect(s.Previous.Message).To(Equal("this content was rolled back before the ValuesTrigger was made again, as recorded on HelmRelease apps/a"))

	again := *s
	again.Reset = true
	g.Expect(again.admitted()).To(Equal([]string{"a"}), "a person retries it")

	s.edit(second)
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.later(2*time.Minute).admitted()).To(Equal([]string{"a"}), "the sources have changed")
}

func TestRefused_content_that_runs_everywhere_is_refused_no_more(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary")).with(0, "a")
	s.Rollout.OnFailure, s.RejectedBy = triggerv1.FailureRollback, "apps/a"
	s.become(Current, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
}
