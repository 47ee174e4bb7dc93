// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

// Reasons of events that are not reasons of Ready.
const (
	// TriggeredReason reports that a HelmRelease was requested to reconcile.
	//
	//   - Do: Nothing
	//   - ValuesTrigger: Normal. One event for all that were triggered together, with their
	//     number and some of their names. Of a stage, only the first; of what a person
	//     forces or retries, each
	//   - HelmRelease: Normal. "Triggered: " and the cause: object, digest, keys, editor,
	//     trigger
	TriggeredReason = "Triggered"

	// DeliveredReason reports that a change is proven to run in a HelmRelease.
	//
	//   - Do: Nothing
	//   - ValuesTrigger: Normal. All targets are delivered
	//   - HelmRelease: Normal. "Delivered, revision 7: " and the cause, or "Delivered,
	//     revision 7 as before: " if the values stayed the same, so that the request made
	//     no revision
	DeliveredReason = "Delivered"

	// CopiesDeletedReason reports that copies that no target needs were deleted.
	//
	//   - Do: Nothing
	//   - ValuesTrigger: Normal. Their number
	CopiesDeletedReason = "CopiesDeleted"

	// CopiesKeptReason reports that copies that no target needs could not be deleted.
	//
	//   - Do: Grant the permission that the message names, or delete them by hand
	//   - See: operations.md#what-becomes-of-copies
	//   - ValuesTrigger: Warning. Who lacks which permission
	CopiesKeptReason = "CopiesKept"

	// InvalidContractReason reports that a label or annotation of the contract is
	// malformed.
	//
	//   - Do: Correct the label or annotation that the message names
	//   - See: spec/v1beta1/annotations.md
	//   - HelmRelease: Warning. Its name or namespace does not fit into a label, or more
	//     labelled objects name it than fit into one trigger
	//   - ConfigMap or Secret: Warning. An annotation is missing or malformed, names are too
	//     many, or a HelmRelease is opted out by its label. Also about an object that is not a
	//     source and seems meant as one: the label has another value, or is missing beside
	//     names
	InvalidContractReason = "InvalidContract"

	// AmbiguousTriggerReason reports that a ValuesTrigger looks like the one that the
	// operator generates for a HelmRelease, and counts as declared.
	//
	//   - Do: What the message says: rename the ValuesTrigger, or leave its label alone
	//   - See: spec/v1beta1/valuestriggers.md#generated-valuestriggers
	//   - ValuesTrigger: Warning. It is applied by another manager as well, or waits for a
	//     release that does not exist
	//   - HelmRelease: Warning. The ValuesTrigger counts as declared, a policy changes the
	//     label of the generated one, or all names that it may have are taken
	AmbiguousTriggerReason = "AmbiguousTrigger"

	// DeclaredReason reports that the operator no longer owns a ValuesTrigger that it had
	// generated, since another field manager applies it.
	//
	//   - Do: Nothing, if that is what you want
	//   - ValuesTrigger: Normal. The field manager, and the ValuesTrigger that delivers the rest
	DeclaredReason = "Declared"

	// StageStartedReason reports that a stage of a rollout makes its first requests.
	//
	//   - Do: Nothing
	//   - ValuesTrigger: Normal. Number, name, size and content of the stage
	StageStartedReason = "StageStarted"

	// StageFinishedReason reports that a stage of a rollout is over.
	//
	//   - Do: Nothing
	//   - ValuesTrigger: Normal. How many were delivered, and how many failed
	StageFinishedReason = "StageFinished"

	// RollbackStartedReason reports that a rollout has failed and is rolled back.
	//
	//   - Do: Wait for RolledBack or RollbackHalted
	//   - See: spec/v1beta1/valuestriggers.md#rollback
	//   - ValuesTrigger: Warning. Which content is replaced, which is restored, and why
	RollbackStartedReason = "RollbackStarted"

	// RollbackRequestedReason reports that a person goes back to a revision
	// (trigger.nebius.ai/rollback).
	//
	//   - Do: Change the sources, to the content of the revision or to something better
	//   - See: spec/v1beta1/valuestriggers.md#going-back-to-a-revision
	//   - ValuesTrigger: Warning. The revision, who asked for it, and which content is rejected
	RollbackRequestedReason = "RollbackRequested"

	// RollbackRefusedReason reports that the annotation trigger.nebius.ai/rollback names a revision that
	// cannot be restored, or other content than the sources hold.
	//
	//   - Do: Set the annotation as the message says
	//   - See: spec/v1beta1/valuestriggers.md#going-back-to-a-revision
	//   - ValuesTrigger: Warning. Why, and what to set
	RollbackRefusedReason = "RollbackRefused"

	// RolloutSupersededReason reports that the sources changed during a rollout, which
	// starts again.
	//
	//   - Do: Nothing
	//   - ValuesTrigger: Normal. How far it had got
	RolloutSupersededReason = "RolloutSuperseded"

	// ApprovedReason reports that a stage was approved.
	//
	//   - Do: Nothing
	//   - ValuesTrigger: Normal. The stage, the content that it is approved for, and who has approved it
	ApprovedReason = "Approved"

	// ApprovalRefusedReason reports that the annotation trigger.nebius.ai/approve names other
	// content or no stage, was set before its content was seen, or is used up; or the selector
	// of an approved stage has changed.
	//
	//   - Do: Check the content that waits, and approve it as the message says
	//   - See: spec/v1beta1/valuestriggers.md#approving-a-stage
	//   - ValuesTrigger: Warning. What to set
	ApprovalRefusedReason = "ApprovalRefused"

	// RejectedReason reports that a person has rejected content that was being rolled out
	// (trigger.nebius.ai/reject).
	//
	//   - Do: Change the sources
	//   - See: spec/v1beta1/valuestriggers.md#rejecting-content
	//   - ValuesTrigger: Warning. Which content, and who has rejected it
	RejectedReason = "Rejected"

	// RejectionRefusedReason reports that the annotation trigger.nebius.ai/reject names other content
	// than the one that is being rolled out, or that none is.
	//
	//   - Do: What the message says
	//   - See: spec/v1beta1/valuestriggers.md#rejecting-content
	//   - ValuesTrigger: Warning. Why, and what to set
	RejectionRefusedReason = "RejectionRefused"

	// MeasurementFailedReason reports that a metric of a stage was out of its range, or that a check failed.
	//
	//   - Do: Nothing: when too many have, the stage fails by itself. Reject the content to stop it now
	//   - See: guides/analysis.md
	//   - ValuesTrigger: Warning. Stage, metric, value and range, and how many failures the threshold leaves
	MeasurementFailedReason = "MeasurementFailed"

	// MeasurementInconclusiveReason reports that a provider of a stage's analysis gives no answer.
	//
	//   - Do: Check the provider or the query. After spec.timeout the stage fails
	//   - See: guides/analysis.md#no-answer
	//   - ValuesTrigger: Warning. Stage, metric and why. Once, until there is an answer again
	MeasurementInconclusiveReason = "MeasurementInconclusive"

	// OverriddenReason reports that a person had all targets triggered at once by
	// reconcile.fluxcd.io/forceAt, although the change was held back.
	//
	//   - Do: Make sure that it was meant. trigger.nebius.ai/triggerAt keeps to the stages
	//   - See: spec/v1beta1/valuestriggers.md#forcing-all-targets
	//   - ValuesTrigger: Warning. What was overridden, and by whom
	OverriddenReason = "Overridden"

	// BypassedReason reports that HelmReleases applied a change by themselves that was held
	// back.
	//
	//   - Do: Let them read copies instead of the source
	//   - See: guides/rollouts.md#what-a-stage-holds-back
	//   - ValuesTrigger: Warning. Their number, and some of their names
	BypassedReason = "Bypassed"

	// FluxOutdatedReason reports that the HelmRelease CustomResourceDefinition is of a
	// helm-controller that the operator does not support.
	//
	//   - Do: Upgrade Flux to 2.8 or later
	//   - CustomResourceDefinition: Warning. Once after each start, and again after Flux was
	//     upgraded and is old again
	FluxOutdatedReason = "FluxOutdated"

	// ProviderInvalidReason reports that the operator cannot read how the providers of analysis are
	// configured, or cannot use the Secret of one.
	//
	//   - Do: Correct the chart value analysis.providers or the Secret. Until then the former
	//     configuration holds, and a provider without its Secret gives no answer
	//   - See: guides/analysis.md#providers
	//   - Pod: Warning. What is wrong and where, without any value. Once for each of it
	ProviderInvalidReason = "ProviderInvalid"

	// BaselineReason reports that a digest written by the first operator was taken
	// over as a baseline.
	//
	//   - Do: Nothing
	//   - See: guides/upgrade-from-the-first-operator.md
	//   - ConfigMap or Secret: Normal. The object triggers nothing until its content changes
	BaselineReason = "Baseline"
)
