// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func snapshot(version int, at time.Duration, chart, values string) *helmv2.Snapshot {
	return &helmv2.Snapshot{Version: version, LastDeployed: *ago(at), Status: "deployed", ChartName: "app", ChartVersion: chart, ConfigDigest: values}
}

// stored is a Secret of Helm.
func stored(version string, at time.Duration) *corev1.Secret {
	s := secret("apps", "sh.helm.release.v1.app.v"+version, map[string]string{"release": "hunter2"})
	s.Labels = map[string]string{"owner": "helm", "name": "app", "version": version, "status": "superseded"}
	s.CreationTimestamp = *ago(at)
	return s
}

// storied is a HelmRelease with a past.
func storied() []client.Object {
	hr := release("app")
	hr.Status.History = helmv2.Snapshots{snapshot(5, 2*time.Minute, "1.1.0", "b"), snapshot(4, time.Hour, "1.0.0", "b")}
	hr.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue, Message: "Helm upgrade succeeded for release apps/app.v5 with chart app@1.1.0"}}
	hr.Annotations = map[string]string{triggerv1.CauseAnnotation: "ConfigMap config/flags sha256:11 (a.yaml, b.yaml) by flux-client-side-apply via ValuesTrigger apps/app"}
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "e"}, Reason: triggerv1.DeliveredReason, FirstTimestamp: *ago(59 * time.Minute),
		InvolvedObject: corev1.ObjectReference{Kind: helmv2.HelmReleaseKind, Namespace: "apps", Name: "app"},
		Message:        "Delivered, revision 4: ConfigMap apps/values sha256:00 (values.yaml) by kubectl-edit via ValuesTrigger apps/app",
	}
	vt := fine(trigger("apps", "app", []triggerv1.SourceReference{from("ConfigMap", "", "values")}, target("apps", "app", triggerv1.TargetDelivered, "")))
	vt.Status.Targets[0].Cause = "ConfigMap apps/values sha256:01 (values.yaml) by kubectl-edit via ValuesTrigger apps/app"
	vt.Status.Targets[0].Revision, vt.Status.Targets[0].TriggeredAt, vt.Status.Targets[0].DeliveredAt = 5, ago(time.Minute), ago(time.Minute)
	vt.Status.History = []triggerv1.Change{{Cause: "Secret apps/db sha256:00, ConfigMap apps/gone absent via ValuesTrigger apps/app", Time: *ago(26 * time.Hour)}}
	held := trigger("apps", "held", []triggerv1.SourceReference{from("ConfigMap", "", "other")}, target("apps", "app", triggerv1.TargetPending, "waits for helm-controller"))
	held.Status.Targets[0].TriggeredAt = nil
	held.Status.Targets[0].Digest, held.Status.Targets[0].Cause = "sha256:1", "request by reconcile.fluxcd.io/forceAt via ValuesTrigger apps/held"
	return []client.Object{hr, event, vt, held, stored("5", 2*time.Minute), stored("4", time.Hour), stored("3", 26*time.Hour-time.Second), stored("2", 30*time.Hour), stored("1", 48*time.Hour)}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ golden, args string }{
		{"why.txt", "why app -n apps"},
		{"why.json", "why hr/app -n apps -o json"},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: storied()}).run(t, strings.Fields(c.args)...)
			g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
			g.Expect(got.out).NotTo(ContainSubstring("hunter2"))
			golden(t, c.golden, got.out)
		})
	}
}

func TestWhy_says_what_may_not_be_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	got := (&call{objects: storied(), funcs: interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		o := client.ListOptions{}
		o.ApplyOptions(opts)
		_, triggers := list.(*triggerv1.ValuesTriggerList)
		if !triggers || o.Namespace == "" {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "these"}, "", nil)
		}
		return c.List(ctx, list, opts...)
	}}}).run(t, "why", "app", "-n", "apps")
	g.Expect(got.code).To(Equal(0))
	g.Expect(got.err).To(And(
		ContainSubstring("ValuesTriggers are listed in namespace apps only"), ContainSubstring("events are left out"), ContainSubstring("revisions that only Helm remembers are left out")))
	g.Expect(got.out).To(And(ContainSubstring("Revision 4"), Not(ContainSubstring("Revision 3"))))
}

func TestWhy_says_that_a_revision_was_made_by_an_override(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := release("app")
	hr.Status.History = helmv2.Snapshots{snapshot(2, time.Minute, "1.0.0", "b")}
	vt := fine(trigger("apps", "app", []triggerv1.SourceReference{from("ConfigMap", "", "values")}, target("apps", "app", triggerv1.TargetDelivered, "")))
	vt.Status.Targets[0].Cause = "ConfigMap apps/values sha256:01 (values.yaml) by bob, request by reconcile.fluxcd.io/forceAt via ValuesTrigger apps/app"
	vt.Status.Targets[0].Revision, vt.Status.Targets[0].Token = 2, "a.1"
	vt.Status.Targets[0].TriggeredAt, vt.Status.Targets[0].DeliveredAt = ago(time.Minute), ago(time.Minute)
	vt.Status.History = []triggerv1.Change{{Digest: "sha256:0123456789abcdef", Time: *ago(time.Hour), Override: &triggerv1.Override{
		Time: *ago(time.Minute), Manager: "kubectl-annotate", Message: "the approval of stage prod: 12 HelmReleases",
	}}}
	vt.Status.History[0].Approvals = []triggerv1.ApprovalRecord{{Stage: "prod", PersonRecord: triggerv1.PersonRecord{User: "anna"}}}
	got := (&call{objects: []client.Object{hr, vt}}).run(t, "why", "app", "-n", "apps")
	g.Expect(got.out).To(And(
		ContainSubstring("Content sha256:0123456789ab of 60m ago by ValuesTrigger apps/app: stage prod approved by anna\n"),
		ContainSubstring("Overridden 60s ago by ValuesTrigger apps/app for content sha256:0123456789ab, requested by field manager kubectl-annotate: the approval of stage prod: 12 HelmReleases\n"),
		ContainSubstring("   by        a person's request for all HelmReleases at once, which overrides what holds changes back\n"),
		ContainSubstring("changed in values.yaml, last edit by bob\n")))
}

func TestWhy_says_that_a_person_went_back(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]string{" by anna": "restored by anna", "": "restored on request"} {
		hr := release("app")
		hr.Status.History = helmv2.Snapshots{snapshot(2, time.Minute, "1.0.0", "b")}
		vt := fine(trigger("apps", "app", []triggerv1.SourceReference{from("ConfigMap", "", "values")}, target("apps", "app", triggerv1.TargetDelivered, "")))
		vt.Status.Targets[0].Cause = "ConfigMap apps/values sha256:01, rollback to revision 4" + by + " via ValuesTrigger apps/app"
		vt.Status.Targets[0].Revision, vt.Status.Targets[0].Token = 2, "a.1"
		vt.Status.Targets[0].TriggeredAt, vt.Status.Targets[0].DeliveredAt = ago(time.Minute), ago(time.Minute)
		got := (&call{objects: []client.Object{hr, vt}}).run(t, "why", "app", "-n", "apps")
		NewWithT(t).Expect(got.out).To(ContainSubstring("ConfigMap apps/values as it was in revision 4, " + want + "\n"))
	}
}

// One event for several requests proves none of them.
func TestWhy_reads_events_that_stand_for_several(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := release("app")
	hr.Status.History = helmv2.Snapshots{snapshot(3, time.Minute, "1.0.0", "b"), snapshot(2, time.Hour, "1.0.0", "b")}
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "e"}, Reason: triggerv1.TriggeredReason, FirstTimestamp: *ago(59 * time.Minute), LastTimestamp: *ago(time.Minute), Count: 3,
		InvolvedObject: corev1.ObjectReference{Kind: helmv2.HelmReleaseKind, Namespace: "apps", Name: "app"},
		Message:        "Triggered: retry by reconcile.fluxcd.io/resetAt via ValuesTrigger apps/app",
	}
	got := (&call{objects: []client.Object{hr, event}}).run(t, "why", "app", "-n", "apps")
	g.Expect(got.out).To(ContainSubstring(
		"Requested, and it is not on record which revision that made, if any:\n   59m ago   retry by reconcile.fluxcd.io/resetAt via ValuesTrigger apps/app (3 times since)   known from: event Triggered\n"))
	g.Expect(strings.Count(got.out, "no request of the operator is known to have made it")).To(Equal(2))
}

func TestWhy_of_a_source(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ golden, args string }{
		{"why-configmap.txt", "why cm/values -n platform"},
		{"why-configmap.json", "why configmap/values -n platform -o json"},
		{"why-configmap-unused.txt", "why cm/shop-platform -n prod"},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: awaiting()}).run(t, strings.Fields(c.args)...)
			g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
			g.Expect(got.out).NotTo(ContainSubstring("hunter"))
			golden(t, c.golden, got.out)
		})
	}
	g := NewWithT(t)
	g.Expect((&call{objects: copying()}).run(t, "why", "cm/first-platform", "-n", "apps").out).To(Equal(
		"ConfigMap apps/first-platform\nIt is a copy, kept by ValuesTrigger config/platform, of whose sources 'why' says more.\n"))
	objects := awaiting()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	vt.Status.History = append([]triggerv1.Change{{Cause: "Secret platform/keys sha256:22 via ValuesTrigger platform/platform"}}, vt.Status.History...)
	g.Expect((&call{objects: objects}).run(t, "why", "cm/values", "-n", "platform").out).To(ContainSubstring("   1 change came after it; what follows is about the last of them.\n"))
	g.Expect((&call{objects: objects}).run(t, "why", "secret/gone", "-n", "platform")).To(Equal(answer{
		"Secret platform/gone\nNo ValuesTrigger has it as a source.\n", "warning: Secret platform/gone does not exist\n", 0,
	}))
}

func TestWhy_of_several(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	one := (&call{objects: storied()}).run(t, "why", "app", "-n", "apps").out
	g.Expect((&call{objects: storied()}).run(t, "why", "app", "hr/app", "-n", "apps").out).To(Equal(one + "\n" + one))
	g.Expect((&call{objects: storied()}).run(t, "why", "app", "app", "-n", "apps", "-o", "json").out).To(HavePrefix("[\n"))
}
