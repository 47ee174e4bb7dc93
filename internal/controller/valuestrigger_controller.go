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
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/jitter"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/kustomization"
	"github.com/nebius/helmrelease-trigger-operator/internal/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
)

// seenDelay is the time after which a trigger is looked at again that has made requests, should
// the event of its own writes not come.
const seenDelay = time.Second

// conflictDelay is the time after which a status is computed again that could not be
// written because the cache was behind.
const conflictDelay = 20 * time.Millisecond

// tidyDelay is the time after which what is not to be gone back to any more is deleted: not
// before the status says so.
const tidyDelay = time.Second

// +kubebuilder:rbac:groups=trigger.nebius.ai,resources=valuestriggers/status,verbs=get;patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// ValuesTriggerReconciler is the engine: it delivers what the sources hold to the
// targets and follows each delivery to its proof.
type ValuesTriggerReconciler struct {
	cache      client.Reader
	writer     client.Client
	live       client.Reader
	accounts   *accounts
	store      *source.Store
	copies     *copies.Keeper
	retained   *budget.Budget
	sources    source.Resolver
	namespaces client.Reader
	derive     deriver
	policy     access.Policy
	events     record.EventRecorder
	metrics    runtimectrl.Metrics
	meter      *metrics.Metrics
	denials    *denials
	concurrent int
	serves     func(client.Object) bool

	// sent are the requests that the cache may not show yet.
	sent *sentRequests

	// settleTime is how long a change settles that a tool has applied, and kustomizations
	// says whether it still goes on.
	settleTime     time.Duration
	kustomizations *kustomization.Reader
}

// Reconcile evaluates one ValuesTrigger and writes its status, if it changed, once. When it has made
// requests, the event of these is about to lead to another look, which writes the status: so the requests
// of other triggers go before it.
func (r *ValuesTriggerReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	start := time.Now()
	vt, result, err := r.begin(ctx, req)
	if vt == nil {
		return result, err
	}
	defer func() { r.metrics.RecordDuration(ctx, vt, start) }()

	old := vt.DeepCopy()
	look, err := r.reconcile(ctx, vt)
	result = look.result
	noteApproval(vt)
	switch {
	case equality.Semantic.DeepEqual(old.Status, vt.Status):
	case look.again:
		return result, err
	default:
		switch patchErr := r.patchStatus(ctx, old, vt); {
		case patchErr == nil:
			look.translation.Apply(&old.Status) // What is only written differently is not news.
			r.notify(ctx, old, vt)
			r.meter.Observe(old.Status.Targets, vt.Status.Targets)
			if vt.IsGated() { // What only settles is not a rollout.
				r.meter.ObserveRollout(old.Status.Rollout, vt.Status.Rollout, start)
			}
		case apierrors.IsConflict(patchErr) && (err == nil || isRefused(err)):
			// What was requested is on record on the HelmReleases, so computing
			// the status again requests nothing twice.
			return ctrl.Result{RequeueAfter: conflictDelay, Priority: new(progressPriority)}, nil
		case apierrors.IsForbidden(patchErr), isDeniedByAdmission(patchErr): // Not what the schema refuses: that is a fault to be seen.
			return r.refused(ctx, req, ctrl.Result{}, fmt.Errorf("status: %w", patchErr))
		case apierrors.IsNotFound(patchErr):
			return ctrl.Result{RequeueAfter: tidyDelay}, err // What was written last is not yet seen as a copy.
		default:
			return ctrl.Result{}, errors.Join(err, patchErr)
		}
	}
	if isRefused(err) {
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
		return nil, ctrl.Result{RequeueAfter: conflictDelay}, nil
	case err != nil:
		return nil, ctrl.Result{}, err
	case !vt.DeletionTimestamp.IsZero():
		return nil, ctrl.Result{}, nil
	}
	inherited, err := r.inherit(ctx, vt)
	switch {
	case apierrors.IsConflict(err), err == nil && inherited:
		return nil, ctrl.Result{RequeueAfter: conflictDelay}, nil
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

// look is what comes of a look at a trigger, beside its status.
type look struct {
	result ctrl.Result

	// translation is what of the recorded status is only written differently now.
	translation plan.Translation

	// again reports that the trigger is about to be looked at again, and that its status can wait.
	again bool
}

// reconcile brings the status up to what is observed, after having made the requests
// that are due. What the API server refuses is in the status, and returned as an error.
func (r *ValuesTriggerReconciler) reconcile(ctx context.Context, vt *triggerv1.ValuesTrigger) (look, error) {
	if vt.Spec.Suspend {
		ctrl.LoggerFrom(ctx).V(1).Info("reconciliation is suspended")
		result := ctrl.Result{}
		more, err := r.letGo(ctx, vt)
		if more {
			result.RequeueAfter = conflictDelay
		}
		return look{result: result}, err
	}
	snap, err := r.evaluate(ctx, vt, time.Now())
	defer snap.publication.forget()
	found := look{translation: snap.translation}
	// Without a priority of its own, what is looked at again would keep the one that it
	// was looked at with, and an event cannot lower that.
	interval := ctrl.Result{RequeueAfter: vt.GetInterval(), Priority: new(handler.LowPriority)}
	switch {
	case err != nil:
		found.result, err = r.unable(vt, err, interval)
		return found, err
	case snap.idle:
		return found, nil
	}
	if snap.overrides() && snap.gate != nil {
		snap.forcedBy = r.forcedBy(ctx, vt)
	}
	out, err := r.deliver(ctx, vt, snap)
	if err != nil {
		found.result, err = r.unable(vt, err, interval)
		return found, err
	}
	found.result, err = r.conclude(ctx, vt, snap, out, interval)
	// What is held back is judged by what is stored.
	found.again = err == nil && out.triggered > 0 && snap.gate == nil
	return found, err
}

// unable records why nothing could be done for a trigger.
func (r *ValuesTriggerReconciler) unable(vt *triggerv1.ValuesTrigger, err error, interval ctrl.Result) (ctrl.Result, error) {
	found, is := errors.AsType[*fault.Fault](err)
	switch reason, message := r.refusalOf(vt, err); {
	case fault.IsOutdated(err):
		return ctrl.Result{RequeueAfter: conflictDelay, Priority: new(progressPriority)}, nil
	case is && !found.Stalled:
		markNotReady(vt, reason, message)
	case reason != "":
		markStalled(vt, reason, message)
	default:
		markNotReady(vt, triggerv1.ReadFailedReason, err.Error())
		return ctrl.Result{}, err
	}
	markLooked(vt)
	if is {
		err = nil // What ends it is an event.
	}
	return jitter.JitteredRequeueInterval(interval), err
}

// conclude tidies up after a delivery, and records what became of it.
func (r *ValuesTriggerReconciler) conclude(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, out result, interval ctrl.Result) (ctrl.Result, error) {
	more, err := r.prune(ctx, vt, snap, out)
	if err = errors.Join(err, r.discard(ctx, vt, snap)); isRefused(err) {
		out.refused = err
	} else {
		out.err = errors.Join(out.err, err)
	}
	if more && (out.after == 0 || out.after > conflictDelay) {
		out.after = conflictDelay
	}
	last := vt.Status.LastDelivered
	markOutcome(vt, snap, out)
	if vt.Status.LastDelivered != last && (out.after == 0 || out.after > tidyDelay) {
		out.after = tidyDelay
	}
	return next(snap, out, interval)
}

// next returns when to look again after a delivery.
func next(snap snapshot, out result, interval ctrl.Result) (ctrl.Result, error) {
	switch {
	case out.err != nil:
		return ctrl.Result{}, out.err
	case out.triggered > 0 && snap.gate == nil:
		return ctrl.Result{RequeueAfter: seenDelay, Priority: new(progressPriority)}, nil
	case out.after > 0 && out.after < interval.RequeueAfter:
		return ctrl.Result{RequeueAfter: out.after, Priority: new(progressPriority)}, out.refused
	}
	return jitter.JitteredRequeueInterval(interval), out.refused
}
