// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// ErrSecretsDisabled tells that a Secret would have to be read and the operator
// runs without permission to.
var ErrSecretsDisabled = errors.New("the operator runs without permission on Secrets")

// ErrAlgorithm tells that a digest is of an algorithm that is not built in, as a later
// helm-controller may have it.
var ErrAlgorithm = errors.New("unknown digest algorithm")

// ValuesMatch tells whether the values that helm-controller would compose for the
// release now have the given digest. They are composed by the same code
// (fluxcd/pkg/chartutil) and with the algorithm of the digest.
//
// An error says that they cannot be composed; it does not repeat content.
func (s *Store) ValuesMatch(ctx context.Context, hr *helmv2.HelmRelease, want string, secrets bool) (bool, error) {
	expected := digest.Digest(want)
	switch err := expected.Validate(); {
	case errors.Is(err, digest.ErrDigestUnsupported):
		return false, fmt.Errorf("%w: %s", ErrAlgorithm, expected.Algorithm())
	case err != nil:
		return false, nil //nolint:nilerr // An empty or malformed digest matches nothing.
	}
	reader := &contentReader{store: s, secrets: secrets}
	values, err := chartutil.ChartValuesFromReferences(ctx, logr.Discard(), reader, hr.Namespace, hr.GetValues(), hr.Spec.ValuesFrom...)
	if err != nil {
		return false, err
	}
	return chartutil.VerifyValues(expected, values), nil
}

// contentReader is as much of a client as chartutil uses.
type contentReader struct {
	client.Client
	store   *Store
	secrets bool
}

// Get fills in a ConfigMap or Secret.
func (r *contentReader) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	kind := triggerv1.ConfigMapKind
	if _, secret := into.(*corev1.Secret); secret {
		if !r.secrets {
			return ErrSecretsDisabled
		}
		kind = triggerv1.SecretKind
	}
	obj, err := r.store.content(ctx, Ref{Kind: kind, Namespace: key.Namespace, Name: key.Name})
	if err != nil {
		return err
	}
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		into.(*corev1.ConfigMap).Data = obj.Data
		return nil
	case *corev1.Secret:
		into.(*corev1.Secret).Data = obj.Data
		return nil
	}
	return apierrors.NewNotFound(schema.GroupResource{Resource: kind}, key.Name)
}
