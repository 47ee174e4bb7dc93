// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/request"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/target"
)

// maxConflicts bounds how often a decision is taken anew because the HelmRelease
// changed between decision and request.
const maxConflicts = 5

// outcome is what became of all targets.
type outcome struct {
	targets []triggerv1.TargetStatus
	denied  map[string]bool

	// triggered is the number of requests made.
	triggered int

	// undecided tells that about some target nothing could be decided, so that the
	// difference of the sources must be kept.
	undecided bool

	// after is when to look again without an event, 0 for never.
	after time.Duration

	// err joins the failures that are to be retried.
	err error

	// refused is one of the requests that the API server has refused.
	refused error
}

// deliver decides about every target and makes the requests that are due. What happens
// to one target does not touch another.
func (r *ValuesTriggerReconciler) deliver(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation) outcome {
	previous := make(map[types.NamespacedName]*triggerv1.TargetStatus, len(vt.Status.Targets))
	for i := range vt.Status.Targets {
		status := &vt.Status.Targets[i]
		previous[types.NamespacedName{Namespace: status.Namespace, Name: status.Name}] = status
	}

	out := outcome{targets: make([]triggerv1.TargetStatus, len(e.targets)), denied: map[string]bool{}}
	var mu sync.Mutex
	var errs []error
	var group errgroup.Group
	group.SetLimit(max(1, r.concurrent))
	for i, t := range e.targets {
		group.Go(func() error {
			one := r.deliverOne(ctx, vt, e, t, previous[t.NamespacedName])
			out.targets[i] = one.status
			out.targets[i].Namespace, out.targets[i].Name = t.Namespace, t.Name

			mu.Lock()
			defer mu.Unlock()
			if one.denied {
				out.denied[t.String()] = true
			}
			if one.refused != nil {
				out.refused = one.refused
			}
			if one.sent {
				out.triggered++
			}
			if one.after > 0 && (out.after == 0 || one.after < out.after) {
				out.after = one.after
			}
			if one.err != nil {
				errs = append(errs, one.err)
			}
			out.undecided = out.undecided || one.undecided
			return nil
		})
	}
	_ = group.Wait() // No function returns an error.
	out.err = errors.Join(errs...)
	return out
}

// single is what became of one target.
type single struct {
	status    triggerv1.TargetStatus
	denied    bool
	sent      bool
	undecided bool
	after     time.Duration
	err       error
	refused   error
}

// deliverOne decides about one target, and decides again on a fresh observation when
// the HelmRelease changed before the request was made.
func (r *ValuesTriggerReconciler) deliverOne(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation, t target.Target, previous *triggerv1.TargetStatus) single {
	hr := t.Release
	for attempt := 1; ; attempt++ {
		denied := r.check(vt, e, hr)
		decision, err := r.decide(ctx, vt, e, t, hr, previous, denied)
		switch {
		case apierrors.IsForbidden(err):
			one := undecided(previous, nil)
			one.denied, one.refused, one.status.Message = true, err, r.accountMessage(vt, err)
			return one
		case err != nil:
			return undecided(previous, err)
		}
		if decision.Request == nil {
			return single{status: decision.Status, denied: denied != "", after: decision.After}
		}
		err = request.Send(ctx, e.writer, hr, *decision.Request)
		switch {
		case err == nil:
			ctrl.LoggerFrom(ctx).Info("triggered HelmRelease", "helmRelease", t.String(),
				"token", decision.Request.Token, "force", decision.Request.Force, "cause", decision.Request.Cause)
			return single{status: decision.Status, sent: true, after: decision.After}
		case apierrors.IsForbidden(err):
			unsent := decision.Unsent
			unsent.State, unsent.Message = triggerv1.TargetFailed, r.accountMessage(vt, err)
			return single{status: unsent, denied: true, refused: err}
		case apierrors.IsInvalid(err):
			unsent := decision.Unsent
			unsent.State = triggerv1.TargetFailed
			unsent.Message = "the API server refuses the request on the HelmRelease, most likely because annotations may take 256 KiB together; make room for it"
			return single{status: unsent} // Trying again would not mend it.
		case (apierrors.IsConflict(err) || apierrors.IsNotFound(err)) && attempt < maxConflicts:
			if hr, err = r.fresh(ctx, e, t.NamespacedName); err != nil {
				return undecided(previous, err)
			}
			continue
		}
		unsent := decision.Unsent
		unsent.Message = fmt.Sprintf("the request could not be made and is retried: %s", reasonOf(err))
		return single{status: unsent, undecided: unsent.Digest == "", err: err}
	}
}

// undecided leaves a target as it is.
func undecided(previous *triggerv1.TargetStatus, err error) single {
	status := triggerv1.TargetStatus{State: triggerv1.TargetPending}
	if previous != nil {
		status = *previous
	}
	return single{status: status, undecided: true, err: err}
}

// decide asks the planner, and composes the values if the planner wants to know them.
func (r *ValuesTriggerReconciler) decide(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation, t target.Target, hr *helmv2.HelmRelease, previous *triggerv1.TargetStatus, denied string) (plan.Decision, error) {
	in := plan.Input{
		Now:      e.at,
		Timeout:  vt.GetTimeout(),
		Trigger:  vt.Namespace + "/" + vt.Name,
		Target:   t.String(),
		Digest:   e.diff.To,
		Sources:  e.sources,
		Diff:     e.diff,
		Force:    e.force,
		Reset:    e.reset,
		Policy:   vt.Spec.Force,
		Previous: previous,
		Release:  target.Observe(hr, e.sources),
	}
	in.Release.Denied = denied
	decision := plan.Decide(in)
	if decision.NeedValues {
		var err error
		if in.Values, err = r.compareValues(ctx, hr); err != nil {
			return decision, err
		}
		decision = plan.Decide(in)
	}
	return decision, nil
}

// compareValues tells whether the latest snapshot was made of the values that the
// release would be composed of now.
func (r *ValuesTriggerReconciler) compareValues(ctx context.Context, hr *helmv2.HelmRelease) (plan.ValuesState, error) {
	latest := hr.Status.History.Latest()
	if latest == nil {
		return plan.ValuesDiffer, nil
	}
	equal, err := r.store.ValuesMatch(ctx, hr, latest.ConfigDigest, r.sources.Secrets)
	var malformed *chartutil.ErrValuesReference
	switch {
	case errors.Is(err, source.ErrSecretsDisabled), errors.Is(err, source.ErrAlgorithm), errors.Is(err, source.ErrTooLarge):
		return plan.ValuesUnreadable, nil
	case errors.As(err, &malformed):
		// A reference that is missing or malformed: helm-controller meets the
		// same and says so on the HelmRelease.
		return plan.ValuesDiffer, nil
	case err != nil:
		return plan.ValuesUnknown, err
	case equal:
		return plan.ValuesEqual, nil
	}
	return plan.ValuesDiffer, nil
}

// check says why a target must not be touched by this trigger, or nothing.
func (r *ValuesTriggerReconciler) check(vt *triggerv1.ValuesTrigger, e evaluation, hr *helmv2.HelmRelease) string {
	if hr == nil || e.generated {
		return "" // The sources of a generated trigger have been checked one by one.
	}
	if err := r.policy.Check(vt.Namespace, accessTarget(hr)); err != nil {
		return err.Error()
	}
	return ""
}

// fresh reads a HelmRelease from the API server, as the account that writes it.
func (r *ValuesTriggerReconciler) fresh(ctx context.Context, e evaluation, key types.NamespacedName) (*helmv2.HelmRelease, error) {
	reader := r.live
	if e.account.Reader != nil {
		reader = e.account.Reader
	}
	hr := &helmv2.HelmRelease{}
	err := reader.Get(ctx, key, hr)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return hr, client.IgnoreNotFound(err)
}

// reasonOf returns what the API server gave as the reason of a failure: its full
// messages differ from try to try and would make the status flap.
func reasonOf(err error) string {
	if reason := apierrors.ReasonForError(err); reason != "" {
		return string(reason)
	}
	return "the API server did not answer"
}
