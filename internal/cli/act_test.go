// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestActions(t *testing.T) {
	t.Parallel()
	token := "1767323045000000000"
	for _, c := range []struct {
		args        string
		out         string
		suspended   bool
		annotations map[string]string
	}{
		{"trigger api-auto -n apps", "valuestrigger/api-auto in apps triggered; before: 1 Delivered\n", false, map[string]string{"reconcile.fluxcd.io/requestedAt": token, "trigger.nebius.ai/triggerAt": token}},
		{"trigger api-auto -n apps --override", "valuestrigger/api-auto in apps triggered; before: 1 Delivered\n", false, map[string]string{"reconcile.fluxcd.io/requestedAt": token, "reconcile.fluxcd.io/forceAt": token}},
		{"retry vt/api-auto -n apps", "valuestrigger/api-auto in apps has nothing that failed\nvaluestrigger/api-auto in apps requested to retry; before: 1 Delivered\n", false, map[string]string{"reconcile.fluxcd.io/requestedAt": token, "reconcile.fluxcd.io/resetAt": token}},
		{"suspend api-auto -n apps", "valuestrigger/api-auto in apps suspended; before: 1 Delivered\n", true, nil},
		{"suspend api-auto -n apps --yes", "valuestrigger/api-auto in apps suspended; before: 1 Delivered\n", true, nil},
		{"retry api-auto -n apps -y --dry-run", "valuestrigger/api-auto in apps has nothing that failed\nvaluestrigger/api-auto in apps requested to retry (dry run); before: 1 Delivered\n", false, nil},
		{"suspend api-auto -n apps --dry-run", "valuestrigger/api-auto in apps suspended (dry run); before: 1 Delivered\n", false, nil},
		{"suspend api-auto -n apps --dry-run=client", "valuestrigger/api-auto in apps suspended (dry run); before: 1 Delivered\n", false, nil},
		{"suspend api-auto -n apps --dry-run=none", "valuestrigger/api-auto in apps suspended; before: 1 Delivered\n", true, nil},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: estate()}
			got := call.run(t, strings.Fields(c.args)...)
			g.Expect(got).To(Equal(answer{c.out, "", 0}))
			vt := &triggerv1.ValuesTrigger{}
			g.Expect(call.client.Get(t.Context(), client.ObjectKey{Namespace: "apps", Name: "api-auto"}, vt)).To(Succeed())
			g.Expect(vt.Spec.Suspend).To(Equal(c.suspended))
			g.Expect(vt.Annotations).To(Equal(c.annotations))
		})
	}
}

func TestActions_on_all(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: estate()}
	g.Expect(strings.Count(call.run(t, "suspend", "--all", "-A").out, "\n")).To(Equal(5), "one is suspended already")
	g.Expect(call.run(t, "suspend", "--all", "-A").out).To(Equal("nothing to suspend in 6 ValuesTriggers\n"))
	g.Expect(call.run(t, "resume", "--all", "-n", "shop").out).To(Equal("valuestrigger/shop in shop resumed; before: 1 Delivered\n"))
	list := &triggerv1.ValuesTriggerList{}
	g.Expect(call.client.List(t.Context(), list)).To(Succeed())
	for _, vt := range list.Items {
		g.Expect(vt.Spec.Suspend).To(Equal(vt.Namespace != "shop"), vt.Name)
	}
}

// What was suspended by itself, for a reason, stays so when all that was stopped
// in an emergency goes on.
func TestActions_resume_all_leaves_alone_what_was_suspended_before(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: []client.Object{
		fine(trigger("apps", "a", nil)), fine(trigger("apps", "b", nil)), fine(trigger("apps", "c", nil)),
	}}
	call.run(t, "suspend", "b", "-n", "apps")
	call.run(t, "suspend", "--all", "-n", "apps")
	call.run(t, "suspend", "c", "-n", "apps") // This one is to stay so.
	g.Expect(call.run(t, "resume", "--all", "-n", "apps").out).To(Equal(
		"valuestrigger/a in apps resumed; before: no HelmReleases\n" +
			"valuestrigger/b in apps left out: it was suspended, and not by 'suspend --all'; give its name to resume it\n" +
			"valuestrigger/c in apps left out: it was suspended, and not by 'suspend --all'; give its name to resume it\n"))
	g.Expect(call.run(t, "resume", "b", "c", "-n", "apps").code).To(Equal(0))
	list := &triggerv1.ValuesTriggerList{}
	g.Expect(call.client.List(t.Context(), list)).To(Succeed())
	for _, vt := range list.Items {
		g.Expect(vt.Spec.Suspend).To(BeFalse(), vt.Name)
		g.Expect(vt.Annotations).NotTo(HaveKey(triggerv1.SuspendedAnnotation))
	}
}

// careful is a trigger with stages, in a phase of its rollout.
func careful(name string, phase triggerv1.RolloutPhase, state triggerv1.TargetState) *triggerv1.ValuesTrigger {
	canary, prod := target("apps", name+"-1", triggerv1.TargetDelivered, ""), target("apps", name+"-2", state, "why")
	canary.Stage, prod.Stage = "canary", "prod"
	vt := fine(trigger("apps", name, nil, canary, prod))
	vt.Spec.QuietPeriod.Duration = 10 * time.Second
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		{Name: "canary", Approval: triggerv1.ApprovalAutomatic}, {Name: "prod", Approval: triggerv1.ApprovalManual, MaxConcurrency: new(intstr.FromInt32(2))},
	}}
	vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: phase, Digest: "sha256:5555555555555555"}
	if phase == triggerv1.RolloutRolledBack {
		vt.Status.Rollout.Rollback = &triggerv1.RollbackStatus{}
	}
	return vt
}

func annotationsOf(t *testing.T, c *call, name string) map[string]string {
	t.Helper()
	vt := &triggerv1.ValuesTrigger{}
	NewWithT(t).Expect(c.client.Get(t.Context(), client.ObjectKey{Namespace: "apps", Name: name}, vt)).To(Succeed())
	return vt.Annotations
}

func TestTrigger_says_what_it_keeps_to_and_what_it_overrides(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const overridden = "the quiet period of 10s; the approval of stage prod: 1 HelmRelease; the order of the stages canary to prod; maxConcurrency 2 of stage prod: 1 HelmRelease"
	call := &call{objects: []client.Object{
		careful("waits", triggerv1.RolloutAwaitingApproval, triggerv1.TargetHeld), careful("refuses", triggerv1.RolloutRolledBack, triggerv1.TargetDelivered),
		careful("halted", triggerv1.RolloutHalted, triggerv1.TargetFailed),
	}}
	g.Expect(call.run(t, "trigger", "waits", "-n", "apps", "--override", "--dry-run").out).To(Equal(
		"valuestrigger/waits in apps would override " + overridden + "\nvaluestrigger/waits in apps triggered (dry run); before: 1 Held, 1 Delivered\n"))
	g.Expect(annotationsOf(t, call, "waits")).To(BeEmpty())
	g.Expect(call.run(t, "trigger", "waits", "-n", "apps").out).To(Equal(
		"valuestrigger/waits in apps triggered; before: 1 Held, 1 Delivered; keeps to the quiet period of 10s, the stages canary, prod (approval)\n"))
	g.Expect(annotationsOf(t, call, "waits")).NotTo(HaveKey(meta.ForceRequestAnnotation))
	g.Expect(call.run(t, "trigger", "refuses", "-n", "apps").out).To(HavePrefix(
		"valuestrigger/refuses in apps rejects content sha256:555555555555: nothing is requested before the sources change or 'retry' lifts that\n"))
	g.Expect(call.run(t, "trigger", "halted", "-n", "apps").out).To(Equal(
		"valuestrigger/halted in apps has halted: nothing is requested before 'retry' continues it or the sources change\n" +
			"valuestrigger/halted in apps triggered; before: 1 Failed, 1 Delivered; keeps to the quiet period of 10s, the stages canary, prod (approval)\n"))
	g.Expect(call.run(t, "trigger", "refuses", "-n", "apps", "--override").out).To(HavePrefix(
		"valuestrigger/refuses in apps overrides the rejection of content sha256:555555555555; " + overridden + "\n"))
	g.Expect(annotationsOf(t, call, "refuses")).To(HaveKey(meta.ForceRequestAnnotation))
}

func TestTrigger_all_leaves_out_what_has_stopped(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	stopped := careful("stopped", triggerv1.RolloutFinished, triggerv1.TargetDelivered)
	stopped.Spec.Suspend = true
	call := &call{objects: []client.Object{
		careful("halted", triggerv1.RolloutHalted, triggerv1.TargetFailed), careful("refuses", triggerv1.RolloutRolledBack, triggerv1.TargetDelivered),
		stopped, fine(trigger("apps", "well", nil)),
	}}
	g.Expect(call.run(t, "trigger", "--all", "-n", "apps").out).To(Equal(
		"valuestrigger/halted in apps left out: its rollout has halted\n" +
			"valuestrigger/refuses in apps left out: content sha256:555555555555 is rejected\n" +
			"valuestrigger/stopped in apps left out: it is suspended\n" +
			"valuestrigger/well in apps triggered; before: no HelmReleases\n"))
	g.Expect(annotationsOf(t, call, "halted")).To(BeEmpty())
}

func TestRetry_all_takes_what_failed_and_leaves_refused_content_alone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	failed := ready(trigger("apps", "failed", nil, target("apps", "app", triggerv1.TargetFailed, "no chart")), metav1.ConditionFalse, triggerv1.DeliveryFailedReason, "", true)
	call := &call{objects: []client.Object{
		failed, careful("halted", triggerv1.RolloutHalted, triggerv1.TargetHeld), careful("refuses", triggerv1.RolloutRolledBack, triggerv1.TargetFailed),
		fine(trigger("apps", "well", nil)), careful("waits", triggerv1.RolloutAwaitingApproval, triggerv1.TargetHeld),
	}}
	g.Expect(call.run(t, "retry", "--all", "-n", "apps").out).To(Equal(
		"valuestrigger/failed in apps retries 1 HelmRelease\n" +
			"valuestrigger/failed in apps requested to retry; before: 1 Failed\n" +
			"valuestrigger/halted in apps continues with what has halted\n" +
			"valuestrigger/halted in apps requested to retry; before: 1 Held, 1 Delivered\n" +
			"valuestrigger/refuses in apps left out: content sha256:555555555555 is rejected; give its name to deliver that again\n"))
	for _, name := range []string{"refuses", "well", "waits"} {
		g.Expect(annotationsOf(t, call, name)).To(BeEmpty(), name)
	}
	g.Expect(call.run(t, "retry", "refuses", "-n", "apps").out).To(HavePrefix(
		"valuestrigger/refuses in apps delivers content sha256:555555555555 again, which failed and was rolled back\n"))
	g.Expect(annotationsOf(t, call, "refuses")).To(HaveKey(helmv2.ResetRequestAnnotation))

	rejected := careful("rejected", triggerv1.RolloutRolledBack, triggerv1.TargetDelivered)
	rejected.Status.Rollout.RejectedBy = &triggerv1.PersonRecord{User: "anna"}
	call.objects, call.client = []client.Object{rejected}, nil
	g.Expect(call.run(t, "retry", "rejected", "-n", "apps").out).To(HavePrefix(
		"valuestrigger/rejected in apps delivers content sha256:555555555555 again, which was rejected by anna\n"))

	back := careful("back", triggerv1.RolloutFinished, triggerv1.TargetDelivered)
	back.Status.Restored = &triggerv1.RestoreRecord{Revision: 2, Rejects: "sha256:99"}
	call.objects, call.client = []client.Object{back}, nil
	g.Expect(call.run(t, "retry", "--all", "-n", "apps").out).To(Equal(
		"valuestrigger/back in apps left out: content sha256:99 is rejected by the rollback to revision 2; give its name to deliver that\n"))
	g.Expect(call.run(t, "retry", "back", "-n", "apps").out).To(HavePrefix("valuestrigger/back in apps delivers content sha256:99, which the rollback to revision 2 rejects\n"))
	g.Expect(call.run(t, "trigger", "--all", "-n", "apps").out).To(Equal("valuestrigger/back in apps left out: content sha256:99 is rejected\n"))

	call.objects, call.client = []client.Object{fine(trigger("apps", "well", nil))}, nil
	g.Expect(call.run(t, "retry", "--all", "-A").out).To(Equal("nothing to retry in 1 ValuesTrigger\n"))
}

// What was failed when it was listed may be rolled back when it is written.
func TestRetry_all_judges_what_it_writes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	once := sync.Once{}
	call := &call{objects: []client.Object{careful("moves", triggerv1.RolloutHalted, triggerv1.TargetFailed)}}
	call.funcs = interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		once.Do(func() {
			vt := &triggerv1.ValuesTrigger{}
			g.Expect(c.Get(ctx, client.ObjectKeyFromObject(obj), vt)).To(Succeed())
			vt.Status.Rollout = careful("", triggerv1.RolloutRolledBack, "").Status.Rollout
			g.Expect(c.Status().Update(ctx, vt)).To(Succeed())
		})
		return c.Patch(ctx, obj, patch, opts...)
	}}
	g.Expect(call.run(t, "retry", "--all", "-n", "apps").out).To(Equal(
		"valuestrigger/moves in apps retries 1 HelmRelease and continues with what has halted\n" +
			"valuestrigger/moves in apps left out: content sha256:555555555555 is rejected; give its name to deliver that again\n"))
	g.Expect(annotationsOf(t, call, "moves")).To(BeEmpty())
}

func TestActions_mistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"trigger", "error: give the names of ValuesTriggers, or --all\n", 2},
		{"trigger a --all", "error: give names or --all\n", 2},
		{"trigger a -A", "error: names are of one namespace: give -n, or --all with -A\n", 2},
		{"suspend cm/a", "error: ConfigMap: give the name of a ValuesTrigger; 'tree' shows which one\n", 2},
		{"suspend pod/a", `error: "pod/a": give configmap/NAME, secret/NAME, helmrelease/NAME or valuestrigger/NAME` + "\n", 2},
		{"tree cm/", "error: a name is empty\n", 2},
		{"trigger --all --override", "error: --override is for ValuesTriggers that are named\n", 2},
		{"suspend a --dry-run=server", `error: invalid argument "server" for "--dry-run" flag: give client or none` + "\n", 2},
		{"suspend gone", `error: valuestriggers.trigger.nebius.ai "gone" not found` + "\n", 1},
		{"suspend cron -n apps", `error: valuestriggers.trigger.nebius.ai "cron" not found; that of HelmRelease cron is cron-auto` + "\n", 1},
		{"why", "error: requires at least 1 arg(s), only received 0; see kubectl valuestrigger why --help\n", 2},
		{"why vt/a", "error: vt/a: give a HelmRelease, configmap/NAME or secret/NAME; 'history' is about ValuesTriggers\n", 2},
		{"tree -o xml", `error: --output "xml": give text, json, yaml, name or wide` + "\n", 2},
		{"why app -o csv", `error: --output "csv": give text, json or yaml` + "\n", 2},
		{"wait a -A", "error: names are of one namespace: give -n, or -A without names\n", 2},
		{"tree --nothing", "error: unknown flag: --nothing\n", 2},
		{"trea", `error: there is no command "trea"; did you mean tree?` + "\n", 2},
		{"lint", "error: requires at least 1 arg(s), only received 0; see kubectl valuestrigger lint --help\n", 2},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect((&call{objects: estate()}).run(t, strings.Fields(c.args)...)).To(Equal(answer{"", c.want, c.code}))
		})
	}
}

func TestErrors_of_a_cluster_without_the_operator(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	absent := interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonNotFound, Message: "the server could not find the requested resource"}}
	}}
	named := interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return apierrors.NewGenericServerResponse(404, "get", schema.GroupResource{Group: "trigger.nebius.ai", Resource: "valuestriggers"}, "a", "404 page not found", 0, true)
	}}
	for _, args := range []string{"suspend a", "trigger a", "simulate a"} {
		got := (&call{funcs: named}).run(t, strings.Fields(args)...)
		g.Expect(got.err).To(HavePrefix("error: the cluster does not serve this kind: are the operator and Flux installed? ("), args)
		g.Expect(got.code).To(Equal(1))
	}
	got := (&call{funcs: absent}).run(t, "tree")
	g.Expect(got).To(Equal(answer{"", "error: the cluster does not serve this kind: are the operator and Flux installed? (the server could not find the requested resource)\n", 1}))
}
