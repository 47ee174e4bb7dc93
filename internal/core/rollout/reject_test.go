// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// reject has a person reject content.
func (s *scene) reject(annotation string) {
	s.Reject, s.Rejecter = annotation, triggerv1.PersonRecord{User: "alice"}
}

// underWay is a rollout whose canary is triggered.
func underWay(policy triggerv1.FailurePolicy) *scene {
	s := newScene(stageNamed("canary"), stageNamed("prod", soaks(time.Hour))).with(0, "a").with(1, "b")
	s.Rollout.OnFailure, s.Earlier = policy, second
	s.admitted()
	s.become(UnderWay, "a")
	s.step()
	return s
}

func TestReject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy  triggerv1.FailurePolicy
		before  func(*scene)
		phase   triggerv1.RolloutPhase
		message string
	}{
		"halts":                             {triggerv1.FailureHalt, func(*scene) {}, triggerv1.RolloutHalted, "rejected by alice"},
		"also where failures are no reason": {triggerv1.FailureContinue, func(*scene) {}, triggerv1.RolloutHalted, "rejected by alice"},
		"rolls back":                        {triggerv1.FailureRollback, func(*scene) {}, triggerv1.RolloutRollingBack, "rejected by alice"},
		"there is nothing earlier":          {triggerv1.FailureRollback, func(s *scene) { s.Earlier = "" }, triggerv1.RolloutHalted, "rejected by alice; there is no earlier content to roll back to"},
		"in the last soak, where all run it": {triggerv1.FailureRollback, func(s *scene) {
			s.become(Current, "a")
			s.admitted()
			s.become(Current, "b")
			s.step()
		}, triggerv1.RolloutRollingBack, "rejected by alice"},
		"what has halted": {triggerv1.FailureHalt, func(s *scene) {
			s.become(Failed, "a")
			s.step()
		}, triggerv1.RolloutHalted, "rejected by alice"},
		"what is forced": {triggerv1.FailureHalt, func(s *scene) {
			s.Force = true
			s.step()
		}, triggerv1.RolloutHalted, "rejected by alice"},
		"in one patch with a force": {triggerv1.FailureHalt, func(s *scene) { s.Force = true }, triggerv1.RolloutHalted, "rejected by alice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := underWay(c.policy)
			c.before(s)
			s.reject(first)
			s.step()
			g.Expect(s.last.RejectRefused).To(BeEmpty())
			g.Expect(s.last.Admits()).To(BeFalse())
			g.Expect(s.phase()).To(Equal(c.phase))
			g.Expect(s.Previous.Message).To(Equal(c.message))
			g.Expect(s.Previous.RejectedBy.User).To(Equal("alice"))
			s.HandledReject = first
			s.later(time.Hour).step()
			g.Expect(s.phase()).To(Equal(c.phase), "it stays so")
			g.Expect(s.last.Admits()).To(BeFalse())
			g.Expect(s.last.Passed).To(BeFalse())
		})
	}
}

func TestReject_without_stages(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]func(*scene){
		"in the quiet period": func(s *scene) { s.Quiet, s.MaxDelay = time.Minute, time.Hour },
		"before a window":     func(s *scene) { s.inAnHour() },
	} {
		g := NewWithT(t)
		s := newScene().with(0, "a")
		waits(s)
		s.step()
		s.reject(first)
		s.step()
		s.HandledReject = first
		s.later(90 * time.Minute)
		g.Expect(s.admitted()).To(BeEmpty(), name)
		g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted), name)
		g.Expect(s.held("a")).To(Equal("the content is rejected by alice"))
		s.edit(second)
		s.step()
		s.later(90 * time.Minute)
		g.Expect(s.phase()).NotTo(Equal(triggerv1.RolloutHalted), name)
		g.Expect(s.Previous.RejectedBy).To(BeNil())
	}
}

func TestReject_ends_by_a_retry_or_a_force(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(*scene){
		"a retry": func(s *scene) { s.Reset = true },
		"a force": func(s *scene) { s.Force = true },
	} {
		g := NewWithT(t)
		s := underWay(triggerv1.FailureHalt)
		s.reject(first)
		s.step()
		s.HandledReject = first
		ends(s)
		s.step()
		g.Expect(s.Previous.RejectedBy).To(BeNil(), name)
		g.Expect(s.phase()).To(Equal(triggerv1.RolloutProgressing), name)
		g.Expect(s.Previous.Message).To(BeEmpty(), name)
	}
}

func TestReject_is_refused(t *testing.T) {
	t.Parallel()
	for annotation, c := range map[string]struct {
		before func(*scene)
		says   string
	}{
		second:       {nil, "it rejects other content, sha256:222222222222; the present one is " + first},
		"sha256:111": {nil, "an incomplete digest; to reject the current content, use " + first},
		"bad":        {nil, "not a digest; to reject the current content, use " + first},
		first: {func(s *scene) {
			s.become(Current, "a", "b")
			s.step()
			s.later(2 * time.Hour).step()
			s.step()
		}, "this content has been delivered; to go back to a revision, set trigger.nebius.ai/rollback"},
		first + "/early": {func(s *scene) { s.Previous = nil }, "it was there before this content was seen, and rejects only content that is being rolled out; to reject it now, set " + first},
		first + "/again": {func(s *scene) {
			s.reject(first)
			s.step()
			s.HandledReject = first
		}, "this content is rejected already"},
	} {
		g := NewWithT(t)
		s := underWay(triggerv1.FailureHalt)
		if c.before != nil {
			c.before(s)
		}
		s.reject(annotation)
		s.step()
		g.Expect(s.last.RejectRefused).To(Equal(c.says), annotation)
		s.HandledReject = annotation
		s.step()
		g.Expect(s.last.RejectRefused).To(BeEmpty(), "it is said once")
	}
}

func TestReject_records_what_is_rejected_while_nothing_is_decided(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	recorded := underWay(triggerv1.FailureHalt).Previous
	rejected := Reject(recorded, first, triggerv1.PersonRecord{Manager: "kubectl"})
	g.Expect(rejected).To(And(HaveField("Phase", triggerv1.RolloutHalted), HaveField("Message", "rejected by kubectl"), HaveField("RejectedBy.Manager", "kubectl")))
	g.Expect(recorded.RejectedBy).To(BeNil(), "what was given stays")
	g.Expect(Reject(recorded, second, triggerv1.PersonRecord{})).To(BeNil())
	g.Expect(Reject(nil, first, triggerv1.PersonRecord{})).To(BeNil())
	g.Expect(Another(first, first)).To(Equal(first + "/2"))
}

func TestApproval_of_rejected_content_is_refused(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	stages := &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("prod", manually)}}
	before := &triggerv1.RolloutStatus{Digest: first, Stages: []triggerv1.StageStatus{{Name: "prod"}}, RejectedBy: &triggerv1.PersonRecord{}}
	g.Expect(NotApproved(stages, before, before, first)).To(HavePrefix("this content was rejected; retry it"))
}
