// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

// delivered is a scene in which the content has gone through all stages.
func delivered(stages ...triggerv1.Stage) *scene {
	s := newScene(stages...).with(0, "a", "b").with(1, "c")
	for range 10 {
		for _, name := range s.admitted() {
			s.become(Current, name)
		}
	}
	return s
}

// trigger is a person who triggers all targets, which plan makes due again.
func (s *scene) trigger(value string) {
	s.TriggerAt = value
	s.become(Due, "a", "b", "c")
}

func TestTriggerAt_begins_the_rollout_again_and_keeps_to_the_stages(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(stageNamed("canary", atMost("1")), stageNamed("prod"))
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	s.later(time.Hour).trigger("one")
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	g.Expect(s.Previous.Overridden).To(BeFalse())
	g.Expect(s.held("c")).To(Equal("waits for stage canary"))
	s.become(Current, "a")
	g.Expect(s.admitted()).To(Equal([]string{"b"}), "the value has been handled meanwhile, or has not: it begins one rollout")
	s.become(Current, "b")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))

	s.trigger("two")
	g.Expect(s.admitted()).To(Equal([]string{"a"}), "and the next value the next")
}

func TestTriggerAt_asks_for_the_approval_of_this_rollout(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod", manually)).with(0, "a", "b").with(1, "c")
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}))
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(BeEmpty())
	s.Approval = first
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	s.step()
	s.Approval = ""

	s.trigger("one")
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}))
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
	g.Expect(s.Previous.Stages[1].Approved).To(BeFalse())
}

func TestTriggerAt_waits_for_quiet_period_and_window(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene().with(NoStage, "a", "b", "c")
	g.Expect(s.admitted()).To(HaveLen(3))
	s.become(Current, "a", "b", "c")
	s.step()

	s.Quiet, s.MaxDelay = 10*time.Second, time.Minute
	s.later(time.Minute).inAnHour().trigger("one")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSettling))
	g.Expect(s.later(10 * time.Second).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingWindow))
	g.Expect(s.later(time.Hour).admitted()).To(HaveLen(3))
}

func TestTriggerAt_starts_over_what_is_overridden_or_is_under_way(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(stageNamed("canary"), stageNamed("prod"))
	s.Force = true
	s.become(Due, "a", "b", "c")
	g.Expect(s.admitted()).To(HaveLen(3))
	s.become(Current, "a", "b", "c")
	s.trigger("one")
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}), "what was overridden once is not overridden for ever")
	s.become(Failed, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.trigger("two")
	g.Expect(s.admitted()).To(BeEmpty(), "what has halted goes on by a retry only")
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.Reset = true
	s.become(Due, "a", "b")
	s.step()
	s.Reset = false
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}))
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.trigger("three")
	g.Expect(s.admitted()).To(Equal([]string{"a", "b"}))

	s.edit(second)
	s.become(UnderWay, "a")
	s.step()
	g.Expect(s.Previous.TriggerAt).To(Equal("three"), "as long as it has not been handled")
	s.edit(first)
	s.TriggerAt = ""
	s.step()
	g.Expect(s.Previous.TriggerAt).To(BeEmpty(), "a change began it")
}

func TestTriggerAt_starts_nothing_that_is_refused(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod")).with(0, "a", "b").with(1, "c")
	s.Rollout.OnFailure, s.Earlier, s.Restored = triggerv1.FailureRollback, second, true
	s.Previous = &triggerv1.RolloutStatus{Digest: first, Phase: triggerv1.RolloutRolledBack, Rollback: &triggerv1.RollbackStatus{Digest: second}}
	s.trigger("one")
	s.step()
	g.Expect(s.Previous.Rollback).NotTo(BeNil())
}

func TestOverrides_says_what_is_in_the_way(t *testing.T) {
	t.Parallel()
	closed := []schedule.Window{{Cron: "0 13 * * *", Duration: time.Hour}}
	in := func(stage string, n int) []triggerv1.TargetStatus {
		out := make([]triggerv1.TargetStatus, n)
		for i := range out {
			out[i].Stage = stage
		}
		return out
	}
	for _, c := range []struct {
		name    string
		vt      func(*triggerv1.ValuesTrigger)
		targets []triggerv1.TargetStatus
		windows []schedule.Window
		want    []string
	}{
		{"nothing", func(*triggerv1.ValuesTrigger) {}, in("", 3), nil, nil},
		{"a quiet period and a closed window", func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.QuietPeriod.Duration = 10 * time.Second
			vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 13 * * *", Window: metav1.Duration{Duration: time.Hour}}}
		}, in("", 3), closed, []string{"the quiet period of 10s", "the windows of spec.schedule, none of which is open"}},
		{"an open window", func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 12 * * *", Window: metav1.Duration{Duration: time.Hour}}}
		}, nil, []schedule.Window{{Cron: "0 12 * * *", Duration: time.Hour}}, nil},
		{"stages", func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary", atMost("2")), stageNamed("prod", manually)}}
		}, append(in("canary", 1), append(in("prod", 12), in("", 1)...)...), nil, []string{
			"the approval of stage prod: 12 HelmReleases", "the order of the stages canary to prod",
			"maxConcurrency 2 of stage canary: 1 HelmRelease", "that no stage selects 1 HelmRelease",
		}},
		{"a halt", func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("all")}}
			vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted}
		}, in("all", 1), nil, []string{"the halt of the rollout"}},
		{"a refusal", func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("all")}}
			vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: triggerv1.RolloutRolledBack, Digest: first, Rollback: &triggerv1.RollbackStatus{}}
		}, in("all", 1), nil, []string{"the rejection of content sha256:111111111111"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			windows, err := schedule.Parse(c.windows)
			g.Expect(err).NotTo(HaveOccurred())
			vt := &triggerv1.ValuesTrigger{}
			c.vt(vt)
			g.Expect(Overrides(vt, c.targets, windows.Open(noon))).To(Equal(c.want))
		})
	}
}
