// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// get reads as the operator.
func (c *counted) get(t *testing.T, ref Ref) Object {
	t.Helper()
	object, err := c.Get(t.Context(), Account{}, ref, time.Hour)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return object
}

// update changes an object by a function.
func update[T client.Object](t *testing.T, c *counted, obj T, change func(T)) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(c.client.Get(t.Context(), client.ObjectKeyFromObject(obj), obj)).To(Succeed())
	change(obj)
	g.Expect(c.client.Update(t.Context(), obj)).To(Succeed())
}

func TestStore_tells_which_keys_changed_until_others_do(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cm := testConfigMap("settings", map[string]string{"a": "1", "b": "1"})
	c := newCounted(t, cm)
	g.Expect(c.get(t, settings).ChangedKeys).To(BeNil(), "there is no version before the first")
	g.Expect(c.get(t, settings).ChangedKeys).To(BeNil())

	update(t, c, cm, func(cm *corev1.ConfigMap) { cm.Data["a"] = "2" })
	g.Expect(c.get(t, settings).ChangedKeys).To(Equal([]string{"a"}))
	g.Expect(c.get(t, settings).ChangedKeys).To(Equal([]string{"a"}), "for all who ask")

	update(t, c, cm, func(cm *corev1.ConfigMap) {
		cm.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "true", "other": "label"}
	})
	object := c.get(t, settings)
	g.Expect(object.ChangedKeys).To(Equal([]string{"a"}), "an edit of metadata changes no content")
	g.Expect(object.Labels).To(Equal(map[string]string{triggerv1.LabelReconcilerNameSourceKey: "true"}), "and no more of it is kept than is read")

	update(t, c, cm, func(cm *corev1.ConfigMap) { delete(cm.Data, "b") })
	g.Expect(c.get(t, settings).ChangedKeys).To(Equal([]string{"b"}))
}

func TestStore_forgets_what_is_gone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cm := testConfigMap("settings", map[string]string{"a": "1"})
	c := newCounted(t, cm)
	c.get(t, settings)
	g.Expect(c.bytes).To(BeNumerically(">", 0))
	g.Expect(c.client.Delete(t.Context(), cm)).To(Succeed())

	g.Expect(c.get(t, settings)).To(Equal(Object{}))
	g.Expect(c.bytes).To(BeZero())
	g.Expect(c.kept).To(BeEmpty())
	g.Expect(c.entries).To(BeEmpty())

	g.Expect(c.client.Create(t.Context(), testConfigMap("settings", map[string]string{"a": "2"}))).To(Succeed())
	g.Expect(c.get(t, settings).ChangedKeys).To(BeNil(), "another object")
}

func TestStore_an_object_that_is_gone_before_it_is_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cm := testConfigMap("settings", map[string]string{"a": "1"})
	c := newCounted(t, cm)
	live := newCounted(t) // The cache still has it.
	c.live = live.client
	g.Expect(c.get(t, settings)).To(Equal(Object{}))
}

func TestStore_errors_are_not_remembered(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t, testConfigMap("settings", map[string]string{"a": "1"}))
	refused := errors.New("refused")
	metadata, live := c.metadata, c.live
	broken := interceptor.NewClient(c.client.(client.WithWatch), interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return refused
		},
	})

	c.live = broken
	object, err := c.Get(t.Context(), Account{}, settings, time.Hour)
	g.Expect(err).To(MatchError("read ConfigMap apps/settings: refused"))
	g.Expect(object).To(Equal(Object{}))

	c.metadata, c.live = broken, live
	_, err = c.Get(t.Context(), Account{}, settings, time.Hour)
	g.Expect(err).To(MatchError("metadata of ConfigMap apps/settings: refused"))

	c.metadata = metadata
	g.Expect(c.get(t, settings).Exists).To(BeTrue())
}

func TestStore_accounts_read_for_themselves(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t, testConfigMap("settings", map[string]string{"a": "1"}))
	own := c.get(t, settings)
	var reads []string
	account := func(name string) Account {
		return Account{Name: name, Reader: interceptor.NewClient(c.client.(client.WithWatch), interceptor.Funcs{
			Get: func(ctx context.Context, next client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				reads = append(reads, name)
				return next.Get(ctx, key, obj, opts...)
			},
		})}
	}
	for range 2 {
		for _, name := range []string{"one", "two"} {
			object, err := c.Get(t.Context(), account(name), settings, time.Hour)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(object).To(Equal(own))
		}
	}
	g.Expect(reads).To(Equal([]string{"one", "two"}), "each once")
	g.Expect(c.reads.Load()).To(BeEquivalentTo(1), "and the operator nothing more")
}

// What is kept for composing values is the content, and what is kept for digests is no
// content at all.
func TestStore_keeps_no_more_than_it_needs(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	secret := testSecret("s", map[string][]byte{"password": []byte("hunter2")})
	secret.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "hunter2"}
	cm := testConfigMap("settings", map[string]string{"a": "hunter2"})
	cm.BinaryData = map[string][]byte{"b": []byte("hunter2")}
	cm.Annotations = secret.Annotations
	c := newCounted(t, secret, cm)
	ref := Ref{Kind: triggerv1.SecretKind, Namespace: "apps", Name: "s"}
	for _, object := range []Object{c.get(t, ref), c.get(t, settings)} {
		g.Expect(fmt.Sprintf("%+v", object)).NotTo(ContainSubstring("hunter2"))
	}
	g.Expect(c.kept).To(Equal(map[Ref]client.Object{
		ref:      &corev1.Secret{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "999"}, Data: secret.Data},
		settings: &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "999"}, Data: cm.Data},
	}))
}

func TestStore_counts_the_bytes_that_it_keeps(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t)
	sum := func() int {
		n := 0
		for _, obj := range c.kept {
			n += size(obj)
		}
		return n
	}
	for i := range 100 {
		name := fmt.Sprint("object-", i%20)
		c.keep(Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: name}, testConfigMap(name, map[string]string{"a": strings.Repeat("x", i<<13)}))
		g.Expect(c.bytes).To(Equal(sum()))
		g.Expect(c.bytes).To(BeNumerically("<=", maxKeptBytes))
		g.Expect(c.kept).To(HaveKey(HaveField("Name", name)))
	}
}

func TestStore_drops_what_nobody_asks_for_any_more(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t)
	for i := range sweepAt {
		c.entry(entryKey{ref: Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: fmt.Sprint("old-", i)}})
	}
	c.now = c.now.Add(maxUnread)
	c.entry(entryKey{ref: Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "old-0"}})
	c.now = c.now.Add(time.Second)
	c.entry(entryKey{ref: settings})
	g.Expect(c.entries).To(HaveLen(2), "the one that is new, and the one that was read")
	g.Expect(c.Store.sweepAt).To(Equal(sweepAt))
}

// Objects that come and go, or accounts that read them, do not add up.
func TestStore_remembersNoMoreThanItsBound(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	names := strings.Repeat(strings.Repeat("n", 60)+",", 1000)
	var objects []client.Object
	for i := range 600 {
		cm := testConfigMap(fmt.Sprintf("settings-%d", i), map[string]string{"a": "1"})
		cm.Annotations = map[string]string{triggerv1.HRNameAnnotation: names}
		objects = append(objects, cm)
	}
	c := newCounted(t, objects...)
	for i := range objects {
		ref := Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: fmt.Sprintf("settings-%d", i)}
		g.Expect(c.get(t, ref).Exists).To(BeTrue())
		g.Expect(c.remembered).To(BeNumerically("<=", maxRemembered))
	}
	sum := 0
	for _, e := range c.entries {
		sum += e.size
	}
	g.Expect(sum).To(Equal(c.remembered))
	g.Expect(len(c.entries)).To(And(BeNumerically(">", 100), BeNumerically("<", 500)))
	before := c.reads.Load()
	c.get(t, Ref{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "settings-599"})
	g.Expect(c.reads.Load()).To(Equal(before), "the newest are remembered")
}
