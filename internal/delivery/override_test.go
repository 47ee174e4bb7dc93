// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
)

func TestWithTriggerAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                                 string
		annotation, handled, force, rejected string
		halted                               string
		want                                 snapshot
		overrides                            bool
	}{
		{"nothing is requested", "", "", "", "", "", snapshot{}, false},
		{"a new value", "now", "before", "", "", "", snapshot{force: "now", triggerAt: "now", gated: true}, false},
		{"a handled value", "now", "now", "", "", "", snapshot{}, false},
		{"a long value, of which the beginning counts", strings.Repeat("a", 300), strings.Repeat("a", 253) + "…", "", "", "", snapshot{}, false},
		{"beside an override, which does both", "now", "", "at once", "", "", snapshot{force: "at once", triggerAt: "now"}, true},
		{"an override alone", "now", "now", "at once", "", "", snapshot{force: "at once"}, true},
		{"while content is rejected", "now", "", "", "sha256:bad", "", snapshot{rejected: "sha256:bad"}, false},
		{"while the rollout of this content has halted", "now", "", "", "", "sha256:new", snapshot{content: "sha256:new"}, false},
		{"after a halt of other content", "now", "", "", "", "sha256:old", snapshot{content: "sha256:new", force: "now", triggerAt: "now", gated: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := staged()
			vt.Annotations = map[string]string{triggerv1.TriggerAtAnnotation: c.annotation}
			vt.Status.LastHandledTriggerAt = c.handled
			if c.halted != "" {
				vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: c.halted, Phase: triggerv1.RolloutHalted}
			}
			snap := snapshot{vt: vt, force: c.force, rejected: c.rejected, content: c.want.content}.withTriggerAt()
			c.want.vt = vt
			g.Expect(snap).To(Equal(c.want))
			g.Expect(snap.overrides()).To(Equal(c.overrides))
		})
	}
}

func TestStatusOf_puts_an_override_on_record(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	vt.Status.History = []triggerv1.Change{{Digest: "sha256:new", Outcome: triggerv1.ChangeInProgress}}
	gate, err := newGate(vt)
	g.Expect(err).NotTo(HaveOccurred())
	held := inState(triggerv1.TargetTriggered)
	held.Stage = "rest"
	out := outcome{targets: []triggerv1.TargetStatus{held}, rollout: &triggerv1.RolloutStatus{Digest: "sha256:new", Phase: triggerv1.RolloutProgressing, Overridden: true}}
	snap := snapshot{at: evaluatedAt, gate: gate, force: "now", forcedBy: triggerv1.PersonRecord{Manager: "kubectl-annotate", User: "alice"}, diff: plan.Diff{To: "sha256:new"}, content: "sha256:new"}

	record(vt, snap, out)
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"))
	g.Expect(vt.Status.History[0].Override).To(And(HaveField("Manager", "kubectl-annotate"), HaveField("User", "alice"), HaveField("Message", "the order of the stages canary to rest")))

	snap.force = ""
	out.targets[0].State = triggerv1.TargetDelivered
	record(vt, snap, out)
	g.Expect(vt.Status.History[0].Override).NotTo(BeNil(), "it stays with the change")

	snap.force, snap.triggerAt, snap.gated = "again", "again", true
	record(vt, snap, out)
	g.Expect(vt.Status).To(And(HaveField("LastHandledForceAt", "now"), HaveField("LastHandledTriggerAt", "again")))
}

func TestStatusOf_an_override_in_whose_way_nothing_is(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	snap := snapshot{at: evaluatedAt, force: "now", diff: plan.Diff{To: "sha256:new"}}
	record(vt, snap, outcome{triggered: 1, targets: []triggerv1.TargetStatus{inState(triggerv1.TargetTriggered)}})
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"))
	g.Expect(vt.Status.History).To(ConsistOf(HaveField("Override", BeNil())))
}

// While about a target nothing can be decided, a request is neither handled nor forgotten.
func TestStatusOf_an_undecided_request_stays(t *testing.T) {
	t.Parallel()
	vt := &triggerv1.ValuesTrigger{}
	snap := snapshot{at: evaluatedAt, force: "now", triggerAt: "now", gated: true}
	record(vt, snap, outcome{undecided: true, targets: []triggerv1.TargetStatus{inState(triggerv1.TargetPending)}})
	NewWithT(t).Expect(vt.Status.LastHandledTriggerAt).To(BeEmpty())
}

// A target that is refused until a person does something does not keep a request open, which
// would override what holds back each change from then on, and retry what fails for ever.
func TestStatusOf_a_request_is_handled_though_a_target_is_refused(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r, vt := deployed()
	foreign := copies.Foreign(publish.Copy{Kind: "Secret", Namespace: "tenant", Name: "taken"})
	var out outcome
	out.note(r.executor.undecidable(vt, &targetCase{err: foreign}))
	out.targets = []triggerv1.TargetStatus{inState(triggerv1.TargetFailed)}
	snap := snapshot{at: evaluatedAt, force: "now", reset: "now", diff: plan.Diff{To: "sha256:new"}}
	record(vt, snap, out)
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"))
	g.Expect(vt.Status.LastHandledResetAt).To(Equal("now"))
	g.Expect(vt.Status.LastDigest).To(BeEmpty(), "the difference of the sources is kept")

	out.note(r.executor.undecidable(vt, &targetCase{err: errors.New("a timeout")}))
	snap.force, snap.reset = "again", "again"
	record(vt, snap, out)
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("now"), "what passes is waited for")
}

func TestPerson(t *testing.T) {
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
	read := func(err error) *people {
		c := fake.NewClientBuilder().WithScheme(scheme).Build()
		return &people{live: interceptor.NewClient(c, interceptor.Funcs{
			Get: func(_ context.Context, _ client.WithWatch, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
				obj.SetAnnotations(stored.Annotations)
				obj.SetManagedFields(stored.ManagedFields)
				return err
			},
		})}
	}
	g := NewWithT(t)
	person := func(err error) triggerv1.PersonRecord {
		return read(err).person(t.Context(), vt, meta.ForceRequestAnnotation, triggerv1.OverriddenByAnnotation, evaluatedAt)
	}
	g.Expect(person(nil)).To(And(HaveField("Manager", "kubectl-annotate"), HaveField("User", BeEmpty())))
	g.Expect(person(errors.New("down")).Manager).To(BeEmpty())
	vt.Annotations[triggerv1.OverriddenByAnnotation] = "alice\n" + strings.Repeat("x", 500)
	g.Expect(person(nil).User).To(And(HavePrefix("alice x"), HaveLen(maxUser)))
	stored.Annotations = map[string]string{meta.ForceRequestAnnotation: "later"}
	g.Expect(person(nil).Manager).To(BeEmpty(), "it is another request by now")
}

func TestStatusOf_a_selector_that_matches_nothing_is_not_ready(t *testing.T) {
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
		{"beside one in progress", []triggerv1.TargetStatus{inState(triggerv1.TargetTriggered)}, "Unknown Progressing", "None of 1", triggerv1.ChangeInProgress},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := &triggerv1.ValuesTrigger{}
			diff := plan.Diff{To: "sha256:new", Changed: []string{"ConfigMap/apps/a"}}
			summary := record(vt, snapshot{at: evaluatedAt, diff: diff, selectNothing: []string{"spec.targets[0] matches none"}}, outcome{targets: c.targets})
			g.Expect(string(summary.Ready) + " " + summary.Reason).To(Equal(c.want))
			g.Expect(summary.Message).To(ContainSubstring(c.message))
			g.Expect(vt.Status.History[0].Outcome).To(Equal(c.outcome))
			again := record(vt, snapshot{at: evaluatedAt, diff: plan.Diff{To: "sha256:new"}, selectNothing: []string{"spec.targets[0] matches none"}}, outcome{targets: c.targets})
			g.Expect(again).To(Equal(summary))
		})
	}
}
