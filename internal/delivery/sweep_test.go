// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// tidying is an engine over a made-up API server that counts deletions, and refuses patches.
type tidying struct {
	*WithT
	*Engine
	client.Client
	deleted []string
	denied  func(client.Object) error

	mu               sync.Mutex
	refused, patched []string
}

// indexes adds indexes to a made-up API server.
type indexes struct{ *fake.ClientBuilder }

func (i indexes) IndexField(_ context.Context, obj client.Object, field string, keys client.IndexerFunc) error {
	i.WithIndex(obj, field, keys)
	return nil
}

func newTidying(t *testing.T, objects ...client.Object) *tidying {
	t.Helper()
	s := &tidying{WithT: NewWithT(t), denied: func(client.Object) error { return nil }}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, helmv2.AddToScheme, triggerv1.AddToScheme} {
		s.Expect(add(scheme)).To(Succeed())
	}
	b := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithReturnManagedFields()
	s.Expect(index.Setup(t.Context(), indexes{b}, true)).To(Succeed())
	s.Client = interceptor.NewClient(b.Build(), interceptor.Funcs{
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			s.deleted = append(s.deleted, obj.GetNamespace()+"/"+obj.GetName())
			if err := s.denied(obj); err != nil {
				return err
			}
			return c.Delete(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			name := obj.GetNamespace() + "/" + obj.GetName()
			if slices.Contains(s.refused, name) {
				return denial
			}
			s.patched = append(s.patched, name)
			return c.Patch(ctx, obj, patch, opts...)
		},
	})
	s.Engine = New(Config{
		Cache: s.Client, Live: s.Client, Namespaces: s.Client, Meter: metrics.New(prometheus.NewRegistry()),
		Accounts: &Accounts{own: s.Client}, Copies: copies.NewKeeper(s.Client, budget.New(8<<20)), Retained: budget.New(MaxRetained),
	})
	return s
}

var aTrigger = types.NamespacedName{Namespace: "apps", Name: "platform"}

// aCopy is one that the operator has made for a trigger.
func aCopy(namespace, release string, modify ...func(*corev1.ConfigMap)) *corev1.ConfigMap {
	want := publish.Wanted(aTrigger, types.NamespacedName{Namespace: namespace, Name: release}, []publish.Source{{ID: "ConfigMap/apps/a", Suffix: "shared"}})[0]
	want.GoWithTrigger("")
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: want.Name, Labels: want.Labels}, Data: map[string]string{"a": release}}
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

func (s *tidying) left(t *testing.T) []string {
	t.Helper()
	list := &corev1.ConfigMapList{}
	s.Expect(s.Client.List(t.Context(), list)).To(Succeed())
	var names []string
	for _, cm := range list.Items {
		names = append(names, cm.Namespace+"/"+cm.Name)
	}
	return names
}

func TestCollect_removes_the_copies_that_go_with_a_trigger_that_is_gone(t *testing.T) {
	t.Parallel()
	objects := func() []client.Object {
		return []client.Object{
			aCopy("apps", "app"), aCopy("other", "app"), aCopy("apps", "kept", stays), aCopy("evil", "app", forged), aCopy("evil", "app", dying),
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "unrelated"}},
		}
	}
	s := newTidying(t, objects()...)
	swept, err := s.Collect(t.Context(), aTrigger)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(s.deleted).To(ConsistOf("apps/app-shared", "other/app-shared"), "no more is even tried")
	s.Expect(s.left(t)).To(ConsistOf("apps/kept-shared", "evil/forged-app-shared", "evil/dying-app-shared", "apps/unrelated"))
	s.Expect(swept.Notes).To(Equal([]Note{{"Normal", "CopiesDeleted", "Deleted 2 copies"}}))

	there := newTidying(t, append(objects(), &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform"}})...)
	_, err = there.Collect(t.Context(), aTrigger)
	there.Expect(err).NotTo(HaveOccurred())
	there.Expect(there.deleted).To(BeEmpty(), "the API server has a trigger of that name, whatever the cache says")
}

func TestCollect_is_bounded_and_goes_on(t *testing.T) {
	t.Parallel()
	var objects []client.Object
	for i := range 2*maxTidied + 10 {
		objects = append(objects, aCopy("apps", fmt.Sprint("app-", i)))
	}
	s := newTidying(t, objects...)
	for pass := 1; ; pass++ {
		s.deleted = nil
		swept, err := s.Collect(t.Context(), aTrigger)
		s.Expect(err).NotTo(HaveOccurred())
		s.Expect(len(s.deleted)).To(BeNumerically("<=", maxTidied))
		if !swept.More {
			s.Expect(pass).To(Equal(3))
			break
		}
	}
	s.Expect(s.left(t)).To(BeEmpty())
}

func TestCollect_tries_what_is_forbidden_once_and_names_nothing(t *testing.T) {
	t.Parallel()
	var objects []client.Object
	for i := range 50 {
		objects = append(objects, aCopy("evil", fmt.Sprint("app-", i)))
	}
	s := newTidying(t, append(objects, aCopy("apps", "app"))...)
	s.denied = func(obj client.Object) error {
		if obj.GetNamespace() != "evil" {
			return nil
		}
		return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, obj.GetName(), nil)
	}
	swept, err := s.Collect(t.Context(), aTrigger)
	s.Expect(err).NotTo(HaveOccurred(), "it is tried again at the next start")
	s.Expect(s.deleted).To(HaveLen(2))
	s.Expect(swept.Notes).To(ConsistOf(
		Note{"Normal", "CopiesDeleted", "Deleted 1 copies"},
		Note{"Warning", "CopiesKept", "Copies are kept: the operator may not delete ConfigMaps in namespace evil; grant it, or delete them"},
	))
}

// pruning is a snapshot of a trigger with one target, whose copies go with it.
func pruning() (*triggerv1.ValuesTrigger, snapshot) {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform"}}
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared", DeletionPolicy: triggerv1.DeletionDelete}
	p := &publication{owner: vt, sources: []plan.Source{{ID: "ConfigMap/apps/a"}}, goesWith: deletesCopies(vt)}
	return vt, snapshot{vt: vt, publication: p, targets: []target.Target{{NamespacedName: anApp}}}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	reader := reading("apps", "read-shared")
	s := newTidying(t, aCopy("apps", "app"), aCopy("apps", "read"), aCopy("apps", "gone"), aCopy("evil", "app", forged), aCopy("evil", "app", dying), reader)
	vt, snap := pruning()
	snap.writer = s.Client
	swept, err := s.sweeper.prune(t.Context(), snap, nil)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(swept.More).To(BeFalse())
	s.Expect(s.deleted).To(ConsistOf("apps/gone-shared"))

	// While a target has no copy under the present name, the one that it had is needed.
	s.deleted = nil
	vt.Spec.Publish.Name = "other"
	targets := []triggerv1.TargetStatus{{Namespace: "apps", Name: "app", State: triggerv1.TargetHeld}}
	_, err = s.sweeper.prune(t.Context(), snap, targets)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(s.deleted).To(BeEmpty())
	targets[0].Published = "sha256:0"
	_, err = s.sweeper.prune(t.Context(), snap, targets)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(s.deleted).To(ConsistOf("apps/app-shared"))
}

func TestPrune_says_nothing_of_what_is_nowhere_near_its_targets(t *testing.T) {
	t.Parallel()
	s := newTidying(t, aCopy("evil", "app"), aCopy("apps", "was"))
	s.denied = func(obj client.Object) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, obj.GetName(), nil)
	}
	vt, snap := pruning()
	snap.writer = s.Client
	vt.Status.Targets = []triggerv1.TargetStatus{{Namespace: "apps", Name: "was", Published: "sha256:0"}}
	swept, err := s.sweeper.prune(t.Context(), snap, nil)
	s.Expect(apierrors.IsForbidden(err)).To(BeTrue())
	s.Expect(swept.Notes).To(Equal([]Note{{"Warning", "CopiesKept", "Copies are kept: the operator may not delete ConfigMaps in namespace apps; grant it, or delete them"}}))
	vt.Status.Targets = nil
	swept, err = s.sweeper.prune(t.Context(), snap, nil)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(swept.Notes).To(BeEmpty())
}

func TestPrune_finds_the_copy_of_a_dropped_target_before_the_cache_does(t *testing.T) {
	t.Parallel()
	s := newTidying(t)
	s.sweeper.live = newTidying(t, aCopy("apps", "was"), aCopy("apps", "app")).Client
	s.denied = func(obj client.Object) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, obj.GetName(), nil)
	}
	vt, snap := pruning()
	snap.writer = s.Client
	vt.Status.Targets = []triggerv1.TargetStatus{{Namespace: "apps", Name: "was"}, {Namespace: "apps", Name: "app"}}
	swept, err := s.sweeper.prune(t.Context(), snap, vt.Status.Targets[1:])
	s.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "once the status names the target no more, no one says what is left of it")
	s.Expect(s.deleted).To(ConsistOf("apps/was-shared"))
	s.Expect(swept.Notes).To(ConsistOf(HaveField("Message", ContainSubstring("may not delete ConfigMaps in namespace apps"))))
}

func TestPrune_lets_copies_stay_if_the_policy_is_to(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*triggerv1.ValuesTrigger, *snapshot){
		"orphaned": func(vt *triggerv1.ValuesTrigger, _ *snapshot) {
			vt.Spec.Publish.DeletionPolicy = triggerv1.DeletionOrphan
		},
		"suspended":    func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Spec.Suspend = true },
		"no copies":    func(vt *triggerv1.ValuesTrigger, snap *snapshot) { vt.Spec.Publish, snap.publication = nil, nil },
		"not any more": func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.publication = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTidying(t, aCopy("apps", "app"), aCopy("apps", "gone"), aCopy("evil", "app", forged))
			vt, snap := pruning()
			snap.writer = s.Client
			edit(vt, &snap)
			_, err := s.sweeper.prune(t.Context(), snap, nil)
			s.Expect(err).NotTo(HaveOccurred())
			s.Expect(s.deleted).To(BeEmpty())
			list := &corev1.ConfigMapList{}
			s.Expect(s.Client.List(t.Context(), list)).To(Succeed())
			for _, cm := range list.Items {
				s.Expect(publish.GoesWith(cm.Labels)).To(Equal(cm.ManagedFields == nil), cm.Name)
			}
		})
	}
}
