// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

// The comments of the reasons are the page docs/api/v1beta1/reasons.md: "make generate"
// writes it. Below what a reason means, a list says what a person does about it (Do), the
// status of its condition (Ready, Gated), and the events that have it: the object they are
// about, their type, and what their message says, if that is not the message of the
// condition.

// Reasons of the conditions Ready, Reconciling and Stalled of a ValuesTrigger,
// and of the events about it. The first three are those of Flux: meta.SucceededReason,
// meta.ProgressingReason and acl.AccessDeniedReason of fluxcd/pkg/apis.
const (
	// SucceededReason reports that all targets are Delivered, or all are optional and there
	// are none.
	//
	//   - Do: Nothing
	//   - Ready: True
	SucceededReason = "Succeeded"

	// ProgressingReason reports that at least one target is Triggered or Pending. The
	// message counts the targets by state, or says how far a rollout is.
	//
	//   - Do: Wait. If it takes too long, read the messages of the targets
	//   - Ready: Unknown, Reconciling
	ProgressingReason = "Progressing"

	// AccessDeniedReason reports that a HelmRelease does not accept the trigger, or an
	// account lacks a permission or does not exist. During a rollout it is reported only
	// if all targets are denied.
	//
	//   - Do: Let the HelmRelease name the namespace in allow-from, or grant what the
	//     message names. A new annotation takes effect at once. A new permission is
	//     found by a retry with back-off, or when the trigger is reconciled by annotation
	//   - See: guides/multi-tenancy.md
	//   - Ready: False, Stalled
	//   - ValuesTrigger: Warning. That of the condition; or, while others are delivered, how many
	//     targets are denied, and why the first
	//   - HelmRelease: Warning. The API server refuses to let the operator label it, or
	//     generate its trigger
	//   - ConfigMap or Secret: Warning. A HelmRelease that is named does not accept the
	//     namespace, or the API server refuses to let the operator read or annotate the object
	AccessDeniedReason = "AccessDenied"

	// InvalidSpecReason reports that the spec holds something that the schema could
	// not reject: a selector, cron expression or time zone that cannot be used, more than
	// 256 sources or 10,000 targets, a namespaceSelector where one namespace is watched,
	// sources of one copy that have keys in common, or a forged generated trigger.
	//
	//   - Do: Edit the field that the message names. It is evaluated again at the next
	//     interval, too
	//   - Ready: False, Stalled
	//   - ValuesTrigger: Warning
	InvalidSpecReason = "InvalidSpec"

	// SourceNotFoundReason reports that a required source, or a key that it must
	// have, does not exist or is excluded by its label, or a selector of
	// spec.sources matches nothing. No target is touched.
	//
	//   - Do: Create what the message names, correct the name, or make the source optional
	//   - Ready: False
	//   - ValuesTrigger: Warning
	SourceNotFoundReason = "SourceNotFound"

	// SecretsDisabledReason reports that a source is a Secret and the operator runs
	// without permission on Secrets. It is not followed; the other sources are delivered.
	//
	//   - Do: Set rbac.secrets of the chart, or remove the source
	//   - See: installation.md#access-and-security
	//   - Ready: False
	//   - ValuesTrigger: Warning
	SecretsDisabledReason = "SecretsDisabled"

	// ReadFailedReason reports that the API server did not answer a read of a source
	// or a target. It is retried with back-off, from 750ms to 1m.
	//
	//   - Do: Nothing, if it passes. Otherwise check the API server
	//   - Ready: False
	//   - ValuesTrigger: Warning
	ReadFailedReason = "ReadFailed"

	// NameConflictReason reports that an object has the name of a copy and is not the
	// trigger's, or its owner applies it, or two targets would have the same copy. The
	// object is left alone, and its target is not touched.
	//
	//   - Do: Delete the object, or choose another publish.name. It is evaluated again at
	//     the next interval, or when the trigger is reconciled by annotation
	//   - See: spec/v1beta1/valuestriggers.md#publish
	//   - Ready: False, Stalled
	//   - ValuesTrigger: Warning
	NameConflictReason = "NameConflict"

	// TargetNotFoundReason reports that a HelmRelease that is named does not exist.
	// It is delivered to when it appears.
	//
	//   - Do: Create the HelmRelease, correct name and namespace, or make the target optional
	//   - Ready: False
	//   - ValuesTrigger: Warning
	//   - ConfigMap or Secret: Warning. The name, and the annotation that names it
	TargetNotFoundReason = "TargetNotFound"

	// SelectorMatchesNothingReason reports that a selector of spec.targets matches no
	// HelmRelease or no namespace, and the target is not optional. The other targets
	// are delivered to.
	//
	//   - Do: Correct the selector, label a HelmRelease, or make the target optional
	//   - See: spec/v1beta1/valuestriggers.md#target-optional
	//   - Ready: False
	//   - ValuesTrigger: Warning
	SelectorMatchesNothingReason = "SelectorMatchesNothing"

	// TargetsHeldReason reports that the change waits for something that only a
	// person can give: a HelmRelease is suspended, no target of a stage can be triggered, or no
	// stage selects a target.
	//
	//   - Do: Resume the HelmRelease, or correct the stages
	//   - Ready: False
	//   - ValuesTrigger: Normal
	TargetsHeldReason = "TargetsHeld"

	// DeliveryFailedReason reports that at least one target is Failed, and none is
	// in progress.
	//
	//   - Do: Read the message of the target and fix the release or the values. It continues
	//     when the sources change, when helm-controller succeeds, or by resetAt. What
	//     admission refuses is retried with back-off
	//   - See: spec/v1beta1/valuestriggers.md#retrying-failed-targets
	//   - Ready: False, Stalled
	//   - ValuesTrigger: Warning. That of the condition; or, while others are delivered, how many
	//     targets the API server refuses, and its message about the first
	//   - HelmRelease: Warning. The reason of helm-controller, what was waited for until the
	//     timeout, or the message of the API server
	DeliveryFailedReason = "DeliveryFailed"

	// AwaitingWindowReason reports that the change waits for a window of
	// spec.schedule.
	//
	//   - Do: Wait for the time that the message names, or force all targets
	//   - See: guides/rollouts.md#override
	//   - Ready: False
	//   - ValuesTrigger: Normal
	AwaitingWindowReason = "AwaitingWindow"

	// AwaitingApprovalReason reports that a stage waits for a person to approve it.
	//
	//   - Do: Approve it with the command in the message, or restore the source
	//   - See: spec/v1beta1/valuestriggers.md#approving-a-stage
	//   - Ready: False
	//   - ValuesTrigger: Normal
	AwaitingApprovalReason = "AwaitingApproval"

	// AwaitingGateReason reports that a stage waits for a webhook of type gate to open, or for the
	// baseline of a metric.
	//
	//   - Do: Nothing, if it passes. Otherwise see what the message names
	//   - See: guides/analysis.md#gates
	//   - Ready: False
	//   - ValuesTrigger: Normal
	AwaitingGateReason = "AwaitingGate"

	// RolloutHaltedReason reports that more targets of a stage failed than may, and no
	// further one is touched.
	//
	//   - Do: Fix the sources, or fix the releases and reset the trigger (resetAt)
	//   - See: guides/rollouts.md#when-something-breaks
	//   - Ready: False, Stalled
	//   - ValuesTrigger: Warning
	RolloutHaltedReason = "RolloutHalted"

	// RolledBackReason reports that the content failed in more targets than may, or that a person
	// has requested a rollback, and all have the earlier content again. The content of the sources
	// is rejected.
	//
	//   - Do: Fix the sources, or fix the releases and reset the trigger (resetAt)
	//   - See: guides/emergency-stop-and-rollback.md#roll-back-automatically
	//   - Ready: False, Stalled
	//   - ValuesTrigger: Warning
	RolledBackReason = "RolledBack"

	// RollbackHaltedReason reports that the earlier content could not be restored
	// everywhere.
	//
	//   - Do: Fix the release that the message names: the rollback continues when it proves the
	//     earlier content. Or suspend it, edit the sources, or reset the trigger (resetAt)
	//   - See: guides/emergency-stop-and-rollback.md#roll-back-automatically
	//   - Ready: False, Stalled
	//   - ValuesTrigger: Warning
	RollbackHaltedReason = "RollbackHalted"
)

// GatedCondition reports whether the quiet period, the windows and the stages of a
// ValuesTrigger really hold changes back. It is there if the trigger has any.
const GatedCondition = "Gated"

// Reasons of the condition Gated.
const (
	// NothingBypassesReason reports that changes arrive only when they are requested: no
	// target reads a source through valuesFrom, other than by its own copy.
	//
	//   - Do: Nothing
	//   - Gated: True
	NothingBypassesReason = "NothingBypasses"

	// ReadAtIntervalReason reports that targets read sources through valuesFrom, so
	// that helm-controller also applies changes by itself: at the interval of the
	// HelmRelease, when its spec or chart changes, and when helm-controller restarts.
	//
	//   - Do: Let the targets read copies instead of the source
	//   - See: guides/rollouts.md#what-a-stage-holds-back
	//   - Gated: False
	//   - ValuesTrigger: Warning
	ReadAtIntervalReason = "ReadAtInterval"

	// WatchedByFluxReason reports that a source carries Flux's own watch label
	// (reconcile.fluxcd.io/watch), so that helm-controller upgrades the releases that read it
	// at once.
	//
	//   - Do: Remove the label
	//   - See: guides/rollouts.md#what-a-stage-holds-back
	//   - Gated: False
	//   - ValuesTrigger: Warning
	WatchedByFluxReason = "WatchedByFlux"
)
