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
package plan

import (
	"time"

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
	// Token is the value of requestedAt and, as asked, of forceAt and resetAt.
	Token string
	Force bool
	Reset bool

	// Record and Cause are written beside it.
	Record Record
	Cause  string
}
