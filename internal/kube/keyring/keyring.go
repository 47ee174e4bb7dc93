// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package keyring holds the key of the digests of Secrets: in a Secret of the operator's
// namespace, which the operator creates when it first needs it.
package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

const (
	// SecretName is the name of the Secret. All instances in a namespace share it, so that
	// a release keeps what is known of it when another shard takes it over.
	SecretName = triggerv1.FieldManager + "-digest-key"

	// CurrentKey and PreviousKey are the keys of its data.
	CurrentKey  = "key"
	PreviousKey = "previous"
)

// attempts bounds how often the Secret is read because another replica was faster.
const attempts = 5

// Keyring gives the keys. It reads them once: a new key counts from the next start on. It is
// safe for concurrent use.
type Keyring struct {
	reader    client.Reader
	writer    client.Writer
	namespace string

	mu   sync.Mutex
	keys digest.Keys
}

// New returns a Keyring in the operator's own namespace. The reader must not be a cache:
// what another replica has just created must be seen.
func New(reader client.Reader, writer client.Writer, namespace string) *Keyring {
	return &Keyring{reader: reader, writer: writer, namespace: namespace}
}

// Keys returns the keys, and creates the current one if there is none.
func (k *Keyring) Keys(ctx context.Context) (digest.Keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys.Current) > 0 {
		return k.keys, nil
	}
	if k.namespace == "" {
		return digest.Keys{}, errors.New("the key for the digests of Secrets has no place: the operator does not know its namespace; set the environment variable RUNTIME_NAMESPACE")
	}
	keys, err := k.load(ctx)
	if err != nil {
		// Not as the error of the API server: it is not a source that was refused.
		return digest.Keys{}, fmt.Errorf("the key for the digests of Secrets in Secret %s/%s: %s; it takes get, patch and, in that namespace, create on Secrets, as the chart grants",
			k.namespace, SecretName, err.Error())
	}
	k.keys = keys
	return keys, nil
}

// load reads the keys. Of several replicas that find none, one creates it.
func (k *Keyring) load(ctx context.Context) (digest.Keys, error) {
	var err error
	for range attempts {
		secret := &corev1.Secret{}
		err = k.reader.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: SecretName}, secret)
		switch {
		case apierrors.IsNotFound(err):
			err = k.create(ctx)
		case err != nil:
		case len(secret.Data[CurrentKey]) == 0:
			err = k.add(ctx, secret)
		default:
			return parse(secret.Data)
		}
		if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return digest.Keys{}, err
		}
	}
	return digest.Keys{}, err
}

// create stores a new key. Selectors of sources and the contract do not see the Secret.
func (k *Keyring) create(ctx context.Context) error {
	return k.writer.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: k.namespace, Name: SecretName,
			Labels: map[string]string{
				triggerv1.ManagedByLabel:               triggerv1.FieldManager,
				triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueDisabled,
			},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{CurrentKey: newKey()},
	}, client.FieldOwner(triggerv1.FieldManager))
}

// add stores a new key beside the previous one, if the Secret is still as it was read.
func (k *Keyring) add(ctx context.Context, secret *corev1.Secret) error {
	patch := client.MergeFromWithOptions(secret.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	secret.Data[CurrentKey] = newKey()
	return k.writer.Patch(ctx, secret, patch, client.FieldOwner(triggerv1.FieldManager))
}

func newKey() []byte {
	key := make([]byte, digest.KeySize)
	_, _ = rand.Read(key) // It never fails.
	return key
}

// parse refuses keys that could be guessed.
func parse(data map[string][]byte) (digest.Keys, error) {
	keys := digest.Keys{Current: data[CurrentKey], Previous: data[PreviousKey]}
	for name, key := range map[string][]byte{CurrentKey: keys.Current, PreviousKey: keys.Previous} {
		if n := len(key); n > 0 && n < digest.KeySize {
			return digest.Keys{}, fmt.Errorf("data.%s has %d bytes, fewer than %d; restore it from a backup, or remove it: data.%s is created again", name, n, digest.KeySize, CurrentKey)
		}
	}
	return keys, nil
}
