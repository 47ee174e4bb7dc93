// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// patches are what a client was requested to patch, decoded, with the subresource.
type patches []map[string]any

func recording(t *testing.T, answer func() error, objects ...client.Object) (client.Client, *patches) {
	t.Helper()
	var sent patches
	note := func(obj client.Object, p client.Patch, subresource string) {
		g := NewWithT(t)
		body, err := p.Data(obj)
		g.Expect(err).NotTo(HaveOccurred())
		change := map[string]any{}
		g.Expect(json.Unmarshal(body, &change)).To(Succeed())
		change["subresource"] = subresource
		sent = append(sent, change)
	}
	base := fake.NewClientBuilder().WithScheme(triggerScheme(t)).WithStatusSubresource(&triggerv1.ValuesTrigger{}).WithObjects(objects...).Build()
	return interceptor.NewClient(base, interceptor.Funcs{
		Patch: func(ctx context.Context, next client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
			note(obj, p, "")
			if err := answer(); err != nil {
				return err
			}
			return next.Patch(ctx, obj, p, opts...)
		},
		SubResourcePatch: func(ctx context.Context, next client.Client, name string, obj client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			note(obj, p, name)
			if err := answer(); err != nil {
				return err
			}
			return next.SubResource(name).Patch(ctx, obj, p, opts...)
		},
	}), &sent
}

func TestPatcher_writes_a_status_once_and_for_the_version_that_was_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	stored := asked(byName)
	stored.Finalizers = []string{triggerv1.CopiesFinalizer}
	c, sent := recording(t, func() error { return nil }, stored)
	vt := &triggerv1.ValuesTrigger{}
	key := client.ObjectKeyFromObject(stored)
	g.Expect(c.Get(t.Context(), key, vt)).To(Succeed())
	read := vt.ResourceVersion
	p := newPatcher(vt, c)

	g.Expect(p.patch(t.Context(), vt)).To(Succeed())
	g.Expect(*sent).To(BeEmpty(), "nothing has changed")

	markReady(vt, "all is well")
	vt.Status.Delivered = "3/3"
	g.Expect(p.patch(t.Context(), vt)).To(Succeed())
	g.Expect(*sent).To(HaveExactElements(And(
		HaveKeyWithValue("subresource", "status"),
		HaveKeyWithValue("metadata", HaveKeyWithValue("resourceVersion", read)),
		HaveKeyWithValue("status", And(HaveKeyWithValue("delivered", "3/3"), HaveKey("conditions"))),
	)), "one write, conditional on what was read")

	*sent = nil
	markProgressing(vt, "a change is on its way")
	g.Expect(p.patch(t.Context(), vt)).To(Succeed())
	g.Expect(*sent).To(HaveExactElements(HaveKeyWithValue("status", And(HaveLen(1), HaveKey("conditions")))), "conditions alone")

	*sent = nil
	vt.Status.Delivered, vt.Finalizers = "2/3", nil
	g.Expect(p.patch(t.Context(), vt)).To(Succeed())
	g.Expect(*sent).To(HaveLen(2), "metadata and status are apart in the API server, too")
	now := &triggerv1.ValuesTrigger{}
	g.Expect(c.Get(t.Context(), key, now)).To(Succeed())
	g.Expect(now.Finalizers).To(BeEmpty())
	g.Expect(now.Status.Delivered).To(Equal("2/3"))
	g.Expect(conditions.GetMessage(now, meta.ReadyCondition)).To(Equal("a change is on its way"))
}

func TestPatcher_of_an_old_version_is_a_conflict_and_nothing_is_written(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	stored := asked(byName)
	c, sent := recording(t, func() error { return nil }, stored)
	old := &triggerv1.ValuesTrigger{}
	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(stored), old)).To(Succeed())
	meanwhile := old.DeepCopy()
	meanwhile.Status.LastDigest = "sha256:1"
	g.Expect(c.Status().Update(t.Context(), meanwhile)).To(Succeed())

	vt := old.DeepCopy()
	markReady(vt, "all is well")
	vt.Status.Delivered = "3/3"
	err := newPatcher(old, c).patch(t.Context(), vt)
	g.Expect(apierrors.IsConflict(err)).To(BeTrue(), "%v", err)
	g.Expect(*sent).To(HaveLen(1), "it is for the caller to decide again, from what there is now")
	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(stored), vt)).To(Succeed())
	g.Expect(vt.Status.Delivered).To(BeEmpty())
	g.Expect(conditions.GetMessage(vt, meta.ReadyCondition)).To(Equal("Delivered"), "as before")
}

func TestPatcher_returns_what_the_API_server_answers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	stored := asked(byName)
	forbids := apierrors.NewForbidden(schema.GroupResource{Resource: "valuestriggers"}, "platform", nil)
	c, _ := recording(t, func() error { return forbids }, stored)
	vt := &triggerv1.ValuesTrigger{}
	g.Expect(c.Get(t.Context(), client.ObjectKeyFromObject(stored), vt)).To(Succeed())
	p := newPatcher(vt, c)
	markReady(vt, "all is well")
	err := p.patch(t.Context(), vt)
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
}
