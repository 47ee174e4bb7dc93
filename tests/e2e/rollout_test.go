// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

func TestRollout_a_change_that_breaks_one_canary_touches_the_canaries_alone_and_the_fix_arrives_everywhere(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 4, "early": 16, "prod": 40})
	cm := kit.Values(ns, "values", "")
	e.create(rollout(ns, inStages("canary"), inStages("early", atMost("50%")), inStages("prod", atMost("25%"))))
	e.atRest(ns, 60)

	bad := e.witness(ns)
	e.setValues(cm, "breaks: canary-02\n")
	e.stalled(ns, "platform", triggerv1.RolloutHaltedReason, "Stage 1/3 canary, 3/4, 1 failed; halted: "+ns+"/canary-02: UpgradeFailed", "this one breaks")
	e.Expect(e.phase(ns)()).To(Equal(triggerv1.RolloutHalted))
	e.Expect(e.table(ns)).To(MatchRegexp(`platform +False +3/60 .+ RolloutHalted: canary\n`))
	e.Expect(e.target(ns, "platform", "prod-00")()).To(And(
		HaveField("State", triggerv1.TargetHeld), HaveField("Stage", "prod"), HaveField("Message", "waits for stage canary")))
	e.Consistently(func() map[string]int { counts, _, _, _ := bad.result(); return counts }, patience).Should(Equal(map[string]int{"canary": 4}))

	good := e.witness(ns)
	e.setValues(cm, "a: 2\n")
	e.atRest(ns, 60)
	counts, most, peak, overlap := good.result()
	e.Expect(counts).To(Equal(map[string]int{"canary": 4, "early": 16, "prod": 40}))
	e.Expect(most).To(Equal(1), "each was triggered once")
	e.Expect(peak["early"]).To(BeNumerically("<=", 8))
	e.Expect(peak["prod"]).To(BeNumerically("<=", 10))
	e.Expect(overlap).To(BeEmpty())
	e.Expect(good.inOrder()).To(Equal([]string{"canary", "early", "prod"}))
	revisions := map[string]int{"canary-02": 2, "canary-01": 3, "early-00": 2, "prod-39": 2}
	e.stay(ns, revisions)

	vt, err := e.trigger(ns, "platform")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Status.History).To(HaveLen(2))
	e.Expect(vt.Status.History[0]).To(And(HaveField("Outcome", triggerv1.ChangeDelivered), HaveField("Delivered", "60/60"), HaveField("Duration", Not(BeNil())),
		HaveField("Cause", HavePrefix("ConfigMap "+ns+"/values sha256:"))))
	e.Expect(vt.Status.History[1]).To(And(HaveField("Outcome", triggerv1.ChangeHalted), HaveField("Delivered", "3/60"), HaveField("Duration", Not(BeNil()))))
	e.Eventually(e.stageEvents(ns, triggerv1.StageFinishedReason)).Should(ConsistOf(
		"Stage 1/3 canary finished: 4/4 delivered, 0 failed", "Stage 2/3 early finished: 16/16 delivered, 0 failed", "Stage 3/3 prod finished: 40/40 delivered, 0 failed"))
	e.Eventually(e.stageEvents(ns, triggerv1.RolloutSupersededReason)).Should(ConsistOf(ContainSubstring("which had reached: Stage 1/3 canary, 3/4, 1 failed")))
	e.Expect(e.condition(ns, "platform", triggerv1.GatedCondition)()).To(HavePrefix("False ReadAtInterval: 60 of 60 HelmReleases read sources through valuesFrom"))
}

func TestRollout_approval_of_other_content_is_refused(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 1, "prod": 2})
	cm := kit.Values(ns, "values", "")
	const unread = "no release reads this"
	e.setData(cm, "other.yaml", unread)
	e.create(rollout(ns, inStages("canary"), inStages("prod", manually)))
	e.atRest(ns, 3)
	waiting := func() string {
		e.t.Helper()
		e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))
		vt, err := e.trigger(ns, "platform")
		e.Expect(err).NotTo(HaveOccurred())
		return vt.Status.Rollout.Digest
	}
	approve := func(value string) {
		e.t.Helper()
		annotate(e, kit.Trigger(ns, "platform"), map[string]string{triggerv1.ApproveAnnotation: value})
	}
	refusals := e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.ApprovalRefusedReason)

	e.setValues(cm, "a: 2\n")
	old := waiting()
	e.setValues(cm, "a: 3\n")
	e.Eventually(e.rendered(ns, "canary-00")).Should(ContainSubstring("a: 3"))
	digest := waiting()
	e.Expect(digest).NotTo(Equal(old))
	e.Expect(e.condition(ns, "platform", meta.ReadyCondition)()).To(Equal("False AwaitingApproval: Stage 2/2 canary→prod, 0/2, 0 failed; " +
		"waits for approval: kubectl annotate --field-manager=flux-client-side-apply --overwrite vt/platform -n " + ns + " trigger.nebius.ai/approve=" + digest + "/prod"))
	e.Expect(e.target(ns, "platform", "prod-00")()).To(And(
		HaveField("State", triggerv1.TargetHeld), HaveField("Message", "waits for the approval of stage prod; the values of the release would change")))

	mark := e.mark()
	approve(old)
	e.Eventually(refusals).Should(ConsistOf(And(ContainSubstring("it approves other content, "+old[:19]), ContainSubstring("the present one is "+digest))))
	e.Consistently(e.asked(standard, ns, mark), patience).Should(BeEmpty())
	approve(digest)
	e.atRest(ns, 3)
	e.stay(ns, map[string]int{"canary-00": 3, "prod-00": 2, "prod-01": 2})
	e.Eventually(e.stageEvents(ns, triggerv1.ApprovedReason)).Should(ConsistOf(HavePrefix("Stage 2/2 prod is approved for content " + digest[:19])))

	e.setData(cm, "other.yaml", "nor this")
	waiting()
	e.Expect(e.target(ns, "platform", "prod-00")()).To(
		HaveField("Message", "waits for the approval of stage prod; the release would be reconciled without a change"))
	e.Consistently(refusals, patience).Should(HaveLen(1), "the annotation of before is not a new mistake")

	t.Log("what was approved once comes back after an emergency")
	e.request(ns, "platform", "now", meta.ForceRequestAnnotation)
	e.atRest(ns, 3)
	e.setData(cm, "other.yaml", unread)
	e.Expect(waiting()).To(Equal(digest))
	e.Consistently(e.phase(ns), patience).Should(Equal(triggerv1.RolloutAwaitingApproval), "its annotation is still there, and used up")
	e.Expect(e.condition(ns, "platform", meta.ReadyCondition)()).To(HaveSuffix("trigger.nebius.ai/approve=" + digest + "/prod"))
	approve(digest + "/prod")
	e.atRest(ns, 3)

	t.Log("an approval stays with its stage when the spec changes, and when the annotation is removed")
	canary := func(policy triggerv1.ApprovalPolicy) {
		edit(e, kit.Trigger(ns, "platform"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Rollout.Stages[0].Approval = policy })
	}
	canary(triggerv1.ApprovalManual)
	e.setValues(cm, "a: 4\n")
	approve(waiting())
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(ContainSubstring("Stage 2/2 canary→prod, 0/2, 0 failed; waits for approval"))
	canary(triggerv1.ApprovalAutomatic)
	e.Consistently(e.phase(ns), patience).Should(Equal(triggerv1.RolloutAwaitingApproval))
	approve(waiting() + "/prod")
	e.Eventually(func() (string, error) {
		vt, err := e.trigger(ns, "platform")
		return vt.Status.Rollout.Stages[1].Approval, err
	}).Should(HaveSuffix("/prod"))
	edit(e, kit.Trigger(ns, "platform"), func(vt *triggerv1.ValuesTrigger) { delete(vt.Annotations, triggerv1.ApproveAnnotation) })
	e.atRest(ns, 3)
}

func TestRollout_a_manual_request_goes_through_at_once(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 1, "prod": 1})
	cm := kit.Values(ns, "values", "")
	e.create(rollout(ns, inStages("canary", manually), inStages("prod"), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.QuietPeriod.Duration = 24 * time.Hour
		vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 0 29 2 *", Window: vt.Spec.QuietPeriod}}
	}))
	e.atRest(ns, 2)
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutSettling))
	e.stay(ns, map[string]int{"canary-00": 1, "prod-00": 1})
	e.request(ns, "platform", "now", meta.ForceRequestAnnotation)
	e.atRest(ns, 2)
	e.stay(ns, map[string]int{"canary-00": 2, "prod-00": 2})
	e.Expect(e.rendered(ns, "prod-00")()).To(ContainSubstring("a: 2"))
	e.Eventually(e.stageEvents(ns, triggerv1.TriggeredReason)).Should(ContainElement(ContainSubstring(ns+"/prod-00")), "what a person overrides is reported")

	// And it is on record.
	const overridden = "the quiet period of 24h0m0s; the windows of spec.schedule, none of which is open; " +
		"the approval of stage canary: 1 HelmRelease; the order of the stages canary to prod"
	e.Expect(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.OverriddenReason)()).To(ConsistOf(
		"reconcile.fluxcd.io/forceAt, set by " + e.manager(ns, "platform") + ", requested all HelmReleases at once and overrode " + overridden))
	vt, err := e.trigger(ns, "platform")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Status.History[0].Override).To(HaveField("Message", overridden))
}

// Triggering does not override: what was delivered goes through the stages once more.
func TestRollout_a_request_that_keeps_to_the_stages(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 1, "prod": 1})
	e.create(rollout(ns, inStages("canary"), inStages("prod", manually)))
	e.atRest(ns, 2)
	annotate(e, kit.Trigger(ns, "platform"), map[string]string{triggerv1.TriggerAtAnnotation: "one"})
	e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))
	e.Expect(e.deliveredRevision(ns, "platform", "canary-00")()).To(BeEquivalentTo(2))
	e.Expect(e.target(ns, "platform", "prod-00")()).To(HaveField("Message", "waits for the approval of stage prod; the release would be upgraded by force"))
	e.stay(ns, map[string]int{"canary-00": 2, "prod-00": 1})
	vt, err := e.trigger(ns, "platform")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Status.LastHandledTriggerAt).To(Equal("one"))
	e.Expect(e.get(ns, "canary-00").Annotations).To(HaveKeyWithValue(triggerv1.CauseAnnotation, "request by trigger.nebius.ai/triggerAt that had to wait via ValuesTrigger "+ns+"/platform"))

	annotate(e, kit.Trigger(ns, "platform"), map[string]string{triggerv1.ApproveAnnotation: vt.Status.Rollout.Digest})
	e.atRest(ns, 2)
	e.stay(ns, map[string]int{"canary-00": 2, "prod-00": 2})
	e.Expect(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.OverriddenReason)()).To(BeEmpty())
}

func TestRollout_reset_goes_on_where_it_halted(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 2, "prod": 2})
	cm := kit.Values(ns, "values", "")
	e.create(rollout(ns, inStages("canary", atMost("1")), inStages("prod")))
	e.atRest(ns, 4)

	e.setValues(cm, "elsewhere: "+ns+"-later\n")
	e.stalled(ns, "platform", triggerv1.RolloutHaltedReason, "Stage 1/2 canary, 0/2, 1 failed; halted: "+ns+"/canary-00", ns+"-later")
	e.Expect(e.target(ns, "platform", "canary-01")()).To(HaveField("Message", "the rollout has halted"))

	// A request of all waits for what ends the halt. Meanwhile what has failed has not recovered.
	e.request(ns, "platform", "all", triggerv1.TriggerAtAnnotation)
	e.Eventually(func() (string, error) {
		vt, err := e.trigger(ns, "platform")
		return vt.Status.LastHandledReconcileAt, err
	}).Should(Equal("all"))
	e.stalled(ns, "platform", triggerv1.RolloutHaltedReason, "Stage 1/2 canary, 0/2, 1 failed", "change the sources, or try the same again")
	e.Expect(e.target(ns, "platform", "canary-00")()).To(HaveField("State", triggerv1.TargetFailed))

	e.ensureNamespace(ns + "-later")
	e.request(ns, "platform", "again", helmv2.ResetRequestAnnotation)
	e.atRest(ns, 4)
	e.Expect(strings.Count(e.table(ns), "4/4")).To(Equal(1))
	e.Expect(e.get(ns, "canary-01").Annotations).NotTo(HaveKey(helmv2.ResetRequestAnnotation), "it had not failed")
}

// What a release was before the change is not the change's fault.
func TestRollout_a_release_that_was_broken_before_stops_nothing(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 2, "prod": 2})
	cm := kit.Values(ns, "values", "")
	e.create(rollout(ns, inStages("canary"), inStages("prod")))
	e.atRest(ns, 4)
	edit(e, kit.Release(ns, "canary-00"), func(hr *helmv2.HelmRelease) { setInline(hr, map[string]any{"fail": true}) })
	e.Eventually(e.readyConditionOf(ns, "canary-00")).Should(HavePrefix("False UpgradeFailed"))
	// The times of conditions and edits are kept in whole seconds. Between them, helm-controller
	// must not try again, so the edit comes soon after one of its later tries.
	e.Eventually(func() (time.Duration, error) {
		hr := kit.Release(ns, "canary-00")
		err := e.c.Get(e.ctx, client.ObjectKeyFromObject(hr), hr)
		if err != nil || hr.Status.Failures < 4 {
			return 0, err
		}
		return time.Since(conditions.Get(hr, meta.ReadyCondition).LastTransitionTime.Time), nil
	}).Should(And(BeNumerically(">", 2*time.Second), BeNumerically("<", 4*time.Second)))
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("False DeliveryFailed: 3 of 4 delivered; " + ns + "/canary-00: UpgradeFailed"))
	e.Expect(e.phase(ns)()).To(Equal(triggerv1.RolloutFinished))
	e.Expect(e.target(ns, "platform", "canary-00")()).To(HaveField("UnreadyBefore", HaveValue(BeTrue())))
	e.stay(ns, map[string]int{"canary-01": 2, "prod-00": 2, "prod-01": 2})
}

func TestRollout_the_watch_label_of_Flux_passes_by_the_stages(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 1, "prod": 1})
	cm := kit.Values(ns, "values", "")
	e.create(rollout(ns, inStages("canary", manually), inStages("prod")))
	e.atRest(ns, 2)
	edit(e, cm, func(obj *corev1.ConfigMap) { kit.Labelled(obj, meta.LabelKeyWatch, meta.LabelValueWatchEnabled) })
	want := "ConfigMap " + ns + "/values has the label reconcile.fluxcd.io/watch: Enabled, so that Flux upgrades the releases that read it at once"
	e.Eventually(e.condition(ns, "platform", triggerv1.GatedCondition)).Should(HavePrefix("False WatchedByFlux: " + want))
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.WatchedByFluxReason)).Should(ConsistOf(HavePrefix(want)))

	mark := e.mark()
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.rendered(ns, "prod-00")).Should(ContainSubstring("a: 2"))
	e.atRest(ns, 2)
	e.Expect(e.asked(standard, ns, mark)()).To(BeEmpty())
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.BypassedReason)).
		Should(ContainElement(Or(
			Equal("HelmRelease "+ns+"/prod-00 applied the change on its own, before it was requested"),
			MatchRegexp("^2 HelmReleases applied the change on their own, before it was requested: .*"+ns+"/prod-00$"), // Flux may be quicker with the canary, too.
		)))

	edit(e, cm, func(obj *corev1.ConfigMap) { delete(obj.Labels, meta.LabelKeyWatch) })
	e.Eventually(e.condition(ns, "platform", triggerv1.GatedCondition)).Should(HavePrefix("False ReadAtInterval: "))
}

// Without copies of the values for each release, a stage holds back the request alone.
func TestRollout_the_interval_of_a_HelmRelease_passes_by_the_stages(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("interval")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.releases(kit.Labelled(kit.Release(ns, "canary-00", kit.Reads(cmKind, "values")), stageLabel, "canary"),
		kit.Labelled(kit.Release(ns, "prod-00", kit.Reads(cmKind, "values"), func(hr *helmv2.HelmRelease) { hr.Spec.Interval.Duration = 3 * time.Second }), stageLabel, "prod"))
	e.create(rollout(ns, inStages("canary", manually), inStages("prod")))
	e.atRest(ns, 2)
	e.Expect(e.condition(ns, "platform", triggerv1.GatedCondition)()).To(HavePrefix("False ReadAtInterval: 2 of 2 HelmReleases read sources through valuesFrom"))

	mark := e.mark()
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.rendered(ns, "prod-00")).Should(ContainSubstring("a: 2"), "by helm-controller itself")
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.BypassedReason)).
		Should(ConsistOf("HelmRelease " + ns + "/prod-00 applied the change on its own, before it was requested"))
	e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))
	e.Expect(e.target(ns, "platform", "prod-00")()).To(HaveField("State", triggerv1.TargetDelivered))
	e.Expect(e.asked(standard, ns, mark)()).To(BeEmpty())
	e.stay(ns, map[string]int{"canary-00": 1, "prod-00": 2})
}
