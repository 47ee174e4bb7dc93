// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

func TestOrphans_looks_at_the_triggers_of_copies_that_are_there_at_the_start(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event event.CreateEvent
		want  int
	}{
		"at the start":              {event.CreateEvent{Object: aCopy(), IsInInitialList: true}, 1},
		"one that stays":            {event.CreateEvent{Object: aCopy(stays), IsInInitialList: true}, 0},
		"one that is not a copy":    {event.CreateEvent{Object: &corev1.ConfigMap{}, IsInInitialList: true}, 0},
		"one that appears":          {event.CreateEvent{Object: aCopy()}, 0},
		"one of something forged":   {event.CreateEvent{Object: aCopy(forged), IsInInitialList: true}, 1},
		"one that is being deleted": {event.CreateEvent{Object: aCopy(dying), IsInInitialList: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
			defer q.ShutDown()
			orphans(handler.Funcs{}).Create(t.Context(), c.event, q)
			g.Eventually(q.Len).Should(Equal(c.want))
		})
	}
}

func TestOfNamespace_finds_what_publishes_where_its_owner_consents(t *testing.T) {
	t.Parallel()
	vt := func(namespace, name string, targets ...triggerv1.TargetReference) *triggerv1.ValuesTrigger {
		return &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: triggerv1.ValuesTriggerSpec{
			Targets: targets, Publish: &triggerv1.Publish{Name: "shared"},
		}}
	}
	without := vt("apps", "without", triggerv1.TargetReference{Name: "app", Namespace: "there"})
	without.Spec.Publish = nil
	g := NewWithT(t)
	server := newStrict(t, vt("apps", "by-name", triggerv1.TargetReference{Name: "app", Namespace: "there"}), vt("apps", "elsewhere", triggerv1.TargetReference{Name: "app"}),
		vt("apps", "selecting", triggerv1.TargetReference{NamespaceSelector: &triggerv1.Selector{}, Selector: &triggerv1.Selector{}}), vt("there", "own", triggerv1.TargetReference{Name: "app"}), without)
	requests := triggerRequests{cache: server, serves: func(client.Object) bool { return true }}
	found := func(annotations map[string]string) (names []string) {
		for _, vt := range requests.ofNamespace(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "there", Annotations: annotations}}) {
			names = append(names, vt.Name)
		}
		return names
	}
	g.Expect(found(nil)).To(ConsistOf("selecting"))
	g.Expect(found(map[string]string{triggerv1.AllowFromAnnotation: "apps"})).To(ConsistOf("selecting", "by-name"))

	before := &corev1.Namespace{}
	after := before.DeepCopy()
	g.Expect(metadataPredicate.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(BeFalse())
	after.Annotations = map[string]string{triggerv1.AllowFromAnnotation: "apps"}
	g.Expect(metadataPredicate.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(BeTrue())
}

// aCopy is one that the operator has made for release app of a trigger.
func aCopy(modify ...func(*corev1.ConfigMap)) *corev1.ConfigMap {
	want := publish.Wanted(types.NamespacedName{Namespace: "apps", Name: "platform"}, types.NamespacedName{Namespace: "apps", Name: "app"}, []publish.Source{{ID: "ConfigMap/apps/a", Suffix: "shared"}})[0]
	want.GoWithTrigger("")
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: want.Name, Labels: want.Labels}, Data: map[string]string{"a": "app"}}
	cm.ManagedFields = []metav1.ManagedFieldsEntry{{
		Manager: triggerv1.FieldManager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{},
	}}
	cm.ManagedFields[0].FieldsV1.SetRawString(`{"f:data":{"f:a":{}}}`)
	for _, m := range modify {
		m(cm)
	}
	return cm
}

func stays(cm *corev1.ConfigMap)  { delete(cm.Labels, triggerv1.DeletionPolicyLabel) }
func forged(cm *corev1.ConfigMap) { cm.ManagedFields, cm.Name = nil, "forged-"+cm.Name }

func dying(cm *corev1.ConfigMap) {
	cm.Finalizers, cm.DeletionTimestamp, cm.Name = []string{"example.com/keep"}, new(metav1.Now()), "dying-"+cm.Name
}
