// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// approved has the last stage wait for an approval.
func approved(vt *triggerv1.ValuesTrigger) {
	rollsBack(vt)
	vt.Spec.Rollout.Stages = append(vt.Spec.Rollout.Stages, triggerv1.Stage{Name: "last"})
	vt.Spec.Rollout.Stages[0].Selector = &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"app": "none"}}
	vt.Spec.Rollout.Stages[1].Approval = triggerv1.ApprovalManual
}

func TestStory_content_that_is_rejected_is_rolled_back(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), rollsBack)
	s.edit("2")
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 2"), "it is being delivered")
	s.says()
	s.annotate(triggerv1.RejectAnnotation, contentOf("2"), triggerv1.RejectedByAnnotation, "alice")
	s.Expect(s.rest()[0]).To(Equal(onStatus), "it is stored before anything is done")
	s.upgrade(true)
	s.rest()
	s.upgrade(true)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"))
	vt := s.trigger()
	s.Expect(vt.Status.Rollout).To(And(HaveField("Phase", triggerv1.RolloutRolledBack), HaveField("RejectedBy.User", "alice")))
	s.Expect(s.ready()).To(ContainSubstring("since " + contentOf("2")[:19] + " was rejected by alice; it is rejected until the sources change"))
	s.Expect(vt.Status.History).To(ContainElement(And(HaveField("Digest", contentOf("2")), HaveField("Rejection.User", "alice"), HaveField("Revision", int64(0)))))
	s.Expect(s.says()).To(ContainElements(
		"Warning Rejected Content "+contentOf("2")[:19]+" is rejected by alice: no further HelmRelease gets it",
		"Warning RollbackStarted Rolling back content "+contentOf("2")[:19]+" to "+contentOf("1")[:19]+": rejected by alice"))

	s.annotate(meta.ReconcileRequestAnnotation, "again", helmv2.ResetRequestAnnotation, "again")
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 2"), "a person wants it after all")
	s.upgrade(true)
	s.rest()
	s.Expect(s.revisions()[0]).To(Equal(int64(2)))
}

func TestStory_content_that_waits_for_an_approval_is_rejected(t *testing.T) {
	t.Parallel()
	s := newStory(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
		approved(vt)
		vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt
	})
	s.rest()
	s.upgrade(true)
	s.rest()
	s.edit("2")
	s.rest()
	s.annotate(triggerv1.RejectAnnotation, contentOf("2"), triggerv1.ApproveAnnotation, contentOf("2")+"/last")
	s.Expect(s.rest()).To(HaveEach(onStatus))
	s.Expect(s.ready()).To(And(HavePrefix("RolloutHalted: "), ContainSubstring("halted: rejected; change the sources, or try the same again: kubectl valuestrigger retry")))
	s.Expect(s.trigger().Status.History[0]).To(And(HaveField("Outcome", triggerv1.ChangeHalted), HaveField("Rejection", Not(BeNil()))))
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.edit("3")
	s.rest()
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutAwaitingApproval))
}

// A person who has suspended a trigger may reject its content: Flux may remove the annotation before it is resumed.
func TestStory_content_is_rejected_while_the_trigger_is_suspended(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), rollsBack)
	s.edit("2")
	s.rest()
	vt := s.trigger()
	vt.Spec.Suspend = true
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.annotate(triggerv1.RejectAnnotation, contentOf("2"), triggerv1.RejectedByAnnotation, "alice")
	s.Expect(s.rest()).To(Equal([]string{onStatus}))
	s.Expect(s.says()).To(ContainElement(ContainSubstring("is rejected by alice")))
	vt = s.trigger()
	s.Expect(vt.Status.Rollout).To(And(HaveField("Phase", triggerv1.RolloutHalted), HaveField("RejectedBy.User", "alice")))
	s.Expect(vt.Status.History[0].Rejection).NotTo(BeNil())
	s.Expect(s.holds()).To(Equal("a: 2"))
	delete(vt.Annotations, triggerv1.RejectAnnotation)
	vt.Spec.Suspend = false
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.rest()
	s.upgrade(true)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"))
}

func TestStory_a_rejection_is_refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*triggerv1.ValuesTrigger)
		says   string
	}{
		"nothing is held back": {func(*triggerv1.ValuesTrigger) {}, "ValuesTrigger apps/platform has no quietPeriod, schedule or rollout: its changes are delivered at once; to go back to a revision, set trigger.nebius.ai/rollback"},
		"it is delivered":      {rollsBack, "this content has been delivered; to go back to a revision, set trigger.nebius.ai/rollback"},
	} {
		s := delivered(t, values("1"), c.change)
		s.says()
		s.annotate(triggerv1.RejectAnnotation, contentOf("1"))
		s.Expect(s.rest()).To(Equal([]string{onStatus}), name)
		s.Expect(s.says()).To(Equal([]string{"Warning RejectionRefused Annotation trigger.nebius.ai/reject is refused: " + c.says}), name)
		s.Expect(s.trigger().Status.LastHandledReject).To(Equal(contentOf("1")), name)
		s.annotate(triggerv1.RejectAnnotation, "")
		s.rest()
		s.Expect(s.trigger().Status.LastHandledReject).To(BeEmpty(), name)
	}
}

func TestStory_who_has_approved_is_on_record(t *testing.T) {
	t.Parallel()
	s := newStory(t, values("1"), approved)
	s.rest()
	s.upgrade(true)
	s.rest()
	s.edit("2")
	s.rest()
	s.says()
	s.annotate(triggerv1.ApproveAnnotation, contentOf("2")+"/last", triggerv1.ApprovedByAnnotation, "alice")
	s.rest()
	s.Expect(s.says()).To(ContainElement("Normal Approved Stage 2/2 last is approved for content " + contentOf("2")[:19] + " by alice"))
	vt := s.trigger()
	s.Expect(vt.Status.Rollout.Stages[1].ApprovedBy.User).To(Equal("alice"))
	s.upgrade(true)
	s.rest()
	s.Expect(s.trigger().Status.History[0]).To(And(HaveField("Revision", BeNumerically(">", 0)),
		HaveField("Approvals", HaveExactElements(And(HaveField("Stage", "last"), HaveField("User", "alice"))))))
}

// Content that differs by a source which was added is in the history only when something is done about it.
func TestStory_that_a_source_which_was_added_is_rejected_is_on_record(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), approved)
	present := s.more()
	s.rest()
	s.annotate(triggerv1.RejectAnnotation, present, triggerv1.RejectedByAnnotation, "alice")
	s.rest()
	s.Expect(s.trigger().Status.History).To(ContainElement(And(HaveField("Digest", present), HaveField("Rejection.User", "alice"))))
}
