// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Window is a time in which changes may be delivered.
type Window struct {
	// Cron tells when the window starts: minute, hour, day of month, month, day of
	// week, for example "0 2 * * mon-fri". An expression that never comes makes
	// the trigger Stalled with reason InvalidSpec.
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-0-9A-Za-z*/,?]+( +[-0-9A-Za-z*/,?]+){4}$`
	// +required
	Cron string `json:"cron"`

	// TimeZone is the IANA name of the time zone whose clocks cron goes by, for
	// example Europe/Berlin. A start at an hour that is left out in spring comes
	// when the clocks have been changed; one that comes twice in autumn counts
	// once. A zone that is not known makes the trigger Stalled with reason
	// InvalidSpec. Defaults to UTC.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][-+A-Za-z0-9_]*(/[A-Za-z][-+A-Za-z0-9_]*)*$`
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// Window is how long it stays open, from 1m to 168h. Windows that overlap
	// join.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="window must be between 1m and 168h"
	// +required
	Window metav1.Duration `json:"window"`
}

// FailurePolicy tells what happens when more targets fail than may.
// +kubebuilder:validation:Enum=Halt;Continue
type FailurePolicy string

const (
	// FailureHalt stops the rollout: no further target is touched.
	FailureHalt FailurePolicy = "Halt"

	// FailureContinue goes on. Failures are counted and told.
	FailureContinue FailurePolicy = "Continue"
)

// ApprovalPolicy tells whether a stage starts by itself.
// +kubebuilder:validation:Enum=Automatic;Manual
type ApprovalPolicy string

const (
	// ApprovalAutomatic starts a stage when the one before it is finished.
	ApprovalAutomatic ApprovalPolicy = "Automatic"

	// ApprovalManual waits for the annotation trigger.nebius.ai/approve to name the
	// content.
	ApprovalManual ApprovalPolicy = "Manual"
)

// Rollout delivers a change in stages, one after the other.
type Rollout struct {
	// Stages in their order. A target belongs to the first stage that selects it.
	// Targets of no stage are reported and not triggered.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.filter(s, !has(s.selector)).size() == (has(self[self.size() - 1].selector) ? 0 : 1)",message="only the last stage may be without a selector: it takes all that is left"
	// +listType=map
	// +listMapKey=name
	// +required
	Stages []Stage `json:"stages"`

	// MaxFailures is how many targets of a stage may fail, as a number or as a
	// percentage of its targets, rounded down. When more do, onFailure tells what
	// happens. A target that was not ready before the change does not count.
	// Defaults to 0.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^(0|[1-9][0-9]?|100)%$`
	// +kubebuilder:validation:XValidation:rule="type(self) != int || (self >= 0 && self <= 1000)",message="maxFailures must be between 0 and 1000, or a percentage"
	// +optional
	MaxFailures *intstr.IntOrString `json:"maxFailures,omitempty"`

	// OnFailure is Halt: no further target is touched until the sources change or
	// the trigger is reset (reconcile.fluxcd.io/resetAt); or Continue. Defaults to
	// Halt.
	// +kubebuilder:default=Halt
	// +optional
	OnFailure FailurePolicy `json:"onFailure,omitempty"`
}

// Stage is a part of the targets that gets a change together.
type Stage struct {
	// Name of the stage, unique in the rollout.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a stage: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +required
	Name string `json:"name"`

	// Selector selects targets by the labels of the HelmReleases. Without one, the
	// stage takes all that earlier stages left; only the last one may do so.
	// +optional
	Selector *Selector `json:"selector,omitempty"`

	// MaxConcurrency is how many targets of the stage may be under way at a time, as
	// a number or as a percentage of its targets, rounded down and at least 1.
	// Defaults to all of them.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^([1-9][0-9]?|100)%$`
	// +kubebuilder:validation:XValidation:rule="type(self) != int || (self >= 1 && self <= 1000)",message="maxConcurrency must be between 1 and 1000, or a percentage"
	// +optional
	MaxConcurrency *intstr.IntOrString `json:"maxConcurrency,omitempty"`

	// MinSuccessTime is how long the targets of the stage must have been ready, all
	// at the same time, before the next stage starts, from 0s to 168h. A target
	// that stops being ready starts the time anew; one that is not ready for
	// spec.timeout counts as failed. Defaults to 0s.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('168h')",message="minSuccessTime must be at most 168h"
	// +optional
	MinSuccessTime metav1.Duration `json:"minSuccessTime,omitzero"`

	// Approval is Automatic, or Manual: the stage starts when the annotation
	// trigger.nebius.ai/approve on the ValuesTrigger names the content. Defaults to
	// Automatic.
	// +optional
	Approval ApprovalPolicy `json:"approval,omitempty"`
}

// RolloutPhase tells what a rollout is doing.
// +kubebuilder:validation:Enum=Settling;AwaitingWindow;AwaitingApproval;Progressing;Soaking;Blocked;Halted;Finished
type RolloutPhase string

const (
	// RolloutSettling waits until the sources have not changed for
	// spec.quietPeriod.
	RolloutSettling RolloutPhase = "Settling"

	// RolloutAwaitingWindow waits for a window of spec.schedule.
	RolloutAwaitingWindow RolloutPhase = "AwaitingWindow"

	// RolloutAwaitingApproval waits for a person to approve a stage.
	RolloutAwaitingApproval RolloutPhase = "AwaitingApproval"

	// RolloutProgressing delivers.
	RolloutProgressing RolloutPhase = "Progressing"

	// RolloutSoaking watches the targets of a stage for minSuccessTime.
	RolloutSoaking RolloutPhase = "Soaking"

	// RolloutBlocked waits since no target of a stage can be delivered to: they are
	// suspended or denied.
	RolloutBlocked RolloutPhase = "Blocked"

	// RolloutHalted has stopped since too many targets failed.
	RolloutHalted RolloutPhase = "Halted"

	// RolloutFinished has nothing left to do.
	RolloutFinished RolloutPhase = "Finished"
)

// RolloutStatus is where the delivery of the present content stands. It is there
// if spec.quietPeriod, spec.schedule or spec.rollout is set.
type RolloutStatus struct {
	// Digest of the content of all sources together that is rolled out, the one that
	// an approval names.
	Digest string `json:"digest"`

	// Phase is Settling, AwaitingWindow, AwaitingApproval, Progressing, Soaking,
	// Blocked, Halted or Finished.
	Phase RolloutPhase `json:"phase"`

	// Stage that is the present one, if there are stages and one is not finished.
	// +optional
	Stage string `json:"stage,omitempty"`

	// ChangedAt is when the operator saw the content for the first time.
	// +optional
	ChangedAt *metav1.Time `json:"changedAt,omitempty"`

	// UnsettledSince is when the first change came that waits for the quiet period
	// to end. Unset when it has ended.
	// +optional
	UnsettledSince *metav1.Time `json:"unsettledSince,omitempty"`

	// NextWindow is the one that the rollout waits for.
	// +optional
	NextWindow *NextWindow `json:"nextWindow,omitempty"`

	// Overridden tells that a person has requested all targets at once
	// (reconcile.fluxcd.io/forceAt): nothing holds this content back.
	// +optional
	Overridden bool `json:"overridden,omitempty"`

	// Message tells why the rollout has halted, is blocked or does not get on.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`

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

// NextWindow is a window that is not open yet.
type NextWindow struct {
	// Opens is when it starts.
	Opens metav1.Time `json:"opens"`

	// Closes is when it ends, joined with those that follow without a break. Unset
	// if that is too far away to be known.
	// +optional
	Closes *metav1.Time `json:"closes,omitempty"`
}

// StagePhase tells what a stage is doing.
// +kubebuilder:validation:Enum=Unchanged;Waiting;Progressing;Soaking;Unready;Finished
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

	// StageUnready has delivered, and a target stopped being ready.
	StageUnready StagePhase = "Unready"

	// StageFinished has let the next stage start.
	StageFinished StagePhase = "Finished"
)

// StageStatus is where a stage stands.
type StageStatus struct {
	// Name of the stage.
	Name string `json:"name"`

	// Phase is Unchanged, Waiting, Progressing, Soaking, Unready or Finished.
	Phase StagePhase `json:"phase"`

	// Since is when the phase began.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`

	// Targets is the number of targets in the stage.
	// +optional
	Targets int32 `json:"targets"`

	// Delivered is the number of them that run the content.
	// +optional
	Delivered int32 `json:"delivered"`

	// Failed is the number of them that failed and count as such.
	// +optional
	Failed int32 `json:"failed"`

	// Approved tells that a person has approved the stage for this content.
	// +optional
	Approved bool `json:"approved,omitempty"`
}
