// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

const stageLabel = "stage"

// staged makes a ValuesTrigger with stages, and releases that read copies of a ConfigMap.
func (e *env) staged(ns string, stages ...triggerv1.Stage) {
	e.t.Helper()
	e.create(kit.Values(ns, "prices", "discount: 10\n"))
	vt := kit.Trigger(ns, "prices", kit.From("ConfigMap", "prices"), kit.To("", func(ref *triggerv1.TargetReference) { ref.Selector = &triggerv1.Selector{} }))
	vt.Spec.Publish = &triggerv1.Publish{Name: "prices"}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: stages}
	e.create(vt)
	for i, stage := range stages {
		for n := range 1 + 2*i {
			name := fmt.Sprintf("%s-%d", stage.Name, n+1)
			e.create(kit.Labelled(kit.Release(ns, name, kit.Reads("ConfigMap", name+"-prices")), stageLabel, stage.Name))
		}
	}
	e.Eventually(func() string { return e.trigger(ns).Status.Delivered }).Should(Equal(fmt.Sprintf("%d/%d", len(stages)*len(stages), len(stages)*len(stages))))
	e.Eventually(func() string { return kit.Says(e.trigger(ns), "Ready") }).Should(HavePrefix("True"))
}

func stage(name string, approval triggerv1.ApprovalPolicy) triggerv1.Stage {
	return triggerv1.Stage{Name: name, Selector: kit.Selecting(stageLabel, name), Approval: approval}
}

func TestRollout_halts_is_approved_and_rolled_back_by_clicks(t *testing.T) {
	e := in(t, shared)
	ns := e.namespace("shop")
	e.staged(ns, stage("canary", ""), stage("eu", ""), stage("us", triggerv1.ApprovalManual))
	tb := e.open(e.serve(e.w.Kubeconfig()))

	tb.shows("main", "Overview", "Ready")
	tb.accessible()
	tb.visit("/board/" + ns + "/prices")
	tb.shows(".head", "shop/prices Ready 9/9 delivered")
	tb.shows("#lanes", "canary-1 Delivered", "us-5 Delivered")
	tb.accessible()

	// It halts, without the page being loaded again.
	e.edit(ns, "prices", "discount: 20\nreject: true\n")
	tb.shows(".head", "RolloutHalted")
	tb.shows("#lanes", "canary-1 Failed")
	tb.shows(".change", "ConfigMap shop/prices changed in values.yaml, last edit by kubectl-edit")
	tb.shows(".troubles", "Failed shop/canary-1")
	tb.accessible()
	tb.picture("ui-halted", 1280, 900, "light")

	// What is fixed waits for an approval.
	e.edit(ns, "prices", "discount: 30\n")
	tb.shows(".head", "AwaitingApproval")
	tb.shows("#lanes", "us Waiting", "us-5 Held")
	tb.click("#differences summary")
	tb.shows("#differences", "discount: 10 → 30")
	tb.accessible()
	tb.picture("ui-awaiting", 1280, 900, "light")
	tb.picture("ui-awaiting-dark", 1280, 900, "dark")
	tb.picture("ui-phone", 390, 844, "light")
	tb.click("a.approve")
	tb.shows("#dialog", "Approve content", "for stage us?", "Lets go 5 HelmReleases", "~ discount: 10 → 30")
	tb.accessible()
	tb.picture("ui-approve", 1280, 900, "light")
	tb.answer()
	tb.shows(".head", "Ready 9/9 delivered")
	tb.shows(".changes", "revision 2", "stage us approved by world-admin")
	tb.shows("#differences", "No values differ") // What was opened stays, and is about what is there now.

	// A person goes back.
	tb.click("a.rollback")
	tb.shows("#dialog", "Go back to revision 1?", "discount: 30 → 10")
	tb.answer()
	tb.shows("main", "rolled back on request by world-admin")
	e.Eventually(func() *triggerv1.RestoreRecord { return e.trigger(ns).Status.Restored }).Should(HaveField("Revision", int64(1)))
	tb.shows(".head", "AwaitingApproval")
	tb.click("a.approve")
	tb.answer()
	tb.shows(".head", "RolledBack 9/9 delivered")

	tb.click("a.suspend")
	tb.shows("#dialog", "suspended (dry run)")
	tb.answer()
	tb.shows(".head", "Suspended")
	tb.click("a.resume")
	tb.answer()
	tb.Eventually(func() bool { return e.trigger(ns).Spec.Suspend }).Should(BeFalse())
	tb.shows(".head", "RolledBack") // Buttons move when the page gets shorter.
	tb.click("a.retry")
	tb.shows("#dialog", "delivers content", "which the rollback to revision 1 rejects")
	tb.answer()
	tb.shows(".head", "AwaitingApproval")
	tb.click("a.override")
	tb.shows("#dialog", "would override the approval of stage us")
	tb.answer()
	tb.shows(".head", "Ready 9/9 delivered")
	tb.visit("/")
	tb.picture("ui-overview", 1280, 500, "light")
}

// What has changed since a person looked is not decided.
func TestDecision_holds_for_what_was_seen(t *testing.T) {
	e := in(t, shared)
	ns := e.namespace("seen")
	e.staged(ns, stage("only", triggerv1.ApprovalManual))
	tb := e.open(e.serve(e.w.Kubeconfig()))
	e.edit(ns, "prices", "discount: 20\n")
	tb.visit("/board/" + ns + "/prices")
	tb.shows(".head", "AwaitingApproval")
	tb.click("a.approve")
	tb.shows("#dialog", "discount: 10 → 20")
	seen := e.trigger(ns).Status.Rollout.Digest
	e.edit(ns, "prices", "discount: 90\n")
	e.Eventually(func() string { return e.trigger(ns).Status.Rollout.Digest }).ShouldNot(Equal(seen))
	tb.click("#dialog button.primary")
	tb.shows("#dialog", "the content changed while you looked")
	tb.click("#dialog [data-close]")
	tb.Expect(e.trigger(ns).Annotations).NotTo(HaveKey(triggerv1.ApproveAnnotation))
}
