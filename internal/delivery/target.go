// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/request"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// targetCase is a target as it goes through the phases: what is observed of it, what is decided about it, why
// its request waits, and what became of it.
type targetCase struct {
	target.Target

	// hr is the version of the release that was evaluated, live if it was read after the
	// sources, listed what the status showed of it, and previous what it says of itself.
	hr       *helmv2.HelmRelease
	live     bool
	listed   *triggerv1.TargetStatus
	previous *triggerv1.TargetStatus

	// ending reports that its namespace is being deleted.
	ending bool

	// copies that it is to have, what they are together, and whether they have been compared with
	// what they are to hold. They are not made while they are unasked for.
	copies  []targetCopy
	state   publish.State
	looked  bool
	unasked bool

	input    plan.Input
	decision plan.Decision

	// err reports that nothing could be decided.
	err error

	// held says why its request must not be made now. It is empty if it may, or if there is none.
	// Settling is true if nothing may be done for any target yet.
	held     string
	settling bool

	// done is what became of it.
	done effect
}

// targetCopy is a copy that a target is to have, and what it is now.
type targetCopy struct {
	publish.Copy
	state publish.State
}

// effect is what became of one target.
type effect struct {
	status    triggerv1.TargetStatus
	sent      bool
	undecided bool
	after     time.Duration
	err       error

	// refused is what the API server has refused. Free is true if it is certain that
	// nothing was requested, so that the place is another's.
	refused error
	free    bool
}

// planned returns what becomes of a target if all goes well, and whether it is triggered.
func (c *targetCase) planned() (effect, bool) {
	switch decision := c.decision; {
	case decision.Request == nil:
		return effect{status: decision.Status, after: decision.After}, false
	case c.held != "" && c.settling:
		return effect{status: decision.Settling(c.held)}, false
	case c.held != "":
		return effect{status: decision.Held(c.held)}, false
	default:
		return effect{status: decision.Status, sent: true, after: decision.After}, true
	}
}

// write makes the request, or keeps on the release what is known of it now and was not before.
func (c *targetCase) write(ctx context.Context, snap snapshot, planned effect, asks bool) error {
	record := c.input.Release.Record
	if asks {
		record = c.decision.Request.Record
	}
	record, news := record.Keep(c.input, c.known(snap, planned.status))
	switch {
	case asks:
		asked := *c.decision.Request
		asked.Record = record
		return request.Send(ctx, snap.writer, c.hr, asked)
	case news:
		return request.Keep(ctx, snap.writer, c.hr, record)
	}
	return nil
}

// keeps reports whether the release says already what is known of it if nothing can be written.
func (c *targetCase) keeps(snap snapshot, unsent triggerv1.TargetStatus) bool {
	_, news := c.input.Release.Record.Keep(c.input, c.known(snap, unsent))
	return !news && unsent.Digest != ""
}

// unsentOf returns what to record when a write has failed.
func unsentOf(d plan.Decision) triggerv1.TargetStatus {
	if d.Request == nil {
		return d.Status
	}
	return d.Unsent
}

// shown returns what is shown of a target.
func (c *targetCase) shown() *triggerv1.TargetStatus {
	if c.listed != nil {
		return c.listed
	}
	return c.previous
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

// undecided leaves a target as it is.
func undecided(previous *triggerv1.TargetStatus, err error) effect {
	status := triggerv1.TargetStatus{State: triggerv1.TargetPending}
	if previous != nil {
		status = *previous
	}
	return effect{status: status, undecided: true, err: err}
}

// recordOf returns what to record of one target.
func recordOf(snap snapshot, c *targetCase) triggerv1.TargetStatus {
	status := c.known(snap, c.done.status)
	status.Namespace, status.Name = c.Namespace, c.Name
	status.Stage = stageOf(snap.vt, snap.gate, c.hr)
	return status
}

// known completes what is known of a target with its copies.
func (c *targetCase) known(snap snapshot, status triggerv1.TargetStatus) triggerv1.TargetStatus {
	status.Message = text.Line(status.Message, text.MaxMessage)
	status.Published = c.published(snap)
	return status
}

// published returns what to record of the copies of a target.
func (c *targetCase) published(snap snapshot) string {
	switch {
	case snap.publication == nil, c.state == publish.Absent:
		return ""
	case len(c.copies) > 0 && c.looked && c.state == publish.Current:
		return snap.diff.To
	case c.previous != nil:
		return c.previous.Published
	}
	return ""
}

// notRestorable is what is said of a target that no copy can be restored for.
const notRestorable = "it cannot be rolled back: it does not read only the published copy of the sources"

// leftAlone reports that a target would be requested to roll back and cannot: a request would only
// run the rejected content once more.
func (c *targetCase) leftAlone(snap snapshot) bool {
	return snap.rejected != "" && c.decision.Request != nil && c.input.Release.Revision > 0 && !c.input.Release.Restorable()
}
