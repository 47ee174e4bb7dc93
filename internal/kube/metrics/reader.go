// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Reader counts what is read of ConfigMaps and Secrets through another reader.
func (m *Metrics) Reader(reader client.Reader) client.Reader {
	return &countingReader{Reader: reader, metrics: m}
}

type countingReader struct {
	client.Reader
	metrics *Metrics
}

// Get implements client.Reader.
func (r *countingReader) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := r.Reader.Get(ctx, key, obj, opts...)
	switch obj.(type) {
	case *corev1.ConfigMap:
		r.metrics.reads.WithLabelValues(triggerv1.ConfigMapKind, result(err)).Inc()
	case *corev1.Secret:
		r.metrics.reads.WithLabelValues(triggerv1.SecretKind, result(err)).Inc()
	}
	return err
}

func result(err error) string {
	switch {
	case err == nil:
		return resultOK
	case apierrors.IsNotFound(err):
		return resultNotFound
	case apierrors.IsForbidden(err):
		return resultForbidden
	default:
		return resultError
	}
}
