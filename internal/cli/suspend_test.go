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
)

// suspended lists what is suspended, by name.
func suspended(t *testing.T, c *call) string {
	t.Helper()
	list := &triggerv1.ValuesTriggerList{}
	NewWithT(t).Expect(c.client.List(t.Context(), list)).To(Succeed())
	var names []string
	for _, vt := range list.Items {
		if vt.Spec.Suspend {
			names = append(names, vt.Name)
		}
	}
	return strings.Join(names, " ")
}

// stopped are triggers of which anna has stopped what she could, after bob had stopped one together with
// all of a label, and one by its name.
func stopped(t *testing.T, user string) *call {
	t.Helper()
	labelled := fine(trigger("apps", "bobs", nil))
	labelled.Labels = map[string]string{"team": "bob"}
	c := &call{objects: []client.Object{fine(trigger("apps", "annas", nil)), labelled, fine(trigger("apps", "single", nil))}, user: "bob"}
	c.run(t, "suspend", "single", "-n", "apps")
	c.run(t, "suspend", "--all", "-n", "apps", "-l", "team=bob")
	c.user = "anna"
	c.run(t, "suspend", "--all", "-n", "apps")
	c.user = user
	return c
}

func TestSuspend_notes_who_and_by_which_call(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := stopped(t, "anna")
	g.Expect(annotationsOf(t, c, "annas")).To(Equal(map[string]string{triggerv1.SuspendedByAnnotation: "anna", triggerv1.SuspendedAnnotation: "2026-01-02T03:04:05Z"}))
	g.Expect(annotationsOf(t, c, "bobs")).To(HaveKeyWithValue(triggerv1.SuspendedByAnnotation, "bob"))
	g.Expect(annotationsOf(t, c, "single")).To(Equal(map[string]string{triggerv1.SuspendedByAnnotation: "bob"}))
}

func TestResume_all_takes_what_this_person_stopped(t *testing.T) {
	t.Parallel()
	const single = "valuestrigger/single in apps left out: it was suspended by bob, and not by 'suspend --all'; give its name to resume it\n"
	for _, c := range []struct{ user, args, left, out string }{
		{"anna", "", "bobs single", "valuestrigger/annas in apps resumed; before: no HelmReleases\n" +
			"valuestrigger/bobs in apps left out: it was suspended by bob at 2026-01-02T03:04:05Z, 0s ago; --by or --everyone resumes it\n" + single},
		{"anna", "--by bob", "annas single", "valuestrigger/annas in apps left out: it was suspended by anna at 2026-01-02T03:04:05Z, 0s ago; --by bob leaves it\n" +
			"valuestrigger/bobs in apps resumed; before: no HelmReleases\n" + single},
		{"anna", "--everyone", "single", "valuestrigger/annas in apps resumed; before: no HelmReleases\nvaluestrigger/bobs in apps resumed; before: no HelmReleases\n" + single},
		{"", "", "single", "valuestrigger/annas in apps resumed; before: no HelmReleases\nvaluestrigger/bobs in apps resumed; before: no HelmReleases\n" + single},
		{"anna", "--dry-run", "annas bobs single", "valuestrigger/annas in apps resumed (dry run); before: no HelmReleases\n" +
			"valuestrigger/bobs in apps left out: it was suspended by bob at 2026-01-02T03:04:05Z, 0s ago; --by or --everyone resumes it\n" + single},
	} {
		t.Run(c.user+" "+c.args, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := stopped(t, c.user)
			got := call.run(t, append(strings.Fields("resume --all -n apps"), strings.Fields(c.args)...)...)
			g.Expect(got).To(Equal(answer{c.out, "", 0}))
			g.Expect(suspended(t, call)).To(Equal(c.left))
		})
	}
	g := NewWithT(t)
	got := stopped(t, "carl").run(t, "resume", "--all", "-n", "apps")
	g.Expect(got.out).To(HaveSuffix(single))
	g.Expect([]any{got.code, got.err}).To(Equal([]any{1, "error: none of 3 ValuesTriggers was resumed\n"}))
	g.Expect((&call{objects: []client.Object{fine(trigger("apps", "a", nil))}}).run(t, "resume", "--all", "-n", "apps")).To(Equal(answer{"", "error: none of 1 ValuesTrigger was resumed\n", 1}))
}

// What an earlier version of the plugin has suspended with all has no name.
func TestResume_all_takes_what_no_name_is_known_of(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := fine(trigger("apps", "a", nil))
	vt.Spec.Suspend, vt.Annotations = true, map[string]string{triggerv1.SuspendedAnnotation: "all"}
	call := &call{objects: []client.Object{vt}, user: "anna"}
	g.Expect(call.run(t, "resume", "--all", "-n", "apps").out).To(Equal("valuestrigger/a in apps resumed; before: no HelmReleases\n"))
	g.Expect(annotationsOf(t, call, "a")).To(Equal(map[string]string{triggerv1.SuspendedByAnnotation: "anna"}), "who has set spec.suspend last")
}

func TestSuspendedSince(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := fine(trigger("apps", "a", nil))
	vt.ManagedFields = []metav1.ManagedFieldsEntry{
		{Time: ago(time.Hour), FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:suspend":{}}}`)}, {Time: ago(time.Minute), FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:interval":{}}}`)},
	}
	g.Expect(suspendedSince(vt)).To(Equal(now.Add(-time.Hour)))
}

func TestSelector_chooses_among_all(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := func() []client.Object {
		chosen := fine(trigger("apps", "chosen", nil))
		chosen.Labels = map[string]string{"team": "a"}
		return []client.Object{chosen, fine(trigger("apps", "other", nil))}
	}
	g.Expect((&call{objects: objects()}).run(t, "tree", "-n", "apps", "-l", "team=a").out).To(And(ContainSubstring("apps/chosen"), Not(ContainSubstring("apps/other"))))
	g.Expect((&call{objects: objects()}).run(t, "retry", "--all", "-n", "apps", "-l", "team in (a, b)").out).To(Equal("nothing to retry in 1 ValuesTrigger\n"))
	g.Expect((&call{objects: objects()}).run(t, "wait", "-n", "apps", "-l", "team=a", "--timeout", "1s").out).NotTo(ContainSubstring("apps/other"))
	for _, args := range []string{"tree chosen -l team=a", "wait chosen -l team=a", "suspend chosen -l team=a"} {
		g.Expect((&call{objects: objects()}).run(t, strings.Fields(args)...)).To(Equal(answer{"", "error: give names or --selector, not both\n", 2}), args)
	}
	got := (&call{objects: objects()}).run(t, "tree", "-l", "=")
	g.Expect([]any{got.code, got.err[:18]}).To(Equal([]any{2, "error: --selector:"}))
}

func TestTrigger_override_names_the_person(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: []client.Object{fine(trigger("apps", "a", nil))}, user: "anna"}
	call.run(t, "trigger", "a", "-n", "apps")
	g.Expect(annotationsOf(t, call, "a")).NotTo(HaveKey(triggerv1.OverriddenByAnnotation))
	call.run(t, "trigger", "a", "-n", "apps", "--override")
	g.Expect(annotationsOf(t, call, "a")).To(And(HaveKeyWithValue(triggerv1.OverriddenByAnnotation, "anna"), HaveKey(meta.ForceRequestAnnotation)))
	call.run(t, "retry", "a", "-n", "apps")
	g.Expect(annotationsOf(t, call, "a")).NotTo(HaveKey(triggerv1.OverriddenByAnnotation), "nothing is overridden by this request")
}

func TestErrors_of_missing_rights_and_policies(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Group: "trigger.nebius.ai", Resource: "valuestriggers"}
	for _, c := range []struct {
		err  error
		want string
	}{
		{
			apierrors.NewForbidden(resource, "a", errorText(`User "bob" cannot patch resource "valuestriggers" in API group "trigger.nebius.ai" in the namespace "apps"`)),
			"you may not patch valuestriggers in namespace apps: that needs a role with the verb patch on valuestriggers.trigger.nebius.ai (user bob)",
		},
		{
			apierrors.NewForbidden(resource, "a", errorText(`ValidatingAdmissionPolicy 'approvals' with binding 'approvals' denied request: bob may not approve: verb approve on valuestriggers`)),
			"a policy of the cluster denies it: bob may not approve: verb approve on valuestriggers",
		},
		{apierrors.NewUnauthorized("expired"), "the cluster does not accept your credentials: log in again, or check --context"},
	} {
		g := NewWithT(t)
		funcs := interceptor.Funcs{Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return c.err
		}}
		got := (&call{objects: []client.Object{fine(trigger("apps", "a", nil))}, funcs: funcs}).run(t, "suspend", "a", "-n", "apps")
		g.Expect(got).To(Equal(answer{"", "warning: valuestrigger/a: " + c.want + "\n", 1}))
		approved := (&call{objects: awaiting(), funcs: funcs}).run(t, "approve", "platform", "-n", "platform", "--yes")
		g.Expect(approved.err).To(Equal("error: " + c.want + "\n"))
	}
	all := apierrors.NewForbidden(resource, "", errorText(`User "bob" cannot list resource "valuestriggers" in API group "trigger.nebius.ai" at the cluster scope`))
	got := (&call{funcs: interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return all }}}).run(t, "tree", "-A")
	NewWithT(t).Expect(got.err).To(HavePrefix("error: you may not list valuestriggers in all namespaces: "))
}

type errorText string

func (e errorText) Error() string { return string(e) }

func TestVersion(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect((&call{}).run(t, "--version").out).To(Equal((&call{}).run(t, "version").out))
}

// A person who names a ValuesTrigger sees whose stop they end or take over.
func TestSuspend_and_resume_say_what_was_before(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := stopped(t, "anna")
	const done = "; before: no HelmReleases\n"
	g.Expect(c.run(t, "suspend", "bobs", "-n", "apps", "--dry-run").out).To(Equal(
		"valuestrigger/bobs in apps is already suspended by bob at 2026-01-02T03:04:05Z\nvaluestrigger/bobs in apps suspended (dry run)" + done))
	g.Expect(c.run(t, "resume", "bobs", "-n", "apps").out).To(Equal(
		"valuestrigger/bobs in apps was suspended by bob at 2026-01-02T03:04:05Z\nvaluestrigger/bobs in apps resumed" + done))
	g.Expect(c.run(t, "resume", "bobs", "-n", "apps").out).To(Equal("valuestrigger/bobs in apps is not suspended\nvaluestrigger/bobs in apps resumed" + done))
}
