// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"unicode/utf8"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestHeadline(t *testing.T) {
	t.Parallel()
	in := func(phase triggerv1.RolloutPhase, stage string) *triggerv1.RolloutStatus {
		return &triggerv1.RolloutStatus{Phase: phase, Stage: stage}
	}
	stalled := func(reason string) func(*triggerv1.ValuesTrigger) {
		return func(vt *triggerv1.ValuesTrigger) { markStalled(vt, reason, "the whole") }
	}
	waits := func(reason string) func(*triggerv1.ValuesTrigger) {
		return func(vt *triggerv1.ValuesTrigger) { markNotReady(vt, reason, "the whole") }
	}
	progresses := func(vt *triggerv1.ValuesTrigger) { markProgressing(vt, "the whole") }
	ready := func(vt *triggerv1.ValuesTrigger) { markReady(vt, "the whole") }
	counts := &triggerv1.TargetSummary{Total: 22, Failed: 3, Missing: 2, Held: 12}
	for _, c := range []struct {
		want    string
		mark    func(*triggerv1.ValuesTrigger)
		rollout *triggerv1.RolloutStatus
		summary *triggerv1.TargetSummary
	}{
		{want: "", mark: func(*triggerv1.ValuesTrigger) {}},
		{want: "Delivered", mark: ready, summary: counts},
		{want: "Delivered", mark: ready, summary: counts, rollout: in(triggerv1.RolloutFinished, "")},
		{want: "No targets", mark: ready, summary: &triggerv1.TargetSummary{}},
		{want: "Progressing", mark: progresses, summary: counts},
		{want: "Progressing", mark: progresses, summary: counts, rollout: in(triggerv1.RolloutFinished, "")},
		{want: "Progressing: prod", mark: progresses, summary: counts, rollout: in(triggerv1.RolloutProgressing, "prod")},
		{want: "Settling", mark: progresses, rollout: in(triggerv1.RolloutSettling, "")},
		{want: "Soaking: canary", mark: progresses, rollout: in(triggerv1.RolloutSoaking, "canary")},
		{want: "RollingBack: prod", mark: progresses, rollout: in(triggerv1.RolloutRollingBack, "prod")},
		{want: "AwaitingWindow", mark: waits("AwaitingWindow"), rollout: in(triggerv1.RolloutAwaitingWindow, "")},
		{want: "AwaitingApproval: prod", mark: waits("AwaitingApproval"), rollout: in(triggerv1.RolloutAwaitingApproval, "prod")},
		{want: "AwaitingApproval: pro…", mark: waits("AwaitingApproval"), rollout: in(triggerv1.RolloutAwaitingApproval, "production")},
		{want: "TargetsHeld: prod", mark: waits("TargetsHeld"), rollout: in(triggerv1.RolloutBlocked, "prod"), summary: counts},
		{want: "TargetsHeld: 12", mark: waits("TargetsHeld"), summary: counts},
		{want: "TargetNotFound: 2", mark: waits("TargetNotFound"), summary: counts},
		{want: "SelectorMatchesNothing", mark: waits("SelectorMatchesNothing"), summary: counts},
		{want: "SourceNotFound", mark: waits("SourceNotFound"), rollout: in(triggerv1.RolloutProgressing, "prod"), summary: counts},
		{want: "DeliveryFailed: 3", mark: stalled("DeliveryFailed"), summary: counts},
		{want: "DeliveryFailed", mark: stalled("DeliveryFailed")},
		{want: "RolloutHalted: prod", mark: stalled("RolloutHalted"), rollout: in(triggerv1.RolloutHalted, "prod"), summary: counts},
		{want: "RolledBack", mark: stalled("RolledBack"), rollout: in(triggerv1.RolloutRolledBack, "prod"), summary: counts},
		{want: "RollbackHalted: prod", mark: stalled("RollbackHalted"), rollout: in(triggerv1.RolloutRollbackHalted, "prod")},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := &triggerv1.ValuesTrigger{Status: triggerv1.ValuesTriggerStatus{Rollout: c.rollout, Summary: c.summary}}
			c.mark(vt)
			g.Expect(headline(vt)).To(Equal(c.want))
			g.Expect(utf8.RuneCountInString(headline(vt))).To(BeNumerically("<=", triggerv1.MaxHeadline))
		})
	}
}
