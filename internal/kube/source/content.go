// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// Keyring gives the keys of the digests of Secrets.
type Keyring interface {
	Keys(ctx context.Context) (digest.Keys, error)
}

// ContentOf returns the content of an object as its digests are made.
func (s *Store) ContentOf(ctx context.Context, obj client.Object) (digest.Content, error) {
	var keys digest.Keys
	if _, secret := obj.(*corev1.Secret); secret {
		if s.keyring == nil {
			return digest.Content{}, secretsDisabled
		}
		var err error
		if keys, err = s.keyring.Keys(ctx); err != nil {
			return digest.Content{}, err
		}
	}
	return keys.Of(obj), nil
}
