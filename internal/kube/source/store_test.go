// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// counted is a Store over a fake API server that counts the reads of content.
type counted struct {
	*Store
	client client.Client
	reads  atomic.Int32
	now    time.Time
}

func newCounted(t *testing.T, objects ...client.Object) *counted {
	t.Helper()
	c := &counted{client: fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(objects...).Build(), now: time.Now()}
	live := interceptor.NewClient(c.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, next client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			c.reads.Add(1)
			return next.Get(ctx, key, obj, opts...)
		},
	})
	c.Store = NewStore(c.client, live, testKeyring{})
	c.Store.now = func() time.Time { return c.now }
	return c
}

func testScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	NewWithT(t).Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	NewWithT(t).Expect(triggerv1.AddToScheme(scheme)).To(Succeed())
	return scheme
}

func testConfigMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}, Data: data}
}

var settings = Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "settings"}

func TestStore_reads_each_version_once_for_all_who_need_it(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t, testConfigMap("settings", map[string]string{"a": "1"}))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			object, err := c.Get(t.Context(), Account{}, settings, time.Hour)
			if err != nil || !object.Exists {
				t.Errorf("Get: %v, %v", object, err)
			}
		})
	}
	wg.Wait()
	g.Expect(c.reads.Load()).To(BeEquivalentTo(1))

	cm := testConfigMap("settings", nil)
	g.Expect(c.client.Get(t.Context(), client.ObjectKeyFromObject(cm), cm)).To(Succeed())
	before, err := c.Get(t.Context(), Account{}, settings, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())
	cm.Data = map[string]string{"a": "2", "b": ""}
	g.Expect(c.client.Update(t.Context(), cm)).To(Succeed())
	after, err := c.Get(t.Context(), Account{}, settings, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.reads.Load()).To(BeEquivalentTo(2), "another version")
	g.Expect(after.Full).NotTo(Equal(before.Full))
	g.Expect(after.ChangedKeys).To(Equal([]string{"a", "b"}))

	c.now = c.now.Add(time.Hour)
	_, err = c.Get(t.Context(), Account{}, settings, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.reads.Load()).To(BeEquivalentTo(3), "a watch can be silent, so age counts too")
}

func TestStore_does_not_ask_the_API_server_for_what_does_not_exist(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t)
	object, err := c.Get(t.Context(), Account{}, settings, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(object.Exists).To(BeFalse())
	g.Expect(c.reads.Load()).To(BeZero())
}

func TestStore_tells_no_account_what_another_has_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t, testConfigMap("settings", map[string]string{"a": "1"}))
	_, err := c.Get(t.Context(), Account{}, settings, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())

	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "settings", errors.New("no"))
	tenant := Account{Name: "tenant", Reader: interceptor.NewClient(c.client.(client.WithWatch), interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return forbidden
		},
	})}
	object, err := c.Get(t.Context(), tenant, settings, time.Hour)
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue())
	g.Expect(object).To(BeZero())
	_, err = c.Get(t.Context(), tenant, Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "absent"}, time.Hour)
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "nor whether an object exists")
}

func TestStore_does_not_keep_many_keys(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	keys := map[string]string{}
	for i := range maxKeptKeys + 1 {
		keys[fmt.Sprint("key-", i)] = "x"
	}
	c := newCounted(t, testConfigMap("settings", keys))
	for range 2 {
		object, err := c.Get(t.Context(), Account{}, settings, time.Hour)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(object.Content.Len()).To(Equal(maxKeptKeys + 1))
	}
	g.Expect(c.reads.Load()).To(BeEquivalentTo(2), "read again rather than kept")
}

func TestDescribe_keeps_the_annotations_of_the_contract(t *testing.T) {
	t.Parallel()
	cm := testConfigMap("settings", map[string]string{"a": "1"})
	cm.Annotations = map[string]string{triggerv1.HRNameAnnotation: "app", corev1.LastAppliedConfigAnnotation: "content"}
	NewWithT(t).Expect(describe(cm, digest.OfConfigMap(cm)).Annotations).To(Equal(map[string]string{triggerv1.HRNameAnnotation: "app"}), "others may hold content")
}

// A person who asks is answered about what there is, also if the watch is late.
func TestStore_Get_withoutAgeReadsWhatTheCacheLacks(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cached := fake.NewClientBuilder().WithScheme(testScheme(t)).Build()
	live := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(testConfigMap("settings", map[string]string{"a": "1"})).Build()
	store := NewStore(cached, live, testKeyring{})
	ref := Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "settings"}
	object, err := store.Get(t.Context(), Account{}, ref, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(object.Exists).To(BeFalse())
	object, err = store.Get(t.Context(), Account{}, ref, 0)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(object.Exists).To(BeTrue())
	ref.Name = "absent"
	object, err = store.Get(t.Context(), Account{}, ref, 0)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(object.Exists).To(BeFalse())
}
