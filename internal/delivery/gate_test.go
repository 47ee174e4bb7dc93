// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
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

func TestGatedOf(t *testing.T) {
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
			snap := snapshot{gate: &gate{}, sources: []plan.Source{{ID: first, Watched: c.watched == first}, {ID: second, Watched: c.watched == second}}}
			gated := gatedOf(snap, c.releases)
			g.Expect(string(gated.Status) + " " + gated.Reason).To(Equal(c.want))
			if gated.Reason == triggerv1.WatchedByFluxReason {
				g.Expect(gated.Message).To(HavePrefix("Secret apps/b has the label reconcile.fluxcd.io/watch: Enabled"))
			}
			g.Expect(gatedOf(snapshot{}, c.releases)).To(HaveValue(BeZero()), "nothing is held back any more")
		})
	}
}

func TestSummarize_a_rollout_comes_before_what_its_targets_say(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: triggerv1.RolloutHalted, Stage: "canary", Message: "apps/app: why",
		Stages: []triggerv1.StageStatus{{Name: "canary", Targets: 1, Failed: 1}, {Name: "rest"}}}
	out := outcome{targets: []triggerv1.TargetStatus{inState(triggerv1.TargetFailed)}}
	summary := summarize(vt, out, false)
	g.Expect(summary.Reason).To(Equal(triggerv1.RolloutHaltedReason))
	g.Expect(summary.Stalled).To(BeTrue())
	g.Expect(summary.Outcome).To(Equal(triggerv1.ChangeHalted))
	g.Expect(summary.Delivered).To(Equal("0/1"))

	vt.Status.Rollout.Phase = triggerv1.RolloutSoaking
	summary = summarize(vt, out, false)
	g.Expect(summary.Reason).To(Equal("Progressing"))
	g.Expect(summary.Outcome).To(Equal(triggerv1.ChangeInProgress))

	out.targets[0] = refused(out.targets[0], "AccessDenied")
	g.Expect(summarize(vt, out, false).Reason).To(Equal("AccessDenied"), "no target may be triggered")
	out.targets = append(out.targets, inState(triggerv1.TargetDelivered))
	summary = summarize(vt, out, false)
	g.Expect(summary.Reason).To(Equal("Progressing"), "one of them hides nothing of the others")
	g.Expect(summary.Message).To(HavePrefix("Stage 1/2 canary, 0/1, 1 failed; must stay ready"))
	g.Expect(summary.Message).To(HaveSuffix("; apps/app: why"))
	vt.Status.Rollout.Phase, vt.Status.Rollout.Message = triggerv1.RolloutBlocked, "no target of stage canary can be delivered to; apps/app: why"
	g.Expect(summarize(vt, out, false).Message).To(HaveSuffix("can be delivered to; apps/app: why"), "nothing is said twice")

	vt.Status.Rollout.Phase, out.targets = triggerv1.RolloutFinished, out.targets[:1]
	out.targets[0].Refused = nil
	g.Expect(summarize(vt, out, false).Reason).To(Equal(triggerv1.DeliveryFailedReason))
}

// What no stage selects never gets the content: the change has come to its end without it.
func TestSummarize_a_change_ends_without_what_no_stage_selects(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: triggerv1.RolloutFinished, Unmatched: 1}
	out := outcome{targets: []triggerv1.TargetStatus{inState(triggerv1.TargetDelivered), inState(triggerv1.TargetHeld)}}
	out.targets[0].Stage = "canary"
	summary := summarize(vt, out, false)
	g.Expect(summary).To(And(HaveField("Reason", triggerv1.TargetsHeldReason), HaveField("Outcome", triggerv1.ChangeDelivered), HaveField("Delivered", "1/2")))

	out.targets[1].Stage = "rest"
	g.Expect(summarize(vt, out, false).Outcome).To(Equal(triggerv1.ChangeInProgress), "one that a stage selects gets it when it is resumed")
	out.targets[1].Stage, vt.Status.Rollout.Phase = "", triggerv1.RolloutSoaking
	g.Expect(summarize(vt, out, false).Outcome).To(Equal(triggerv1.ChangeInProgress))
}
