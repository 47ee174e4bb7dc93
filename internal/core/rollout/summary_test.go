// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	stages := []triggerv1.StageStatus{
		{Name: "canary", Phase: triggerv1.StageFinished, Targets: 2, Delivered: 2},
		{Name: "prod", Phase: triggerv1.StageSoaking, Targets: 120, Delivered: 40, Failed: 1, Since: new(metav1.NewTime(noon))},
		{Name: "rest", Phase: triggerv1.StageWaiting, Targets: 500},
	}
	const where = "Stage 2/3 canary→prod, 40/120, 1 failed"
	for _, c := range []struct {
		name    string
		status  *triggerv1.RolloutStatus
		want    Summary
		nothing bool
	}{
		{name: "without a rollout", nothing: true},
		{name: "finished", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutFinished}, nothing: true},
		{name: "without stages", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutProgressing}, nothing: true},
		{name: "settling", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutSettling}, want: Summary{
			Ready: "Unknown", Reason: "Progressing", Message: "Waits until the sources have not changed for 10s"}},
		{name: "in a stage", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutProgressing, Stage: "prod", Stages: stages}, want: Summary{
			Ready: "Unknown", Reason: "Progressing", Message: where + ", 7 triggered"}},
		{name: "in the first stage", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutProgressing, Stage: "canary", Stages: stages}, want: Summary{
			Ready: "Unknown", Reason: "Progressing", Message: "Stage 1/3 canary, 2/2, 0 failed, 7 triggered"}},
		{name: "soaking", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutSoaking, Stage: "prod", Stages: stages}, want: Summary{
			Ready: "Unknown", Reason: "Progressing", Message: where + "; must stay ready until 2026-03-01T13:00:00Z"}},
		{name: "no more ready", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutSoaking, Stage: "prod", Message: "apps/a is not ready: why", Stages: []triggerv1.StageStatus{
			stages[0], {Name: "prod", Phase: triggerv1.StageUnready, Targets: 120, Delivered: 120, Since: new(metav1.NewTime(noon))}, stages[2]}}, want: Summary{
			Ready: "Unknown", Reason: "Progressing", Message: "Stage 2/3 canary→prod, 120/120, 0 failed; apps/a is not ready: why; may last until 2026-03-01T12:05:00Z"}},
		{name: "awaiting a window", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutAwaitingWindow,
			NextWindow: &triggerv1.NextWindow{Opens: metav1.NewTime(noon)}}, want: Summary{
			Ready: "False", Reason: "AwaitingWindow", Message: "waits for the window that opens at 2026-03-01T12:00:00Z"}},
		{name: "awaiting an approval", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutAwaitingApproval, Digest: first, Stage: "prod", Stages: stages}, want: Summary{
			Ready: "False", Reason: "AwaitingApproval", Message: where + "; waits for approval: kubectl annotate --field-manager=flux-client-side-apply --overwrite vt/platform -n apps trigger.nebius.ai/approve=" + first + "/prod"}},
		{name: "awaiting another approval", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutAwaitingApproval, Digest: first, Stage: "rest", Stages: stages}, want: Summary{
			Ready: "False", Reason: "AwaitingApproval", Message: "Stage 3/3 prod→rest, 0/500, 0 failed; waits for approval: kubectl annotate --field-manager=flux-client-side-apply --overwrite vt/platform -n apps trigger.nebius.ai/approve=" + first + "/rest"}},
		{name: "blocked", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutBlocked, Stage: "prod", Stages: stages, Message: "why"}, want: Summary{
			Ready: "False", Reason: "TargetsHeld", Message: where + "; why"}},
		{name: "halted, and recovered since", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted, Stage: "prod", Message: "apps/a: why", Stages: []triggerv1.StageStatus{
			{Name: "prod", Phase: triggerv1.StageProgressing, Targets: 2, Delivered: 1}}}, want: Summary{
			Ready: "False", Reason: "RolloutHalted", Stalled: true,
			Message: "Stage 1/1 prod, 1/2, 0 failed; halted: apps/a: why; it has recovered since, to continue: kubectl valuestrigger retry platform -n apps"}},
		{name: "halted by a target that came to an earlier stage", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted, Stage: "prod", Message: "apps/a: why", Stages: []triggerv1.StageStatus{
			{Name: "canary", Phase: triggerv1.StageFinished, Targets: 2, Delivered: 1, Failed: 1}, {Name: "prod", Phase: triggerv1.StageWaiting, Targets: 2}}}, want: Summary{
			Ready: "False", Reason: "RolloutHalted", Stalled: true,
			Message: "Stage 2/2 canary→prod, 0/2, 0 failed; halted: apps/a: why; change the sources, or try the same again: kubectl valuestrigger retry platform -n apps"}},
		{name: "halted before it began, since the content was rolled back before", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted, Stage: "prod", Message: "why", Stages: []triggerv1.StageStatus{
			{Name: "prod", Phase: triggerv1.StageWaiting, Targets: 2}}}, want: Summary{
			Ready: "False", Reason: "RolloutHalted", Stalled: true,
			Message: "Stage 1/1 prod, 0/2, 0 failed; halted: why; change the sources, or try the same again: kubectl valuestrigger retry platform -n apps"}},
		{name: "halted in a soak", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted, Stage: "prod", Message: "apps/a has not been ready", Stages: []triggerv1.StageStatus{
			{Name: "prod", Phase: triggerv1.StageUnready, Targets: 1, Delivered: 1}}}, want: Summary{
			Ready: "False", Reason: "RolloutHalted", Stalled: true,
			Message: "Stage 1/1 prod, 1/1, 0 failed; halted: apps/a has not been ready; change the sources, or try the same again: kubectl valuestrigger retry platform -n apps"}},
		{name: "halted", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted, Stage: "prod", Stages: stages, Message: "apps/a: why"}, want: Summary{
			Ready: "False", Reason: "RolloutHalted", Stalled: true,
			Message: where + "; halted: apps/a: why; change the sources, or try the same again: kubectl valuestrigger retry platform -n apps"}},
		{name: "a stage whose targets are gone", status: &triggerv1.RolloutStatus{Phase: triggerv1.RolloutBlocked, Stage: "prod", Message: "the targets are gone", Stages: []triggerv1.StageStatus{
			{Name: "prod", Phase: triggerv1.StageProgressing},
		}}, want: Summary{
			Ready: metav1.ConditionFalse, Reason: triggerv1.TargetsHeldReason,
			Message: "Stage 1/1 prod, 0/0, 0 failed; the targets are gone; create or label a HelmRelease for it, or continue without it: kubectl valuestrigger retry platform -n apps"}},
		{name: "being rolled back", status: rolledBackIn(triggerv1.RolloutRollingBack, "", stages), want: Summary{
			Ready: "Unknown", Reason: "Progressing", Message: "Rolling back to sha256:111111111111, stage prod, 40/120: sha256:222222222222 failed: apps/a: why"}},
		{name: "rolled back", status: rolledBackIn(triggerv1.RolloutRolledBack, "", nil), want: Summary{
			Ready: "False", Reason: "RolledBack", Stalled: true,
			Message: "Rolled back to sha256:111111111111, since sha256:222222222222 failed: apps/a: why; it is rejected until the sources change; to deliver it all the same: kubectl valuestrigger retry platform -n apps"}},
		{name: "rolled back with a rest", status: rolledBackIn(triggerv1.RolloutRolledBack, "1 not restored; apps/b: it is suspended", nil), want: Summary{
			Ready: "False", Reason: "RolledBack", Stalled: true,
			Message: "Rolled back to sha256:111111111111 (1 not restored; apps/b: it is suspended), since sha256:222222222222 failed: apps/a: why; it is rejected until the sources change; to deliver it all the same: kubectl valuestrigger retry platform -n apps"}},
		{name: "not rolled back", status: rolledBackIn(triggerv1.RolloutRollbackHalted, "apps/b: again", nil), want: Summary{
			Ready: "False", Reason: "RollbackHalted", Stalled: true,
			Message: "Rollback to sha256:111111111111 has halted: apps/b: again; fix that, and try again: kubectl valuestrigger retry platform -n apps; it began because sha256:222222222222 failed: apps/a: why"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform"}}
			vt.Spec.QuietPeriod.Duration = 10 * time.Second
			vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
				stageNamed("canary"), stageNamed("prod", manually, soaks(time.Hour)), stageNamed("rest", manually),
			}}
			vt.Status.Rollout = c.status
			summary, goesOn := Summarize(vt, 7)
			g.Expect(goesOn).To(Equal(!c.nothing))
			g.Expect(summary).To(Equal(c.want))
		})
	}
}

func TestSummarize_writes_times_on_the_clocks_of_the_window(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	vt.Spec.Schedule = []triggerv1.Window{
		{Cron: "0 2 * * *", TimeZone: "Europe/Berlin", Window: metav1.Duration{Duration: time.Hour}},
		{Cron: "0 2 * * *", TimeZone: "Asia/Tokyo", Window: metav1.Duration{Duration: time.Hour}},
	}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary", soaks(time.Hour))}}
	opening := func(at string) string {
		opens, err := time.Parse(time.RFC3339, at)
		g.Expect(err).NotTo(HaveOccurred())
		vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: triggerv1.RolloutAwaitingWindow, NextWindow: &triggerv1.NextWindow{Opens: metav1.NewTime(opens)}}
		summary, _ := Summarize(vt, 0)
		return summary.Message
	}
	g.Expect(opening("2026-03-01T01:00:00Z")).To(HaveSuffix("opens at 2026-03-01T02:00:00+01:00"))
	g.Expect(opening("2026-03-01T17:00:00Z")).To(HaveSuffix("opens at 2026-03-02T02:00:00+09:00"))

	vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: triggerv1.RolloutSoaking, Stage: "canary", Stages: []triggerv1.StageStatus{
		{Name: "canary", Phase: triggerv1.StageSoaking, Since: new(metav1.NewTime(noon))},
	}}
	summary, _ := Summarize(vt, 0)
	g.Expect(summary.Message).To(HaveSuffix("must stay ready until 2026-03-01T14:00:00+01:00"))

	vt.Spec.Schedule[0].TimeZone = "Nowhere/AtAll"
	summary, _ = Summarize(vt, 0)
	g.Expect(summary.Message).To(HaveSuffix("must stay ready until 2026-03-01T13:00:00Z"))
}

func rolledBackIn(phase triggerv1.RolloutPhase, message string, stages []triggerv1.StageStatus) *triggerv1.RolloutStatus {
	return &triggerv1.RolloutStatus{
		Digest: second, Phase: phase, Stage: "prod", Stages: stages, Message: "apps/a: why",
		Rollback: &triggerv1.RollbackStatus{Digest: first, Message: message},
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	asked := &plan.Request{}
	deciding := func(state triggerv1.TargetState, request *plan.Request, attempts int32) plan.Decision {
		return plan.Decision{Status: triggerv1.TargetStatus{State: state, Attempts: attempts}, Request: request}
	}
	refusedBefore := func(d plan.Decision) plan.Decision {
		d.Unsent.Refused, d.Unsent.Message = &triggerv1.Refusal{Digest: first}, "why"
		return d
	}
	there := plan.Release{Exists: true, Ready: "True"}
	for _, c := range []struct {
		name     string
		decision plan.Decision
		release  plan.Release
		standing Standing
		wants    bool
	}{
		{"delivered", deciding(triggerv1.TargetDelivered, nil, 1), there, Current, false},
		{"due", deciding(triggerv1.TargetTriggered, asked, 1), there, Due, true},
		{"in progress", deciding(triggerv1.TargetTriggered, nil, 1), there, UnderWay, false},
		{"to be repeated", deciding(triggerv1.TargetTriggered, asked, 2), there, UnderWay, true},
		{"failed", deciding(triggerv1.TargetFailed, nil, 1), there, Failed, false},
		{"denied", deciding(triggerv1.TargetFailed, nil, 0), plan.Release{Exists: true, Denied: "why"}, Out, false},
		{"refused", refusedBefore(deciding(triggerv1.TargetTriggered, asked, 1)), there, Out, true},
		{"refused when it was to be repeated", refusedBefore(deciding(triggerv1.TargetTriggered, asked, 2)), there, Out, true},
		{"suspended", deciding(triggerv1.TargetHeld, nil, 0), plan.Release{Exists: true, Suspended: true}, Out, false},
		{"worked on", deciding(triggerv1.TargetPending, nil, 0), plan.Release{Exists: true, Reconciling: true, Ready: "Unknown"}, Busy, false},
		{"asked by another client", deciding(triggerv1.TargetPending, nil, 0), plan.Release{Exists: true, RequestedAt: "a", HandledAt: "b"}, Busy, false},
		{"not installed", deciding(triggerv1.TargetPending, nil, 0), plan.Release{Exists: true, Current: true, Ready: "False"}, Out, false},
		{"missing", deciding(triggerv1.TargetMissing, nil, 0), plan.Release{}, Out, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			target := Of("apps/a", 1, c.decision, c.release)
			g.Expect(target.Standing).To(Equal(c.standing))
			g.Expect(target.Wants).To(Equal(c.wants))
			if c.release.Exists {
				g.Expect(target.Stage).To(Equal(1))
			} else {
				g.Expect(target.Stage).To(Equal(Nowhere), "it has no labels to select by")
			}
		})
	}
}
