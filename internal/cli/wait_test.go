// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

func TestWait(t *testing.T) {
	t.Parallel()
	values := configMap("apps", "values", map[string]string{"values.yaml": "a: 1"})
	// digestOf is what the operator notes of the ConfigMap.
	digestOf := func(cm *triggerv1.ValuesTrigger, sum string) *triggerv1.ValuesTrigger {
		cm.Status.Sources = []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "values", Digest: sum}}
		return cm
	}
	current := digest.OfConfigMap(values).Digest()
	source := []triggerv1.SourceReference{from("ConfigMap", "", "values")}
	delivered := target("apps", "app", triggerv1.TargetDelivered, "")
	handles := func(vt *triggerv1.ValuesTrigger) *triggerv1.ValuesTrigger {
		vt.Status.LastHandledReconcileAt = "1767323045000000000" // The operator is quick.
		return vt
	}
	suspended := fine(trigger("apps", "app", source, delivered))
	suspended.Spec.Suspend = true
	forbidden := interceptor.Funcs{Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "valuestriggers"}, "app", nil)
	}}
	// rolledBack is a trigger that has restored earlier content than the refused one.
	rolledBack := func(refused string) *triggerv1.ValuesTrigger {
		vt := handles(digestOf(ready(trigger("apps", "app", source, delivered), metav1.ConditionFalse, triggerv1.RolledBackReason, "Rolled back", true), "sha256:old"))
		vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: refused, Phase: triggerv1.RolloutRolledBack, Rollback: &triggerv1.RollbackStatus{Digest: vt.Status.LastDigest}}
		return vt
	}
	for _, c := range []struct {
		name, args string
		trigger    *triggerv1.ValuesTrigger
		funcs      interceptor.Funcs
		code       int
		want       string
	}{
		{"delivered", "wait app", handles(digestOf(fine(trigger("apps", "app", source, delivered)), current)), interceptor.Funcs{}, 0, "1 Ready"},
		{"by its source", "wait cm/values", handles(digestOf(fine(trigger("apps", "app", source, delivered)), current)), interceptor.Funcs{}, 0, "1 Ready"},
		{"by its release", "wait hr/app", handles(digestOf(fine(trigger("apps", "app", source, delivered)), current)), interceptor.Funcs{}, 0, "1 Ready"},
		{"all of the namespace", "wait", handles(digestOf(fine(trigger("apps", "app", source, delivered)), current)), interceptor.Funcs{}, 0, "1 Ready"},
		{"the content before", "wait app", handles(digestOf(fine(trigger("apps", "app", source, delivered)), "sha256:old")), interceptor.Funcs{}, 1, "1 ValuesTrigger not delivered after 1s"},
		{"not evaluated", "wait app", digestOf(fine(trigger("apps", "app", source, delivered)), current), interceptor.Funcs{}, 1, "1 ValuesTrigger not delivered after 1s"},
		{"failed", "wait app", handles(digestOf(ready(trigger("apps", "app", source, target("apps", "app", triggerv1.TargetFailed, "no chart")), metav1.ConditionFalse, triggerv1.DeliveryFailedReason, "", true), current)), interceptor.Funcs{}, 1, "no chart"},
		{"rolled back", "wait app", rolledBack(plan.Combined([]plan.Source{{ID: "ConfigMap/apps/values", Digest: current}})), interceptor.Funcs{}, 1, "RolledBack"},
		{"rolled back, and edited since", "wait app", rolledBack("sha256:refused"), interceptor.Funcs{}, 1, "1 ValuesTrigger not delivered after 1s"},
		{"suspended", "wait app", suspended, interceptor.Funcs{}, 1, "Suspended"},
		{"in progress", "wait app", handles(digestOf(ready(trigger("apps", "app", source, target("apps", "app", triggerv1.TargetTriggered, "")), metav1.ConditionUnknown, meta.ProgressingReason, "", false), current)), interceptor.Funcs{}, 1, "not delivered"},
		{"without permission to ask", "wait app", digestOf(fine(trigger("apps", "app", source, delivered)), current), forbidden, 0, "1 Ready"},
		{"nothing to wait for", "wait cm/other", fine(trigger("apps", "app", source, delivered)), interceptor.Funcs{}, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: []client.Object{c.trigger, values.DeepCopy(), release("app"), configMap("apps", "other", nil)}, funcs: c.funcs}
			timeout := "1m"
			if strings.Contains(c.want, "not delivered") || strings.Contains(c.name, "nothing") {
				timeout = "1s"
			}
			got := call.run(t, append(strings.Fields(c.args), "-n", "apps", "--timeout", timeout)...)
			g.Expect(got.out).To(ContainSubstring(c.want))
			g.Expect(got.code).To(Equal(c.code))
			switch c.name {
			case "without permission to ask":
				g.Expect(got.err).To(Equal("warning: you may not annotate valuestrigger/app in apps: its status is read without a reconcile\n"))
			case "nothing to wait for":
				g.Expect(got.err).To(Equal("error: there is no ValuesTrigger to wait for; 'tree' shows what depends on what\n"))
			default:
				g.Expect(got.err).To(Or(BeEmpty(), HavePrefix("waiting for 1 of 1: apps/app (")))
			}
		})
	}
}

func TestWait_says_how_far_it_is(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := []client.Object{fine(trigger("apps", "app", []triggerv1.SourceReference{from("ConfigMap", "", "values")}, target("apps", "app", triggerv1.TargetDelivered, "")))}
	got := (&call{objects: objects}).run(t, "wait", "-n", "apps", "--timeout", "1s")
	g.Expect(got.err).To(Equal("waiting for 1 of 1: apps/app (Ready; 1 of 1 HelmRelease delivered)\n"))

	vt := ready(careful("platform", triggerv1.RolloutSoaking, triggerv1.TargetHeld), metav1.ConditionUnknown, meta.ProgressingReason, "Stage 1/2 canary", false)
	vt.Spec.Sources = nil
	vt.Status.Rollout.Stage = "canary"
	vt.Status.Rollout.Stages = []triggerv1.StageStatus{{Name: "canary", Targets: 1, Delivered: 1}, {Name: "prod", Targets: 1}}
	vt.Status.Targets = append(vt.Status.Targets, target("apps", "broken", triggerv1.TargetFailed, ""))
	got = (&call{objects: []client.Object{vt}}).run(t, "wait", "-n", "apps", "--timeout", "1s")
	g.Expect(got.err).To(Equal("waiting for 1 of 1: apps/platform (stage 1/2 canary Soaking, 1/1; 1 of 3 HelmReleases delivered, 1 failed)\n"))
}

func TestWait_says_when_a_person_is_needed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := ready(careful("platform", triggerv1.RolloutAwaitingApproval, triggerv1.TargetHeld), metav1.ConditionFalse, triggerv1.AwaitingApprovalReason,
		"Stage 2/2 prod, 0/1, 0 failed; waits for approval: kubectl annotate vt/platform", false)
	vt.Spec.Sources = nil
	vt.Status.LastHandledReconcileAt = "1767323045000000000"
	got := (&call{objects: []client.Object{vt}}).run(t, "wait", "-n", "apps", "--timeout", "1s")
	g.Expect(got.err).To(Equal(
		"valuestrigger/platform in apps needs a person (AwaitingApproval): Stage 2/2 prod, 0/1, 0 failed; waits for approval: kubectl valuestrigger approve platform -n apps\n" +
			"waiting for 1 of 1: apps/platform (AwaitingApproval; 1 of 2 HelmReleases delivered)\n"))
	g.Expect(got.code).To(Equal(1))
}

// A gate opens by itself, and a person may reject meanwhile.
func TestWait_for_a_gate(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := analysed()
	vt := ready(objects[0].(*triggerv1.ValuesTrigger), metav1.ConditionFalse, triggerv1.AwaitingGateReason, "Stage 2/5 staging, 0/1, 0 failed; waits for webhook board to open: status 403", false)
	vt.Spec.Rollout.Stages[1].Analysis.Webhooks = []triggerv1.AnalysisWebhook{{Name: "board", Type: triggerv1.WebhookGate}}
	vt.Status.Rollout.Phase, vt.Status.Rollout.Stage, vt.Status.Rollout.Stages[1].Phase = triggerv1.RolloutAwaitingGate, "staging", triggerv1.StageWaiting
	vt.Status.Rollout.Stages[1].Analysis = &triggerv1.AnalysisStatus{
		Measurements: 1, MeasuredAt: ago(20 * time.Second), Result: triggerv1.AnalysisFailed,
		Webhooks: []triggerv1.WebhookStatus{{Name: "board", Result: triggerv1.AnalysisFailed, Message: "status 403"}},
	}
	vt.Status.LastHandledReconcileAt = "1767323045000000000"
	got := (&call{objects: objects}).run(t, "wait", "platform", "-n", "platform", "--timeout", "1s")
	g.Expect(got.err).To(And(ContainSubstring("stage 2/5 staging AwaitingGate, 1/1"), Not(ContainSubstring("needs a person"))))
	tree := (&call{objects: objects}).run(t, "tree", "platform", "-n", "platform").out
	g.Expect(tree).To(And(ContainSubstring("next: kubectl valuestrigger reject platform -n platform\n"), ContainSubstring("gate board: status 403\n"), ContainSubstring("error-rate: not measured yet (at most 0.05)\n")))
}

func TestWait_that_is_interrupted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ctx, stop := context.WithCancel(t.Context())
	funcs := interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		defer stop()
		return c.Patch(ctx, obj, patch, opts...)
	}}
	call := &call{objects: []client.Object{fine(trigger("apps", "app", nil))}, funcs: funcs, ctx: ctx}
	got := call.run(t, "wait", "app", "-n", "apps", "--timeout", "5m")
	g.Expect(got.out).To(HaveSuffix("1 ValuesTrigger not delivered when it was interrupted\n"))
	g.Expect(got.code).To(Equal(1))
}

// A forceAt counts only beside an equal requestedAt: one that waits for the operator must
// not lose that to a wait.
func TestWait_does_not_overwrite_a_request_that_is_not_handled(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := fine(trigger("apps", "app", nil))
	vt.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "mine", meta.ForceRequestAnnotation: "mine"}
	call := &call{objects: []client.Object{vt}}
	g.Expect(call.run(t, "wait", "app", "-n", "apps", "--timeout", "1s").code).To(Equal(1))
	g.Expect(annotationsOf(t, call, "app")).To(HaveKeyWithValue(meta.ReconcileRequestAnnotation, "mine"))
}
