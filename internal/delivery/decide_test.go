// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// A status that lists a refusal may be older than the request that was accepted since: the target would count as
// failed, and halt its rollout.
func TestRecall_a_refusal_holds_until_something_is_requested(t *testing.T) {
	t.Parallel()
	const before, now = "0123456789ab.1", "0123456789ab.2"
	listed := triggerv1.TargetStatus{
		State: triggerv1.TargetFailed, Token: before, Digest: newContent, Message: "refused",
		Refused: &triggerv1.Refusal{Reason: triggerv1.DeliveryFailedReason},
	}
	for _, c := range []struct {
		name, token string
		state       triggerv1.TargetState
		refused     bool
	}{
		{"nothing was requested since", before, triggerv1.TargetFailed, true},
		{"a request was accepted since", now, triggerv1.TargetTriggered, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			knower := plan.Knower{Key: "apps/platform"}
			in := plan.Input{Digest: newContent, Knower: knower, Release: plan.Release{Exists: true, UID: "1"}}
			kept := triggerv1.TargetStatus{State: triggerv1.TargetTriggered, Token: c.token, Digest: newContent}
			in.Release.Record, _ = in.Release.Record.Keep(in, kept)
			vt := &triggerv1.ValuesTrigger{Status: triggerv1.ValuesTriggerStatus{Summary: &triggerv1.TargetSummary{Total: 1}}}
			previous, _ := recall(snapshot{vt: vt, knower: knower}, &listed, in.Release)
			g.Expect(previous.State).To(Equal(c.state))
			g.Expect(previous.Refused != nil).To(Equal(c.refused))
		})
	}
}
