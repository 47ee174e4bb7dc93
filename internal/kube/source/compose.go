// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	"github.com/opencontainers/go-digest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// ContentReader returns a ConfigMap or Secret with its content, nil if there is none.
type ContentReader func(ctx context.Context, ref Ref) (client.Object, error)

// Compose returns the values that helm-controller would compose for the release of the
// content that the reader gives, however large they are.
//
// An error may repeat content. Reason says what of it may be shown.
func Compose(ctx context.Context, hr *helmv2.HelmRelease, read ContentReader) (map[string]any, error) {
	c := &contents{objects: map[Ref]client.Object{}, errs: map[Ref]error{}}
	for _, r := range binding.ReadsOf(hr) {
		if _, known := c.objects[r.Object]; !known {
			c.objects[r.Object], c.errs[r.Object] = read(ctx, r.Object)
		}
	}
	return compose(ctx, hr, c)
}

// compose has the values composed by the code of helm-controller.
func compose(ctx context.Context, hr *helmv2.HelmRelease, c *contents) (map[string]any, error) {
	return chartutil.ChartValuesFromReferences(ctx, logr.Discard(), c, hr.Namespace, hr.GetValues(), hr.Spec.ValuesFrom...)
}

// Reason says why values could not be composed: which reference, and what of it. It
// repeats no content, as the errors of the parsers do.
func Reason(err error) string {
	ref, malformed := errors.AsType[*chartutil.ErrValuesReference](err)
	if !malformed {
		return err.Error()
	}
	reason := chartutil.ErrUnknown.Error()
	if ref.Reason != nil {
		reason = ref.Reason.Error()
	}
	return fmt.Sprintf("%s %s, key %s: %s", ref.Kind, ref.Name, ref.Key, reason)
}

// Matches reports whether values have the digest that helm-controller noted, by the
// algorithm of that digest.
func Matches(values map[string]any, want string) (bool, error) {
	expected := digest.Digest(want)
	if errors.Is(expected.Validate(), digest.ErrDigestUnsupported) {
		return false, fmt.Errorf("%w: %s", unknownAlgorithm, expected.Algorithm())
	}
	return chartutil.VerifyValues(expected, values), nil // A malformed one matches nothing.
}
