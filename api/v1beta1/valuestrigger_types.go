// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
)

const (
	// ValuesTriggerKind is the kind of a ValuesTrigger.
	ValuesTriggerKind = "ValuesTrigger"

	// MaxResolvedSources and MaxResolvedTargets bound what the references of one
	// ValuesTrigger may resolve to. Beyond it the trigger is Stalled.
	MaxResolvedSources = 256
	MaxResolvedTargets = 1000

	// MaxHistory is the number of changes kept in status.history.
	MaxHistory = 5
)

// ValuesTriggerSpec says which sources are delivered to which HelmReleases.
type ValuesTriggerSpec struct {
	// Suspend stops the trigger: no source is read and no target touched.
	// What changes meanwhile is delivered, once, after it is resumed. Defaults
	// to false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// Interval at which everything is checked again, as a safety net: every
	// change is seen by watch. From 10s to 24h. Defaults to 10m.
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s') && duration(self) <= duration('24h')",message="interval must be between 10s and 24h"
	// +optional
	Interval metav1.Duration `json:"interval,omitzero"`

	// Timeout for one target to prove that it runs the change, counted from the
	// request. A target that exceeds it is Failed, and Delivered as soon as it
	// does prove it. From 1s to 24h. Defaults to 5m.
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="timeout must be between 1s and 24h"
	// +optional
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// ServiceAccountName is the account, in the namespace of the ValuesTrigger,
	// as which sources are read and targets are read and patched. Defaults to
	// the operator's --default-service-account and, without one, to the
	// operator's own account. An account that does not exist or may not do
	// these things makes the trigger Stalled with reason AccessDenied.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="serviceAccountName must be the name of a ServiceAccount in the namespace of the ValuesTrigger: lower-case letters, digits, '-' and '.'"
	// +optional
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// Force tells when a target is asked for a forced upgrade: Auto, when a
	// source changed that it does not read through valuesFrom; Always; or Never.
	// Defaults to Auto. A source may set its own.
	// +kubebuilder:default=Auto
	// +optional
	Force ForcePolicy `json:"force,omitempty"`

	// Sources whose content is delivered.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +required
	Sources []SourceReference `json:"sources"`

	// Targets are the HelmReleases to which every source is delivered.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +required
	Targets []TargetReference `json:"targets"`
}

// ValuesTriggerStatus is the observed state of a ValuesTrigger.
type ValuesTriggerStatus struct {
	// ObservedGeneration is the last generation of the spec that was acted on.
	// -1 until the first.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	meta.ReconcileRequestStatus `json:",inline"`
	meta.ForceRequestStatus     `json:",inline"`

	// LastHandledResetAt holds the last value of reconcile.fluxcd.io/resetAt that
	// was acted on.
	// +optional
	LastHandledResetAt string `json:"lastHandledResetAt,omitempty"`

	// Conditions are Ready, Reconciling and Stalled, as kstatus reads them.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// LastDigest is the digest of the content of all sources together, as last
	// read.
	// +optional
	LastDigest string `json:"lastDigest,omitempty"`

	// LastTriggerTime is when a target was last asked to reconcile.
	// +optional
	LastTriggerTime *metav1.Time `json:"lastTriggerTime,omitempty"`

	// Sources that the references resolved to, with their digests.
	// +kubebuilder:validation:MaxItems=256
	// +listType=atomic
	// +optional
	Sources []SourceStatus `json:"sources,omitempty"`

	// Targets that the references resolved to, and how far each delivery got.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=atomic
	// +optional
	Targets []TargetStatus `json:"targets,omitempty"`

	// Delivered is the number of targets that run the current content, of all
	// targets, for example "3/3".
	// +optional
	Delivered string `json:"delivered,omitempty"`

	// History of the last five changes, newest first.
	// +kubebuilder:validation:MaxItems=5
	// +listType=atomic
	// +optional
	History []Change `json:"history,omitempty"`
}

// SourceStatus is one source as last read.
type SourceStatus struct {
	// Kind of the source.
	Kind string `json:"kind"`

	// Namespace of the source.
	Namespace string `json:"namespace"`

	// Name of the source.
	Name string `json:"name"`

	// Digest of the selected keys, "sha256:" and hexadecimal digits, salted with the UID for a
	// Secret. Empty while an optional source does not exist.
	// +optional
	Digest string `json:"digest,omitempty"`
}

// TargetState tells how far the delivery to a target got.
// +kubebuilder:validation:Enum=Pending;Held;Triggered;Delivered;Failed;Missing
type TargetState string

const (
	// TargetPending waits for its turn or for helm-controller to finish what it
	// is doing.
	TargetPending TargetState = "Pending"

	// TargetHeld waits for a person; the message says for what.
	TargetHeld TargetState = "Held"

	// TargetTriggered was asked to reconcile and has not proven the change yet.
	TargetTriggered TargetState = "Triggered"

	// TargetDelivered is proven to run the change.
	TargetDelivered TargetState = "Delivered"

	// TargetFailed was asked, and failed, refused, or timed out.
	TargetFailed TargetState = "Failed"

	// TargetMissing is named in the spec and does not exist.
	TargetMissing TargetState = "Missing"
)

// TargetStatus is the state of the delivery to one HelmRelease.
type TargetStatus struct {
	// Namespace of the HelmRelease.
	Namespace string `json:"namespace"`

	// Name of the HelmRelease.
	Name string `json:"name"`

	// State is Pending, Held, Triggered, Delivered, Failed or Missing.
	State TargetState `json:"state"`

	// Digest of the content that the HelmRelease was last asked to run or is
	// proven to run. It differs from status.lastDigest while a change waits.
	// +optional
	Digest string `json:"digest,omitempty"`

	// Token of the last request, the value of reconcile.fluxcd.io/requestedAt.
	// +optional
	Token string `json:"token,omitempty"`

	// Forced tells that the change that waits, or the last request, needs a forced
	// upgrade.
	// +optional
	Forced bool `json:"forced,omitempty"`

	// Attempts is the number of requests made for the current change. More than
	// one means that helm-controller lost one.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`

	// TriggeredAt is when the last request was made.
	// +optional
	TriggeredAt *metav1.Time `json:"triggeredAt,omitempty"`

	// DeliveredAt is when the digest was proven to run. Unset from a request
	// until its proof.
	// +optional
	DeliveredAt *metav1.Time `json:"deliveredAt,omitempty"`

	// Revision of the Helm release: the one that proved the delivery or, while
	// a request is under way, the one before it.
	// +optional
	Revision int64 `json:"revision,omitempty"`

	// Message tells why the target is in this state, where that is not obvious.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`

	// Cause of the last request: which object, whose edit.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Cause string `json:"cause,omitempty"`
}

// ChangeOutcome tells what became of a change.
// +kubebuilder:validation:Enum=InProgress;Delivered;Failed;Superseded
type ChangeOutcome string

const (
	// ChangeInProgress is on its way to at least one target.
	ChangeInProgress ChangeOutcome = "InProgress"

	// ChangeDelivered is proven to run in all targets.
	ChangeDelivered ChangeOutcome = "Delivered"

	// ChangeFailed has reached an end in every target, and failed in at least one.
	ChangeFailed ChangeOutcome = "Failed"

	// ChangeSuperseded was followed by the next change before it was delivered
	// everywhere.
	ChangeSuperseded ChangeOutcome = "Superseded"
)

// Change is an entry of the history.
type Change struct {
	// Digest of all sources together after the change.
	Digest string `json:"digest"`

	// Cause of the change: which object, whose edit.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Cause string `json:"cause,omitempty"`

	// Time at which the operator saw the change.
	Time metav1.Time `json:"time"`

	// Outcome is InProgress, Delivered, Failed or Superseded.
	Outcome ChangeOutcome `json:"outcome"`

	// Delivered is the number of targets that were proven to run it, of all, for
	// example "3/3".
	// +optional
	Delivered string `json:"delivered,omitempty"`
}

// ValuesTrigger delivers changes of ConfigMaps and Secrets to HelmReleases.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=vt,categories=all;fluxcd
// +kubebuilder:metadata:annotations={"kustomize.toolkit.fluxcd.io/substitute=disabled"}
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].message"
// +kubebuilder:printcolumn:name="Delivered",type="string",JSONPath=".status.delivered"
// +kubebuilder:printcolumn:name="Last triggered",type="date",JSONPath=".status.lastTriggerTime"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
// +kubebuilder:printcolumn:name="Digest",type="string",JSONPath=".status.lastDigest",priority=1
// +kubebuilder:printcolumn:name="Suspended",type="boolean",JSONPath=".spec.suspend",priority=1
type ValuesTrigger struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec ValuesTriggerSpec `json:"spec"`

	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status ValuesTriggerStatus `json:"status,omitzero"`
}

// ValuesTriggerList is a list of ValuesTriggers.
// +kubebuilder:object:root=true
type ValuesTriggerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ValuesTrigger `json:"items"`
}
