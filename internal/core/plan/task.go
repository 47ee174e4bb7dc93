// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// newTask begins with what is recorded, as far as that can be.
func newTask(in Input) *task {
	t := &task{Input: in, own: in.own()}
	if in.Timeout == triggerv1.DefaultTimeout {
		t.Timeout = max(in.Timeout, in.Release.Takes+grace)
	}
	if in.Unpublished {
		t.Values = ValuesDiffer // Whatever it runs, it has not read the content.
	}
	if in.Previous != nil && in.recreated() {
		t.Previous = nil
	}
	if t.Previous != nil {
		t.status = *t.Previous
		if t.stays(t.own) {
			t.status.Digest = in.Digest
		}
	}
	t.status.UID = in.Release.UID
	if seen := t.status.Seen; seen != nil && seen.Digest != in.Digest {
		t.status.Seen = nil
	}
	t.Release.Record = t.Release.Record.Of(in.Release.UID)
	t.status.Message = ""
	t.status.Cause = t.signed(t.status.Cause)
	t.status.Attempts = min(max(0, t.status.Attempts), MaxAttempts)
	if at := t.status.TriggeredAt; at != nil && at.After(in.Now) {
		t.status.TriggeredAt = t.now() // Someone's clock is wrong; no one waits for it.
	}
	return t
}

// recreated reports whether what is recorded is about another HelmRelease of the same
// name. Where an earlier version recorded no UID, a release that has fewer revisions is
// another one.
func (in Input) recreated() bool {
	p, r := in.Previous, in.Release
	if !r.Exists {
		return false
	}
	if p.UID == "" {
		return r.Revision < p.Revision
	}
	return p.UID != r.UID
}
