// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package plan decides what to do about a HelmRelease. It compares what was
// recorded with what is observed and returns the next record, the request to
// make, if any, and the reason. It reads no clock and calls no API: anyone who
// executes a decision comes back with a new observation.
//
// A delivery goes through these steps:
//
//	content differs from the record  -> a request is due
//	the release can take one         -> Triggered, with a token
//	the token was handled            -> is there proof that the content runs?
//	yes -> Delivered; no, and the release is Ready -> the request was lost,
//	repeat it with a new token; the release is not Ready -> Failed, until it is
//
// [Decide] is the table of contents of a decision. Its steps are in the files that are called after them:
//
//	recall.go     what is known of the target
//	firstsight.go if that is nothing: does the release run the content already?
//	compare.go    otherwise: what does it still have to get of the sources?
//	people.go     what do people request by annotations?
//	request.go    what is due is requested, unless it has to wait
//	prove.go      nothing is due: is there proof that the release runs what was requested?
//
// The values that go from step to step are in progress.go. What several steps need to find out is in
// evidence.go, what a revision proves; adopt.go, requests that were made elsewhere; and cause.go, why a request
// is made.
package plan

import (
	"time"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// MaxAttempts bounds how often a request for the same content is made before
	// the target is Failed for good.
	MaxAttempts = 5

	// firstRetryDelay is the time from a lost request to its repetition. It
	// doubles with each attempt.
	firstRetryDelay = 2 * time.Second

	// grace is how much longer than the release may take the default timeout is, so that
	// helm-controller's own verdict comes first.
	grace = time.Minute
)

// Decide returns what to do about one target. It is a pure function of its input. From step to step go what is
// known of the target and what its release still has to get; each step returns them as it leaves them.
func Decide(in Input) Decision {
	f := factsOf(in)
	switch {
	case !f.Release.Exists:
		return missing(&f)
	case f.Release.Denied != "":
		return denied(&f, recorded(&f))
	}

	c := comparer{&f}.compare(recall(&f))
	switch {
	case c.verdict.given():
		return f.conclude(c.known, c.verdict)
	case c.adopted:
		return prover{&f}.prove(c.known, c.want)
	}
	known, want := heed(&f, c.known, c.want)

	if known.due(f.Digest) {
		return requester{&f}.request(known, want)
	}
	known.Forced = known.requestForced(&f.Release)
	if known.DeliveredAt != nil {
		return prover{&f}.stay(known)
	}
	return prover{&f}.prove(known, want)
}

// missing drops what was delivered: a HelmRelease that appears is another one. If access
// is denied, it does not reveal that there is none.
func missing(f *facts) Decision {
	if f.Release.Denied != "" {
		return denied(f, progress{})
	}
	message := "HelmRelease does not exist; create it, or remove it from spec.targets"
	if f.Release.Ending != "" {
		message = f.Release.Ending
	}
	return Decision{Status: triggerv1.TargetStatus{State: triggerv1.TargetMissing, Message: message}}
}

// denied says that the target must not be triggered.
func denied(f *facts, known progress) Decision {
	decision := f.conclude(known, failed(f.Release.Denied))
	decision.Status.Refused = &triggerv1.Refusal{Reason: acl.AccessDeniedReason}
	return decision
}

// Decision is the outcome.
type Decision struct {
	// Status is the state to record. If there is a Request, it holds once that
	// has been made, and Unsent is to be recorded if it could not be. If that has
	// no digest, it does not tell what is due, and the difference of the sources
	// must be kept.
	Status triggerv1.TargetStatus
	Unsent triggerv1.TargetStatus

	// Request to make, or nil.
	Request *Request

	// NeedValues asks for Input.Values and a second decision; nothing else of the
	// decision is then valid.
	NeedValues bool

	// After is when to decide again without an event, 0 for never.
	After time.Duration
}

// Request is what to write on the HelmRelease.
type Request struct {
	// Token is the value of requestedAt and, if so requested, of forceAt and resetAt.
	Token string
	Force bool
	Reset bool

	// Record and Cause are written beside it.
	Record Record
	Cause  string
}

// Notes reports whether the decision notes a revision that was made while nothing had
// changed. That holds only if the sources are the objects that were read.
func (d Decision) Notes(previous *triggerv1.TargetStatus) bool {
	return previous != nil && previous.State == triggerv1.TargetDelivered && d.Request == nil &&
		d.Status.State == triggerv1.TargetDelivered && d.Status.Revision != previous.Revision
}
