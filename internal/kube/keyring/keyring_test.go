// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

var (
	place = client.ObjectKey{Namespace: "flux-system", Name: SecretName}
	older = []byte("the key before, of thirty-two bytes")
)

func stored(t *testing.T, c client.Reader) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	NewWithT(t).Expect(c.Get(t.Context(), place, secret)).To(Succeed())
	return secret
}

func aSecret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: place.Namespace, Name: place.Name}, Data: data}
}

func keysOf(t *testing.T, c client.Client) digest.Keys {
	t.Helper()
	keys, err := New(c, c, place.Namespace).Keys(t.Context())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return keys
}

func TestKeys_are_created_once(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := fake.NewClientBuilder().Build()
	first := keysOf(t, c)
	g.Expect(first.Current).To(HaveLen(digest.KeySize))
	g.Expect(first.Previous).To(BeEmpty())
	secret := stored(t, c)
	g.Expect(secret.Labels).To(HaveKeyWithValue(triggerv1.ManagedByLabel, triggerv1.FieldManager))
	g.Expect(contract.IsExcluded(secret.Labels)).To(BeTrue(), "it can be no source")
	g.Expect(keysOf(t, c)).To(Equal(first), "after a restart")
	g.Expect(stored(t, c).ResourceVersion).To(Equal(secret.ResourceVersion), "nothing is written")

	ring := New(c, c, place.Namespace)
	_, err := ring.Keys(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.Delete(t.Context(), secret)).To(Succeed())
	again, err := ring.Keys(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(Equal(first), "it is read once")
	g.Expect(keysOf(t, c)).NotTo(Equal(first), "a key that is lost is replaced")
}

// All replicas have the one key that has been stored.
func TestKeys_of_replicas_that_start_at_once_are_the_same(t *testing.T) {
	t.Parallel()
	for name, objects := range map[string][]client.Object{
		"none is there":         nil,
		"the previous is there": {aSecret(map[string][]byte{PreviousKey: older})},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			const replicas = 3
			var begin sync.WaitGroup
			begin.Add(replicas)
			var once [replicas]sync.Once
			c := fake.NewClientBuilder().WithObjects(objects...).Build()
			keys := make([]digest.Keys, replicas)
			errs := make([]error, replicas)
			var done sync.WaitGroup
			for i := range replicas {
				// All have looked before any writes.
				late := interceptor.NewClient(c, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
					err := c.Get(ctx, key, obj, opts...)
					once[i].Do(func() { begin.Done(); begin.Wait() })
					return err
				}})
				done.Go(func() { keys[i], errs[i] = New(late, late, place.Namespace).Keys(t.Context()) })
			}
			done.Wait()
			g.Expect(errs).To(HaveEach(BeNil()))
			g.Expect(keys).To(HaveEach(Equal(digest.Keys{Current: stored(t, c).Data[CurrentKey], Previous: stored(t, c).Data[PreviousKey]})))
		})
	}
}

// Moving the key to the previous one makes a new key with the next start.
func TestKeys_are_rotated(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := fake.NewClientBuilder().Build()
	before := keysOf(t, c)
	move := client.RawPatch("application/json-patch+json", []byte(`[{"op":"move","from":"/data/key","path":"/data/previous"}]`))
	g.Expect(c.Patch(t.Context(), stored(t, c), move)).To(Succeed())
	after := keysOf(t, c)
	g.Expect(after.Previous).To(Equal(before.Current))
	g.Expect(after.Current).To(HaveLen(digest.KeySize))
	g.Expect(after.Current).NotTo(Equal(before.Current))
	g.Expect(stored(t, c).Data).To(Equal(map[string][]byte{CurrentKey: after.Current, PreviousKey: before.Current}))
}

func TestKeys_that_cannot_be_had(t *testing.T) {
	t.Parallel()
	refused := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, SecretName, nil)
	for _, c := range []struct {
		name      string
		namespace string
		secret    map[string][]byte
		funcs     interceptor.Funcs
		want      string
	}{
		{name: "no namespace", want: "set the environment variable RUNTIME_NAMESPACE"},
		{name: "a short key", namespace: "flux-system", secret: map[string][]byte{CurrentKey: []byte("short")}, want: "Secret flux-system/" + SecretName + ": data.key has 5 bytes, fewer than 32"},
		{name: "a short previous key", namespace: "flux-system", secret: map[string][]byte{CurrentKey: older, PreviousKey: []byte("short")}, want: "data.previous has 5 bytes"},
		{name: "no permission to read", namespace: "flux-system", want: "it takes get, patch and", funcs: interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return refused
			},
		}},
		{name: "no permission to create", namespace: "flux-system", want: "create on Secrets", funcs: interceptor.Funcs{
			Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return refused },
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			builder := fake.NewClientBuilder().WithInterceptorFuncs(c.funcs)
			if c.secret != nil {
				builder = builder.WithObjects(aSecret(c.secret))
			}
			cl := builder.Build()
			keys, err := New(cl, cl, c.namespace).Keys(t.Context())
			g.Expect(err).To(MatchError(ContainSubstring(c.want)))
			g.Expect(err.Error()).NotTo(ContainSubstring("short"))
			g.Expect(apierrors.IsForbidden(err)).To(BeFalse(), "it is not a source that was refused")
			g.Expect(keys.Current).To(BeEmpty())
		})
	}
}
