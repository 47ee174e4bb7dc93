// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nebius/helmrelease-trigger-operator/internal/kube/notify"
)

// drainTimeout is what events get to reach their receivers after the controllers
// have stopped.
const drainTimeout = 5 * time.Second

// Manager is the operator: a manager that also forwards events while it runs,
// and whose start-up ends.
type Manager struct {
	ctrl.Manager

	cacheSyncTimeout time.Duration
	store            *notify.Store
	events           *notify.Recorder
}

// Start runs the operator until the context ends. It fails when the caches are
// not filled in time, when leadership is lost, or when a part cannot start.
func (m *Manager) Start(ctx context.Context) error {
	// Not a Runnable of the manager: it stops those that need no leadership first,
	// and the controllers, which report to the last, after them.
	eventsCtx, stopEvents := context.WithCancel(context.WithoutCancel(ctx))
	go m.store.Run(eventsCtx)
	go m.events.Run(eventsCtx)
	defer func() {
		stopEvents()
		var receivers sync.WaitGroup
		receivers.Go(func() { m.store.Wait(drainTimeout) })
		receivers.Go(func() { m.events.Wait(drainTimeout) })
		receivers.Wait()
	}()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	synced := make(chan struct{})
	go m.awaitCaches(ctx, cancel, synced)

	done := make(chan error, 1)
	go func() { done <- m.Manager.Start(ctx) }()

	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case <-synced:
			err = <-done
		default:
			// The manager, too, waits for the caches before it listens to its context.
			// There is nothing to finish yet: leave it.
		}
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// awaitCaches ends the run when the caches are not synced in time. The manager
// itself would wait for ever for those with an index: a missing permission would
// look like an idle operator.
func (m *Manager) awaitCaches(ctx context.Context, cancel context.CancelCauseFunc, synced chan<- struct{}) {
	syncCtx, stop := context.WithTimeout(ctx, m.cacheSyncTimeout)
	defer stop()
	if m.GetCache().WaitForCacheSync(syncCtx) {
		close(synced)
		return
	}
	cancel(fmt.Errorf("caches not synced within %s (--%s): the log says which list or watch fails",
		m.cacheSyncTimeout, flagCacheSync))
}
