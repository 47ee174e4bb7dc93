// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

// Reasons of the conditions Ready, Reconciling and Stalled of a ValuesTrigger,
// and of the events about it. Besides these, meta.SucceededReason,
// meta.ProgressingReason and acl.AccessDeniedReason of fluxcd/pkg/apis are used.
const (
	// InvalidSpecReason reports that the spec holds something that the schema could
	// not reject. The trigger waits for an edit of its spec.
	InvalidSpecReason = "InvalidSpec"

	// SourceNotFoundReason reports that a required source, or a key that it must
	// have, does not exist. No target is touched until it does.
	SourceNotFoundReason = "SourceNotFound"

	// SecretsDisabledReason reports that a source is a Secret and the operator runs
	// without permission on Secrets.
	SecretsDisabledReason = "SecretsDisabled"

	// ReadFailedReason reports that the API server did not answer a read of a source
	// or a target. It is retried.
	ReadFailedReason = "ReadFailed"

	// NameConflictReason reports that an object has the name of a copy and is none of
	// this trigger. It is left alone, and its target is not touched.
	NameConflictReason = "NameConflict"

	// TargetNotFoundReason reports that a target named in the spec does not exist.
	// It is delivered when it appears.
	TargetNotFoundReason = "TargetNotFound"

	// SelectorMatchesNothingReason says that a selector of spec.targets selects no
	// HelmRelease, and that the target is not optional. The other targets are
	// delivered to; the trigger becomes ready when the selector selects one.
	SelectorMatchesNothingReason = "SelectorMatchesNothing"

	// TargetsHeldReason reports that the change waits for something that only a
	// person can give, such as the resumption of a suspended HelmRelease.
	TargetsHeldReason = "TargetsHeld"

	// DeliveryFailedReason reports that at least one target was triggered and
	// does not run the change. It is delivered when helm-controller succeeds,
	// when the sources change again, or on request.
	DeliveryFailedReason = "DeliveryFailed"

	// AwaitingWindowReason reports that the change waits for a window of
	// spec.schedule.
	AwaitingWindowReason = "AwaitingWindow"

	// AwaitingApprovalReason reports that a stage waits for a person to approve it.
	AwaitingApprovalReason = "AwaitingApproval"

	// RolloutHaltedReason reports that more targets failed than may, and that no
	// further one is touched until the sources change or the trigger is reset.
	RolloutHaltedReason = "RolloutHalted"

	// RolledBackReason reports that the content failed in more targets than may, and that
	// all have the earlier content again. It is refused until the sources change or the
	// trigger is reset.
	RolledBackReason = "RolledBack"

	// RollbackHaltedReason reports that the earlier content could not be restored
	// everywhere. It goes on when the targets that failed prove it, or when the trigger
	// is reset.
	RollbackHaltedReason = "RollbackHalted"
)

// Reasons of events that are no condition reasons.
const (
	// TriggeredReason reports that a HelmRelease was asked to reconcile.
	TriggeredReason = "Triggered"

	// DeliveredReason reports that a change is proven to run in a HelmRelease.
	DeliveredReason = "Delivered"

	// CopiesDeletedReason reports that copies that are not wanted any more were deleted,
	// CopiesKeptReason that they could not be.
	CopiesDeletedReason = "CopiesDeleted"
	CopiesKeptReason    = "CopiesKept"

	// InvalidContractReason reports that a label or annotation of the contract is
	// malformed.
	InvalidContractReason = "InvalidContract"

	// AmbiguousTriggerReason reports a ValuesTrigger that looks like one that the operator
	// generates for a HelmRelease, and is not taken for one.
	AmbiguousTriggerReason = "AmbiguousTrigger"

	// DeclaredReason reports that the operator has let go of a ValuesTrigger that it had
	// generated, since another field manager applies it.
	DeclaredReason = "Declared"

	// StageStartedReason and StageFinishedReason report the progress of a rollout.
	StageStartedReason  = "StageStarted"
	StageFinishedReason = "StageFinished"

	// RollbackStartedReason reports that a rollout has failed and is rolled back.
	RollbackStartedReason = "RollbackStarted"

	// RolloutSupersededReason reports that the sources changed during a rollout, which
	// starts again.
	RolloutSupersededReason = "RolloutSuperseded"

	// ApprovedReason reports that a stage was approved, ApprovalRefusedReason that the
	// annotation names other content or no stage.
	ApprovedReason        = "Approved"
	ApprovalRefusedReason = "ApprovalRefused"

	// OverriddenReason says that a person had all targets triggered at once by
	// reconcile.fluxcd.io/forceAt, whatever was to hold the change back.
	OverriddenReason = "Overridden"

	// BypassedReason reports that a release took up a change by itself that was held
	// back.
	BypassedReason = "Bypassed"

	// FluxOutdatedReason reports that the HelmRelease CustomResourceDefinition is of a
	// helm-controller that the operator does not support. The event is about the definition.
	FluxOutdatedReason = "FluxOutdated"

	// BaselineReason reports that a digest written by the first operator was taken
	// over as a baseline.
	BaselineReason = "Baseline"
)

// GatedCondition reports whether the quiet period, the windows and the stages of a
// ValuesTrigger really hold changes back. It is there if the trigger has any.
const GatedCondition = "Gated"

// Reasons of the condition Gated.
const (
	// NothingBypassesReason reports that helm-controller sees changes only when it is
	// asked: no target reads a source through valuesFrom.
	NothingBypassesReason = "NothingBypasses"

	// ReadAtIntervalReason reports that targets read sources through valuesFrom, so
	// that helm-controller takes up changes at the interval of the HelmRelease too.
	ReadAtIntervalReason = "ReadAtInterval"

	// WatchedByFluxReason reports that a source carries Flux's own watch label, so that
	// helm-controller takes up its changes at once.
	WatchedByFluxReason = "WatchedByFlux"
)
