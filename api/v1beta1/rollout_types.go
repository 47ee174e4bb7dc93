// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Window is a time in which changes may be delivered.
type Window struct {
	// Cron is when the window starts: minute, hour, day of month, month, day of
	// week, for example "0 2 * * mon-fri". An expression that never matches makes
	// the trigger Stalled with reason InvalidSpec.
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-0-9A-Za-z*/,?]+( +[-0-9A-Za-z*/,?]+){4}$`
	// +required
	Cron string `json:"cron"`

	// TimeZone is the IANA name of the time zone of cron, for
	// example Europe/Berlin. A start at an hour that is skipped in spring comes
	// when the clocks have been changed; one that comes twice in autumn counts
	// once. A zone that is not known makes the trigger Stalled with reason
	// InvalidSpec. Defaults to UTC.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][-+A-Za-z0-9_]*(/[A-Za-z][-+A-Za-z0-9_]*)*$`
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// Window is how long it stays open, from 1m to 168h. Windows that overlap
	// are one.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="window must be between 1m and 168h"
	// +required
	Window metav1.Duration `json:"window"`
}

// FailurePolicy determines what happens when more targets fail than may.
// +kubebuilder:validation:Enum=Halt;Continue;Rollback
type FailurePolicy string

const (
	// FailureHalt stops the rollout: no further target is touched.
	FailureHalt FailurePolicy = "Halt"

	// FailureContinue continues. Failures are counted and reported.
	FailureContinue FailurePolicy = "Continue"

	// FailureRollback stops the rollout and rolls the change back: all targets that got
	// it get the last content again that passed all stages.
	FailureRollback FailurePolicy = "Rollback"
)

// ApprovalPolicy reports whether a stage starts by itself.
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
	// percentage of its targets, rounded down. When more do, onFailure determines what
	// happens. A target that was not ready before the change does not count.
	// Defaults to 0.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^(0|[1-9][0-9]?|100)%$`
	// +kubebuilder:validation:XValidation:rule="type(self) != int || (self >= 0 && self <= 10000)",message="maxFailures must be between 0 and 10000, or a percentage"
	// +optional
	MaxFailures *intstr.IntOrString `json:"maxFailures,omitempty"`

	// OnFailure is Halt: no further target is touched until the sources change or
	// the trigger is reset (reconcile.fluxcd.io/resetAt); Continue; or Rollback, which
	// needs spec.publish: the copies of the targets that were touched get the content of
	// status.lastDelivered again, and the content that failed is rejected until the
	// sources change, or the trigger is reset. While there is no such content it halts.
	// Defaults to Halt.
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

	// MaxConcurrency is how many targets of the stage may be in progress at a time, as
	// a number or as a percentage of its targets, rounded down and at least 1.
	// Defaults to all of them.
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:Pattern=`^([1-9][0-9]?|100)%$`
	// +kubebuilder:validation:XValidation:rule="type(self) != int || (self >= 1 && self <= 10000)",message="maxConcurrency must be between 1 and 10000, or a percentage"
	// +optional
	MaxConcurrency *intstr.IntOrString `json:"maxConcurrency,omitempty"`

	// MinSuccessTime is how long the targets of the stage must have been ready, all
	// at the same time, before the next stage starts, from 0s to 168h. A target
	// that stops being ready starts the time again; one that is not ready for
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

	// Analysis measures what the stage does, and fails it when that is bad. Without one, a stage is
	// judged by the readiness of its releases.
	// +optional
	Analysis *Analysis `json:"analysis,omitempty"`
}
