// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"

	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// eventsOf returns the events about the change of a status.
func eventsOf(old, vt *triggerv1.ValuesTrigger) []string {
	recorder := record.NewFakeRecorder(20)
	triggerEvents{recorder: recorder}.notifyRollout(old, vt)
	close(recorder.Events)
	var events []string
	for event := range recorder.Events {
		events = append(events, event)
	}
	return events
}

func TestNotifyRollout(t *testing.T) {
	t.Parallel()
	const a, b = "sha256:aaaaaaaaaaaaaaaaaaaa", "sha256:bbbbbbbbbbbbbbbbbbbb"
	in := func(digest string, phases ...triggerv1.StagePhase) *triggerv1.ValuesTrigger {
		vt := staged()
		vt.Spec.Rollout.Stages[1].Approval = triggerv1.ApprovalManual
		vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: digest}
		for i, phase := range phases {
			vt.Status.Rollout.Stages = append(vt.Status.Rollout.Stages, triggerv1.StageStatus{
				Name: vt.Spec.Rollout.Stages[i].Name, Phase: phase, Targets: 3, Delivered: 2, Failed: 1})
			if started(vt.Status.Rollout.Stages[i]) {
				vt.Status.Rollout.Stage = vt.Spec.Rollout.Stages[i].Name
			}
		}
		return vt
	}
	const waiting, progressing, soaking = triggerv1.StageWaiting, triggerv1.StageProgressing, triggerv1.StageSoaking
	const unchanged, finished = triggerv1.StageUnchanged, triggerv1.StageFinished
	none := &triggerv1.ValuesTrigger{}
	approved := in(a, finished, waiting)
	approved.Status.Rollout.Stages[1].Approved = true
	approved.Status.LastHandledApproval = a
	former := in(a, finished, waiting)
	former.Status.Rollout.Stages[1].Approved, former.Status.Rollout.Stages[1].ApprovedSelector = true, "sha256:of another"
	refused := in(a, finished, waiting)
	refused.Status.LastHandledApproval = b
	early := in(a, finished, waiting)
	early.Status.LastHandledApproval = a
	empty := in(a, finished, waiting)
	empty.Status.Rollout.Stages[0].Targets = 0
	for _, c := range []struct {
		name    string
		old, vt *triggerv1.ValuesTrigger
		want    []string
	}{
		{"no rollout", none, none, nil},
		{"the beginning", none, in(a, waiting, waiting), nil},
		{"a stage that starts", in(a, waiting, waiting), in(a, progressing, waiting), []string{
			"Normal StageStarted Stage 1/2 canary started: 3 HelmReleases, content sha256:aaaaaaaaaaaa"}},
		{"a stage that soaks", in(a, progressing, waiting), in(a, soaking, waiting), nil},
		{"a stage that ends", in(a, soaking, waiting), in(a, finished, waiting), []string{"Normal StageFinished Stage 1/2 canary finished: 2/3 delivered, 1 failed"}},
		{"a stage with nothing to do", none, in(a, finished, finished), nil},
		{"one after the other", in(a, unchanged, waiting), in(a, finished, progressing), []string{
			"Normal StageStarted Stage 2/2 rest started: 3 HelmReleases, content sha256:aaaaaaaaaaaa"}},
		{"other content in the middle", in(a, progressing, waiting), in(b, waiting, waiting), []string{
			"Normal RolloutSuperseded Content sha256:bbbbbbbbbbbb supersedes sha256:aaaaaaaaaaaa, which had reached: Stage 1/2 canary, 2/3, 1 failed"}},
		{"other content after the end", in(a, finished, finished), in(b, waiting, waiting), nil},
		{"an approval", in(a, finished, waiting), approved, []string{"Normal Approved Stage 2/2 rest is approved for content sha256:aaaaaaaaaaaa"}},
		{"an approval of other content", in(a, finished, waiting), refused, []string{
			"Warning ApprovalRefused Annotation trigger.nebius.ai/approve is refused: it approves other content, sha256:bbbbbbbbbbbb; the present one is " + a}},
		{"the same one, later", refused, refused, nil},
		{"an approval of other releases", former, in(a, finished, waiting), []string{
			"Warning ApprovalRefused The approval of stage rest for content sha256:aaaaaaaaaaaa no longer counts: the selector of the stage has changed; approve it again"}},
		{"an approval of other releases, later", in(a, finished, waiting), in(a, finished, waiting), nil},
		{"an annotation that is gone", approved, in(a, finished, waiting), nil},
		{"an approval that was there before its content", in(b, finished, waiting), early, []string{
			"Warning ApprovalRefused Annotation trigger.nebius.ai/approve is refused: it was there before this content was seen, and approves only content that is being rolled out; to approve it now, set " + a + "/rest"}},
		{"a stage without targets", none, empty, []string{
			"Normal StageFinished Stage 1/2 canary has no HelmReleases and is skipped, content sha256:aaaaaaaaaaaa"}},
		{"a stage without targets, later", empty, empty, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(eventsOf(c.old, c.vt)).To(Equal(c.want))
		})
	}

	gated := in(a, waiting, waiting)
	conditions.MarkFalse(gated, triggerv1.GatedCondition, triggerv1.WatchedByFluxReason, "why")
	g := NewWithT(t)
	g.Expect(eventsOf(in(a, waiting, waiting), gated)).To(Equal([]string{"Warning WatchedByFlux why"}))
	g.Expect(eventsOf(gated, gated)).To(BeEmpty(), "once")
}

func TestIsNews_of_a_stage_are_the_first_requests(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	asked := []triggerv1.TargetStatus{inState(triggerv1.TargetTriggered)}
	g.Expect(isNews(vt, vt, passOf(vt.Status.Targets, vt.Status.Targets).Targets, asked)).To(BeTrue(), "without a rollout")
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:new", Stage: "canary"}
	old := staged()
	old.Status.Targets = []triggerv1.TargetStatus{{Name: "one", Stage: "canary", Digest: "sha256:old"}, {Name: "two", Stage: "rest", Digest: "sha256:new"}}
	g.Expect(isNews(old, vt, passOf(old.Status.Targets, old.Status.Targets).Targets, asked)).To(BeTrue())
	old.Status.Targets[0].Digest = "sha256:new"
	g.Expect(isNews(old, vt, passOf(old.Status.Targets, old.Status.Targets).Targets, asked)).To(BeFalse())
	g.Expect(isNews(old, vt, passOf(old.Status.Targets, old.Status.Targets).Targets, nil)).To(BeFalse())
	vt.Status.LastHandledForceAt = "now"
	g.Expect(isNews(old, vt, passOf(old.Status.Targets, old.Status.Targets).Targets, asked)).To(BeTrue(), "a person overrides the stages")
	vt.Status.LastHandledForceAt, vt.Status.LastHandledResetAt = "", "now"
	g.Expect(isNews(old, vt, passOf(old.Status.Targets, old.Status.Targets).Targets, asked)).To(BeTrue(), "a person asks for a retry")
}

func TestEventsOfManyTargetsAreOne(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	asked := make([]triggerv1.TargetStatus, 0, 5)
	var names []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		asked = append(asked, triggerv1.TargetStatus{Namespace: "apps", Name: name, Cause: "ConfigMap apps/values"})
		names = append(names, "apps/"+name)
	}
	g.Expect(triggeredMessage(asked[:1])).To(Equal("Triggered HelmRelease apps/a: ConfigMap apps/values"))
	g.Expect(triggeredMessage(asked)).To(Equal("Triggered 5 HelmReleases (apps/a, apps/b, apps/c and 2 more): ConfigMap apps/values"))
	asked[0].Name = strings.Repeat("x", 253)
	g.Expect(triggeredMessage(asked)).To(HaveSuffix("xxx…): ConfigMap apps/values"), "long names leave room for the cause")
	g.Expect(bypassedMessage(names[:1])).To(Equal("HelmRelease apps/a applied the change on its own, before it was requested"))
	g.Expect(bypassedMessage(names)).To(Equal("5 HelmReleases applied the change on their own, before it was requested: apps/a, apps/b, apps/c and 2 more"))
}

func TestBypassed(t *testing.T) {
	t.Parallel()
	before, after := metav1.NewTime(time.Unix(1, 0)), metav1.NewTime(time.Unix(2, 0))
	held := triggerv1.TargetStatus{State: triggerv1.TargetHeld, Digest: "old", Token: "1", DeliveredAt: &before}
	with := func(change func(*triggerv1.TargetStatus)) triggerv1.TargetStatus {
		t := triggerv1.TargetStatus{State: triggerv1.TargetDelivered, Digest: "new", Token: "1", DeliveredAt: &after}
		change(&t)
		return t
	}
	for _, c := range []struct {
		name    string
		was, is triggerv1.TargetStatus
		want    bool
	}{
		{"taken up and proven", held, with(func(*triggerv1.TargetStatus) {}), true},
		{"taken up within the second of the delivery before", held, with(func(t *triggerv1.TargetStatus) { t.DeliveredAt, t.Revision = &before, 2 }), true},
		{"taken up and not proven yet", held, with(func(t *triggerv1.TargetStatus) { t.State, t.DeliveredAt = triggerv1.TargetTriggered, nil }), true},
		{"asked", held, with(func(t *triggerv1.TargetStatus) { t.Token, t.State, t.DeliveredAt = "2", triggerv1.TargetTriggered, nil }), false},
		{"come back to what it was", held, with(func(t *triggerv1.TargetStatus) { t.Digest, t.DeliveredAt = "old", &before }), false},
		{"a change that does not matter to it", held, with(func(t *triggerv1.TargetStatus) { t.DeliveredAt = &before }), false},
		{"seen for the first time", triggerv1.TargetStatus{}, with(func(t *triggerv1.TargetStatus) { t.Token = "" }), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(bypassed(staged(), c.was, c.is)).To(Equal(c.want))
			g.Expect(bypassed(&triggerv1.ValuesTrigger{}, c.was, c.is)).To(BeFalse(), "nothing is held back")
		})
	}
}

// A rollout that begins again reports its stages like any other, and supersedes nothing.
func TestNotifyRollout_of_content_that_is_triggered_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:0123456789abcdef", Phase: triggerv1.RolloutFinished, Stages: []triggerv1.StageStatus{
		{Name: "canary", Phase: triggerv1.StageFinished, Targets: 2}, {Name: "rest", Phase: triggerv1.StageFinished},
	}}
	old := vt.DeepCopy()
	vt.Status.Rollout.TriggerAt, vt.Status.Rollout.Stage = "now", "canary"
	vt.Status.Rollout.Stages[0].Phase, vt.Status.Rollout.Stages[1].Phase = triggerv1.StageProgressing, triggerv1.StageWaiting
	events := record.NewFakeRecorder(10)
	triggerEvents{recorder: events}.notifyRollout(old, vt)
	g.Expect(events.Events).To(Receive(Equal("Normal StageStarted Stage 1/2 canary started: 2 HelmReleases, content sha256:0123456789ab")))
	g.Expect(events.Events).To(BeEmpty())
}

// An override is reported once, and what keeps to the stages overrides nothing.
func TestNotifyOverride(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	events := record.NewFakeRecorder(10)
	e := triggerEvents{recorder: events}
	old := staged()
	old.Status.History = []triggerv1.Change{{Digest: "sha256:new", Outcome: triggerv1.ChangeInProgress}}
	vt := old.DeepCopy()
	vt.Status.LastHandledForceAt = "now"
	vt.Status.History[0].Override = &triggerv1.Override{Manager: "kubectl-annotate", Message: "the order of the stages canary to rest"}
	e.notifyOverride(old, vt)
	g.Expect(events.Events).To(Receive(Equal(
		"Warning Overridden reconcile.fluxcd.io/forceAt, set by kubectl-annotate, requested all HelmReleases at once and overrode the order of the stages canary to rest")))

	later := vt.DeepCopy()
	later.Status.History[0].Outcome = triggerv1.ChangeDelivered
	e.notifyOverride(vt, later)
	g.Expect(events.Events).To(BeEmpty(), "it stays with the change, and is reported once")
	later.Status.LastHandledTriggerAt = "again"
	e.notifyOverride(vt, later)
	g.Expect(events.Events).To(BeEmpty(), "what keeps to the stages overrides nothing")
	later.Status.LastHandledForceAt = "again"
	e.notifyOverride(vt, later)
	g.Expect(events.Events).To(BeEmpty(), "nothing was in the way of this request")
}
