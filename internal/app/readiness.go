// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// syncCheckTimeout bounds one look at the caches; a probe asks again.
const syncCheckTimeout = 200 * time.Millisecond

// errNotReady is what the probe reports until the caches are filled.
var errNotReady = errors.New("caches are not synced")

// readiness reports ready from when all caches are synced until the manager
// stops, on replicas that do not lead too: they are ready to take over.
type readiness struct {
	cache   cache.Cache
	running atomic.Bool
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*readiness) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable. The manager calls it once the caches known
// by then are synced.
func (r *readiness) Start(ctx context.Context) error {
	r.running.Store(true)
	defer r.running.Store(false)
	<-ctx.Done()
	return nil
}

// Check implements healthz.Checker. The caches are asked again, since watches of
// the controllers may have added some.
func (r *readiness) Check(req *http.Request) error {
	if !r.running.Load() {
		return errNotReady
	}
	ctx, cancel := context.WithTimeout(req.Context(), syncCheckTimeout)
	defer cancel()
	if !r.cache.WaitForCacheSync(ctx) {
		return errNotReady
	}
	return nil
}
