// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// fromGit is a change that a Kustomization applies.
func fromGit() *triggerv1.SettlingStatus {
	return &triggerv1.SettlingStatus{Source: "ConfigMap apps/values", AppliedBy: "Kustomization flux-system/apps"}
}

// settling returns a scene in which a tool has applied the content. It is seen once, like a
// difference of sources that is recorded.
func settling(d time.Duration) *scene {
	s := newScene().with(NoStage, "a", "b")
	s.Settle, s.Applied = d, fromGit()
	return s
}

// seen steps, after which nothing of what was applied is new.
func (s *scene) seen() []string {
	admitted := s.admitted()
	s.Applied = nil
	return admitted
}

func TestSettle_waits_for_what_belongs_to_the_change(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := settling(2 * time.Second).later(700 * time.Millisecond)
	g.Expect(s.seen()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSettling))
	g.Expect(s.held("a")).To(Equal("waits for a change to settle: ConfigMap apps/values, applied by Kustomization flux-system/apps"))
	g.Expect(s.last.After).To(Equal(2*time.Second), "not rounded to whole seconds")
	summary, goesOn := Summarize(&triggerv1.ValuesTrigger{Status: triggerv1.ValuesTriggerStatus{Rollout: s.Previous}}, 0)
	g.Expect(goesOn).To(BeTrue())
	g.Expect(summary).To(Equal(Summary{Ready: metav1.ConditionUnknown, Reason: "Progressing",
		Message: "ConfigMap apps/values has changed; it settles until Kustomization flux-system/apps has applied what belongs to the change"}))

	before := s.Previous
	g.Expect(s.later(1900 * time.Millisecond).admitted()).To(BeEmpty())
	g.Expect(s.Previous).To(Equal(before), "nothing is written meanwhile")
	g.Expect(s.last.After).To(Equal(100 * time.Millisecond))
	g.Expect(s.later(100 * time.Millisecond).admitted()).To(Equal([]string{"a", "b"}))
	g.Expect(s.last.Settled(before)).To(BeTrue())
	g.Expect(s.Previous.Settling).To(BeNil())
	g.Expect(s.Previous.UnsettledSince).To(BeNil())
}

func TestSettle_is_about_what_tools_apply(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := settling(2 * time.Second)
	s.Applied = nil
	g.Expect(s.admitted()).To(HaveLen(2), "an edit by hand")
	s = settling(0)
	g.Expect(s.admitted()).To(HaveLen(2), "switched off")
}

func TestSettle_begins_again_with_each_change_of_a_tool_and_is_capped(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := settling(2 * time.Second)
	g.Expect(s.seen()).To(BeEmpty())

	s.later(1500 * time.Millisecond).edit(second)
	s.Applied = fromGit()
	g.Expect(s.seen()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(2 * time.Second))

	s.later(500 * time.Millisecond).edit(first)
	g.Expect(s.admitted()).To(BeEmpty(), "an edit by hand joins the wait, and does not prolong it")
	g.Expect(s.last.After).To(Equal(1500 * time.Millisecond))
	g.Expect(s.later(1500 * time.Millisecond).admitted()).To(HaveLen(2))

	s = settling(2 * time.Second)
	for range 59 {
		g.Expect(s.seen()).To(BeEmpty())
		s.later(time.Second).edit(second + s.Now.String())
		s.Applied = fromGit()
	}
	g.Expect(s.seen()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(time.Second), "59 s of a minute have passed")
	g.Expect(s.later(time.Second).admitted()).To(HaveLen(2))
}

func TestSettle_waits_as_long_as_the_tool_is_known_to_apply(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := settling(2 * time.Second)
	g.Expect(s.seen()).To(BeEmpty())
	s.Applying = true
	g.Expect(s.later(2 * time.Second).admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(applyingDelay))
	before := s.Previous
	g.Expect(s.later(57800 * time.Millisecond).admitted()).To(BeEmpty())
	g.Expect(s.Previous).To(Equal(before))
	g.Expect(s.last.After).To(Equal(200 * time.Millisecond))
	g.Expect(s.later(200*time.Millisecond).admitted()).To(HaveLen(2), "not for ever")

	s = settling(30 * time.Second)
	g.Expect(s.seen()).To(BeEmpty())
	s.Applying = true
	g.Expect(s.later(299 * time.Second).admitted()).To(BeEmpty())
	g.Expect(s.later(time.Second).admitted()).To(HaveLen(2), "ten times the settle time")
}

func TestSettle_beside_a_quiet_period(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := settling(2 * time.Second)
	s.Quiet, s.MaxDelay = 10*time.Second, 25*time.Second
	g.Expect(s.seen()).To(BeEmpty())
	g.Expect(s.held("a")).To(HavePrefix("waits for a change to settle"))
	g.Expect(s.last.After).To(Equal(2 * time.Second))
	g.Expect(s.later(2 * time.Second).admitted()).To(BeEmpty())
	g.Expect(s.held("a")).To(Equal("waits until the sources have not changed for 10s (spec.quietPeriod)"))
	g.Expect(s.Previous.Settling).To(BeNil())
	g.Expect(s.last.After).To(Equal(8 * time.Second))
	g.Expect(s.later(8 * time.Second).admitted()).To(HaveLen(2))

	s = settling(2 * time.Second)
	s.Quiet, s.MaxDelay = time.Second, time.Second
	g.Expect(s.seen()).To(BeEmpty())
	g.Expect(s.later(time.Second).admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(time.Second), "the quiet period and maxDelay are over, the change has not settled")
	g.Expect(s.later(time.Second).admitted()).To(HaveLen(2))
}

func TestSettle_ends_for_a_person_and_where_nothing_is_to_be_done(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := settling(2 * time.Second)
	g.Expect(s.seen()).To(BeEmpty())
	s.Force = true
	g.Expect(s.admitted()).To(HaveLen(2))
	g.Expect(s.Previous.Settling).To(BeNil())

	s = settling(2 * time.Second)
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.Previous.Settling).To(BeNil())

	s = settling(2 * time.Second)
	g.Expect(s.seen()).To(BeEmpty())
	s.Settle = 0 // The operator was started again with another flag.
	g.Expect(s.admitted()).To(HaveLen(2))
	g.Expect(s.Previous.Settling).To(BeNil())
}

func TestSettle_judges_no_gate(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod", manually)).with(0, "a").with(1, "b").inAnHour()
	s.Settle, s.Applied = 2*time.Second, fromGit()
	g.Expect(s.seen()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSettling))
	g.Expect(s.Previous.Stages).To(HaveEach(HaveField("Phase", triggerv1.StageWaiting)))
	g.Expect(s.Previous.NextWindow).To(BeNil())
	g.Expect(s.later(2 * time.Second).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingWindow))
}

func TestSettle_recorded_by_a_clock_that_was_wrong(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := settling(2 * time.Second)
	g.Expect(s.seen()).To(BeEmpty())
	s.Previous.Settling.Since = new(metav1.NewMicroTime(noon.Add(time.Hour)))
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(2 * time.Second))
	s.Previous.Settling.Since = nil
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.After).To(Equal(2 * time.Second))
	s.Previous.UnsettledSince = nil
	g.Expect(s.admitted()).To(HaveLen(2))
	g.Expect(s.Previous.Settling).To(BeNil())
}

func TestSettle_a_change_joins_one_that_a_wrong_clock_recorded(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]*metav1.MicroTime{"no time": nil, "a time to come": new(metav1.NewMicroTime(noon.Add(time.Hour)))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := settling(2 * time.Second)
			g.Expect(s.seen()).To(BeEmpty())
			s.Previous.Settling.Since = since
			s.edit(second)
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.last.After).To(Equal(2 * time.Second))
		})
	}
}

// The decision that begins to wait records the content, so an annotation that is checked from
// then on is about it.
func TestSettle_an_approval_given_meanwhile_counts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("prod", manually)).with(0, "a").with(1, "b")
	s.become(Current, "a", "b")
	g.Expect(s.admitted()).To(BeEmpty())
	s.edit(second)
	s.Settle, s.Applied = 2*time.Second, fromGit()
	g.Expect(s.seen()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSettling))
	g.Expect(s.Previous.Digest).To(Equal(second))

	s.Approval = second
	g.Expect(s.later(time.Second).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSettling))
	g.Expect(s.Previous.Stages[1].Approved).To(BeTrue())

	s.Approval = "" // kustomize-controller has removed it.
	g.Expect(s.later(time.Second).admitted()).To(Equal([]string{"a"}))
	s.become(Current, "a")
	g.Expect(s.admitted()).To(Equal([]string{"b"}))
}
