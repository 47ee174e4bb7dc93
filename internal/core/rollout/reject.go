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

// reject records that a new annotation rejects the content, and returns why it does not, empty if it does or there
// is none.
func reject(in Input, s *triggerv1.RolloutStatus) (refused string) {
	if in.Reject == "" || in.Reject == in.HandledReject {
		return ""
	}
	if refused = notRejected(onItsWay(in.Previous, s), in.Digest, in.Reject); refused == "" {
		turnDown(s, in.Rejecter)
	}
	return refused
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
func (r restorer) stop(recorded *triggerv1.RolloutStatus, a assignment) step {
	endSettling(recorded)
	why := "rejected" + By(*recorded.RejectedBy)
	a.all.hold("the content is " + why)
	stops := r.halt(why)
	for i := range a.stages {
		if st := &a.stages[i]; st.Phase != triggerv1.StageFinished && st.Phase != triggerv1.StageUnchanged {
			stops.stage = st.Name
			break
		}
	}
	return stops
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
