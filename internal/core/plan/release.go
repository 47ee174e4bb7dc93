// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

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

// unseen reports that helm-controller has not seen the present generation. It is about
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

// readsAny reports whether the release reads one of the sources through valuesFrom.
func (r Release) readsAny(sources []Source) bool {
	return slices.ContainsFunc(sources, func(s Source) bool { return r.Reads[s.ID] })
}

// looksUp reports whether the release gets the changes of a source by force alone, since it does not read
// it through valuesFrom.
func (r Release) looksUp(s Source) bool {
	return !r.Reads[s.ID] && s.Force != triggerv1.ForceNever
}

// needsForce reports whether a change of these sources takes a forced upgrade.
func (r Release) needsForce(sources []Source) bool {
	return slices.ContainsFunc(sources, func(s Source) bool { return s.Force == triggerv1.ForceAlways || r.looksUp(s) })
}

// upgradedSince reports whether there is an upgrade since a revision.
func (r Release) upgradedSince(revision int64) bool {
	return r.Revision > revision && !r.RolledBack
}
