// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file has the values that the steps of a decision take and return.

// facts are what a decision rests on: its input as far as it can be believed, and what follows from it
// alone. No step changes them.
type facts struct {
	Input

	// own is how the sources differ from those that the release was last requested or proven to run.
	own Diff
}

// factsOf returns the facts that an input comes to.
func factsOf(in Input) facts {
	f := facts{Input: in, own: in.ownDiff()}
	f.Release.Record = in.Release.Record.Of(in.Release.UID)
	if in.Timeout == triggerv1.DefaultTimeout {
		f.Timeout = max(in.Timeout, in.Release.Takes+grace)
	}
	if in.Unpublished {
		f.Values = ValuesDiffer // Whatever it runs, it has not read the content.
	}
	if in.Previous != nil && in.recreated() {
		f.Previous = nil
	}
	return f
}

// progress is how far the delivery to a target has come: what is recorded of it, as far as the steps of a
// decision have brought it up to date.
type progress struct {
	triggerv1.TargetStatus

	// before is what was recorded, nil if there is nothing, or nothing that holds.
	before *triggerv1.TargetStatus
}

// unrequested reports that nothing was requested yet since the target was first seen,
// or since a person wants it.
func (p progress) unrequested() bool { return p.DeliveredAt == nil && p.Attempts == 0 }

// due reports whether a request for the content has to be made.
func (p progress) due(content string) bool { return p.Digest != content || p.unrequested() }

// renewed makes a request due, whatever was requested and proven.
func (p progress) renewed() progress {
	p.DeliveredAt, p.Attempts = nil, 0
	return p
}

// trusted ends a doubt about the revision that comes next.
func (p progress) trusted() progress {
	p.DoubtfulUntil, p.DoubtfulRequest = 0, ""
	return p
}

// precedes reports whether the last request that is known is older than the recorded one.
func (p progress) precedes(record Record) bool { return sequence(p.Token) < sequence(record.Token) }

// was reports whether the last request was found in a state before.
func (p progress) was(state triggerv1.TargetState) bool {
	return p.before != nil && p.before.State == state && p.before.Token == p.Token
}

// failedBefore reports that the last request has already been found to have failed.
func (p progress) failedBefore() bool { return p.was(triggerv1.TargetFailed) }

// age is the time since the last request.
func (p progress) age(now time.Time) time.Duration {
	if p.TriggeredAt == nil {
		return 0
	}
	return now.Sub(p.TriggeredAt.Time)
}

// requestForced reports whether the last request was for a forced upgrade.
func (p progress) requestForced(r *Release) bool {
	if record := &r.Record; record.Token != "" && record.Token == p.Token {
		return record.Force
	}
	return p.Forced
}

// requestRevision is the revision that the release had at the last request.
func (p progress) requestRevision(r *Release) int64 {
	if record := &r.Record; record.Token != "" && record.Token == p.Token {
		return record.Revision
	}
	return p.Revision
}

// forceOutstanding reports that a forced upgrade is due or was requested already, and that
// there is no revision of it yet.
func (p progress) forceOutstanding(r *Release) bool {
	switch {
	case p.DeliveredAt != nil:
		return false
	case p.unrequested():
		return p.Forced
	default:
		return p.requestForced(r) && !r.upgradedSince(p.requestRevision(r))
	}
}

// wanted is what a release still has to get.
type wanted struct {
	// sources are those whose content it still has to get. Of a change that has waited, it may have
	// applied another one meanwhile.
	sources []Source
	waited  bool

	// restores reports that the content is again what was delivered, and that the release
	// runs what there was meanwhile.
	restores bool

	// force and reset are the requests of people that are not made yet, or empty.
	force, reset string
}

// fromPeople is what people want of the release, whatever the sources hold.
func (f *facts) fromPeople() wanted { return wanted{force: f.Force, reset: f.Reset} }

// verdict is the state to record of a target, with its reason. None is given while a later step has to see to that.
type verdict struct {
	state   triggerv1.TargetState
	message string

	// after is when to decide again without an event, 0 for never.
	after time.Duration

	// needValues asks for the values that the release would be composed of, before anything can be said.
	needValues bool
}

func (v verdict) given() bool { return v != verdict{} }

func pending(message string) verdict {
	return verdict{state: triggerv1.TargetPending, message: message}
}

func held(message string) verdict {
	return verdict{state: triggerv1.TargetHeld, message: message}
}

func failed(message string) verdict {
	return verdict{state: triggerv1.TargetFailed, message: message}
}

func inProgress(message string, after time.Duration) verdict {
	return verdict{state: triggerv1.TargetTriggered, message: message, after: after}
}

// conclude returns the decision to record a verdict with what is known.
func (f *facts) conclude(known progress, v verdict) Decision {
	if v.needValues {
		return Decision{NeedValues: true}
	}
	status := known.TargetStatus
	status.State, status.Refused = v.state, nil
	if status.Digest == f.Digest {
		status.Seen, status.OwesForce = nil, false // Nothing waits.
	}
	if v.state == triggerv1.TargetDelivered || status.Digest != "" && !WasUnready(status) {
		status.UnreadyBefore = nil // That it was ready is known of all that has been delivered.
	}
	status.Message = text.Line(v.message, maxText)
	return Decision{Status: status, After: v.after}
}
