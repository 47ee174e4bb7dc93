// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// applied is a patch as it leaves the operator.
type applied struct {
	patchType types.PatchType
	body      map[string]any
	manager   string
	force     bool
	dryRun    bool
}

// newApplier returns an Applier whose patches are noted and then answered with err. It must not
// read.
func newApplier(t *testing.T, err error) (*Applier, *[]applied) {
	t.Helper()
	scheme := runtime.NewScheme()
	NewWithT(t).Expect(triggerv1.AddToScheme(scheme)).To(Succeed())
	var patches []applied
	cl := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(_ context.Context, _ client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			data, dataErr := patch.Data(obj)
			if dataErr != nil {
				return dataErr
			}
			options := (&client.PatchOptions{}).ApplyOptions(opts)
			a := applied{patchType: patch.Type(), manager: options.FieldManager, force: options.Force != nil && *options.Force, dryRun: len(options.DryRun) > 0}
			if dataErr := json.Unmarshal(data, &a.body); dataErr != nil {
				return dataErr
			}
			patches = append(patches, a)
			if !a.dryRun {
				obj.SetResourceVersion("8")
				obj.SetLabels(map[string]string{"set by": "a policy"})
			}
			return err
		},
		Get: func(_ context.Context, _ client.WithWatch, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
			t.Errorf("%s is read", key)
			return nil
		},
	}).Build()
	return New(cl), &patches
}

func TestApplier_Apply_writes_what_is_set_and_nothing_else(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	a, patches := newApplier(t, nil)
	vt := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", Labels: map[string]string{"a": "b"}},
		Spec: triggerv1.ValuesTriggerSpec{
			Sources: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "values", Namespace: "apps", Force: triggerv1.ForceAuto}},
			Targets: []triggerv1.TargetReference{{Name: "app", Namespace: "apps"}},
		},
		Status: triggerv1.ValuesTriggerStatus{LastDigest: "sha256:0"},
	}
	before := vt.DeepCopy()
	stored, err := a.Apply(t.Context(), vt)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(vt).To(Equal(before))
	g.Expect(stored.ResourceVersion).To(Equal("8"))
	g.Expect(stored.Labels).To(HaveKey("set by"), "what admission makes of it")
	want := applied{
		patchType: types.ApplyPatchType, manager: "helmrelease-trigger-operator",
		body: map[string]any{
			"apiVersion": "trigger.nebius.ai/v1beta1", "kind": "ValuesTrigger",
			"metadata": map[string]any{"namespace": "apps", "name": "app", "labels": map[string]any{"a": "b"}},
			"spec": map[string]any{
				"sources": []any{map[string]any{"kind": "ConfigMap", "name": "values", "namespace": "apps", "force": "Auto"}},
				"targets": []any{map[string]any{"name": "app", "namespace": "apps"}},
			},
		},
	}
	first := want
	first.dryRun = true
	g.Expect(*patches).To(Equal([]applied{first, want}), "suspend, interval, timeout and force of a user stay, and so does the status; nothing is forced on one that was not seen")

	vt.UID, vt.ResourceVersion = "the-uid", "7"
	_, err = a.Apply(t.Context(), vt)
	g.Expect(err).NotTo(HaveOccurred())
	want.force, want.body = true, maps.Clone(want.body)
	want.body["metadata"] = map[string]any{"namespace": "apps", "name": "app", "labels": map[string]any{"a": "b"}, "uid": "the-uid", "resourceVersion": "7"}
	first = want
	first.dryRun = true
	g.Expect((*patches)[2:]).To(Equal([]applied{first, want}), "what was seen is brought in line, in that version only")
}

func TestApplier_ApplyMetadata_never_creates(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	a, patches := newApplier(t, nil)
	obj := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "apps", Name: "app", UID: "the-uid", ResourceVersion: "7",
			Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"not": "applied"},
		},
	}
	g.Expect(a.ApplyMetadata(t.Context(), obj)).To(Succeed())
	obj.Labels = nil
	g.Expect(a.ApplyMetadata(t.Context(), obj)).To(Succeed())

	want := func(labels any) applied {
		return applied{
			patchType: types.ApplyPatchType, manager: "helmrelease-trigger-operator", force: true,
			body: map[string]any{
				"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
				"metadata": map[string]any{"namespace": "apps", "name": "app", "uid": "the-uid", "labels": labels},
			},
		}
	}
	g.Expect(*patches).To(Equal([]applied{want(map[string]any{"a": "b"}), want(nil)}),
		"the UID keeps the API server from creating an object; no labels withdraw those that were applied")
}

func TestApplier_errors_surface(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	refused := errors.New("refused")
	a, _ := newApplier(t, refused)
	_, err := a.Apply(t.Context(), &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}})
	g.Expect(err).To(MatchError(ContainSubstring("refused")))
	g.Expect(a.ApplyMetadata(t.Context(), &metav1.PartialObjectMetadata{})).To(MatchError(refused))
}

// What the dry run is refused is not written, and is reported as the API server says it.
func TestApplier_what_is_refused_is_in_the_words_of_the_API_server(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code   int32
		reason metav1.StatusReason
		is     func(error) bool
	}{
		{http.StatusForbidden, metav1.StatusReasonForbidden, apierrors.IsForbidden},
		{http.StatusNotFound, metav1.StatusReasonNotFound, apierrors.IsNotFound},
		{http.StatusConflict, metav1.StatusReasonConflict, apierrors.IsConflict},
		{http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, apierrors.IsInvalid},
		{http.StatusInternalServerError, metav1.StatusReasonInternalError, apierrors.IsInternalError},
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			refused := &apierrors.StatusError{ErrStatus: metav1.Status{Code: c.code, Reason: c.reason, Message: "field is immutable, says a policy"}}
			a, patches := newApplier(t, refused)
			vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", ResourceVersion: "7"}}
			_, err := a.Apply(t.Context(), vt)
			g.Expect(c.is(err)).To(BeTrue())
			g.Expect(err).To(MatchError(refused.Error()))
			g.Expect(*patches).To(HaveLen(1))
			g.Expect((*patches)[0].dryRun).To(BeTrue())
		})
	}
}

func TestApplier_LetGo_leaves_what_others_own(t *testing.T) {
	t.Parallel()
	owns := func(manager string, operation metav1.ManagedFieldsOperationType, subresource, owned string) metav1.ManagedFieldsEntry {
		entry := metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, Subresource: subresource, FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{}}
		entry.FieldsV1.SetRawString(owned)
		return entry
	}
	const manager = "helmrelease-trigger-operator"
	ours := []metav1.ManagedFieldsEntry{
		owns(manager, "Apply", "", `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{},"f:shard":{}}},"f:spec":{"f:sources":{},"f:targets":{}}}`),
		owns(manager, "Update", "", `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{}}},"f:spec":{"f:suspend":{}}}`),
	}
	status := owns(manager, "Update", "status", `{"f:status":{}}`)
	git := owns("kustomize-controller", "Apply", "", `{"f:metadata":{"f:labels":{"f:shard":{},"f:team":{}}},"f:spec":{"f:sources":{},"f:targets":{}}}`)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{
		Namespace: "apps", Name: "app-auto", UID: "the-uid", ResourceVersion: "7",
		Labels: map[string]string{"app.kubernetes.io/managed-by": manager, "shard": "a", "team": "blue"},
		OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Name: "app", UID: "1", Controller: new(true)},
			{APIVersion: "v1", Kind: "ConfigMap", Name: "other", UID: "2"},
		},
	}}
	for _, c := range []struct {
		name          string
		managedFields []metav1.ManagedFieldsEntry
		labels        map[string]any
		left          int
	}{
		{"what Git applies", append(slices.Clone(ours), status, git), map[string]any{"app.kubernetes.io/managed-by": nil}, 2},
		{"what nothing else owns", slices.Clone(ours), map[string]any{"app.kubernetes.io/managed-by": nil, "shard": nil}, 1},
		{"what Git applies with the label", append(slices.Clone(ours), owns("flux", "Apply", "", `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{},"f:shard":{}}}}`)), nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			a, patches := newApplier(t, nil)
			merged := vt.DeepCopy()
			merged.ManagedFields = c.managedFields
			before := merged.DeepCopy()
			g.Expect(a.LetGo(t.Context(), merged)).To(Succeed())
			g.Expect(merged).To(Equal(before))
			g.Expect(*patches).To(HaveLen(1))
			patch := (*patches)[0]
			g.Expect(patch.patchType).To(Equal(types.MergePatchType))
			g.Expect(patch.body).To(HaveLen(1), "the spec is left as it is")
			metadata := patch.body["metadata"].(map[string]any)
			g.Expect(metadata).To(HaveKeyWithValue("resourceVersion", "7"))
			g.Expect(metadata["managedFields"]).To(HaveLen(c.left))
			g.Expect(metadata["ownerReferences"]).To(ConsistOf(HaveKeyWithValue("name", "other")))
			if c.labels == nil {
				g.Expect(metadata).NotTo(HaveKey("labels"))
			} else {
				g.Expect(metadata["labels"]).To(Equal(c.labels))
			}
		})
	}
}
