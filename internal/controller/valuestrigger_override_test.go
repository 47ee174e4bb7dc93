// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
)

func TestTriggerThrough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                                 string
		annotation, handled, force, rejected string
		want                                 snapshot
		overrides                            bool
	}{
		{"nothing is asked for", "", "", "", "", snapshot{}, false},
		{"a new value", "now", "before", "", "", snapshot{force: "now", triggerAt: "now", gated: true}, false},
		{"a handled value", "now", "now", "", "", snapshot{}, false},
		{"a long value, of which the beginning counts", strings.Repeat("a", 300), strings.Repeat("a", 253) + "…", "", "", snapshot{}, false},
		{"beside an override, which does both", "now", "", "at once", "", snapshot{force: "at once", triggerAt: "now"}, true},
		{"an override alone", "now", "now", "at once", "", snapshot{force: "at once"}, true},
		{"while content is rejected", "now", "", "", "sha256:bad", snapshot{rejected: "sha256:bad"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := staged()
			vt.Annotations = map[string]string{triggerv1.TriggerAtAnnotation: c.annotation}
			vt.Status.LastHandledTriggerAt = c.handled
			snap := snapshot{force: c.force, rejected: c.rejected}
			snap.triggerThrough(vt)
			g.Expect(snap).To(Equal(c.want))
			g.Expect(snap.overrides()).To(Equal(c.overrides))
		})
	}
}

func TestMarkOutcome_puts_an_override_on_record(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	vt.Status.History = []triggerv1.Change{{Digest: "sha256:new", Outcome: triggerv1.ChangeInProgress}}
	gate, err := newGate(vt)
	g.Expect(err).NotTo(HaveOccurred())
	held := inState(triggerv1.TargetTriggered)
	held.Stage = "rest"
	out := result{targets: []triggerv1.TargetStatus{held}, rollout: &triggerv1.RolloutStatus{Digest: "sha256:new", Phase: triggerv1.RolloutProgressing, Overridden: true}}
	snap := snapshot{at: evaluatedAt, gate: gate, force: "now", forcedBy: "kubectl-annotate", diff: plan.Diff{To: "sha256:new"}, content: "sha256:new"}

	old := vt.DeepCopy()
	markOutcome(vt, snap, out)
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"))
	g.Expect(vt.Status.History[0].Override).To(And(HaveField("Manager", "kubectl-annotate"), HaveField("Message", "the order of the stages canary to rest")))
	events := record.NewFakeRecorder(10)
	r := &ValuesTriggerReconciler{events: events}
	r.notifyOverride(old, vt)
	g.Expect(events.Events).To(Receive(Equal(
		"Warning Overridden reconcile.fluxcd.io/forceAt, set by kubectl-annotate, requested all HelmReleases at once and overrode the order of the stages canary to rest")))

	before := vt.DeepCopy()
	snap.force, snap.forcedBy = "", ""
	out.targets[0].State = triggerv1.TargetDelivered
	markOutcome(vt, snap, out)
	g.Expect(vt.Status.History[0].Override).NotTo(BeNil(), "it stays with the change")
	r.notifyOverride(before, vt)
	g.Expect(events.Events).To(BeEmpty(), "and is reported once")

	before = vt.DeepCopy()
	snap.force, snap.triggerAt, snap.gated = "again", "again", true
	markOutcome(vt, snap, out)
	g.Expect(vt.Status).To(And(HaveField("LastHandledForceAt", "now"), HaveField("LastHandledTriggerAt", "again")))
	r.notifyOverride(before, vt)
	g.Expect(events.Events).To(BeEmpty(), "what keeps to the stages overrides nothing")
}

func TestMarkOutcome_an_override_in_whose_way_nothing_is(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	snap := snapshot{at: evaluatedAt, force: "now", diff: plan.Diff{To: "sha256:new"}}
	markOutcome(vt, snap, result{triggered: 1, targets: []triggerv1.TargetStatus{inState(triggerv1.TargetTriggered)}})
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"))
	g.Expect(vt.Status.History).To(ConsistOf(HaveField("Override", BeNil())))
}

// While about a target nothing can be decided, a request is neither handled nor forgotten.
func TestMarkOutcome_an_undecided_request_stays(t *testing.T) {
	t.Parallel()
	vt := &triggerv1.ValuesTrigger{}
	snap := snapshot{at: evaluatedAt, force: "now", triggerAt: "now", gated: true}
	markOutcome(vt, snap, result{undecided: true, targets: []triggerv1.TargetStatus{inState(triggerv1.TargetPending)}})
	NewWithT(t).Expect(vt.Status.LastHandledTriggerAt).To(BeEmpty())
}

// A target that is refused until a person does something does not keep a request open, which
// would override what holds back each change from then on, and retry what fails for ever.
func TestMarkOutcome_a_request_is_handled_though_a_target_is_refused(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r, vt := deployed()
	foreign := copies.Foreign(publish.Copy{Kind: "Secret", Namespace: "tenant", Name: "taken"})
	var out result
	out.note(r.undecidable(vt, &targetCase{err: foreign}))
	out.targets = []triggerv1.TargetStatus{inState(triggerv1.TargetFailed)}
	snap := snapshot{at: evaluatedAt, force: "now", reset: "now", diff: plan.Diff{To: "sha256:new"}}
	markOutcome(vt, snap, out)
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"))
	g.Expect(vt.Status.LastHandledResetAt).To(Equal("now"))
	g.Expect(vt.Status.LastDigest).To(BeEmpty(), "the difference of the sources is kept")

	out.note(r.undecidable(vt, &targetCase{err: errors.New("a timeout")}))
	snap.force, snap.reset = "again", "again"
	markOutcome(vt, snap, out)
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"), "what passes is waited for")
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
	(&ValuesTriggerReconciler{events: events}).notifyRollout(old, vt)
	g.Expect(events.Events).To(Receive(Equal("Normal StageStarted Stage 1/2 canary started: 2 HelmReleases, content sha256:0123456789ab")))
	g.Expect(events.Events).To(BeEmpty())
}

func TestForcedBy_names_the_field_manager(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := triggerv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	vt := staged()
	vt.Annotations = map[string]string{meta.ForceRequestAnnotation: "now"}
	entry := func(manager, fields string) metav1.ManagedFieldsEntry {
		f := &metav1.FieldsV1{}
		f.SetRawString(fields)
		return metav1.ManagedFieldsEntry{Manager: manager, FieldsV1: f}
	}
	vt.ManagedFields = []metav1.ManagedFieldsEntry{
		entry("kustomize-controller", `{"f:metadata":{"f:annotations":{"f:reconcile.fluxcd.io/requestedAt":{}}}}`),
		entry("kubectl-annotate", `{"f:metadata":{"f:annotations":{"f:reconcile.fluxcd.io/forceAt":{}}}}`),
	}
	stored := vt.DeepCopy()
	read := func(err error) *ValuesTriggerReconciler {
		c := fake.NewClientBuilder().WithScheme(scheme).Build()
		return &ValuesTriggerReconciler{live: interceptor.NewClient(c, interceptor.Funcs{
			Get: func(_ context.Context, _ client.WithWatch, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
				obj.SetAnnotations(stored.Annotations)
				obj.SetManagedFields(stored.ManagedFields)
				return err
			},
		})}
	}
	g := NewWithT(t)
	g.Expect(read(nil).forcedBy(t.Context(), vt)).To(Equal("kubectl-annotate"))
	g.Expect(read(errors.New("down")).forcedBy(t.Context(), vt)).To(BeEmpty())
	stored.Annotations = map[string]string{meta.ForceRequestAnnotation: "later"}
	g.Expect(read(nil).forcedBy(t.Context(), vt)).To(BeEmpty(), "it is another request by now")
}

func TestMarkOutcome_a_selector_that_matches_nothing_is_not_ready(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		targets []triggerv1.TargetStatus
		want    string
		message string
		outcome triggerv1.ChangeOutcome
	}{
		{"no target at all", nil, "False SelectorMatchesNothing", "spec.targets[0] matches none", triggerv1.ChangeInProgress},
		{"beside one that is delivered", []triggerv1.TargetStatus{inState(triggerv1.TargetDelivered)}, "False SelectorMatchesNothing", "spec.targets[0] matches none", triggerv1.ChangeInProgress},
		{"beside one that failed", []triggerv1.TargetStatus{inState(triggerv1.TargetFailed)}, "False DeliveryFailed", "why", triggerv1.ChangeFailed},
		{"beside one that is under way", []triggerv1.TargetStatus{inState(triggerv1.TargetTriggered)}, "Unknown Progressing", "None of 1", triggerv1.ChangeInProgress},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := &triggerv1.ValuesTrigger{}
			diff := plan.Diff{To: "sha256:new", Changed: []string{"ConfigMap/apps/a"}}
			markOutcome(vt, snapshot{at: evaluatedAt, diff: diff, selectNothing: []string{"spec.targets[0] matches none"}}, result{targets: c.targets})
			g.Expect(conditionsOf(vt)).To(HaveKeyWithValue(meta.ReadyCondition, c.want))
			g.Expect(conditions.GetMessage(vt, meta.ReadyCondition)).To(ContainSubstring(c.message))
			g.Expect(vt.Status.History[0].Outcome).To(Equal(c.outcome))
			before := vt.DeepCopy()
			markOutcome(vt, snapshot{at: evaluatedAt, diff: plan.Diff{To: "sha256:new"}, selectNothing: []string{"spec.targets[0] matches none"}}, result{targets: c.targets})
			g.Expect(vt.Status.Conditions).To(Equal(before.Status.Conditions))
		})
	}
}
