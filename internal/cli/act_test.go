// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
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
		{"trigger api -n apps", "valuestrigger/api in apps triggered; before: 1 Delivered\n", false, map[string]string{"reconcile.fluxcd.io/requestedAt": token, "reconcile.fluxcd.io/forceAt": token}},
		{"retry vt/api -n apps", "valuestrigger/api in apps asked to retry; before: 1 Delivered\n", false, map[string]string{"reconcile.fluxcd.io/requestedAt": token, "reconcile.fluxcd.io/resetAt": token}},
		{"suspend api -n apps", "valuestrigger/api in apps suspended; before: 1 Delivered\n", true, nil},
		{"suspend api -n apps --dry-run", "valuestrigger/api in apps suspended (dry run); before: 1 Delivered\n", false, nil},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: estate()}
			got := call.run(t, strings.Fields(c.args)...)
			g.Expect(got).To(Equal(answer{c.out, "", 0}))
			vt := &triggerv1.ValuesTrigger{}
			g.Expect(call.client.Get(t.Context(), client.ObjectKey{Namespace: "apps", Name: "api"}, vt)).To(Succeed())
			g.Expect(vt.Spec.Suspend).To(Equal(c.suspended))
			g.Expect(vt.Annotations).To(Equal(c.annotations))
		})
	}
}

func TestActions_on_all(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: estate()}
	g.Expect(strings.Count(call.run(t, "suspend", "--all", "-A").out, "\n")).To(Equal(6))
	g.Expect(call.run(t, "resume", "--all", "-n", "shop").out).To(Equal("valuestrigger/shop in shop resumed; before: 1 Delivered\n"))
	list := &triggerv1.ValuesTriggerList{}
	g.Expect(call.client.List(t.Context(), list)).To(Succeed())
	for _, vt := range list.Items {
		g.Expect(vt.Spec.Suspend).To(Equal(vt.Namespace != "shop"), vt.Name)
	}
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
		{"suspend cm/a", "error: ConfigMap: give the name of a ValuesTrigger; 'tree' tells which one\n", 2},
		{"suspend pod/a", `error: "pod/a": give configmap/NAME, secret/NAME, helmrelease/NAME or valuestrigger/NAME` + "\n", 2},
		{"tree cm/", "error: a name is empty\n", 2},
		{"suspend gone", `error: valuestriggers.trigger.nebius.ai "gone" not found` + "\n", 1},
		{"why", "error: accepts 1 arg(s), received 0; see kubectl valuestrigger why --help\n", 2},
		{"why cm/a", "error: cm/a: give the name of a HelmRelease\n", 2},
		{"tree -o xml", `error: --output "xml": give text, json or yaml` + "\n", 2},
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
	got := (&call{funcs: absent}).run(t, "tree")
	g.Expect(got).To(Equal(answer{"", "error: the cluster does not serve this kind: are the operator and Flux installed? (the server could not find the requested resource)\n", 1}))
}

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
	// takenBack is a trigger that has gone back to earlier content than the refused one.
	takenBack := func(refused string) *triggerv1.ValuesTrigger {
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
		{"not looked at", "wait app", digestOf(fine(trigger("apps", "app", source, delivered)), current), interceptor.Funcs{}, 1, "1 ValuesTrigger not delivered after 1s"},
		{"failed", "wait app", handles(digestOf(ready(trigger("apps", "app", source, target("apps", "app", triggerv1.TargetFailed, "no chart")), metav1.ConditionFalse, triggerv1.DeliveryFailedReason, "", true), current)), interceptor.Funcs{}, 1, "no chart"},
		{"taken back", "wait app", takenBack(plan.Combined([]plan.Source{{ID: "ConfigMap/apps/values", Digest: current}})), interceptor.Funcs{}, 1, "RolledBack"},
		{"taken back, and edited since", "wait app", takenBack("sha256:refused"), interceptor.Funcs{}, 1, "1 ValuesTrigger not delivered after 1s"},
		{"suspended", "wait app", suspended, interceptor.Funcs{}, 1, "Suspended"},
		{"under way", "wait app", handles(digestOf(ready(trigger("apps", "app", source, target("apps", "app", triggerv1.TargetTriggered, "")), metav1.ConditionUnknown, meta.ProgressingReason, "", false), current)), interceptor.Funcs{}, 1, "not delivered"},
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
				g.Expect(got.err).To(Equal("warning: you may not annotate valuestrigger/app in apps: it is looked at without being asked\n"))
			case "nothing to wait for":
				g.Expect(got.err).To(Equal("error: there is no ValuesTrigger to wait for; 'tree' shows what depends on what\n"))
			default:
				g.Expect(got.err).To(BeEmpty())
			}
		})
	}
}

func TestWait_tells_a_person_what_it_waits_for(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := []client.Object{fine(trigger("apps", "app", []triggerv1.SourceReference{from("ConfigMap", "", "values")}, target("apps", "app", triggerv1.TargetDelivered, "")))}
	got := (&call{objects: objects, terminal: true}).run(t, "wait", "-n", "apps", "--timeout", "1s")
	g.Expect(got.err).To(Equal("waiting for 1 of 1: apps/app (Ready)\n"))
	g.Expect((&call{objects: objects}).run(t, "wait", "-n", "apps", "--timeout", "1s").err).To(BeEmpty())
}
