// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestEditor(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	owns := func(manager, fields string) metav1.ManagedFieldsEntry {
		at = at.Add(time.Hour)
		stamp := metav1.NewTime(at)
		f := &metav1.FieldsV1{}
		f.SetRawString(fields)
		return metav1.ManagedFieldsEntry{Manager: manager, Time: &stamp, FieldsV1: f}
	}
	created := owns("kubectl-create", `{"f:data":{".":{},"f:a":{},"f:b":{}}}`)
	edited := owns("kubectl-edit", `{"f:data":{"f:c":{}},"f:binaryData":{"f:d":{}}}`)
	labelled := owns("kubectl-label", `{"f:metadata":{"f:labels":{"f:a":{}}}}`)
	ours := owns(triggerv1.FieldManager, `{"f:data":{"f:a":{}}}`)
	again := owns("kustomize-controller", `{"f:data":{"f:a":{}}}`)
	for _, c := range []struct {
		name    string
		entries []metav1.ManagedFieldsEntry
		keys    []string
		want    string
	}{
		{"no one is on record", nil, []string{"a"}, ""},
		{"the owner of the key that changed", []metav1.ManagedFieldsEntry{created, edited, labelled}, []string{"c"}, "kubectl-edit"},
		{"binary data is content", []metav1.ManagedFieldsEntry{created, edited}, []string{"d"}, "kubectl-edit"},
		{"an earlier writer, if that is whose key it is", []metav1.ManagedFieldsEntry{created, edited}, []string{"a", "b"}, "kubectl-create"},
		{"a key that was removed has no owner", []metav1.ManagedFieldsEntry{created, edited}, []string{"gone"}, ""},
		{"nor have a removed and another one a common owner", []metav1.ManagedFieldsEntry{created, edited}, []string{"c", "gone"}, ""},
		{"keys of several owners", []metav1.ManagedFieldsEntry{created, edited}, []string{"a", "c"}, ""},
		{"a key with two owners", []metav1.ManagedFieldsEntry{created, again}, []string{"a"}, ""},
		{"the operator does not count", []metav1.ManagedFieldsEntry{ours, again}, []string{"a"}, "kustomize-controller"},
		{"the only owner of content, if it is not known which keys changed", []metav1.ManagedFieldsEntry{created, labelled, ours}, nil, "kubectl-create"},
		{"several owners of content", []metav1.ManagedFieldsEntry{created, edited}, nil, ""},
		{"an entry without fields", []metav1.ManagedFieldsEntry{{Manager: "a"}}, nil, ""},
		{"fields that cannot be read", []metav1.ManagedFieldsEntry{owns("a", `{"f:data":[]}`)}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cm := testConfigMap("settings", nil)
			cm.ManagedFields = c.entries
			NewWithT(t).Expect(editor(cm, c.keys)).To(Equal(c.want))
		})
	}
}

// An object that is created again as it was has the editor of its own.
func TestStore_names_the_editor_of_the_object_that_there_is(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	by := func(uid types.UID, version, manager string) *corev1.ConfigMap {
		f := &metav1.FieldsV1{}
		f.SetRawString(`{"f:data":{"f:a":{}}}`)
		cm := testConfigMap("settings", map[string]string{"a": "1"})
		cm.UID, cm.ResourceVersion = uid, version
		cm.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: f}}
		return cm
	}
	ref := Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "settings"}
	var store *Store
	for _, cm := range []*corev1.ConfigMap{by("1", "1", "kubectl-patch"), by("2", "2", "velero")} {
		c := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(cm).WithReturnManagedFields().Build()
		if store == nil {
			store = NewStore(c, c, testKeyring{})
		}
		store.metadata, store.live = c, c
		object, err := store.Get(t.Context(), Account{}, ref, 0)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(object.Editor).To(Equal(cm.ManagedFields[0].Manager))
	}
}

func TestAppliedBy(t *testing.T) {
	t.Parallel()
	by := func(manager, fields string) metav1.ManagedFieldsEntry {
		f := &metav1.FieldsV1{}
		f.SetRawString(fields)
		return metav1.ManagedFieldsEntry{Manager: manager, FieldsV1: f}
	}
	const a, b, both = `{"f:data":{"f:a":{}}}`, `{"f:data":{"f:b":{}}}`, `{"f:data":{"f:a":{},"f:b":{}}}`
	flux := map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	for _, c := range []struct {
		name    string
		labels  map[string]string
		entries []metav1.ManagedFieldsEntry
		keys    []string
		want    string
	}{
		{name: "a person's object", entries: []metav1.ManagedFieldsEntry{by("kubectl-create", both)}, keys: []string{"a"}},
		{name: "one of another controller", entries: []metav1.ManagedFieldsEntry{by("external-secrets", both)}, keys: []string{"a"}},
		{name: "an unknown one"},
		{name: "a tool's change", labels: flux, entries: []metav1.ManagedFieldsEntry{by("kustomize-controller", both)}, keys: []string{"a"}, want: "Kustomization flux-system/apps"},
		{name: "a tool's object, seen for the first time", labels: flux, entries: []metav1.ManagedFieldsEntry{by("kustomize-controller", both)}, want: "Kustomization flux-system/apps"},
		{name: "a tool that leaves no marks", entries: []metav1.ManagedFieldsEntry{by("argocd-controller", both)}, keys: []string{"a"}, want: "argocd-controller"},
		{name: "a person's edit of a tool's object", labels: flux,
			entries: []metav1.ManagedFieldsEntry{by("kustomize-controller", a), by("kubectl-edit", b)}, keys: []string{"b"}},
		{name: "a tool's change of what a person has edited", labels: flux,
			entries: []metav1.ManagedFieldsEntry{by("kustomize-controller", a), by("kubectl-edit", b)}, keys: []string{"a"}, want: "Kustomization flux-system/apps"},
		{name: "in doubt, of several editors", labels: flux,
			entries: []metav1.ManagedFieldsEntry{by("kustomize-controller", a), by("kubectl-edit", b)}, want: "Kustomization flux-system/apps"},
		{name: "in doubt, of a key that was removed", labels: flux,
			entries: []metav1.ManagedFieldsEntry{by("kustomize-controller", a)}, keys: []string{"gone"}, want: "Kustomization flux-system/apps"},
		{name: "in doubt, of a key that a tool without marks or a person has removed",
			entries: []metav1.ManagedFieldsEntry{by("argocd-controller", a), by("kubectl-edit", b)}, keys: []string{"gone"}, want: "argocd-controller"},
		{name: "in doubt, of what no tool has written",
			entries: []metav1.ManagedFieldsEntry{by("kubectl-create", a), by("kubectl-edit", b)}, keys: []string{"gone"}},
		{name: "a copy of the operator", entries: []metav1.ManagedFieldsEntry{by(triggerv1.FieldManager, both)}, keys: []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cm := testConfigMap("settings", nil)
			cm.Labels, cm.ManagedFields = c.labels, c.entries
			NewWithT(t).Expect(appliedBy(cm, c.keys).String()).To(Equal(c.want))
		})
	}
}

// kustomizations is where a change comes from, and counts who asks.
type kustomizations struct {
	origin string
	asked  int
}

func (k *kustomizations) Origin(context.Context, types.NamespacedName, string, types.NamespacedName) string {
	k.asked++
	return k.origin
}

// A change has the origin that it has when it is seen.
func TestStore_attributes_a_change_when_it_is_seen(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	content := func(version, manager, value string) *corev1.ConfigMap {
		f := &metav1.FieldsV1{}
		f.SetRawString(`{"f:data":{"f:a":{}}}`)
		cm := testConfigMap("settings", map[string]string{"a": value})
		cm.UID, cm.ResourceVersion = "1", version
		cm.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
		cm.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: f}}
		return cm
	}
	ref := Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "settings"}
	k := &kustomizations{}
	store := NewStore(nil, nil, testKeyring{})
	store.Kustomizations = k
	for _, step := range []struct {
		what   string
		object *corev1.ConfigMap
		now    string
		origin string
		asked  int
	}{
		{"what is first seen may have changed long ago", content("1", "kustomize-controller", "1"), "the first commit", "", 0},
		{"a change", content("2", "kustomize-controller", "2"), "the second commit", "the second commit", 1},
		{"no change, while a later commit is applied", content("3", "kustomize-controller", "2"), "the third commit", "the second commit", 1},
		{"an edit by hand", content("4", "kubectl-edit", "3"), "the third commit", "", 1},
		{"what does not come from there", content("5", "kustomize-controller", "4"), "", "", 2},
	} {
		k.origin = step.now
		c := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(step.object).WithReturnManagedFields().Build()
		store.metadata, store.live = c, c
		object, err := store.Get(t.Context(), Account{}, ref, 0)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(object.Origin).To(Equal(step.origin), step.what)
		g.Expect(k.asked).To(Equal(step.asked), step.what)
	}
}

func TestEditedBy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, labelled, by, want string
	}{
		{"as the API server recorded him", "true", "system:serviceaccount:flux-system:kustomize-controller", "system:serviceaccount:flux-system:kustomize-controller"},
		{"whatever the label says", "", "Jane Doe <jane@example.com>", "Jane Doe <jane@example.com>"},
		{"not without the label", "none", "jane", ""},
		{"not without the annotation", "true", "", ""},
		{"not if it cannot be stored", "true", strings.Repeat("x", 257), ""},
		{"not if it would be shown as another", "true", "jane\u202e", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cm := testConfigMap("settings", map[string]string{"a": "1"})
			cm.Annotations = map[string]string{triggerv1.EditedByAnnotation: c.by}
			if c.labelled != "none" {
				cm.Labels = map[string]string{triggerv1.FourEyesLabel: c.labelled}
			}
			NewWithT(t).Expect(editedBy(cm)).To(Equal(c.want))
		})
	}
}
