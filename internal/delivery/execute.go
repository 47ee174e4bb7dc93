// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// maxConflicts bounds how often a decision is taken again because the HelmRelease
// changed between decision and request.
const maxConflicts = 5

// outcome is what became of all targets.
type outcome struct {
	targets []triggerv1.TargetStatus

	// before is what was known of them, in the same order.
	before []triggerv1.TargetStatus

	// rollout is the state of what holds changes back, nil if nothing does. Passed reports that
	// the content is a revision from now on, and kept that it can be restored.
	rollout *triggerv1.RolloutStatus
	passed  bool
	kept    bool

	// rejectRefused says why an annotation that is new rejects nothing.
	rejectRefused string

	// releases are what was observed of the targets that exist.
	releases []plan.Release

	// triggered is the number of requests made.
	triggered int

	// undecided reports that about some target nothing could be decided, so that the
	// difference of the sources must be kept.
	undecided bool

	// lasting is true if this is so only of targets that are refused until a person does
	// something: what a person asks for must not stay open for so long.
	lasting bool

	// after is when to look again without an event, 0 for never.
	after time.Duration

	// err joins the failures that are to be retried.
	err error

	// refused is one of the requests that the API server has refused.
	refused error
}

// deliver decides about every target and makes the requests that are due and not held
// back. What happens to one target does not touch another. An error reports that nothing
// was done.
func (e *Engine) deliver(ctx context.Context, snap snapshot) (outcome, error) {
	cases := e.decideAll(ctx, snap)
	for _, c := range cases {
		if fault.IsOutdated(c.err) {
			return outcome{}, c.err
		}
	}
	if err := e.confirm(ctx, snap, cases); err != nil {
		return outcome{}, err
	}
	verdict, err := e.hold(ctx, snap, cases)
	if err != nil {
		return outcome{}, err
	}
	if err := e.checkCurrent(ctx, snap.vt, verdict, cases); err != nil {
		return outcome{}, err
	}
	if err := e.keep(ctx, snap, verdict); err != nil {
		return outcome{}, err
	}
	e.executeAll(ctx, snap, cases, verdict.turns)
	return outcomeOf(snap, cases, verdict), nil
}

// outcomeOf sums up what became of all targets.
func outcomeOf(snap snapshot, cases []*targetCase, verdict verdict) outcome {
	out := outcome{rollout: verdict.rollout, passed: verdict.passed, rejectRefused: verdict.rejectRefused, after: verdict.after}
	var errs []error
	for _, c := range cases {
		if c.input.Release.Exists {
			out.releases = append(out.releases, c.input.Release)
		}
		errs = append(errs, c.done.err)
		now := recordOf(snap, c)
		out.targets, out.before = append(out.targets, now), append(out.before, c.before(now))
		out.note(c.done)
	}
	if snap.gate == nil && !verdict.settling() && !out.undecided {
		out.rollout = nil // What has been decided now is on record elsewhere.
	}
	if snap.vt.Spec.Rollout == nil {
		out.passed = out.deliveredToAll()
	}
	out.err = errors.Join(errs...)
	return out
}

// note takes in what became of one target.
func (o *outcome) note(one effect) {
	if one.refused != nil {
		o.refused = one.refused
	}
	if one.sent {
		o.triggered++
	}
	if one.after > 0 && (o.after == 0 || one.after < o.after) {
		o.after = one.after
	}
	if one.undecided {
		o.lasting = one.free && (o.lasting || !o.undecided)
		o.undecided = true
	}
}

// before returns what was known of a target that is known as this now. Its stage is the one that it has
// now: it may have been given other labels.
func (c *targetCase) before(now triggerv1.TargetStatus) triggerv1.TargetStatus {
	was := triggerv1.TargetStatus{}
	switch {
	case c.previous != nil:
		was = *c.previous
	case c.listed != nil: // What waits to be known, is missing or must not be read says nothing of itself.
		was = *c.listed
	}
	was.Namespace, was.Name, was.Stage = now.Namespace, now.Name, now.Stage
	return was
}

// executeAll executes the decisions about all targets. Where more of them wait than there are
// places, each place is offered to one after the other until one takes it.
func (e *Engine) executeAll(ctx context.Context, snap snapshot, cases []*targetCase, turns []rollout.Turn) {
	var group errgroup.Group
	group.SetLimit(max(1, e.Concurrent))
	execute := func(c *targetCase) {
		group.Go(func() error {
			c.done = e.execute(ctx, snap, c)
			return nil
		})
	}
	queued := make(map[*targetCase]bool, len(cases))
	queues := make([]chan *targetCase, 0, len(turns))
	for _, turn := range turns {
		queue := make(chan *targetCase, len(turn.Targets))
		for _, i := range turn.Targets {
			queued[cases[i]] = true
			queue <- cases[i]
		}
		close(queue)
		queues = append(queues, queue)
		for range turn.Places {
			group.Go(func() error {
				for c := range queue {
					c.held = ""
					if c.done = e.execute(ctx, snap, c); !c.done.free {
						return nil
					}
				}
				return nil
			})
		}
	}
	for _, c := range cases {
		if !queued[c] {
			execute(c)
		}
	}
	_ = group.Wait() // No function returns an error.
	for _, queue := range queues {
		for c := range queue {
			execute(c)
		}
	}
	_ = group.Wait()
}

// decideAll decides about every target, without doing anything.
func (e *Engine) decideAll(ctx context.Context, snap snapshot) []*targetCase {
	listed := make(map[types.NamespacedName]*triggerv1.TargetStatus, len(snap.vt.Status.Targets))
	for i := range snap.vt.Status.Targets {
		status := &snap.vt.Status.Targets[i]
		listed[types.NamespacedName{Namespace: status.Namespace, Name: status.Name}] = status
	}
	cases := make([]*targetCase, len(snap.targets))
	var group errgroup.Group
	group.SetLimit(max(1, e.Concurrent))
	for i, t := range snap.targets {
		c := &targetCase{Target: t, hr: t.Release, listed: listed[t.NamespacedName]}
		cases[i] = c
		group.Go(func() error {
			in := plan.Input{
				Diff: snap.diff, Digest: snap.diff.To, Sources: snap.sources, Settling: snap.settling, Release: target.Observe(c.hr, snap.sources),
			}
			in.Previous, in.Known = recall(snap, c.listed, in.Release)
			c.previous = in.Previous
			if in.DependsOnOrder() || snap.gate != nil && e.expected.unmet(t.NamespacedName, in.Release) {
				e.decideAgain(ctx, snap, c)
			} else {
				e.decide(ctx, snap, c, in.Release)
			}
			return nil
		})
	}
	_ = group.Wait() // No function returns an error.
	return cases
}

// execute makes the request that was decided on, unless it is held back, and decides
// again on a fresh observation when the HelmRelease has changed since.
func (e *Engine) execute(ctx context.Context, snap snapshot, c *targetCase) effect {
	judged := snap.gate == nil || c.decision.Request != nil
	for attempt := 1; ; attempt++ {
		switch {
		case c.err != nil:
			return e.undecidable(snap.vt, c)
		case !judged && c.decision.Request != nil: // It came up since, and may have to wait.
			return effect{status: c.decision.Unsent, undecided: true, after: ConflictDelay}
		}
		planned, asks := c.planned()
		err := e.publish(ctx, snap, c)
		published := err == nil
		if published {
			err = c.write(ctx, snap, planned, asks)
		}
		switch again := apierrors.IsConflict(err) || apierrors.IsNotFound(err); {
		case err == nil:
			e.noteSent(ctx, snap, c, planned)
			return planned
		case again && attempt < maxConflicts:
			e.decideAgain(ctx, snap, c)
		case published && !asks:
			return unkept(planned, err)
		default:
			return e.unmade(snap, c, err)
		}
	}
}

// decideAgain decides about a target as it is on the API server.
func (e *Engine) decideAgain(ctx context.Context, snap snapshot, c *targetCase) {
	if c.hr, c.err = e.fresh(ctx, snap, c.NamespacedName); c.err == nil {
		c.live = true
		e.decide(ctx, snap, c, target.Observe(c.hr, snap.sources))
	}
}

// noteSent measures and logs a request, if one was made.
func (e *Engine) noteSent(ctx context.Context, snap snapshot, c *targetCase, made effect) {
	if !made.sent {
		return
	}
	request := c.decision.Request
	e.Meter.ObserveReaction(snap.change(), c.previous, made.status, time.Now())
	if snap.gate != nil {
		e.expected.expect(c.NamespacedName, request.Token)
	}
	ctrl.LoggerFrom(ctx).Info("triggered HelmRelease", "helmRelease", c.String(),
		"token", request.Token, "force", request.Force, "cause", request.Cause)
}
