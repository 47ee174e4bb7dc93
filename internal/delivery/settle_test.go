// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// A value of the annotation counts once. It must not be noted as evaluated before the content is
// on record that it is evaluated for, which is so from when the content begins to settle.
func TestStatusOf_notes_an_approval_with_the_content_that_settles(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const content = "sha256:new"
	vt := staged()
	vt.Spec.Rollout.Stages[1].Approval = triggerv1.ApprovalManual
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:old", Phase: triggerv1.RolloutFinished}
	gate, err := newGate(vt)
	g.Expect(err).NotTo(HaveOccurred())
	snap := snapshot{vt: vt, at: evaluatedAt, gate: gate, content: content, diff: plan.Diff{From: "sha256:old", To: content}, settle: 2 * time.Second,
		applied: &triggerv1.SettlingStatus{Source: "ConfigMap apps/values"}, settling: true}
	due := targetCase{decision: plan.Decision{Request: &plan.Request{}}}
	due.input.Release.Exists = true
	look := func(annotation string) *triggerv1.RolloutStatus {
		vt.Annotations = map[string]string{triggerv1.ApproveAnnotation: annotation}
		before := vt.Status.Rollout
		decision := gate.decide(snap, []*targetCase{&due}, findings{})
		record(vt, snap, outcome{targets: []triggerv1.TargetStatus{inState(triggerv1.TargetPending)}, rollout: decision.Status})
		snap.applied = nil // It is seen once.
		g.Expect(vt.Status.Rollout.Phase).To(Equal(triggerv1.RolloutSettling))
		g.Expect(vt.Status.Rollout.Digest).To(Equal(content))
		g.Expect(vt.Status.LastHandledApproval).To(Equal(annotation))
		return before
	}

	before := look(content)
	g.Expect(rollout.NotApproved(vt.Spec.Rollout, before, vt.Status.Rollout, content)).To(HavePrefix("it was there before this content was seen"))
	g.Expect(vt.Status.Rollout.Stages[1].Approved).To(BeFalse())

	look(rollout.Approval(content, "rest", content))
	g.Expect(vt.Status.Rollout.Stages[1].Approved).To(BeTrue())
}
