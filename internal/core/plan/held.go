// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file is about requests that are due and must not be made yet. A decision does
// not know of quiet periods, windows and stages: the caller that executes it holds it back.

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

// Settling is like Held, while a change settles: it goes on by itself, and soon.
func (d Decision) Settling(message string) triggerv1.TargetStatus {
	status := d.Held(message)
	if status.State == triggerv1.TargetHeld {
		status.State = triggerv1.TargetPending
	}
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
		return "the release would be reconciled without a change"
	case values == ValuesDiffer:
		return "the values of the release would change"
	default:
		return "whether the values of the release would change is unknown"
	}
}

// readinessBefore returns, when a change is due, whether the release was unready before it, so that
// the rollout does not count that as a failure of the change. Either it was seen while the release
// was Delivered, or this is the first time that the release is seen. A release that stops being
// ready together with the change may have failed because of it.
func readinessBefore(f *facts, known progress) *bool {
	r := &f.Release
	switch {
	case !f.Gated: // No one counts failures.
	case r.Ready == "True", f.Rejected != "": // A rollback fixes the release, or has failed.
		return new(false)
	case known.met(f.Settling) && !known.precedes(r.Record):
		return new(r.unwell())
	}
	return known.UnreadyBefore
}

// met reports whether the target is met for the first time: nothing is known of the time
// before. While a change settles, that is its beginning. What was noted then stays: it may have
// got the change since, by the request of someone else, and failed with it.
func (p progress) met(settling bool) bool {
	before := p.before
	switch {
	case before == nil, before.State == triggerv1.TargetMissing:
		return true
	case before.State == triggerv1.TargetHeld, before.State == triggerv1.TargetPending && settling:
		return false
	}
	return before.Digest == "" && before.UnreadyBefore == nil
}

// WasUnready reports whether a release is known to have been unready before a change.
func WasUnready(status triggerv1.TargetStatus) bool {
	return status.UnreadyBefore != nil && *status.UnreadyBefore
}
