// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package decision

import (
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Rejection is the rejection of content that is being rolled out.
type Rejection struct {
	Content string

	// Value is that of the annotation trigger.nebius.ai/reject.
	Value string

	// RollsBack is the digest of the content that those get again that have the rejected one. Empty if
	// the rollout halts instead, and KeepsIt then says why.
	RollsBack string
	KeepsIt   string

	// Have are the HelmReleases that have the content, or were requested to run it, as far as they are
	// known by name, and Others how many do not.
	Have   []binding.Object
	Others int
}

// Reject says what rejecting the content that is being rolled out means. The refusal says why there
// is nothing to reject, empty if there is.
func Reject(vt *triggerv1.ValuesTrigger, targets []triggerv1.TargetStatus, total int) (r Rejection, refusal string) {
	s := vt.Status.Rollout
	switch {
	case vt.Status.Restored != nil:
		return r, fmt.Sprintf("content %s is rejected already, by the rollback to revision %d", digest.Abbreviated(vt.Status.Restored.Rejects), vt.Status.Restored.Revision)
	case s == nil || s.Phase == triggerv1.RolloutFinished:
		return r, fmt.Sprintf("nothing is being rolled out: content %s is delivered; 'rollback' restores an earlier revision", digest.Abbreviated(vt.Status.LastDigest))
	case s.RejectedBy != nil: // Its history says so also after a retry, which lifts that.
		return r, fmt.Sprintf("content %s is rejected already", digest.Abbreviated(s.Digest))
	case s.Rollback != nil:
		return r, fmt.Sprintf("content %s is rejected already, since it failed", digest.Abbreviated(s.Digest))
	}
	if refusal = waitsFor(vt, triggerv1.RejectAnnotation, vt.Status.LastHandledReject); refusal != "" {
		return r, refusal
	}
	r = Rejection{Content: s.Digest, Value: rollout.Another(s.Digest, vt.Status.LastHandledReject)}
	switch {
	case !vt.RollsBack():
		r.KeepsIt = "spec.rollout.onFailure is not Rollback"
	case vt.Status.LastDelivered == nil || vt.Status.LastDelivered.Digest == s.Digest:
		r.KeepsIt = "no earlier content is kept"
	default:
		r.RollsBack = vt.Status.LastDelivered.Digest
	}
	r.Have = releases(targets, func(t triggerv1.TargetStatus) bool { return has(t, s.Digest) })
	r.Others = max(0, total-len(r.Have))
	return r, ""
}

// has reports whether a target has content, or was requested to run it.
func has(t triggerv1.TargetStatus, content string) bool {
	switch t.State {
	case triggerv1.TargetHeld, triggerv1.TargetMissing, triggerv1.TargetPending:
		return t.Published == content
	case triggerv1.TargetDelivered, triggerv1.TargetTriggered, triggerv1.TargetFailed:
	}
	return t.Digest == content || t.Published == content
}

// Facts are what the rejection was judged by. That the content reaches more HelmReleases meanwhile
// is no reason to hold it back.
func (r Rejection) Facts() []Fact {
	return []Fact{{"content", digest.Abbreviated(r.Content)}, {"what is restored", digest.Abbreviated(r.RollsBack)}}
}
