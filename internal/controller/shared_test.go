// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// cached passes labels through the transformation of the cache.
func cached(t *testing.T, s *shared, labels map[string]string) map[string]string {
	t.Helper()
	obj := index.Metadata(triggerv1.ConfigMapKind)
	obj.Labels = labels
	out, err := s.after(stripSource)(obj)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return out.(*metav1.PartialObjectMetadata).Labels
}

// same reports whether two label sets are one in memory.
func same(a, b map[string]string) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

func TestShared_equal_label_sets_are_one(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := &shared{}
	first := cached(t, s, map[string]string{"app": "one", "tier": "web"})
	second := cached(t, s, map[string]string{"tier": "web", "app": "one"})
	other := cached(t, s, map[string]string{"tier": "web", "app": "two"})
	g.Expect(second).To(Equal(map[string]string{"app": "one", "tier": "web"}))
	g.Expect(same(first, second)).To(BeTrue())
	g.Expect(other).To(Equal(map[string]string{"app": "two", "tier": "web"}))
	g.Expect(cached(t, s, nil)).To(BeEmpty())

	long := func() map[string]string { return map[string]string{"app": strings.Repeat("x", maxSharedBytes)} }
	g.Expect(same(cached(t, s, long()), cached(t, s, long()))).To(BeFalse(), "what is long is not remembered")
}

func TestShared_a_trigger_keeps_its_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := &shared{}
	trigger := func() *triggerv1.ValuesTrigger {
		digest := strings.Clone("sha256:1")
		return &triggerv1.ValuesTrigger{
			ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", Labels: map[string]string{"a": "b"},
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "v2", Kind: "HelmRelease", Name: "app", UID: "the-uid"}}},
			Spec: triggerv1.ValuesTriggerSpec{
				Sources: []triggerv1.SourceReference{{Kind: "ConfigMap", Namespace: "apps", Name: "values"}},
				Targets: []triggerv1.TargetReference{{Namespace: "apps", Name: "app"}},
			},
			Status: triggerv1.ValuesTriggerStatus{
				LastDigest: digest, Delivered: "1/1",
				Conditions: []metav1.Condition{{Type: "Ready", Reason: "Delivered", Message: "all delivered"}},
				Sources:    []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "values", Digest: strings.Clone(digest)}},
				Targets: []triggerv1.TargetStatus{{Namespace: "apps", Name: "app", State: triggerv1.TargetDelivered,
					Digest: strings.Clone(digest), Token: "the-token", Message: "fine", Cause: "an edit"}},
				History: []triggerv1.Change{{Digest: strings.Clone(digest), Cause: "an edit", Delivered: "1/1", Outcome: triggerv1.ChangeDelivered}},
			},
		}
	}
	first, err := s.after(stripTrigger)(trigger())
	g.Expect(err).NotTo(HaveOccurred())
	second, err := s.after(stripTrigger)(trigger())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(first).To(Equal(trigger()))
	g.Expect(second).To(Equal(trigger()))

	data := func(of any) *byte { return unsafe.StringData(of.(*triggerv1.ValuesTrigger).Status.Targets[0].Digest) }
	g.Expect(data(first)).To(BeIdenticalTo(data(second)))
	g.Expect(data(first)).To(BeIdenticalTo(unsafe.StringData(first.(*triggerv1.ValuesTrigger).Status.LastDigest)))
}

func TestShared_a_release_keeps_its_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := &shared{}
	fields := func(of any) *metav1.FieldsV1 { return of.(*helmv2.HelmRelease).ManagedFields[0].FieldsV1 }
	full := fullRelease()
	release := func() *helmv2.HelmRelease {
		hr := full.DeepCopy()
		hr.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: triggerv1.FieldManager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: &metav1.FieldsV1{}}}
		hr.ManagedFields[0].FieldsV1.SetRawString(`{"f:metadata":{}}`)
		return hr
	}
	want, err := stripRelease(release())
	g.Expect(err).NotTo(HaveOccurred())
	first, err := s.after(stripRelease)(release())
	g.Expect(err).NotTo(HaveOccurred())
	second, err := s.after(stripRelease)(release())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(first).To(Equal(want))
	g.Expect(second).To(Equal(want))
	g.Expect(fields(first)).To(BeIdenticalTo(fields(second)))
}

func TestShared_remembers_no_more_than_its_bound(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := &shared{}
	mine := cached(t, s, map[string]string{"app": "mine"})
	for i := range 3 * maxShared {
		cached(t, s, map[string]string{"app": fmt.Sprint(i)})
		g.Expect(same(mine, cached(t, s, map[string]string{"app": "mine"}))).To(BeTrue(), "what is asked for stays")
	}
	g.Expect(len(s.labels.young) + len(s.labels.old)).To(BeNumerically("<=", maxShared))

	lost := cached(t, s, map[string]string{"app": "0"})
	for i := range maxShared {
		cached(t, s, map[string]string{"other": fmt.Sprint(i)})
	}
	g.Expect(same(lost, cached(t, s, map[string]string{"app": "0"}))).To(BeFalse())
}
