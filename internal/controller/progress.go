// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

const (
	// changePriority is that of triggers whose sources changed.
	changePriority = 0

	// progressPriority comes after it: requests are made before anybody writes down
	// what became of others.
	progressPriority = -10

	// brokenPriority comes after both: triggers that could deliver nothing when they
	// were last looked at do not hold up those that can, however many they are. Behind
	// them comes what only a start or an interval wants to be looked at.
	brokenPriority = -20

	// progressDelay is how long progress waits for more of it, for each target of a
	// trigger: a pass looks at each of them, so that what is done in a given time does not
	// depend on their number. As a status does not grow without end, neither does the wait.
	progressDelay    = 2 * time.Millisecond
	maxProgressDelay = 2 * time.Second

	// answerDelay is how long the owner of a source waits for an answer after a trigger or a HelmRelease has
	// changed: each answer looks at all the HelmReleases that the source names, and each of them changes with an edit.
	answerDelay = 500 * time.Millisecond
)

// brokenReasons of Ready=False tell that a trigger, or a part of it, cannot deliver.
var brokenReasons = []string{
	triggerv1.SourceNotFoundReason, triggerv1.TargetNotFoundReason, triggerv1.InvalidSpecReason, triggerv1.NameConflictReason, acl.AccessDeniedReason,
}

// urgency says how soon a trigger is to be looked at.
type urgency func(vt *triggerv1.ValuesTrigger) (priority int, after time.Duration)

// atOnce is the urgency of a change of a source.
func atOnce(*triggerv1.ValuesTrigger) (int, time.Duration) { return changePriority, 0 }

// settled is the urgency of progress of a target, which waits for more of it.
func settled(vt *triggerv1.ValuesTrigger) (int, time.Duration) {
	return progressPriority, min(time.Duration(vt.Status.CountTargets())*progressDelay, maxProgressDelay)
}

// wake enqueues the triggers that an object concerns, and those that it concerned before its metadata changed.
func wake(concerned func(context.Context, client.Object) []*triggerv1.ValuesTrigger, urgent urgency) handler.EventHandler {
	return byVersions(metadataPredicate, func(ctx context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request], limit int, obj client.Object) {
		for _, vt := range concerned(ctx, obj) {
			priority, after := urgent(vt)
			if isBroken(vt) {
				priority = min(priority, brokenPriority)
			}
			add(q, client.ObjectKeyFromObject(vt), min(priority, limit), after)
		}
	})
}

// delayed enqueues what an object concerns, when more of it may have changed. The updates that rebinds lets through
// may have changed what it concerns.
func delayed(rebinds predicate.Predicate, concerned handler.MapFunc) handler.EventHandler {
	return byVersions(rebinds, func(ctx context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request], limit int, obj client.Object) {
		for _, request := range concerned(ctx, obj) {
			add(q, request.NamespacedName, limit, answerDelay)
		}
	})
}

// byVersions handles what an object concerns, and, after the updates that rebinds lets through, what it concerned
// before. What was there when the operator started is of low priority.
func byVersions(rebinds predicate.Predicate, enqueue func(ctx context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request], limit int, version client.Object)) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			limit := changePriority
			if e.IsInInitialList {
				limit = handler.LowPriority
			}
			enqueue(ctx, q, limit, e.Object)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			if rebinds.Update(e) {
				enqueue(ctx, q, changePriority, e.ObjectOld)
			}
			enqueue(ctx, q, changePriority, e.ObjectNew)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			enqueue(ctx, q, changePriority, e.Object)
		},
	}
}

// orphans enqueues, beside what another handler does, the triggers of the copies that are
// there when the operator starts and that go with them: they may be gone. Copies that
// appear later may be restored before their triggers are.
func orphans(h handler.EventHandler) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			if by, ok := publish.Trigger(e.Object.GetLabels()); ok && e.IsInInitialList && publish.GoesWith(e.Object.GetLabels()) {
				add(q, by, handler.LowPriority, 0)
			}
			h.Create(ctx, e, q)
		},
		UpdateFunc: h.Update,
		DeleteFunc: h.Delete,
	}
}

func add(q workqueue.TypedRateLimitingInterface[reconcile.Request], key client.ObjectKey, priority int, after time.Duration) {
	request := reconcile.Request{NamespacedName: key}
	if pq, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		pq.AddWithOpts(priorityqueue.AddOpts{After: after, Priority: &priority}, request)
	} else {
		q.AddAfter(request, after)
	}
}

func isBroken(vt *triggerv1.ValuesTrigger) bool {
	return conditions.IsFalse(vt, meta.ReadyCondition) && slices.Contains(brokenReasons, conditions.GetReason(vt, meta.ReadyCondition))
}

// answered enqueues the triggers for which the providers of an analysis have answered.
func answered() handler.TypedEventHandler[types.NamespacedName, reconcile.Request] {
	return handler.TypedFuncs[types.NamespacedName, reconcile.Request]{
		GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			add(q, e.Object, progressPriority, 0)
		},
	}
}
