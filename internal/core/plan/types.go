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

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
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

// Source is one resolved source with the content it has now.
type Source struct {
	// ID is Kind/namespace/name.
	ID string

	// Digest of the selected keys. Empty while an optional source is missing.
	Digest string

	// Full is the digest of all keys, the same for every trigger, by which
	// triggers recognise each other's requests.
	Full string

	// Former and FormerFull are the digests under which the same content may be on
	// record since before: one for each way in which digests of Secrets were made, in
	// the same order for all sources. There are none of a ConfigMap.
	Former, FormerFull []string

	// UID of the object, empty while an optional source is missing.
	UID types.UID

	// Force is the policy of this source.
	Force triggerv1.ForcePolicy

	// Baseline holds the targets, namespace/name, for which the annotation of the first
	// operator stands in for a delivery.
	Baseline map[string]bool

	// Keys that are selected, none for all.
	Keys []string

	// PublishAs is the end of the names of copies of it, empty for the trigger's.
	// PublishTo is the annotation of that name.
	PublishAs, PublishTo string

	// Watched is true if helm-controller learns of changes by Flux's own watch label.
	Watched bool

	// Editor, Origin and ChangedKeys explain the last change, as far as it is known: the field
	// manager, and the Kustomization with its revision that this one works for.
	Editor, Origin string
	ChangedKeys    []string

	// EditedBy is the user who last changed what the object holds, as the API server recorded
	// him. Empty if it did not.
	EditedBy string

	// Applier is the tool that applied the content as it is, zero if it was last changed
	// by hand or by another controller.
	Applier applier.Applier
}

// Release is what is observed of a HelmRelease.
type Release struct {
	// Exists is false for a target that is named and not there.
	Exists bool

	// Ending says why a target that is there counts as none, or is empty: what a release
	// says that goes with its namespace is not about its content.
	Ending string

	// UID of the HelmRelease.
	UID types.UID

	// Created is when it was created: how long its first installation has taken.
	Created time.Time

	// Denied says why this target must not be touched, or is empty.
	Denied string

	// Reads says which sources, by ID, the release reads through valuesFrom.
	Reads map[string]bool

	// Copied says which of them it reads in its own copy alone.
	Copied map[string]bool

	Suspended bool

	// Ready is the status of the condition: True, False, Unknown or empty.
	Ready        string
	ReadyReason  string
	ReadyMessage string

	// Failing reports that helm-controller has failed and tries again.
	Failing bool

	// ReadyCurrent reports that the condition is about the present generation, even
	// if helm-controller has not noted that in the status.
	ReadyCurrent bool

	// ReadySince is when the condition last changed.
	ReadySince time.Time

	// Reconciling is the condition of that name.
	Reconciling bool

	// Retrying is true if the last install, upgrade or remediation has failed, and
	// helm-controller repeats it, or has not decided whether it does.
	Retrying bool

	// GivenUp reports that helm-controller has failed too often, and tries again only
	// for a reason.
	GivenUp bool

	// Current reports that the status is about the present generation.
	Current bool

	// RequestedAt is the annotation, HandledAt what helm-controller says it has
	// handled.
	RequestedAt string
	HandledAt   string

	// Revision, ConfigDigest and Deployed are those of the latest snapshot in the
	// history. Revision is 0 while there is none.
	Revision     int64
	ConfigDigest string
	Deployed     bool

	// RolledBack reports that the latest snapshot is that of a rollback: it is new, and
	// what it runs is old.
	RolledBack bool

	// Takes is how long an install or upgrade may take.
	Takes time.Duration

	// Record is the operator's record of its last request, or zero.
	Record Record
}

// Working reports that helm-controller is busy with the release. Reconciling beside
// Ready=False is what an early exit or a wait for a retry leaves behind.
func (r Release) Working() bool {
	return r.Reconciling && r.Ready != "False"
}

// unwell reports whether helm-controller has failed on the release.
func (r Release) unwell() bool { return r.Ready == "False" || r.Failing }

// unseen reports that helm-controller has not looked at the present generation. It is about
// to, and may make a revision by itself.
func (r Release) unseen() bool {
	return !r.Current && (r.Ready != "False" || !r.ReadyCurrent)
}

// Busy reports that helm-controller works on the release, or is about to.
func (r Release) Busy() bool {
	return r.Working() || r.unseen() || r.requestPending()
}

// requestPending reports that a request was made that helm-controller has not
// handled.
func (r Release) requestPending() bool {
	return r.RequestedAt != "" && r.RequestedAt != r.HandledAt
}

// ValuesState says what is known of the values that the release would be composed
// of now.
type ValuesState int

const (
	// ValuesUnknown means that no one has looked.
	ValuesUnknown ValuesState = iota
	// ValuesEqual means that the latest snapshot was made of the same values.
	ValuesEqual
	// ValuesDiffer means that it was not.
	ValuesDiffer
	// ValuesUnreadable means that they cannot be composed by the operator, for
	// example because it may not read Secrets.
	ValuesUnreadable
)

// Input is everything that a decision rests on.
type Input struct {
	Now time.Time

	// Timeout of the spec. Its default is extended to what the release may take.
	Timeout time.Duration

	// Trigger and Target are namespace/name of the ValuesTrigger and of the
	// HelmRelease.
	Trigger string
	Target  string

	// Knower is the trigger as the record on the release knows it.
	Knower Knower

	// Digest of all sources together.
	Digest string

	// Sources as they are now.
	Sources []Source

	// Diff of the sources against those that all targets were last decided on with.
	Diff Diff

	// Force and Reset are request values on the ValuesTrigger that are not handled
	// yet, or empty.
	Force string
	Reset string

	// ByTriggerAt is true if Force is a value of trigger.nebius.ai/triggerAt, or if such a
	// value began the rollout, and false if Force is one of reconcile.fluxcd.io/forceAt.
	// The two differ in what may hold the request back, which is not decided here, and
	// are remembered apart.
	ByTriggerAt bool

	// Rejected is the digest of content that failed, or that a person has rejected, in place of which
	// the sources are as they were before. Empty if they are as they are.
	Rejected string

	// Restores says which revision these are and who has gone back to it, as the cause has it. Empty
	// if no one did.
	Restores string

	// Gated is true if the trigger holds changes back: the health of the releases before
	// a change then matters.
	Gated bool

	// Settling is true while a change settles that a tool has applied, up to the decision
	// that ends it: a revision that is made meanwhile belongs to the change.
	Settling bool

	// Policy is the trigger's force policy, for manual requests.
	Policy triggerv1.ForcePolicy

	// Previous is what is known of the target, nil if nothing is, and Known are the sources as
	// they were when it was last asked or proven to run their content, nil if that is not known.
	Previous *triggerv1.TargetStatus
	Known    []RecordedSource

	Release Release
	Values  ValuesState

	// Live is true if the release was read from the API server after the sources were read,
	// not from a cache that may be behind.
	Live bool

	// Unpublished reports that the release reads copies that do not have the content. They
	// get it with the request.
	Unpublished bool
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
	// Token is the value of requestedAt and, as asked, of forceAt and resetAt.
	Token string
	Force bool
	Reset bool

	// Record and Cause are written beside it.
	Record Record
	Cause  string
}
