// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// newTask begins with what is recorded, as far as that can be.
func newTask(in Input) *task {
	t := &task{Input: in}
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
	}
	t.status.Message = ""
	t.status.Cause = t.signed(t.status.Cause)
	t.status.Attempts = min(max(0, t.status.Attempts), MaxAttempts)
	if at := t.status.TriggeredAt; at != nil && at.After(in.Now) {
		t.status.TriggeredAt = t.now() // Somebody's clock is wrong; nobody waits for it.
	}
	return t
}

// recreated tells that what is recorded is about another HelmRelease of the same name,
// which was deleted when nobody looked.
func (in Input) recreated() bool {
	last := latest(in.Previous.TriggeredAt, in.Previous.DeliveredAt)
	return !last.IsZero() && in.Release.Created.After(last)
}

func latest(times ...*metav1.Time) time.Time {
	var last time.Time
	for _, at := range times {
		if at != nil && at.After(last) {
			last = at.Time
		}
	}
	return last
}
