// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/text"
)

// This file is about requests that are due and must not be made yet. A decision does
// not know of quiet periods, windows and stages: whoever executes it holds it back.

// Held returns the state to record when the request is held back. The request stays
// due: the next decision makes it again. That it was refused is not written over: it says
// more than that it waits to be tried again.
func (d Decision) Held(message string) triggerv1.TargetStatus {
	status := d.Unsent
	if status.Refused != nil {
		return status
	}
	status.State = triggerv1.TargetHeld
	status.Message = text.Line(message, maxText)
	return status
}

// Effect says what a request that is held back would do to the release.
func (d Decision) Effect(r Release, values ValuesState) string {
	switch {
	case d.Request == nil:
		return ""
	case d.Request.Force:
		return "the release would be upgraded by force"
	case len(r.Reads) == 0 || values == ValuesEqual:
		return "the release would be asked and nothing would change"
	case values == ValuesDiffer:
		return "the values of the release would change"
	default:
		return "whether the values of the release would change cannot be told"
	}
}

// noteReadiness notes, when a change is first seen, whether the release was not ready
// before it, so that its failure will not be taken for one of the change. It must have
// come to be so before the change was made: helm-controller may have taken that up by
// itself. What was asked and not delivered is no past to compare with, and a release
// that has become ready since has none either.
func (t *task) noteReadiness() {
	r := t.Release
	switch {
	case r.Ready == "True":
		t.status.UnreadyBefore = false
	case t.Refused != "":
		// It is what the rollback is to mend: if it does not, that has failed.
	case t.seenBefore() || sequence(r.Record.Token) > sequence(t.status.Token):
	case r.Ready == "False" || r.Failing:
		t.status.UnreadyBefore = !slices.ContainsFunc(t.wanted, func(s Source) bool {
			return !s.Modified.IsZero() && !r.ReadySince.Before(s.Modified)
		})
	}
}

// seenBefore tells that a change, this one or one before it, waits or is under way since
// an earlier decision.
func (t *task) seenBefore() bool {
	p := t.Previous
	switch {
	case p == nil || p.State == triggerv1.TargetDelivered || p.State == triggerv1.TargetMissing:
		return false
	case p.Digest == "":
		return p.State == triggerv1.TargetHeld
	}
	return true
}
