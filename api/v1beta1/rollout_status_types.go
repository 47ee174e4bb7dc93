// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RolloutPhase is what a rollout is doing.
// +kubebuilder:validation:Enum=Settling;AwaitingWindow;AwaitingApproval;AwaitingGate;Progressing;Soaking;Blocked;Halted;RollingBack;RolledBack;RollbackHalted;Finished
type RolloutPhase string

const (
	// RolloutSettling waits until the sources have not changed for spec.quietPeriod, or
	// until a GitOps tool has applied what it applies together.
	//
	//   - Continues: by itself
	RolloutSettling RolloutPhase = "Settling"

	// RolloutAwaitingWindow waits for a window of spec.schedule.
	//
	//   - Continues: when one opens
	RolloutAwaitingWindow RolloutPhase = "AwaitingWindow"

	// RolloutAwaitingApproval waits for a person to approve a stage.
	//
	//   - Continues: when a person approves
	RolloutAwaitingApproval RolloutPhase = "AwaitingApproval"

	// RolloutAwaitingGate waits for the webhooks of type gate of a stage to open, or for the baseline of a
	// metric.
	//
	//   - Continues: by itself, when they answer with a status of 2xx and a number
	RolloutAwaitingGate RolloutPhase = "AwaitingGate"

	// RolloutProgressing delivers.
	//
	//   - Continues: by itself
	RolloutProgressing RolloutPhase = "Progressing"

	// RolloutSoaking watches the targets of a stage for minSuccessTime.
	//
	//   - Continues: by itself
	RolloutSoaking RolloutPhase = "Soaking"

	// RolloutBlocked waits since no target of a stage can be delivered to: they are
	// suspended or denied, or all that the stage had are gone.
	//
	//   - Continues: when one can be, or, if all are gone, by resetAt
	RolloutBlocked RolloutPhase = "Blocked"

	// RolloutHalted has stopped since too many targets failed.
	//
	//   - Continues: when the sources change, or by resetAt
	RolloutHalted RolloutPhase = "Halted"

	// RolloutRollingBack has stopped since too many targets failed, and gives those that
	// were touched the earlier content.
	//
	//   - Continues: by itself
	RolloutRollingBack RolloutPhase = "RollingBack"

	// RolloutRolledBack has restored the earlier content. The content that failed is rejected.
	//
	//   - Continues: when the sources change, or by resetAt
	RolloutRolledBack RolloutPhase = "RolledBack"

	// RolloutRollbackHalted could not restore the earlier content: too many targets failed again, or what
	// was kept is gone.
	//
	//   - Continues: when the targets that failed prove it, when the sources change, or by resetAt
	RolloutRollbackHalted RolloutPhase = "RollbackHalted"

	// RolloutFinished has nothing left to do.
	RolloutFinished RolloutPhase = "Finished"
)

// RolloutStatus is where the delivery of the present content stands. It is there
// if spec.quietPeriod, spec.schedule or spec.rollout is set, and while a change settles.
type RolloutStatus struct {
	// Digest of the content of all sources together that is rolled out, the one that
	// an approval names.
	Digest string `json:"digest"`

	// Phase is Settling, AwaitingWindow, AwaitingApproval, AwaitingGate, Progressing,
	// Soaking, Blocked, Halted, RollingBack, RolledBack, RollbackHalted or Finished.
	Phase RolloutPhase `json:"phase"`

	// Stage that is the present one, if there are stages and one is not finished.
	// +optional
	Stage string `json:"stage,omitempty"`

	// ChangedAt is when the operator saw the content for the first time.
	// +optional
	ChangedAt *metav1.Time `json:"changedAt,omitempty"`

	// EditedBy are the users who edited the content, by the annotations trigger.nebius.ai/edited-by of the sources that
	// changed, and of the earlier edits that were not delivered everywhere. An empty name stands for
	// an edit whose user is not known. Empty if none is, as without the label trigger.nebius.ai/four-eyes.
	// With the chart's approvals.fourEyes these may not approve it.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=256
	// +listType=atomic
	// +optional
	EditedBy []string `json:"editedBy,omitempty"`

	// UnsettledSince is when the first change came that waits for the quiet period
	// to end, or settles. Unset when that has ended.
	// +optional
	UnsettledSince *metav1.Time `json:"unsettledSince,omitempty"`

	// Settling is there while a change settles that a GitOps tool or Helm has applied:
	// what belongs to it may not be applied yet. Unset when that has ended.
	// +optional
	Settling *SettlingStatus `json:"settling,omitempty"`

	// NextWindow is the one that the rollout waits for.
	// +optional
	NextWindow *NextWindow `json:"nextWindow,omitempty"`

	// Overridden is true if a person has requested all targets at once
	// (reconcile.fluxcd.io/forceAt): nothing holds this content back.
	// +optional
	Overridden bool `json:"overridden,omitempty"`

	// TriggerAt is the value of trigger.nebius.ai/triggerAt that began this rollout of
	// content that had been delivered before. Empty if a change began it.
	// +optional
	TriggerAt string `json:"triggerAt,omitempty"`

	// Message says why the rollout has halted or is rolled back, is blocked or makes
	// no progress.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`

	// Rollback is there when the content is rolled back (onFailure: Rollback). The digest
	// of the rollout is then the one that is rejected.
	// +optional
	Rollback *RollbackStatus `json:"rollback,omitempty"`

	// RejectedBy is who rejected the content (trigger.nebius.ai/reject), and when. Unset if no one
	// did, and when the rollout goes on all the same.
	// +optional
	RejectedBy *PersonRecord `json:"rejectedBy,omitempty"`

	// Stages and how far each of them got.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Stages []StageStatus `json:"stages,omitempty"`

	// Unmatched is the number of targets that no stage selects.
	// +optional
	Unmatched int32 `json:"unmatched,omitempty"`
}

// SettlingStatus is about the last change that a GitOps tool or Helm has applied.
type SettlingStatus struct {
	// Source that has changed, as in "ConfigMap apps/values". Of several the first.
	Source string `json:"source"`

	// AppliedBy is what applies it, as in "Kustomization flux-system/apps", or the field
	// manager where the source does not say more. Empty if it is not known, since the
	// source is gone.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	AppliedBy string `json:"appliedBy,omitempty"`

	// Since is when the operator saw the content for the first time.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`
}

// RollbackStatus is how far a rollback to earlier content is.
type RollbackStatus struct {
	// Digest of the content that is restored, that of status.lastDelivered.
	Digest string `json:"digest"`

	// StartedAt is when the rollout failed.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`

	// Message says why it has halted, or which targets it has left out.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`
}

// NextWindow is a window that is not open yet.
type NextWindow struct {
	// Opens is when it starts.
	Opens metav1.Time `json:"opens"`

	// Closes is when it ends, joined with those that follow without a break. Unset
	// if that is too far away to be known.
	// +optional
	Closes *metav1.Time `json:"closes,omitempty"`
}

// StagePhase is what a stage is doing.
// +kubebuilder:validation:Enum=Unchanged;Waiting;Progressing;Soaking;Unready;Finished;RollingBack;RolledBack
type StagePhase string

const (
	// StageUnchanged has nothing to do: its targets run the content already.
	StageUnchanged StagePhase = "Unchanged"

	// StageWaiting has not started.
	StageWaiting StagePhase = "Waiting"

	// StageProgressing delivers.
	StageProgressing StagePhase = "Progressing"

	// StageSoaking has delivered, and its targets are ready.
	StageSoaking StagePhase = "Soaking"

	// StageUnready has delivered, and a target stopped being ready while it soaked.
	StageUnready StagePhase = "Unready"

	// StageFinished has let the next stage start.
	StageFinished StagePhase = "Finished"

	// StageRollingBack has targets without the earlier content.
	StageRollingBack StagePhase = "RollingBack"

	// StageRolledBack has restored the earlier content in all its targets. A stage whose
	// targets were not touched is not rolled back.
	StageRolledBack StagePhase = "RolledBack"
)

// StageStatus is where a stage stands.
type StageStatus struct {
	// Name of the stage.
	Name string `json:"name"`

	// Phase is Unchanged, Waiting, Progressing, Soaking, Unready, Finished, RollingBack
	// or RolledBack.
	Phase StagePhase `json:"phase"`

	// Since is when the phase began.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`

	// Targets is the number of targets in the stage.
	// +optional
	Targets int32 `json:"targets"`

	// Delivered is the number of them that run the content; when it is rolled back, the
	// earlier content.
	// +optional
	Delivered int32 `json:"delivered"`

	// Failed is the number of them that failed and count as such.
	// +optional
	Failed int32 `json:"failed"`

	// Approved is true if a person has approved the stage for this content, in this
	// rollout. Defaults to false.
	// +optional
	Approved bool `json:"approved,omitempty"`

	// Approval is the value of the annotation trigger.nebius.ai/approve that approved
	// the stage. It counts for no other stage. Unset while the stage is not approved.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Approval string `json:"approval,omitempty"`

	// ApprovedBy is who approved the stage, and when. Unset while the stage is not approved.
	// +optional
	ApprovedBy *PersonRecord `json:"approvedBy,omitempty"`

	// ApprovedSelector is the digest of the selector that the stage had when it was
	// approved. With another selector it has to be approved again. Unset while the stage
	// is not approved.
	// +kubebuilder:validation:MaxLength=71
	// +optional
	ApprovedSelector string `json:"approvedSelector,omitempty"`

	// Analysis is what was measured of the stage. Unset if the spec has none, or nothing was measured yet.
	// +optional
	Analysis *AnalysisStatus `json:"analysis,omitempty"`
}
