// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// wentBack returns a trigger that a person has rolled back to its first revision, with its present sources.
func wentBack() (*triggerv1.ValuesTrigger, []plan.Source) {
	vt, present := rolledBack()
	past := []plan.Source{{ID: "ConfigMap/apps/a", Digest: "sha256:past"}}
	vt.Status.Restored = &triggerv1.RestoreRecord{Revision: 1, Digest: plan.Combined(past), Rejects: plan.Combined(present), PersonRecord: triggerv1.PersonRecord{User: "alice"}}
	vt.Status.History = []triggerv1.Change{{Digest: plan.Combined(past), Kept: plan.Kept(past), Restores: vt.Status.Restored}}
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: plan.Combined(past), Phase: triggerv1.RolloutFinished}
	return vt, present
}

func TestWithRevision(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		modify       func(vt *triggerv1.ValuesTrigger, snap *snapshot)
		restores     bool
		ended        bool
		unrestorable bool
	}{
		"what a person has gone back to": {func(*triggerv1.ValuesTrigger, *snapshot) {}, true, false, false},
		"a force delivers that":          {func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.force = "now" }, true, false, false},
		"the sources have changed":       {func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.sources[0].Digest = "sha256:other" }, false, true, false},
		"a person wants what they hold":  {func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.reset = "now" }, false, true, false},
		"a retry of what has halted": {func(vt *triggerv1.ValuesTrigger, snap *snapshot) {
			vt.Status.Rollout.Phase, snap.reset = triggerv1.RolloutHalted, "now"
		}, true, false, false},
		"a retry without stages": {func(vt *triggerv1.ValuesTrigger, snap *snapshot) {
			vt.Spec.Rollout, vt.Status.Summary, snap.reset = nil, &triggerv1.TargetSummary{Total: 2, Delivered: 2}, "now"
		}, false, true, false},
		"a retry without stages, of what has failed": {func(vt *triggerv1.ValuesTrigger, snap *snapshot) {
			vt.Spec.Rollout, vt.Status.Summary, snap.reset = nil, &triggerv1.TargetSummary{Total: 2, Failed: 1}, "now"
		}, true, false, false},
		"no copies any more":  {func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Spec.Publish = nil }, false, true, false},
		"a generated trigger": {func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.release = reading("apps") }, false, true, false},
		"another policy":      {func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt }, true, false, false},
		"the history is gone": {func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Status.History = nil }, true, false, true},
		"a history that someone has written": {func(vt *triggerv1.ValuesTrigger, _ *snapshot) {
			vt.Status.History[0].Kept[0].Digest = "sha256:forged"
		}, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt, sources := wentBack()
			snap := snapshot{vt: vt, sources: sources}
			c.modify(vt, &snap)
			snap.diff = plan.Compare(nil, "", snap.sources)
			present := plan.Combined(snap.sources)
			snap = snap.withKept()
			g.Expect(snap.restores != nil).To(Equal(c.restores))
			g.Expect(snap.ended).To(Equal(c.ended))
			g.Expect(snap.unrestorable != "").To(Equal(c.unrestorable))
			g.Expect(snap.present()).To(Equal(present))
			g.Expect(snap.rolledBack()).To(BeFalse())
			if c.restores {
				g.Expect(snap.rejected).To(Equal(present))
			}
			if c.restores && !c.unrestorable {
				g.Expect(snap.content).To(Equal(vt.Status.Restored.Digest))
				g.Expect(plan.Combined(snap.sources)).To(Equal(snap.content))
				g.Expect(snap.diff.To).To(Equal(snap.content))
				g.Expect(snap.restoring()).To(Equal("rollback to revision 1 by alice"))
			}
		})
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	type parsed struct {
		revision int64
		content  string
	}
	for value, want := range map[string]parsed{
		"3/sha256:a":                       {3, "sha256:a"},
		"3/sha256:a/again/and":             {3, "sha256:a"},
		"3":                                {3, ""},
		"-3/sha256:a":                      {0, "sha256:a"},
		"three/sha256:a":                   {0, "sha256:a"},
		"99999999999999999999999/sha256:a": {0, "sha256:a"},
		"":                                 {0, ""},
	} {
		revision, content := parts(value)
		NewWithT(t).Expect(parsed{revision, content}).To(Equal(want), value)
	}
}

// Going back is not ready when it is done: the sources hold something else.
func TestWithRestored(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt, _ := wentBack()
	snap := snapshot{vt: vt, restores: vt.Status.Restored}
	done := withRestored(plan.Summary{Ready: metav1.ConditionTrue, Outcome: triggerv1.ChangeDelivered}, snap)
	g.Expect(done).To(And(HaveField("Ready", metav1.ConditionFalse), HaveField("Reason", triggerv1.RolledBackReason), HaveField("Stalled", true),
		HaveField("Outcome", triggerv1.ChangeDelivered), HaveField("Message", HavePrefix("Rolled back to revision 1, content "))))
	goesOn := withRestored(plan.Summary{Ready: metav1.ConditionUnknown, Reason: "Progressing", Message: "1 of 2"}, snap)
	g.Expect(goesOn).To(And(HaveField("Reason", "Progressing"), HaveField("Message", "1 of 2; rollback to revision 1 by alice")))
	g.Expect(withRestored(goesOn, snapshot{})).To(Equal(goesOn))
}

func TestRolloutOf(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt, _ := wentBack()
	g.Expect(rolloutOf(snapshot{vt: vt}).OnFailure).To(Equal(triggerv1.FailureRollback))
	g.Expect(rolloutOf(snapshot{vt: vt, restores: vt.Status.Restored}).OnFailure).To(Equal(triggerv1.FailureHalt), "not to what the person leaves")
	vt.Spec.Rollout.OnFailure = triggerv1.FailureContinue
	g.Expect(rolloutOf(snapshot{vt: vt, restores: vt.Status.Restored}).OnFailure).To(Equal(triggerv1.FailureContinue))
}

// With four eyes, who goes back to a revision does not approve it, too.
func TestRestore_has_an_editor(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt, _ := wentBack()
	vt.Status.Rollout = nil
	snap := snapshot{vt: vt, restores: vt.Status.Restored, content: vt.Status.Restored.Digest, rejected: vt.Status.Restored.Rejects}
	var err error
	snap.gate, err = newGate(vt)
	g.Expect(err).NotTo(HaveOccurred())
	due := targetCase{decision: plan.Decision{Request: &plan.Request{}}, input: plan.Input{Release: plan.Release{Exists: true}}}
	g.Expect(snap.gate.decide(snap, []*targetCase{&due}, findings{}).Status.EditedBy).To(Equal([]string{"alice"}))
}
