// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package kustomization

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// server is an API server with one Kustomization, or an error in its place.
type server struct {
	client.Reader
	conditions []any
	applies    string
	err        error
	reads      int
}

func (s *server) Get(_ context.Context, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	s.reads++
	if s.err != nil {
		return s.err
	}
	obj.(*unstructured.Unstructured).Object["status"] = map[string]any{
		"conditions": s.conditions, "lastAttemptedRevision": "main@sha1:0123456789ab",
		"inventory": map[string]any{"entries": []any{map[string]any{"id": s.applies, "v": "v1"}}},
	}
	return nil
}

var apps = types.NamespacedName{Namespace: "flux-system", Name: "apps"}

func applying() []any {
	return []any{map[string]any{
		"type": "Reconciling", "status": "True", "reason": "Progressing", "lastTransitionTime": "2026-03-01T12:00:00Z",
		"message": "Detecting drift for revision main@sha1:1 with a timeout of 5m0s",
	}}
}

func TestReader_reads_again_only_after_a_while(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := &server{conditions: applying()}
	r := NewReader(s)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r.now = func() time.Time { return now }
	for range 3 {
		g.Expect(r.IsApplying(t.Context(), apps)).To(BeTrue())
	}
	g.Expect(s.reads).To(Equal(1))
	s.conditions = nil
	now = now.Add(maxAge)
	g.Expect(r.IsApplying(t.Context(), apps)).To(BeFalse())
	g.Expect(r.IsApplying(t.Context(), types.NamespacedName{Namespace: "flux-system", Name: "other"})).To(BeFalse())
	g.Expect(s.reads).To(Equal(3))
}

func TestReader_what_cannot_be_read_is_not_known(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Group: kind.Group, Resource: "kustomizations"}
	for name, s := range map[string]*server{
		"no permission":            {err: apierrors.NewForbidden(resource, "apps", errors.New("no"))},
		"no such object":           {err: apierrors.NewNotFound(resource, "apps")},
		"no such kind":             {err: &meta.NoKindMatchError{GroupKind: kind.GroupKind()}},
		"an API server that fails": {err: errors.New("EOF")},
		"no conditions":            {conditions: []any{}},
		"what is not a condition":  {conditions: []any{"Ready"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(NewReader(s).IsApplying(t.Context(), apps)).To(BeFalse())
			g.Expect(NewReader(s).Origin(t.Context(), apps, "ConfigMap", settings)).To(BeEmpty())
		})
	}
}

var settings = types.NamespacedName{Namespace: "shop", Name: "settings"}

func TestReader_Origin_is_only_of_what_the_inventory_has(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	origin := func(s *server) string { return NewReader(s).Origin(t.Context(), apps, "ConfigMap", settings) }
	g.Expect(origin(&server{applies: "shop_settings__ConfigMap"})).To(Equal("Kustomization flux-system/apps main@sha1:0123456789ab"))
	g.Expect(origin(&server{applies: "shop_settings__ConfigMap", conditions: []any{map[string]any{
		"type": "Reconciling", "status": "True", "reason": "Progressing", "lastTransitionTime": "2026-03-01T12:00:00Z",
		"message": "Building manifests for revision main@sha1:2 with a timeout of 5m0s",
	}}})).To(Equal("Kustomization flux-system/apps"), "the change is of the revision before")
	g.Expect(origin(&server{applies: "other_settings__ConfigMap"})).To(BeEmpty(), "labels are easily copied")
}

func TestReader_keeps_a_bounded_number(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r := NewReader(&server{})
	for i := range 3 * maxKept {
		r.IsApplying(t.Context(), types.NamespacedName{Namespace: "flux-system", Name: time.Duration(i).String()})
	}
	g.Expect(len(r.kept)).To(BeNumerically("<=", maxKept))
}
