// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file is about the annotation with which a person rejects content that is being rolled out. A
// value of it counts once, as one that approves does. That the content is rejected is recorded with
// its rollout. From then on no target gets it, and what ends a rollout that has failed ends that.

// turnDown records that a new annotation rejects the content.
func (p *planner) turnDown() {
	if p.Reject == "" || p.Reject == p.HandledReject {
		return
	}
	if p.RejectRefused = notRejected(onItsWay(p.Previous, p.Status), p.Digest, p.Reject); p.RejectRefused == "" {
		turnDown(p.Status, p.Rejecter)
	}
}

// turnDown records who has rejected the content of a rollout.
func turnDown(s *triggerv1.RolloutStatus, who triggerv1.PersonRecord) {
	s.RejectedBy, s.Overridden = &who, false
	s.Phase, s.Message = triggerv1.RolloutHalted, text.Line("rejected"+By(who), maxMessage)
}

// Reject returns the record of a rollout with who has rejected its content by an annotation, nil if that
// rejects nothing. It is for a time at which nothing is decided.
func Reject(recorded *triggerv1.RolloutStatus, annotation string, who triggerv1.PersonRecord) *triggerv1.RolloutStatus {
	if recorded == nil || notRejected(recorded, recorded.Digest, annotation) != "" {
		return nil
	}
	rejected := recorded.DeepCopy()
	turnDown(rejected, who)
	return rejected
}

// notRejected says why an annotation rejects nothing when it is first seen, or is empty if it does.
func notRejected(recorded *triggerv1.RolloutStatus, digestText, annotation string) string {
	content, _, _ := strings.Cut(annotation, "/")
	switch {
	case content != digestText:
		return notThis("reject", content, digestText)
	case recorded == nil:
		return "it was there before this content was seen, and rejects only content that is being rolled out; to reject it now, set " + Another(digestText, annotation)
	case recorded.RejectedBy != nil:
		return "this content is rejected already"
	case recorded.Rollback != nil:
		return "this content is rolled back already"
	case recorded.Phase == triggerv1.RolloutFinished:
		return "this content has been delivered; to go back to a revision, set " + triggerv1.RollbackAnnotation
	}
	return ""
}

// stop touches no target with content that a person has rejected, and begins to restore the earlier
// content as if it had failed.
func (p *planner) stop() {
	s := p.Status
	p.rest()
	s.Phase, s.Message = triggerv1.RolloutHalted, "rejected"+By(*s.RejectedBy)
	for i := range p.stages {
		if st := &p.stages[i]; s.Stage == "" && st.Phase != triggerv1.StageFinished && st.Phase != triggerv1.StageUnchanged {
			s.Stage = st.Name
		}
	}
	p.hold(p.all(), "the content is "+s.Message)
	switch {
	case p.Rollout == nil:
	case p.returnable():
		p.rollBack()
	case p.Rollout.OnFailure == triggerv1.FailureRollback:
		s.Message += "; there is no earlier content to roll back to"
	}
	s.Message = text.Line(s.Message, maxMessage)
}

// By names who did something, if that is known: the user, or else the field manager.
func By(p triggerv1.PersonRecord) string {
	switch {
	case p.User != "":
		return " by " + text.Word(p.User)
	case p.Manager != "":
		return " by " + text.Word(p.Manager)
	}
	return ""
}
