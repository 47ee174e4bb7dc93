// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// executor takes the cases that the gatekeeper has seen, makes the requests that may be made, and notes in each case
// what became of it.
type executor struct {
	accounts   *Accounts
	publisher  *publisher
	decider    *decider
	meter      *metrics.Metrics
	expected   *expectations
	concurrent int
}

// maxConflicts bounds how often a decision is taken again because the HelmRelease
// changed between decision and request.
const maxConflicts = 5

// afterRefusal is when to decide again after a target was refused for the first time with a
// content: its stage, and what depends on it, wait for it no more.
const afterRefusal = time.Millisecond

// executeAll executes the decisions about all targets. Where more of them wait than there are
// places, each place is offered to one after the other until one takes it.
func (x *executor) executeAll(ctx context.Context, snap snapshot, cases []*targetCase, turns []rollout.Turn) {
	var group errgroup.Group
	group.SetLimit(max(1, x.concurrent))
	execute := func(c *targetCase) {
		group.Go(func() error {
			c.done = x.execute(ctx, snap, c)
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
					if c.done = x.execute(ctx, snap, c); !c.done.free {
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

// execute makes the request that was decided on, unless it is held back, and decides
// again on a fresh observation when the HelmRelease has changed since.
func (x *executor) execute(ctx context.Context, snap snapshot, c *targetCase) effect {
	judged := snap.gate == nil || c.decision.Request != nil
	for attempt := 1; ; attempt++ {
		switch {
		case c.err != nil:
			return x.undecidable(snap.vt, c)
		case !judged && c.decision.Request != nil: // It came up since, and may have to wait.
			return effect{status: c.decision.Unsent, undecided: true, after: ConflictDelay}
		}
		planned, asks := c.planned()
		err := x.publisher.publish(ctx, snap, c)
		published := err == nil
		if published {
			err = c.write(ctx, snap, planned, asks)
		}
		switch again := apierrors.IsConflict(err) || apierrors.IsNotFound(err); {
		case err == nil:
			x.noteSent(ctx, snap, c, planned)
			return planned
		case again && attempt < maxConflicts:
			x.decider.decideAgain(ctx, snap, c)
		case published && !asks:
			return unkept(planned, err)
		default:
			return x.unmade(snap, c, err)
		}
	}
}

// noteSent measures and logs a request, if one was made.
func (x *executor) noteSent(ctx context.Context, snap snapshot, c *targetCase, made effect) {
	if !made.sent {
		return
	}
	request := c.decision.Request
	x.meter.ObserveReaction(snap.change(), c.previous, made.status, time.Now())
	if snap.gate != nil {
		x.expected.expect(c.NamespacedName, request.Token)
	}
	ctrl.LoggerFrom(ctx).Info("triggered HelmRelease", "helmRelease", c.String(),
		"token", request.Token, "force", request.Force, "cause", request.Cause)
}

// unmade returns the outcome for a target whose copies or request could not be written.
func (x *executor) unmade(snap snapshot, c *targetCase, err error) effect {
	unsent := unsentOf(c.decision)
	undecided := !c.keeps(snap, unsent)
	reason, message := x.accounts.refusalOf(snap.vt, err)
	switch {
	case fault.IsOutdated(err): // Its watch is about to tell.
		return effect{status: unsent, undecided: undecided, after: ConflictDelay}
	case reason == "":
		unsent.Message = "the request could not be made and is retried: " + refusal.ReasonOf(err)
		return effect{status: unsent, undecided: undecided, err: err}
	}
	one := effect{status: unsent, undecided: undecided, free: true}
	if snap.gate != nil && c.decision.Request != nil && unsent.Refused == nil {
		one.after = afterRefusal
	}
	one.status.Message, one.status.Refused = message, &triggerv1.Refusal{Digest: digest.Short(snap.diff.To), Reason: reason}
	if refusal.IsUnadmitted(err) { // That of a webhook which restarts is over before anyone can look at it.
		one.err = err
		return one
	}
	one.status.State = triggerv1.TargetFailed
	if refusal.Is(err) {
		one.refused = err
	}
	return one
}

// unkept returns the outcome for a target of which something was found out that could not be kept on its
// release: it is found out again.
func unkept(planned effect, err error) effect {
	planned.undecided = true
	if refusal.Is(err) {
		planned.refused, planned.free = err, true
	} else {
		planned.err = err
	}
	return planned
}

// undecidable returns the outcome for a target about which nothing could be decided.
func (x *executor) undecidable(vt *triggerv1.ValuesTrigger, c *targetCase) effect {
	one := undecided(c.shown(), nil)
	reason, message := x.accounts.refusalOf(vt, c.err)
	if reason == "" || refusal.IsUnadmitted(c.err) {
		one.err = c.err
		return one
	}
	one.free = true
	one.status.Message, one.status.Refused = message, &triggerv1.Refusal{Reason: reason}
	if refusal.Is(c.err) {
		one.refused = c.err
	} else {
		one.status.State = triggerv1.TargetFailed
	}
	return one
}
