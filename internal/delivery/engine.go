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
	snap, err := e.evaluate(ctx, stored, time.Now())
	defer snap.publication.forget()
	switch {
	case err != nil:
		return e.unable(snap, err)
	case snap.idle:
		return snap.result(), nil
	}
	snap, recorded, err := e.heed(ctx, snap)
	switch {
	case err != nil:
		return e.unable(snap, err)
	case recorded:
		result := snap.result()
		result.Again, result.After = Soon, ConflictDelay
		return result, nil
	}
	snap = e.identified(ctx, snap)
	out, err := e.deliver(ctx, snap)
	if err != nil {
		return e.unable(snap, err)
	}
	return e.conclude(ctx, snap, out)
}

// unable says why nothing could be done for a trigger.
func (e *Engine) unable(snap snapshot, err error) (Result, error) {
	found, is := errors.AsType[*fault.Fault](err)
	reason, message := e.refusalOf(snap.vt, err)
	result := snap.result()
	switch {
	case fault.IsOutdated(err):
		result.Again, result.After = Soon, ConflictDelay
		return result, nil
	case !is && reason == "":
		result.Summary = notReady(triggerv1.ReadFailedReason, err.Error())
		return result, err
	}
	result.Summary, result.Again = notReady(reason, message), AtInterval
	result.Summary.Stalled = !is || found.Stalled
	markLooked(&result.Status, snap.vt.Annotations)
	if is {
		err = nil // What ends it is an event.
	}
	return result, err
}

func notReady(reason, message string) *plan.Summary {
	return &plan.Summary{Ready: metav1.ConditionFalse, Reason: reason, Message: message}
}

// conclude tidies up after a delivery, and records what became of it.
func (e *Engine) conclude(ctx context.Context, snap snapshot, out outcome) (Result, error) {
	swept, err := e.prune(ctx, snap, out)
	more, discardErr := e.discard(ctx, snap)
	if err = errors.Join(err, discardErr); refusal.Is(err) {
		out.refused = err
	} else {
		out.err = errors.Join(out.err, err)
	}
	if out.kept, err = e.keepRevision(ctx, snap, out); err != nil {
		out.err = errors.Join(out.err, err)
	}
	if swept.More || more {
		out.lookAgain(ConflictDelay)
	}
	result := snap.result()
	status, summary := statusOf(snap, out)
	if !slices.Equal(restorableContents(&result.Status), restorableContents(&status)) {
		out.lookAgain(TidyDelay)
	}
	result.Status, result.Summary, result.Gated = status, &summary, gatedOf(snap, out.releases)
	result.Was, result.Is = out.before, out.targets
	result.Notes, result.Said = swept.Notes, append(result.Said, refusedRejection(snap, out)...)
	result.Again, result.After, err = next(snap, out)
	return result, err
}

// restorableContents returns the digests of what a status says can be restored.
func restorableContents(status *triggerv1.ValuesTriggerStatus) []string {
	var digests []string
	for _, content := range plan.Restorable(status) {
		digests = append(digests, content.Digest)
	}
	return digests
}

// lookAgain makes sure that the next look comes no later than in some time.
func (o *outcome) lookAgain(after time.Duration) {
	if o.after == 0 || o.after > after {
		o.after = after
	}
}

// next returns when to look again after a delivery, and what is to be retried.
func next(snap snapshot, out outcome) (Again, time.Duration, error) {
	switch {
	case out.err != nil:
		return Never, 0, out.err
	case out.triggered > 0 && snap.gate == nil:
		return AfterRequests, 0, nil // What is held back is judged by what is stored.
	case out.after > 0 && out.after < snap.vt.GetInterval():
		return Soon, out.after, out.refused
	}
	return AtInterval, 0, out.refused
}
