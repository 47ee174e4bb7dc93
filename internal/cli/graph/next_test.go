// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// stopped is a trigger of two stages that is stalled in the first one, with a revision to go back to.
func stopped(reason string, phase triggerv1.RolloutPhase, change func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "shop"}}
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	vt.Spec.Sources = []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "values"}}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{{Name: "canary", Analysis: &triggerv1.Analysis{}}, {Name: "rest"}}}
	vt.Status.LastDigest = "sha256:2"
	vt.Status.Conditions = []metav1.Condition{
		{Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Reason: reason}, {Type: meta.StalledCondition, Status: metav1.ConditionTrue, Reason: reason},
	}
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:2", Phase: phase, Stage: "canary", Stages: []triggerv1.StageStatus{
		{Name: "canary", Phase: triggerv1.StageSoaking, Targets: 1, Delivered: 1}, {Name: "rest", Phase: triggerv1.StageWaiting, Targets: 2},
	}}
	vt.Status.History = []triggerv1.Change{{Digest: "sha256:2"}, {Digest: "sha256:1", Revision: 1, Kept: []triggerv1.KeptSource{{}}}}
	change(vt)
	return vt
}

func TestTrigger_Steps_put_what_helps_first(t *testing.T) {
	t.Parallel()
	const (
		edit     = "fix or revert ConfigMap apps/values, in Git if it is there"
		rollback = "kubectl valuestrigger rollback shop -n apps"
		retry    = "kubectl valuestrigger retry shop -n apps"
	)
	analysed := func(vt *triggerv1.ValuesTrigger) {
		vt.Status.Rollout.Stages[0].Analysis = &triggerv1.AnalysisStatus{Failed: "error-rate 1 is above 0.05 (1 of 1)"}
	}
	rejected := func(vt *triggerv1.ValuesTrigger) {
		vt.Status.Rollout.RejectedBy = &triggerv1.PersonRecord{User: "anna"}
	}
	failed := func(vt *triggerv1.ValuesTrigger) {
		vt.Status.Rollout.Stages[0].Phase, vt.Status.Rollout.Stages[0].Failed = triggerv1.StageProgressing, 1
	}
	for _, c := range []struct {
		name   string
		reason string
		phase  triggerv1.RolloutPhase
		change func(*triggerv1.ValuesTrigger)
		want   []string
		does   string

		// expects is the command that a person is expected to use.
		expects string
	}{
		{"after a metric", triggerv1.RolloutHaltedReason, triggerv1.RolloutHalted, analysed, []string{rollback, edit, retry}, "measure again, if the metric was wrong", "rollback"},
		{"after a metric, without a copy", triggerv1.RolloutHaltedReason, triggerv1.RolloutHalted, func(vt *triggerv1.ValuesTrigger) {
			analysed(vt)
			vt.Spec.Publish = nil
		}, []string{edit, retry}, "measure again, if the metric was wrong", ""},
		{"after a rejection", triggerv1.RolloutHaltedReason, triggerv1.RolloutHalted, rejected, []string{rollback, edit, retry}, "deliver the rejected content all the same", "rollback"},
		{"after a rejection that came first", triggerv1.RolloutHaltedReason, triggerv1.RolloutHalted, func(vt *triggerv1.ValuesTrigger) {
			rejected(vt)
			vt.Status.Rollout.Stages[0].Phase = triggerv1.StageWaiting
		}, []string{edit, retry}, "deliver the rejected content all the same", ""},
		{"after an upgrade", triggerv1.RolloutHaltedReason, triggerv1.RolloutHalted, failed, []string{rollback, edit, retry}, "try again, once the HelmRelease is fixed", "rollback"},
		{"once it is well again", triggerv1.RolloutHaltedReason, triggerv1.RolloutHalted, func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Rollout.Stages[0].Phase = triggerv1.StageProgressing
		}, []string{retry}, "continue, since it has recovered", "retry"},
		{"after a rollback", triggerv1.RolledBackReason, triggerv1.RolloutRolledBack, analysed, []string{edit, retry}, "deliver the rejected content all the same", ""},
		{"in a rollback that has halted", triggerv1.RollbackHaltedReason, triggerv1.RolloutRollbackHalted, failed, []string{retry}, "restore the earlier content again, once the HelmRelease is fixed", "retry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			described := Directory{}.Describe(stopped(c.reason, c.phase, c.change))
			var got []string
			for _, step := range described.Steps() {
				got = append(got, step.Text())
			}
			g.Expect(got).To(Equal(c.want))
			g.Expect(described.Steps()[len(got)-1].Does).To(Equal(c.does))
			for _, verb := range []string{"approve", "reject", "rollback", "retry", "suspend", "resume", "override"} {
				g.Expect(described.Expects(verb)).To(Equal(verb == c.expects), verb)
			}
		})
	}
}

// What waits for a stage that does not select it, or for a stage that is empty now, waits for a person.
func TestTrigger_of_stages_that_do_not_select_what_they_should(t *testing.T) {
	t.Parallel()
	held := func(phase triggerv1.RolloutPhase, stage string, unmatched int32) *triggerv1.ValuesTrigger {
		vt := stopped(triggerv1.TargetsHeldReason, phase, func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Conditions = vt.Status.Conditions[:1]
			vt.Status.Rollout.Stage, vt.Status.Rollout.Unmatched = stage, unmatched
			vt.Status.Targets = []triggerv1.TargetStatus{{Namespace: "apps", Name: "forgotten", State: triggerv1.TargetHeld}}
		})
		return vt
	}
	for _, c := range []struct {
		name  string
		vt    *triggerv1.ValuesTrigger
		state State
		want  []string
	}{
		{"no stage selects one", held(triggerv1.RolloutFinished, "", 1), Stalled, []string{"select HelmRelease apps/forgotten by a stage, or by no target of the ValuesTrigger"}},
		{"one is suspended", held(triggerv1.RolloutFinished, "", 0), Waiting, nil},
		{"none of a stage can be triggered", held(triggerv1.RolloutBlocked, "canary", 1), Waiting, nil},
		{"those of a stage are gone", held(triggerv1.RolloutBlocked, "gone", 0), Stalled, []string{"create or label a HelmRelease for the stage", "kubectl valuestrigger retry shop -n apps"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c.vt.Status.Rollout.Stages = append(c.vt.Status.Rollout.Stages, triggerv1.StageStatus{Name: "gone"})
			described := Directory{}.Describe(c.vt)
			g.Expect(described.State).To(Equal(c.state))
			var got []string
			for _, step := range described.Steps() {
				got = append(got, step.Text())
			}
			g.Expect(got).To(Equal(c.want))
			g.Expect(described.Expects("retry")).To(BeFalse())
		})
	}
}

func TestReaches_leaves_out_what_no_stage_selects(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	reader, other := hr("reader", nil, "values"), hr("other", nil)
	trigger := vt("shop", func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{{Name: "canary", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": "canary"}}}}}
	}, named("values"), "reader", "other")
	c := Cluster{Directory: Directory{Releases: []helmv2.HelmRelease{reader, other}}, Triggers: []triggerv1.ValuesTrigger{trigger}}
	never := HaveField("Message", "no stage of ValuesTrigger apps/shop selects it: it is never triggered")
	g.Expect(Reaches(c, Subject{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "values"}}).Edges).To(ConsistOf(
		And(HaveField("Release.Name", "reader"), HaveField("Effect", AtInterval), never),
		And(HaveField("Release.Name", "other"), HaveField("Effect", None), never),
	))
}
