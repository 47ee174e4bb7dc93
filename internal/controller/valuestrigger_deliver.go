// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/request"
	"github.com/nebius/helmrelease-trigger-operator/internal/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/target"
)

// maxConflicts bounds how often a decision is taken again because the HelmRelease
// changed between decision and request.
const maxConflicts = 5

// outcome is what became of all targets.
type outcome struct {
	targets []triggerv1.TargetStatus

	// rollout is the state of what holds changes back, nil if nothing does.
	rollout *triggerv1.RolloutStatus

	// admitted reports that what is held back is not so for some target, and passed that
	// the content can be gone back to from now on.
	admitted, passed bool

	// unkept says why the content could not be kept, so that no one gets it.
	unkept error

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

	// outdated reports that all of this rests on an old version of the trigger or a source and is
	// to be decided again.
	outdated bool

	// after is when to look again without an event, 0 for never.
	after time.Duration

	// err joins the failures that are to be retried.
	err error

	// refused is one of the requests that the API server has refused.
	refused error
}

// targetCase is a target with what is decided about it.
type targetCase struct {
	target.Target

	// hr is the version of the release that was looked at, live if it was read after the
	// sources, and previous what was recorded of it.
	hr       *helmv2.HelmRelease
	live     bool
	previous *triggerv1.TargetStatus

	// copies that it is to have, what each is and what they are together, and whether that was looked
	// at. They are not made while they are unasked for.
	copies  []publish.Copy
	states  []publish.State
	state   publish.State
	looked  bool
	unasked bool

	input    plan.Input
	decision plan.Decision

	// err reports that nothing could be decided.
	err error
}

// deliver decides about every target and makes the requests that are due and not held
// back. What happens to one target does not touch another.
func (r *ValuesTriggerReconciler) deliver(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation) outcome {
	cases := r.decideAll(ctx, vt, e)
	if slices.ContainsFunc(cases, func(c *targetCase) bool { return fault.IsOutdated(c.err) }) {
		return outcome{outdated: true}
	}
	if err := r.confirm(ctx, e, cases); err != nil {
		return outcome{outdated: true, err: err}
	}
	out := outcome{targets: make([]triggerv1.TargetStatus, len(cases))}
	gated, err := r.hold(ctx, vt, e, cases, &out)
	if err != nil || out.outdated {
		return outcome{outdated: true, err: err}
	}
	e.unsettled = gated.Status != nil && gated.Status.Settling != nil
	if out.unkept = r.keep(ctx, vt, e, out); out.unkept != nil {
		out.outdated = fault.IsOutdated(out.unkept)
		return out
	}

	var errs []error
	for i, one := range r.executeAll(ctx, vt, e, cases, gated) {
		errs = append(errs, one.err)
		out.targets[i] = recordOf(vt, e, cases[i], one, len(cases))
		out.note(one)
	}
	if e.gate == nil && !e.unsettled && !out.undecided {
		out.rollout = nil // What has been decided now is on record elsewhere.
	}
	out.err = errors.Join(errs...)
	return out
}

// recordOf returns what to record of one target of so many.
func recordOf(vt *triggerv1.ValuesTrigger, e evaluation, c *targetCase, one single, targets int) triggerv1.TargetStatus {
	status := one.status
	status.Message = plan.Bounded(status.Message, targets)
	status.Namespace, status.Name = c.Namespace, c.Name
	status.Stage = stageOf(vt, e.gate, c.hr)
	status.Published = c.published(e)
	return status
}

// note takes in what became of one target.
func (o *outcome) note(one single) {
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

// executeAll executes the decisions about all targets. Where more of them wait than there are
// places, each place is offered to one after the other until one takes it.
func (r *ValuesTriggerReconciler) executeAll(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation, cases []*targetCase, gated rollout.Decision) []single {
	done := make([]single, len(cases))
	var group errgroup.Group
	group.SetLimit(max(1, r.concurrent))
	execute := func(i int, held string) {
		group.Go(func() error {
			done[i] = r.execute(ctx, vt, e, cases[i], held)
			return nil
		})
	}
	queued := make([]bool, len(cases))
	queues := make([]chan int, 0, len(gated.Turns))
	for _, turn := range gated.Turns {
		queue := make(chan int, len(turn.Targets))
		for _, i := range turn.Targets {
			queued[i] = true
			queue <- i
		}
		close(queue)
		queues = append(queues, queue)
		for range turn.Places {
			group.Go(func() error {
				for i := range queue {
					if done[i] = r.execute(ctx, vt, e, cases[i], ""); !done[i].free {
						return nil
					}
				}
				return nil
			})
		}
	}
	for i := range cases {
		if !queued[i] {
			execute(i, gated.Held[i])
		}
	}
	_ = group.Wait() // No function returns an error.
	for _, queue := range queues {
		for i := range queue {
			execute(i, gated.Held[i])
		}
	}
	_ = group.Wait()
	return done
}

// decideAll decides about every target, without doing anything.
func (r *ValuesTriggerReconciler) decideAll(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation) []*targetCase {
	previous := make(map[types.NamespacedName]*triggerv1.TargetStatus, len(vt.Status.Targets))
	for i := range vt.Status.Targets {
		status := &vt.Status.Targets[i]
		previous[types.NamespacedName{Namespace: status.Namespace, Name: status.Name}] = status
	}
	cases := make([]*targetCase, len(e.targets))
	var group errgroup.Group
	group.SetLimit(max(1, r.concurrent))
	for i, t := range e.targets {
		c := &targetCase{Target: t, hr: t.Release, previous: previous[t.NamespacedName]}
		cases[i] = c
		group.Go(func() error {
			in := plan.Input{
				Previous: c.previous, Diff: e.diff, Digest: e.diff.To, Sources: e.sources, Settling: e.settling, Release: target.Observe(c.hr, e.sources),
			}
			if in.DependsOnOrder() || e.gate != nil && r.sent.missing(t.NamespacedName, in.Release) {
				c.hr, c.err = r.fresh(ctx, e, t.NamespacedName)
				c.live = true
			}
			if c.err == nil {
				r.decide(ctx, vt, e, c)
			}
			return nil
		})
	}
	_ = group.Wait() // No function returns an error.
	return cases
}

// single is what became of one target.
type single struct {
	status    triggerv1.TargetStatus
	sent      bool
	undecided bool
	after     time.Duration
	err       error

	// refused is what the API server has refused. Free is true if it is certain that
	// nothing was asked, so that the place is another's.
	refused error
	free    bool
}

// execute makes the request that was decided on, unless it is held back, and decides
// again on a fresh observation when the HelmRelease has changed since.
func (r *ValuesTriggerReconciler) execute(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation, c *targetCase, held string) single {
	for attempt := 1; ; attempt++ {
		decision := c.decision
		if c.err != nil {
			return r.undecidable(vt, c)
		}
		err := r.publish(ctx, vt, e, c, held)
		switch {
		case err != nil:
		case decision.Request == nil:
			return single{status: decision.Status, after: decision.After}
		case held != "" && e.unsettled:
			return single{status: decision.Settling(held)}
		case held != "":
			return single{status: decision.Held(held)}
		default:
			err = request.Send(ctx, e.writer, c.hr, *decision.Request)
		}
		if err == nil {
			r.meter.ObserveReaction(e.change(vt.Status.History), c.previous, decision.Status, time.Now())
			if e.gate != nil {
				r.sent.note(c.NamespacedName, decision.Request.Token)
			}
			ctrl.LoggerFrom(ctx).Info("triggered HelmRelease", "helmRelease", c.String(),
				"token", decision.Request.Token, "force", decision.Request.Force, "cause", decision.Request.Cause)
			return single{status: decision.Status, sent: true, after: decision.After}
		}
		if attempt >= maxConflicts || !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return r.unmade(vt, e, decision, err)
		}
		if c.hr, c.err = r.fresh(ctx, e, c.NamespacedName); c.err == nil {
			c.live = true
			r.decide(ctx, vt, e, c)
		}
	}
}

// unsentOf returns what to record when what is to be written could not be.
func unsentOf(d plan.Decision) triggerv1.TargetStatus {
	if d.Request == nil {
		return d.Status
	}
	return d.Unsent
}

// undecided leaves a target as it is.
func undecided(previous *triggerv1.TargetStatus, err error) single {
	status := triggerv1.TargetStatus{State: triggerv1.TargetPending}
	if previous != nil {
		status = *previous
	}
	return single{status: status, undecided: true, err: err}
}
