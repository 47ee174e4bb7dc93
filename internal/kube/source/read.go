// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file reads what is not remembered.

// Read returns the object with its content, read as the account: nil if there is none. The
// caller holds a part of the Budget, and must not change the object.
func (s *Store) Read(ctx context.Context, account Account, ref Ref) (client.Object, error) {
	if account.Reader != nil {
		return read(ctx, account.Reader, ref)
	}
	return read(ctx, s.live, ref)
}

// UID returns the UID of an object as the API server has it now, read as the account, and
// none if there is no such object.
func (s *Store) UID(ctx context.Context, account Account, ref Ref) (types.UID, error) {
	reader := account.Reader
	if reader == nil {
		reader = s.live
	}
	meta, err := metadataIn(ctx, reader, ref)
	return meta.UID, err
}

// versionIn returns the resource version that a reader has of an object, empty if the
// object does not exist.
func versionIn(ctx context.Context, reader client.Reader, ref Ref) (string, error) {
	meta, err := metadataIn(ctx, reader, ref)
	return meta.ResourceVersion, err
}

// metadataIn returns the metadata that a reader has of an object, empty if the object does
// not exist.
func metadataIn(ctx context.Context, reader client.Reader, ref Ref) (metav1.ObjectMeta, error) {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(ref.Kind))
	err := reader.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, meta)
	if apierrors.IsNotFound(err) {
		return metav1.ObjectMeta{}, nil
	}
	if err != nil {
		return metav1.ObjectMeta{}, fmt.Errorf("metadata of %s: %w", ref, err)
	}
	return meta.ObjectMeta, nil
}

// read returns the object from the API server, nil if there is none.
func read(ctx context.Context, reader client.Reader, ref Ref) (client.Object, error) {
	var obj client.Object = &corev1.ConfigMap{}
	if ref.Kind == triggerv1.SecretKind {
		obj = &corev1.Secret{}
	}
	err := reader.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, obj)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	return obj, nil
}
