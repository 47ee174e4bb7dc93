// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/rollout"
)

// staged returns a trigger with a stage for the label tier: canary, and one for the rest.
func staged() *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform"}}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		{Name: "canary", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"tier": "canary"}}}, {Name: "rest"},
	}}
	return vt
}

func TestNewGate(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	none, err := newGate(&triggerv1.ValuesTrigger{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(none).To(BeNil(), "nothing is held back")

	vt := staged()
	gate, err := newGate(vt)
	g.Expect(err).NotTo(HaveOccurred())
	canary := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"tier": "canary"}}}
	g.Expect(gate.stages.Of(canary)).To(Equal(0))
	g.Expect(gate.stages.Of(&helmv2.HelmRelease{})).To(Equal(1))
	g.Expect(gate.stages.Of(nil)).To(Equal(rollout.Nowhere))
	g.Expect([]string{stageOf(vt, gate, canary), stageOf(vt, gate, nil), stageOf(vt, none, canary)}).To(Equal([]string{"canary", "", ""}))

	vt.Spec.Rollout.Stages = vt.Spec.Rollout.Stages[:1]
	gate, err = newGate(vt)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(gate.stages.Of(&helmv2.HelmRelease{})).To(Equal(rollout.NoStage))
}

func TestNewGate_names_the_field_that_cannot_be_used(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	vt.Spec.Rollout.Stages[0].Selector.MatchLabels["not a key"] = "canary"
	_, err := newGate(vt)
	g.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.InvalidSpecReason)))
	g.Expect(err).To(MatchError(ContainSubstring("spec.rollout.stages[0].selector: ")))

	vt = staged()
	window := triggerv1.Window{Cron: "0 2 * * *", Window: metav1.Duration{Duration: time.Hour}}
	vt.Spec.Schedule = []triggerv1.Window{window, {Cron: "0 25 * * *", Window: window.Window}}
	_, err = newGate(vt)
	g.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.InvalidSpecReason)))
	g.Expect(err).To(MatchError(ContainSubstring(`spec.schedule[1]: cron "0 25 * * *": end of range (25) above maximum (23)`)))
}

func TestSentRequests_are_missed_until_they_are_seen(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	key := types.NamespacedName{Namespace: "apps", Name: "app"}
	release := func(token string) plan.Release { return plan.Release{Record: plan.Record{Token: token}} }
	sent := newSentRequests()
	g.Expect(sent.missing(key, release(""))).To(BeFalse(), "nothing was sent")
	sent.note(key, "0123456789ab.7")
	g.Expect(sent.missing(key, release("0123456789ab.6"))).To(BeTrue())
	g.Expect(sent.missing(key, release(""))).To(BeTrue())
	g.Expect(sent.missing(key, release("fedcba987654.8"))).To(BeFalse(), "another trigger has made one since")
	g.Expect(sent.tokens).To(BeEmpty())

	sent.note(key, "0123456789ab.7")
	sent.tokens[key] = sentRequest{token: "0123456789ab.7", at: time.Now().Add(-2 * time.Minute)}
	g.Expect(sent.missing(key, release(""))).To(BeFalse(), "the release was made again")
}

func TestMarkGated(t *testing.T) {
	t.Parallel()
	const first, second = "ConfigMap/apps/a", "Secret/apps/b"
	reading := func(ids ...string) plan.Release {
		reads := map[string]bool{}
		for _, id := range ids {
			reads[id] = true
		}
		return plan.Release{Exists: true, Reads: reads}
	}
	for _, c := range []struct {
		name     string
		watched  string
		releases []plan.Release
		want     string
	}{
		{"no one reads", first, []plan.Release{reading(), reading()}, "True NothingBypasses"},
		{"some read", "", []plan.Release{reading(), reading(first)}, "False ReadAtInterval"},
		{"what is read is watched", second, []plan.Release{reading(first), reading(second)}, "False WatchedByFlux"},
		{"what is watched is read by no one", second, []plan.Release{reading(first)}, "False ReadAtInterval"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := staged()
			snap := snapshot{gate: &gate{}, sources: []plan.Source{{ID: first, Watched: c.watched == first}, {ID: second, Watched: c.watched == second}}}
			markGated(vt, snap, c.releases)
			condition := conditions.Get(vt, triggerv1.GatedCondition)
			g.Expect(string(condition.Status) + " " + condition.Reason).To(Equal(c.want))
			if condition.Reason == triggerv1.WatchedByFluxReason {
				g.Expect(condition.Message).To(HavePrefix("Secret apps/b has the label reconcile.fluxcd.io/watch: Enabled"))
			}
			markGated(vt, snapshot{}, c.releases)
			g.Expect(conditions.Get(vt, triggerv1.GatedCondition)).To(BeNil(), "nothing is held back any more")
		})
	}
}

func TestSummarize_a_rollout_comes_before_what_its_targets_say(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted, Stage: "canary", Message: "apps/app: why",
		Stages: []triggerv1.StageStatus{{Name: "canary", Targets: 1, Failed: 1}, {Name: "rest"}}}
	out := result{targets: []triggerv1.TargetStatus{inState(triggerv1.TargetFailed)}}
	summary := summarize(vt, out, "")
	g.Expect(summary.Reason).To(Equal(triggerv1.RolloutHaltedReason))
	g.Expect(summary.Stalled).To(BeTrue())
	g.Expect(summary.Outcome).To(Equal(triggerv1.ChangeHalted))
	g.Expect(summary.Delivered).To(Equal("0/1"))

	vt.Status.Rollout.Phase = triggerv1.RolloutSoaking
	summary = summarize(vt, out, "")
	g.Expect(summary.Reason).To(Equal("Progressing"))
	g.Expect(summary.Outcome).To(Equal(triggerv1.ChangeInProgress))

	out.targets[0] = refused(out.targets[0], "AccessDenied")
	g.Expect(summarize(vt, out, "").Reason).To(Equal("AccessDenied"), "no target may be asked")
	out.targets = append(out.targets, inState(triggerv1.TargetDelivered))
	summary = summarize(vt, out, "")
	g.Expect(summary.Reason).To(Equal("Progressing"), "one of them hides nothing of the others")
	g.Expect(summary.Message).To(HavePrefix("Stage 1/2 canary, 0/1, 1 failed; must stay ready"))
	g.Expect(summary.Message).To(HaveSuffix("; apps/app: why"))
	vt.Status.Rollout.Phase, vt.Status.Rollout.Message = triggerv1.RolloutBlocked, "no target of stage canary can be delivered to; apps/app: why"
	g.Expect(summarize(vt, out, "").Message).To(HaveSuffix("can be delivered to; apps/app: why"), "nothing is said twice")

	vt.Status.Rollout.Phase, out.targets = triggerv1.RolloutFinished, out.targets[:1]
	out.targets[0].Refused = nil
	g.Expect(summarize(vt, out, "").Reason).To(Equal(triggerv1.DeliveryFailedReason))
}

// eventsOf returns the events about the change of a status.
func eventsOf(old, vt *triggerv1.ValuesTrigger) []string {
	recorder := record.NewFakeRecorder(20)
	(&ValuesTriggerReconciler{events: recorder}).notifyRollout(old, vt)
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
	g.Expect(isNews(vt, vt, asked)).To(BeTrue(), "without a rollout")
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:new", Stage: "canary"}
	old := staged()
	old.Status.Targets = []triggerv1.TargetStatus{{Stage: "canary", Digest: "sha256:old"}, {Stage: "rest", Digest: "sha256:new"}}
	g.Expect(isNews(old, vt, asked)).To(BeTrue())
	old.Status.Targets[0].Digest = "sha256:new"
	g.Expect(isNews(old, vt, asked)).To(BeFalse())
	g.Expect(isNews(old, vt, nil)).To(BeFalse())
	vt.Status.LastHandledForceAt = "now"
	g.Expect(isNews(old, vt, asked)).To(BeTrue(), "a person overrides the stages")
	vt.Status.LastHandledForceAt, vt.Status.LastHandledResetAt = "", "now"
	g.Expect(isNews(old, vt, asked)).To(BeTrue(), "a person asks for a retry")
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
