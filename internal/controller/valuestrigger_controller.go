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
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/jitter"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/refusal"
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
	events  record.EventRecorder
	metrics runtimectrl.Metrics
	meter   *metrics.Metrics
	denials *denials
	serves  func(client.Object) bool
}

// Reconcile evaluates one ValuesTrigger and writes its status, if it changed, once. When it has made
// requests, the event of these is about to lead to another look, which writes the status: so the requests
// of other triggers go before it.
func (r *ValuesTriggerReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	start := time.Now()
	old, result, err := r.begin(ctx, req)
	if old == nil {
		return result, err
	}
	defer func() { r.metrics.RecordDuration(ctx, old, start) }()

	vt := old.DeepCopy()
	pass, err := r.look(ctx, vt)
	result = requeueOf(vt, pass)
	r.notifyTargets(ctx, old, vt, pass)
	switch {
	case equality.Semantic.DeepEqual(old.Status, vt.Status):
	case pass.Again == delivery.AfterRequests:
		return result, err
	default:
		switch patchErr := r.patchStatus(ctx, old, vt); {
		case patchErr == nil:
			pass.Translation.Apply(&old.Status) // What is only written differently is not news.
			r.notify(old, vt)
			if vt.IsGated() { // What only settles is not a rollout.
				r.meter.ObserveRollout(old.Status.Rollout, vt.Status.Rollout, start)
			}
		case apierrors.IsConflict(patchErr) && (err == nil || refusal.Is(err)):
			// What was requested is on record on the HelmReleases, so computing
			// the status again requests nothing twice.
			return ctrl.Result{RequeueAfter: delivery.ConflictDelay, Priority: new(progressPriority)}, nil
		case apierrors.IsForbidden(patchErr), refusal.ByAdmission(patchErr): // Not what the schema refuses: that is a fault to be seen.
			return r.refused(ctx, req, ctrl.Result{}, fmt.Errorf("status: %w", patchErr))
		case apierrors.IsNotFound(patchErr):
			return ctrl.Result{RequeueAfter: delivery.TidyDelay}, err // What was written last is not yet seen as a copy.
		default:
			return ctrl.Result{}, errors.Join(err, patchErr)
		}
	}
	if refusal.Is(err) {
		return r.refused(ctx, req, result, err)
	}
	r.denials.over(req)
	return result, err
}

// begin returns the trigger that is to be looked at, nil if there is none: what went with
// one that is gone is removed instead.
func (r *ValuesTriggerReconciler) begin(ctx context.Context, req ctrl.Request) (*triggerv1.ValuesTrigger, ctrl.Result, error) {
	vt := &triggerv1.ValuesTrigger{}
	err := r.cache.Get(ctx, req.NamespacedName, vt)
	switch {
	case apierrors.IsNotFound(err):
		r.metrics.MetricsRecorder.DeleteDuration(corev1.ObjectReference{
			Kind: triggerv1.ValuesTriggerKind, Namespace: req.Namespace, Name: req.Name,
		})
		r.denials.over(req)
		result, err := r.collect(ctx, req.NamespacedName)
		return nil, result, err
	case err != nil:
		return nil, ctrl.Result{}, err
	case !r.serves(vt):
		return nil, ctrl.Result{}, nil
	}
	err = r.dropFinalizer(ctx, vt)
	switch {
	case apierrors.IsConflict(err):
		return nil, ctrl.Result{RequeueAfter: delivery.ConflictDelay}, nil
	case err != nil:
		return nil, ctrl.Result{}, err
	case !vt.DeletionTimestamp.IsZero():
		return nil, ctrl.Result{}, nil
	}
	inherited, err := r.inherit(ctx, vt)
	switch {
	case apierrors.IsConflict(err), err == nil && inherited:
		return nil, ctrl.Result{RequeueAfter: delivery.ConflictDelay}, nil
	case err != nil:
		return nil, ctrl.Result{}, client.IgnoreNotFound(err)
	}
	return vt, ctrl.Result{}, nil
}

// refused tries again later, and says so in the log once: what is refused may be to say
// it anywhere else.
func (r *ValuesTriggerReconciler) refused(ctx context.Context, req ctrl.Request, result ctrl.Result, err error) (ctrl.Result, error) {
	after, first := r.denials.again(req)
	if first {
		ctrl.LoggerFrom(ctx).Info("refused by the API server, will be retried", "error", err.Error())
	}
	if result.RequeueAfter > 0 && result.RequeueAfter < after {
		return result, nil
	}
	return jitter.JitteredRequeueInterval(ctrl.Result{RequeueAfter: after, Priority: new(handler.LowPriority)}), nil
}

// patchStatus writes the difference of the status in one request, conditional on the
// version that it was computed from. Why that is not Flux's patch helper is in
// docs/internal/decisions/0001-one-status-patch.md.
func (r *ValuesTriggerReconciler) patchStatus(ctx context.Context, old, vt *triggerv1.ValuesTrigger) error {
	patch := client.MergeFromWithOptions(old, client.MergeFromWithOptimisticLock{})
	return r.writer.Status().Patch(ctx, vt.DeepCopy(), patch, client.FieldOwner(triggerv1.FieldManager))
}

// look brings the status up to what is observed, after the requests that are due have been made.
// What the API server refuses is in the status, and returned as an error.
func (r *ValuesTriggerReconciler) look(ctx context.Context, vt *triggerv1.ValuesTrigger) (delivery.Result, error) {
	defer noteApproval(vt)
	if vt.Spec.Suspend {
		ctrl.LoggerFrom(ctx).V(1).Info("reconciliation is suspended")
		more, err := r.engine.LetGo(ctx, vt)
		if more {
			return delivery.Result{Again: delivery.Soon, After: delivery.ConflictDelay}, err
		}
		return delivery.Result{}, err
	}
	pass, err := r.engine.Run(ctx, vt)
	r.report(vt, pass.Notes)
	vt.Status = pass.Status
	mark(vt, pass)
	vt.Status.Headline = headline(vt)
	return pass, err
}

// requeueOf says when to reconcile again what has been looked at.
func requeueOf(vt *triggerv1.ValuesTrigger, pass delivery.Result) ctrl.Result {
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

// report emits the events about what is not in the status.
func (r *ValuesTriggerReconciler) report(vt *triggerv1.ValuesTrigger, notes []delivery.Note) {
	for _, n := range notes {
		r.events.Event(vt, n.Type, n.Reason, n.Message)
	}
}

// dropFinalizer removes the finalizer of earlier versions, which blocked deletions. Copies
// that those versions made do not say that they go with their trigger: if it is being
// deleted, it is not too late.
func (r *ValuesTriggerReconciler) dropFinalizer(ctx context.Context, vt *triggerv1.ValuesTrigger) error {
	if !controllerutil.ContainsFinalizer(vt, triggerv1.CopiesFinalizer) {
		return nil
	}
	if !vt.DeletionTimestamp.IsZero() {
		notes, err := r.engine.Remove(ctx, vt)
		r.report(vt, notes)
		if err != nil {
			return err
		}
	}
	changed := vt.DeepCopy()
	controllerutil.RemoveFinalizer(changed, triggerv1.CopiesFinalizer)
	patch := client.MergeFromWithOptions(vt, client.MergeFromWithOptimisticLock{})
	return client.IgnoreNotFound(r.writer.Patch(ctx, changed, patch, client.FieldOwner(triggerv1.FieldManager)))
}

// collect removes what goes with a trigger that is gone.
func (r *ValuesTriggerReconciler) collect(ctx context.Context, trigger types.NamespacedName) (ctrl.Result, error) {
	swept, err := r.engine.Collect(ctx, trigger)
	r.report(&triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: trigger.Namespace, Name: trigger.Name}}, swept.Notes)
	if err == nil && swept.More {
		return ctrl.Result{RequeueAfter: delivery.ConflictDelay}, nil
	}
	return ctrl.Result{}, err
}
