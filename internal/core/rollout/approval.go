// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file is about the annotation with which a person approves a stage. A value of it
// counts once: when it is first seen, for content whose rollout is recorded by then,
// and for one stage, by its name. What it approves is recorded with the stage, and for
// the selector that the stage has. So no edit of the spec gives it to another stage or to
// other releases, and content that comes back needs another approval.

// maxApproval bounds how much of an annotation is read, in bytes: a digest, the name
// of a stage, and something to tell two values apart.
const maxApproval = 256

// Annotation returns what is read of an annotation that approves, and recorded as
// evaluated.
func Annotation(value string) string { return text.Line(value, maxApproval) }

// Approval returns the annotation that approves content for a stage, other than the one
// that was last evaluated.
func Approval(digestText, stage, handled string) string {
	return Another(digestText+"/"+stage, handled)
}

// Another returns a value of an annotation other than the one that was last evaluated: the same again
// cannot be seen as another request.
func Another(value, handled string) string {
	if value == handled {
		return value + "/2"
	}
	return value
}

// parts returns the content that an annotation approves and the stage, if it names one.
// What follows the stage has no meaning but to make another value of it.
func parts(annotation string) (content, stage string) {
	content, rest, _ := strings.Cut(annotation, "/")
	stage, _, _ = strings.Cut(rest, "/")
	return content, stage
}

// approve records which stage a new annotation approves. It acts no earlier than with the
// next decision, as the start of a stage does.
func approve(in Input, s *triggerv1.RolloutStatus) {
	if in.Approval == "" || in.Approval == in.Handled {
		return
	}
	name, _ := bind(in.Rollout, onItsWay(in.Previous, s), in.Digest, in.Approval)
	record(in.Rollout, s, name, in.Approval, in.Approver)
}

// Approve returns the record of a rollout with the stage that an annotation approves, nil
// if it approves none. It is for a time at which nothing is decided: who removes the
// annotation then does not withdraw the approval.
func Approve(r *triggerv1.Rollout, recorded *triggerv1.RolloutStatus, annotation string, who triggerv1.PersonRecord) *triggerv1.RolloutStatus {
	if recorded == nil {
		return nil
	}
	name, _ := bind(r, recorded, recorded.Digest, annotation)
	approved := recorded.DeepCopy()
	if !record(r, approved, name, annotation, who) {
		return nil
	}
	return approved
}

// record notes that an annotation approves a stage, and reports whether there is a record
// of the stage.
func record(r *triggerv1.Rollout, s *triggerv1.RolloutStatus, name, annotation string, who triggerv1.PersonRecord) bool {
	at := slices.IndexFunc(s.Stages, func(st triggerv1.StageStatus) bool { return st.Name == name })
	if name == "" || at < 0 {
		return false
	}
	st := &s.Stages[at]
	st.Approved, st.Approval, st.ApprovedBy, st.ApprovedSelector = true, annotation, &who, selectorOf(r, name)
	return true
}

// Outdated reports whether a stage was approved with another selector than it has now.
func Outdated(r *triggerv1.Rollout, st triggerv1.StageStatus) bool {
	return st.Approved && st.ApprovedSelector != "" && st.ApprovedSelector != selectorOf(r, st.Name)
}

// selectorOf returns the digest of the selector of a stage.
func selectorOf(r *triggerv1.Rollout, name string) string {
	for _, stage := range r.Stages {
		if stage.Name != name || stage.Selector == nil {
			continue
		}
		if selector, err := stage.Selector.AsSelector(); err == nil {
			return digest.Combine(map[string]string{"selector": selector.String()})
		}
	}
	return digest.Combine(nil)
}

// revise drops the approval of a stage that selects other targets than those for which it
// was given. What has not been triggered waits for another one, unless a person forces it.
func (st *stage) revise(forced bool) {
	switch {
	case Outdated(st.rollout, *st.StageStatus):
		st.Approved, st.Approval, st.ApprovedBy, st.ApprovedSelector = false, "", nil, ""
		if begun(st.Phase) && st.spec.Approval == triggerv1.ApprovalManual && !forced {
			st.set(triggerv1.StageWaiting)
		}
	case st.Approved:
		st.ApprovedSelector = selectorOf(st.rollout, st.Name)
	}
}

// NotApproved says why an annotation that was first seen between two states of a rollout
// approves nothing of the content, or is empty if it does.
func NotApproved(r *triggerv1.Rollout, before, now *triggerv1.RolloutStatus, annotation string) string {
	_, refusal := bind(r, onItsWay(before, now), now.Digest, annotation)
	return refusal
}

// onItsWay returns what was recorded of a rollout before, nil if it begins now: with other
// content, or again because a person triggers it.
func onItsWay(before, now *triggerv1.RolloutStatus) *triggerv1.RolloutStatus {
	if before == nil || before.Digest != now.Digest || before.TriggerAt != now.TriggerAt {
		return nil
	}
	return before
}

// bind returns the stage that an annotation approves when it is first seen, or why it
// approves none. The digest alone is for the first stage that needs an approval and has
// none.
func bind(r *triggerv1.Rollout, recorded *triggerv1.RolloutStatus, digestText, annotation string) (stage, refusal string) {
	content, stage := parts(annotation)
	manual, open := manualStages(r, recorded)
	again := func(named string) string {
		if named == "" && len(open) > 0 {
			named = open[0]
		}
		return Approval(digestText, named, annotation)
	}
	switch {
	case len(manual) == 0:
		return "", "no stage of spec.rollout has approval Manual"
	case content != digestText:
		return "", notThis("approve", content, digestText)
	case stage != "" && !slices.Contains(manual, stage):
		return "", fmt.Sprintf("%q is not a stage with approval Manual; these are: %s", text.Word(stage), strings.Join(manual, ", "))
	case recorded == nil:
		return "", "it was there before this content was seen, and approves only content that is being rolled out; to approve it now, set " + again(stage)
	case recorded.Rollback != nil:
		return "", "this content was rolled back and is rejected; retry it with kubectl valuestrigger retry, and approve it then"
	case recorded.RejectedBy != nil:
		return "", "this content was rejected; retry it with kubectl valuestrigger retry, and approve it then"
	case used(recorded, annotation):
		return "", "it is used up, and an approval is for one stage; to approve another, name it: " + digestText + "/<stage>"
	case stage != "" && !slices.Contains(open, stage):
		return "", fmt.Sprintf("stage %s is approved for this content already", stage)
	case len(open) == 0:
		return "", "all stages with approval Manual are approved for this content already"
	case stage == "":
		stage = open[0]
	}
	return stage, ""
}

// notThis says what an annotation approves or rejects in the place of the present content.
func notThis(verb, content, digestText string) string {
	switch {
	case !strings.HasPrefix(content, digest.Prefix):
		return fmt.Sprintf("not a digest; to %s the current content, use %s", verb, digestText)
	case strings.HasPrefix(digestText, content):
		return fmt.Sprintf("an incomplete digest; to %s the current content, use %s", verb, digestText)
	}
	return fmt.Sprintf("it %ss other content, %s; the present one is %s", verb, digest.Prefix+text.Word(digest.Short(content)), digestText)
}

// manualStages returns the names of the stages that need an approval, and of those that
// have none.
func manualStages(r *triggerv1.Rollout, recorded *triggerv1.RolloutStatus) (manual, open []string) {
	if r == nil {
		return nil, nil
	}
	approved := func(name string) bool {
		return recorded != nil && slices.ContainsFunc(recorded.Stages, func(st triggerv1.StageStatus) bool {
			return st.Name == name && st.Approved
		})
	}
	for _, stage := range r.Stages {
		if stage.Approval != triggerv1.ApprovalManual {
			continue
		}
		manual = append(manual, stage.Name)
		if !approved(stage.Name) {
			open = append(open, stage.Name)
		}
	}
	return manual, open
}

// used reports whether an annotation has approved a stage of this rollout before: tools
// that set and remove it in turn must not approve one stage after the other.
func used(recorded *triggerv1.RolloutStatus, annotation string) bool {
	return slices.ContainsFunc(recorded.Stages, func(st triggerv1.StageStatus) bool { return st.Approval == annotation })
}
