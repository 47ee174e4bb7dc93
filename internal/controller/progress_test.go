// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// noted is a queue that only remembers how something was added.
type noted struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	opts map[string]priorityqueue.AddOpts
}

func (n noted) AddWithOpts(o priorityqueue.AddOpts, items ...reconcile.Request) {
	for _, item := range items {
		n.opts[item.Name] = o
	}
}

// indexed makes the indexes of the cache those of a fake client.
type indexed struct{ *fake.ClientBuilder }

func (i indexed) IndexField(_ context.Context, obj client.Object, field string, keys client.IndexerFunc) error {
	i.WithIndex(obj, field, keys)
	return nil
}

func TestWake_looks_first_at_what_can_be_delivered(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	g.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	g.Expect(helmv2.AddToScheme(scheme)).To(Succeed())
	g.Expect(triggerv1.AddToScheme(scheme)).To(Succeed())
	trigger := func(name string, targets int) *triggerv1.ValuesTrigger {
		return &triggerv1.ValuesTrigger{
			ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name},
			Spec:       triggerv1.ValuesTriggerSpec{Targets: []triggerv1.TargetReference{{Name: "app"}}},
			Status:     triggerv1.ValuesTriggerStatus{Targets: make([]triggerv1.TargetStatus, targets)},
		}
	}
	most := trigger("most", triggerv1.MaxListedTargets)
	most.Status.Summary = &triggerv1.TargetSummary{Total: 10_000}
	broken := trigger("broken", 1)
	conditions.MarkFalse(broken, meta.ReadyCondition, triggerv1.TargetNotFoundReason, "gone")
	failed := trigger("failed", 1)
	conditions.MarkFalse(failed, meta.ReadyCondition, triggerv1.DeliveryFailedReason, "not yet")
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(trigger("new", 0), trigger("one", 1), trigger("many", 500), most, broken, failed)
	g.Expect(index.Setup(t.Context(), indexed{builder}, true)).To(Succeed())

	q := noted{opts: map[string]priorityqueue.AddOpts{}}
	release := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", ResourceVersion: "1"}}
	later := release.DeepCopy()
	later.ResourceVersion = "2"
	requests := triggerRequests{cache: builder.Build(), serves: func(client.Object) bool { return true }}
	wake(requests.ofTarget, settled).Update(t.Context(), event.UpdateEvent{ObjectOld: release, ObjectNew: later}, q)
	for name, after := range map[string]time.Duration{"new": 0, "one": 2 * time.Millisecond, "failed": 2 * time.Millisecond, "many": time.Second, "most": maxProgressDelay} {
		g.Expect(q.opts).To(HaveKeyWithValue(name, priorityqueue.AddOpts{After: after, Priority: new(progressPriority)}))
	}
	g.Expect(q.opts["broken"].Priority).To(HaveValue(Equal(brokenPriority)))

	wake(requests.ofTarget, atOnce).Delete(t.Context(), event.DeleteEvent{Object: later}, q)
	for _, name := range []string{"new", "one", "failed", "many"} {
		g.Expect(q.opts).To(HaveKeyWithValue(name, priorityqueue.AddOpts{Priority: new(changePriority)}))
	}
	g.Expect(q.opts["broken"].Priority).To(HaveValue(Equal(brokenPriority)))

	wake(requests.ofTarget, atOnce).Create(t.Context(), event.CreateEvent{Object: later, IsInInitialList: true}, q)
	for name := range q.opts {
		g.Expect(q.opts[name].Priority).To(HaveValue(Equal(handler.LowPriority)), name)
	}
}

// A source that names five hundred HelmReleases is not looked at five hundred times for one edit.
func TestDelayed_waits_for_more(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	q := noted{opts: map[string]priorityqueue.AddOpts{}}
	before := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "old"}}
	after := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "new"}}
	h := delayed(predicate.Funcs{}, func(_ context.Context, obj client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(obj)}}
	})
	h.Update(t.Context(), event.UpdateEvent{ObjectOld: before, ObjectNew: after}, q)
	waits := priorityqueue.AddOpts{After: answerDelay, Priority: new(changePriority)}
	g.Expect(q.opts).To(Equal(map[string]priorityqueue.AddOpts{"old": waits, "new": waits}))

	h.Create(t.Context(), event.CreateEvent{Object: after, IsInInitialList: true}, q)
	g.Expect(q.opts["new"]).To(Equal(priorityqueue.AddOpts{After: answerDelay, Priority: new(handler.LowPriority)}))
}

// What a HelmRelease concerns is looked up once for each of its many updates, and twice if its labels change.
func TestWake_looks_up_what_was_concerned_before_when_the_metadata_changes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var versions []string
	h := wake(func(_ context.Context, obj client.Object) []*triggerv1.ValuesTrigger {
		versions = append(versions, obj.GetResourceVersion())
		return nil
	}, settled)
	before := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", ResourceVersion: "1", Labels: map[string]string{"tier": "web"}}}
	requested := before.DeepCopy()
	requested.ResourceVersion, requested.Annotations = "2", map[string]string{triggerv1.RequestAnnotation: "{}"}
	h.Update(t.Context(), event.UpdateEvent{ObjectOld: before, ObjectNew: requested}, noted{opts: map[string]priorityqueue.AddOpts{}})
	g.Expect(versions).To(Equal([]string{"2"}))

	relabelled := requested.DeepCopy()
	relabelled.ResourceVersion, relabelled.Labels = "3", nil
	h.Update(t.Context(), event.UpdateEvent{ObjectOld: requested, ObjectNew: relabelled}, noted{opts: map[string]priorityqueue.AddOpts{}})
	g.Expect(versions[1:]).To(Equal([]string{"2", "3"}), "a selector may have selected it before")
}
