// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// progressPriority lets triggers whose sources changed go first, at 0: requests
	// are made before anybody writes down what became of others. Behind both comes
	// what only a start or an interval wants to be looked at.
	progressPriority = -10

	// progressDelay is how long progress waits for more of it, for each target of a
	// trigger. A status has an entry for each target, so that what is written in a
	// given time does not depend on their number.
	progressDelay = 2 * time.Millisecond
)

// progress enqueues the triggers of a HelmRelease.
func (t triggerRequests) progress() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			t.enqueue(ctx, q, e.Object)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			t.enqueue(ctx, q, e.ObjectOld, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			t.enqueue(ctx, q, e.Object)
		},
	}
}

// enqueue adds the triggers of all these versions of a HelmRelease.
func (t triggerRequests) enqueue(ctx context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request], versions ...client.Object) {
	for _, obj := range versions {
		for _, vt := range t.ofTarget(ctx, obj) {
			request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(vt)}
			if pq, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
				pq.AddWithOpts(priorityqueue.AddOpts{After: settling(vt), Priority: new(progressPriority)}, request)
			} else {
				q.AddAfter(request, settling(vt))
			}
		}
	}
}

// settling returns how long the progress of a trigger waits for more of it.
func settling(vt *triggerv1.ValuesTrigger) time.Duration {
	return time.Duration(len(vt.Status.Targets)) * progressDelay
}
