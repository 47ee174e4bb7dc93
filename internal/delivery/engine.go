// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package delivery is the engine: one pass over one ValuesTrigger takes a snapshot of its sources
// and targets, decides about each target, makes the requests that are due and may be made, and
// returns what became of that.
package delivery

import (
	"context"
	"errors"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/kustomization"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// Engine delivers what the sources of a trigger hold to its targets, and follows each delivery to
// its proof.
type Engine struct {
	// Cache is what the watches show, and Live the API server. Namespaces is nil where only the
	// operator's own is watched.
	Cache, Live, Namespaces client.Reader

	Accounts *Accounts
	Store    *source.Store
	Sources  source.Resolver
	Copies   *copies.Keeper
	Retained *budget.Budget
	Policy   access.Policy
	Meter    *metrics.Metrics
	Measurer Measurer

	// Derive returns the sources of a generated trigger: no more than the contract and valuesFrom
	// give to its release, without what declared triggers deliver.
	Derive func(context.Context, *helmv2.HelmRelease) ([]triggerv1.SourceReference, error)

	// Concurrent is how many targets are evaluated, and triggered, at a time.
	Concurrent int

	// SettleTime is how long a change settles that a tool has applied, and Kustomizations
	// says whether it still goes on.
	SettleTime     time.Duration
	Kustomizations *kustomization.Reader

	// expected are the requests that the cache may not show yet.
	expected expectations
}

const (
	// ConflictDelay is the time after which is looked again where the cache was behind.
	ConflictDelay = 20 * time.Millisecond

	// TidyDelay is the time after which content that cannot be restored any more is deleted: not
	// before the status says so.
	TidyDelay = time.Second
)

// Again says when a trigger is evaluated again without an event.
type Again int

const (
	// Never is for a trigger that has nothing to do, and for errors that are retried.
	Never Again = iota

	// AtInterval is for a trigger that expects nothing.
	AtInterval

	// Soon is for a trigger that waits for the time in Result.After.
	Soon

	// AfterRequests is for a trigger that has made requests. Their event leads to another look, which finds
	// them on the releases and writes the status, after the requests of others.
	AfterRequests
)

// Result is what came of one pass.
type Result struct {
	// Status is what the status of the trigger becomes, apart from its generation and conditions.
	Status triggerv1.ValuesTriggerStatus

	// Was and Is are what was known of each target before the pass and what is known now, in the
	// same order. There are none if nothing was found out.
	Was, Is []triggerv1.TargetStatus

	// Translation says what of the former status is only written differently now.
	Translation plan.Translation

	// Summary is what the trigger is to report, nil if nothing was found out.
	Summary *plan.Summary

	// Gated says how what holds changes back is bypassed, nil if nothing was found out.
	Gated *Gated

	// Again says when to look again, and After after how long if that is soon.
	Again Again
	After time.Duration

	// Notes are to be reported, whatever becomes of the status, and Said once it is stored.
	Notes []Note
	Said  []Note
}

// Note is what is reported of a trigger beside its status.
type Note struct {
	Type, Reason, Message string
}

// Run makes one pass over a trigger: it makes the requests that are due. What the API server
// refuses is in the result, and returned as an error.
func (e *Engine) Run(ctx context.Context, stored *triggerv1.ValuesTrigger) (Result, error) {
	vt := stored.DeepCopy()
	snap, err := e.evaluate(ctx, vt, time.Now())
	defer snap.publication.forget()
	result, err := e.act(ctx, vt, snap, err)
	result.Status, result.Translation = vt.Status, snap.translation
	return result, err
}

// act does what a snapshot asks for, or says why there is none.
func (e *Engine) act(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, err error) (Result, error) {
	switch {
	case err != nil:
		return e.unable(vt, err)
	case snap.idle:
		return Result{}, nil
	}
	recorded, said, err := e.record(ctx, vt, snap)
	if recorded {
		return Result{Again: Soon, After: ConflictDelay, Said: said}, nil
	}
	if err == nil {
		err = e.checkRestored(ctx, vt, snap)
		if fault.ReasonOf(err) == triggerv1.RollbackHaltedReason {
			said = append(said, snap.unforced(vt)...)
		}
	}
	result := Result{}
	if err != nil {
		result, err = e.unable(vt, err)
	} else {
		result, err = e.proceed(ctx, vt, snap)
	}
	result.Said = append(said, result.Said...)
	return result, err
}

// proceed decides about all targets, and does what is due.
func (e *Engine) proceed(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot) (Result, error) {
	snap = e.identified(ctx, vt, snap)
	out, err := e.deliver(ctx, vt, snap)
	if err != nil {
		return e.unable(vt, err)
	}
	return e.conclude(ctx, vt, snap, out)
}

// unable says why nothing could be done for a trigger.
func (e *Engine) unable(vt *triggerv1.ValuesTrigger, err error) (Result, error) {
	found, is := errors.AsType[*fault.Fault](err)
	reason, message := e.refusalOf(vt, err)
	switch {
	case fault.IsOutdated(err):
		return Result{Again: Soon, After: ConflictDelay}, nil
	case !is && reason == "":
		return Result{Summary: notReady(triggerv1.ReadFailedReason, err.Error())}, err
	}
	summary := notReady(reason, message)
	summary.Stalled = !is || found.Stalled
	markLooked(vt)
	if is {
		err = nil // What ends it is an event.
	}
	return Result{Summary: summary, Again: AtInterval}, err
}

func notReady(reason, message string) *plan.Summary {
	return &plan.Summary{Ready: metav1.ConditionFalse, Reason: reason, Message: message}
}

// conclude tidies up after a delivery, and records what became of it.
func (e *Engine) conclude(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, out outcome) (Result, error) {
	swept, err := e.prune(ctx, vt, snap, out)
	more, discardErr := e.discard(ctx, vt, snap)
	if err = errors.Join(err, discardErr); refusal.Is(err) {
		out.refused = err
	} else {
		out.err = errors.Join(out.err, err)
	}
	if out.kept, err = e.keepRevision(ctx, vt, snap, out); err != nil {
		out.err = errors.Join(out.err, err)
	}
	if swept.More || more {
		out.lookAgain(ConflictDelay)
	}
	before := plan.Restorable(&vt.Status)
	said := refusedRejection(vt, snap, out)
	summary := recordOutcome(vt, snap, out)
	if !slices.EqualFunc(before, plan.Restorable(&vt.Status), func(a, b *triggerv1.DeliveredContent) bool { return a.Digest == b.Digest }) {
		out.lookAgain(TidyDelay)
	}
	result, err := next(snap, out, vt.GetInterval())
	result.Was, result.Is = out.before, out.targets
	result.Summary, result.Gated, result.Notes = &summary, gatedOf(snap, out.releases), swept.Notes
	result.Said = said
	return result, err
}

// lookAgain makes sure that the next look comes no later than in some time.
func (o *outcome) lookAgain(after time.Duration) {
	if o.after == 0 || o.after > after {
		o.after = after
	}
}

// next returns when to look again after a delivery.
func next(snap snapshot, out outcome, interval time.Duration) (Result, error) {
	switch {
	case out.err != nil:
		return Result{}, out.err
	case out.triggered > 0 && snap.gate == nil:
		return Result{Again: AfterRequests}, nil // What is held back is judged by what is stored.
	case out.after > 0 && out.after < interval:
		return Result{Again: Soon, After: out.after}, out.refused
	}
	return Result{Again: AtInterval}, out.refused
}
