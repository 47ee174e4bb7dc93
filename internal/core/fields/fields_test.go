// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package fields_test

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

func entry(raw string) metav1.ManagedFieldsEntry {
	e := metav1.ManagedFieldsEntry{Operation: metav1.ManagedFieldsOperationApply, FieldsV1: &metav1.FieldsV1{}}
	e.FieldsV1.SetRawString(raw)
	return e
}

func TestSet(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := fields.Of(entry(`{"f:metadata":{"f:labels":{".":{},"f:a.b/c":{}},"f:ownerReferences":{"k:{\"uid\":\"1\"}":{}}},"f:data":{"f:one":{},"f:two.yaml":{}}}`))
	g.Expect(s.Names()).To(ConsistOf("metadata", "data"))
	g.Expect(s.At("data").Names()).To(ConsistOf("one", "two.yaml"))
	g.Expect(s.At("metadata", "labels").Names()).To(ConsistOf("a.b/c"), "the dot is the map itself")
	g.Expect(s.At("metadata", "ownerReferences").Names()).To(BeEmpty(), "an element of a list is not a field")
	g.Expect(s.Has("data")).To(BeTrue())
	g.Expect(s.Has("metadata", "labels", "a.b/c")).To(BeTrue())
	g.Expect(s.Has("metadata", "labels", "a.b")).To(BeFalse())
	g.Expect(s.Has("spec", "sources")).To(BeFalse())
	g.Expect(s.Has("data", "one", "below")).To(BeFalse())
}

func TestOf_what_cannot_be_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(fields.Of(metav1.ManagedFieldsEntry{})).To(BeEmpty())
	for _, raw := range []string{"", "{", "[]", "7", `"f:data"`, "null"} {
		g.Expect(fields.Of(entry(raw)).Has("data")).To(BeFalse(), raw)
	}
	g.Expect(fields.Of(entry(`{"f:data":[]}`)).At("data").Names()).To(BeEmpty())
}

func TestIsApply(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	e := entry("{}")
	g.Expect(fields.IsApply(e)).To(BeTrue())
	e.Subresource = "status"
	g.Expect(fields.IsApply(e)).To(BeFalse())
	e.Subresource, e.Operation = "", metav1.ManagedFieldsOperationUpdate
	g.Expect(fields.IsApply(e)).To(BeFalse())
}
