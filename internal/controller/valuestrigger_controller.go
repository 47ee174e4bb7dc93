// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/jitter"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// afterRequests is the time after which a trigger that has made requests is looked at again, should
// the event of its own writes not come.
const afterRequests = time.Second

// +kubebuilder:rbac:groups=trigger.nebius.ai,resources=valuestriggers/status,verbs=get;patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups=kustomize.toolkit.fluxcd.io,resources=kustomizations,verbs=get

// ValuesTriggerReconciler has the engine look at a ValuesTrigger, and writes down and reports what
// came of that.
type ValuesTriggerReconciler struct {
	cache   client.Reader
	writer  client.Client
	engine  *delivery.Engine
	events  triggerEvents
	metrics runtimectrl.Metrics
	meter   *metrics.Metrics
	serves  func(client.Object) bool
}

// Reconcile evaluates one ValuesTrigger. What it changes of it is written on the way out, once, and then
// reported.
func (r *ValuesTriggerReconciler) Reconcile(ctx context.Context, req ctrl.Request) (result ctrl.Result, err error) {
	start := time.Now()
	vt := &triggerv1.ValuesTrigger{}
	if err := r.cache.Get(ctx, req.NamespacedName, vt); err != nil {
		if apierrors.IsNotFound(err) {
			return r.collect(ctx, req.NamespacedName)
		}
		return ctrl.Result{}, err
	}
	if !r.serves(vt) {
		return ctrl.Result{}, nil
	}
	run := reconciliation{start: start, old: vt.DeepCopy(), vt: vt}
	defer func() {
		r.metrics.RecordDuration(ctx, run.old, start)
		result, err = r.finish(ctx, run, result, err)
	}()

	if controllerutil.ContainsFinalizer(vt, triggerv1.CopiesFinalizer) {
		return r.dropFinalizer(ctx, vt)
	}
	if !vt.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	if inherited, err := r.inherit(ctx, vt); inherited || err != nil {
		return ctrl.Result{RequeueAfter: delivery.ConflictDelay}, err
	}
	run.pass, err = r.look(ctx, vt)
	return requeueOf(vt, run.pass), err
}

// reconciliation is a trigger as it was read, and as it is to be written.
type reconciliation struct {
	start   time.Time
	old, vt *triggerv1.ValuesTrigger

	// pass is what came of its evaluation, nil if there was none.
	pass *delivery.Result
}

// finish writes and reports what came of a reconciliation, and returns when the next one is due. When the
// pass has made requests, the event of these is about to lead to another one, which writes the status: so
// the requests of other triggers go before it.
func (r *ValuesTriggerReconciler) finish(ctx context.Context, run reconciliation, result ctrl.Result, err error) (ctrl.Result, error) {
	old, vt, pass := run.old, run.vt, run.pass
	if pass != nil {
		r.reportTargets(ctx, old, vt, pass)
		if pass.Again == delivery.AfterRequests {
			return result, err
		}
	}
	if !equality.Semantic.DeepEqual(old.Status, vt.Status) || len(old.Finalizers) != len(vt.Finalizers) {
		switch patchErr := newPatcher(old, r.writer).patch(ctx, vt); {
		case patchErr == nil && pass == nil:
		case patchErr == nil:
			pass.Translation.Apply(&old.Status) // What is only written differently is not news.
			r.events.notify(old, vt)
			r.engine.Inform(old, vt, pass.Targets)
			r.events.report(vt, pass.Said)
			if vt.IsGated() { // What only settles is not a rollout.
				r.meter.ObserveRollout(old.Status.Rollout, vt.Status.Rollout, run.start)
			}
		case apierrors.IsConflict(patchErr) && (err == nil || refusal.Is(err)):
			// What was requested is on record on the HelmReleases, so computing
			// the status again requests nothing twice.
			return ctrl.Result{RequeueAfter: delivery.ConflictDelay, Priority: new(progressPriority)}, nil
		case apierrors.IsForbidden(patchErr), refusal.ByAdmission(patchErr): // Not what the schema refuses: that is a fault to be seen.
			return retryLater(ctx, old, vt, ctrl.Result{}, fmt.Errorf("status: %w", patchErr))
		case apierrors.IsNotFound(patchErr):
			return ctrl.Result{RequeueAfter: delivery.TidyDelay}, err // What was written last is not yet seen as a copy.
		default:
			return ctrl.Result{}, errors.Join(err, patchErr)
		}
	}
	if refusal.Is(err) {
		return retryLater(ctx, old, vt, result, err)
	}
	return result, err
}

// reportTargets counts what became of the targets in a pass, and emits the events about it.
func (r *ValuesTriggerReconciler) reportTargets(ctx context.Context, old, vt *triggerv1.ValuesTrigger, pass *delivery.Result) {
	for _, t := range pass.Targets {
		r.meter.Observe(t.Was, t.Is)
	}
	r.events.notifyTargets(ctx, old, vt, pass)
}

// look brings the status up to what is observed, after the requests that are due have been made.
// What the API server refuses is in the status, and returned as an error.
func (r *ValuesTriggerReconciler) look(ctx context.Context, vt *triggerv1.ValuesTrigger) (*delivery.Result, error) {
	defer r.engine.NoteDecisions(ctx, vt)
	if vt.Spec.Suspend {
		ctrl.LoggerFrom(ctx).V(1).Info("reconciliation is suspended")
		more, err := r.engine.LetGo(ctx, vt)
		if more {
			return &delivery.Result{Again: delivery.Soon, After: delivery.ConflictDelay}, err
		}
		return &delivery.Result{}, err
	}
	pass, err := r.engine.Run(ctx, vt)
	r.events.report(vt, pass.Notes)
	vt.Status = pass.Status
	mark(vt, pass)
	vt.Status.Headline = headline(vt)
	return &pass, err
}

// requeueOf says when to reconcile again what has been looked at.
func requeueOf(vt *triggerv1.ValuesTrigger, pass *delivery.Result) ctrl.Result {
	switch pass.Again {
	case delivery.AfterRequests:
		return ctrl.Result{RequeueAfter: afterRequests, Priority: new(progressPriority)}
	case delivery.Soon:
		return ctrl.Result{RequeueAfter: pass.After, Priority: new(progressPriority)}
	case delivery.AtInterval:
		// Without a priority of its own, what is looked at again would keep the one that it
		// was looked at with, and an event cannot lower that.
		return jitter.JitteredRequeueInterval(ctrl.Result{RequeueAfter: vt.GetInterval(), Priority: new(handler.LowPriority)})
	default:
		return ctrl.Result{}
	}
}

// dropFinalizer removes the finalizer of earlier versions, which blocked deletions. Copies
// that those versions made do not say that they go with their trigger: if it is being
// deleted, it is not too late.
func (r *ValuesTriggerReconciler) dropFinalizer(ctx context.Context, vt *triggerv1.ValuesTrigger) (ctrl.Result, error) {
	next := ctrl.Result{RequeueAfter: delivery.ConflictDelay}
	if !vt.DeletionTimestamp.IsZero() {
		notes, err := r.engine.Remove(ctx, vt)
		r.events.report(vt, notes)
		if err != nil {
			return ctrl.Result{}, err
		}
		next = ctrl.Result{}
	}
	controllerutil.RemoveFinalizer(vt, triggerv1.CopiesFinalizer)
	return next, nil
}

// collect removes what goes with a trigger that is gone.
func (r *ValuesTriggerReconciler) collect(ctx context.Context, trigger types.NamespacedName) (ctrl.Result, error) {
	r.metrics.MetricsRecorder.DeleteDuration(corev1.ObjectReference{
		Kind: triggerv1.ValuesTriggerKind, Namespace: trigger.Namespace, Name: trigger.Name,
	})
	swept, err := r.engine.Collect(ctx, trigger)
	r.events.report(&triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: trigger.Namespace, Name: trigger.Name}}, swept.Notes)
	if err == nil && swept.More {
		return ctrl.Result{RequeueAfter: delivery.ConflictDelay}, nil
	}
	return ctrl.Result{}, err
}
