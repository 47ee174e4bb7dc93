// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fluxcd/pkg/apis/meta"
)

const (
	// ValuesTriggerKind is the kind of a ValuesTrigger.
	ValuesTriggerKind = "ValuesTrigger"

	// MaxResolvedSources and MaxResolvedTargets bound what the references of one
	// ValuesTrigger may resolve to. Beyond it the trigger is Stalled.
	MaxResolvedSources = 256
	MaxResolvedTargets = 10000

	// MaxListedTargets is the number of targets in status.targets. status.summary counts the
	// others, too.
	MaxListedTargets = 200

	// DefaultHistory is the number of changes kept in status.history without
	// spec.revisionHistoryLimit, and MaxHistory the largest.
	DefaultHistory = 10
	MaxHistory     = 50

	// MaxHeadline bounds status.headline, in characters.
	MaxHeadline = 22
)

// ValuesTriggerSpec says which sources are delivered to which HelmReleases.
// +kubebuilder:validation:XValidation:rule="!has(self.maxDelay) || has(self.quietPeriod) && duration(self.maxDelay) >= duration(self.quietPeriod)",message="maxDelay needs a quietPeriod and must not be shorter"
// +kubebuilder:validation:XValidation:rule="has(self.publish) || !self.sources.exists(s, has(s.publishAs))",message="publishAs of a source needs publish"
// +kubebuilder:validation:XValidation:rule="has(self.publish) || !has(self.rollout) || !has(self.rollout.onFailure) || self.rollout.onFailure != 'Rollback'",message="onFailure Rollback needs publish: only copies can be given their earlier content"
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
	// does prove it. From 1s to 24h. Defaults to 5m, which is extended to what
	// the HelmRelease may take for an installation or upgrade, and a minute.
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

	// Force determines when a target gets a forced upgrade: Auto, when a
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

	// QuietPeriod is how long the sources must not have changed before a change is
	// delivered, so that many edits make one revision. From 1s to 24h. Without it
	// changes are delivered at once.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="quietPeriod must be between 1s and 24h"
	// +optional
	QuietPeriod metav1.Duration `json:"quietPeriod,omitzero"`

	// MaxDelay caps the wait for quietPeriod, counted from the first change that
	// waits. At least quietPeriod, at most 168h. Defaults to ten times
	// quietPeriod.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('168h')",message="maxDelay must be at most 168h"
	// +optional
	MaxDelay metav1.Duration `json:"maxDelay,omitzero"`

	// Schedule holds windows. Outside of them no target is triggered; upgrades in
	// progress continue. Without any, changes are delivered at all times.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Schedule []Window `json:"schedule,omitempty"`

	// Rollout delivers in stages. Without it all targets are triggered at once.
	// +optional
	Rollout *Rollout `json:"rollout,omitempty"`

	// Publish gives each target its own copies of the sources, also across namespaces.
	// A copy changes when the turn of its target comes, so that quietPeriod, schedule
	// and rollout hold old values back from what reads the copy. Content crosses a
	// namespace only if spec.serviceAccountName may read the source, or if the source
	// carries the annotation trigger.nebius.ai/publish-to. Copies are made in another
	// namespace than the ValuesTrigger's only as spec.serviceAccountName, or with the
	// consent of their owner: the annotation trigger.nebius.ai/allow-from on the
	// HelmRelease, or on its Namespace, names the namespace of the ValuesTrigger.
	// Without it the target is denied with reason AccessDenied.
	// +optional
	Publish *Publish `json:"publish,omitempty"`

	// RevisionHistoryLimit is how many changes status.history keeps, as far as they fit into 16 KiB,
	// the newest first. The newest revision always stays. With spec.publish the content of as many of
	// them as passed all stages is kept, too, so that a rollback can go back to it. From 1 to 50.
	// Defaults to 10.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50
	// +optional
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
}

// ValuesTriggerStatus is the observed state of a ValuesTrigger.
type ValuesTriggerStatus struct {
	// UID of the ValuesTrigger whose status this is. A status of another one, which a
	// restore has brought back with a new object, is computed again.
	// +optional
	UID types.UID `json:"uid,omitempty"`

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

	// LastHandledTriggerAt holds the last value of trigger.nebius.ai/triggerAt that was
	// acted on.
	// +optional
	LastHandledTriggerAt string `json:"lastHandledTriggerAt,omitempty"`

	// LastHandledApproval holds the value of trigger.nebius.ai/approve that was last
	// evaluated, up to 256 bytes of it. A value counts once: the same value counts again
	// only after the operator has seen the annotation removed, when this is unset.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	LastHandledApproval string `json:"lastHandledApproval,omitempty"`

	// LastHandledReject holds the value of trigger.nebius.ai/reject that was last evaluated, up to
	// 256 bytes of it.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	LastHandledReject string `json:"lastHandledReject,omitempty"`

	// LastHandledRollback holds the value of trigger.nebius.ai/rollback that was last evaluated, up to
	// 256 bytes of it.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	LastHandledRollback string `json:"lastHandledRollback,omitempty"`

	// Conditions are Ready, Reconciling and Stalled, as kstatus reads them, and
	// Gated, which reports whether anything bypasses what holds changes back.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Headline is the condition Ready in a few words, for tables: its reason or the phase of
	// the rollout, and the stage that it is about, or how many targets. It is for people; what
	// reads it by a program reads the condition.
	// +kubebuilder:validation:MaxLength=22
	// +optional
	Headline string `json:"headline,omitempty"`

	// LastDigest is the digest of the content of all sources together, as last
	// read. While a rollout is rolled back, and afterwards, it is that of the content
	// that is restored.
	// +optional
	LastDigest string `json:"lastDigest,omitempty"`

	// LastTriggerTime is when a target was last triggered.
	// +optional
	LastTriggerTime *metav1.Time `json:"lastTriggerTime,omitempty"`

	// LastDelivered is the last content that passed all stages, with no more
	// failures than allowed. With onFailure Rollback it is kept: for each source, an
	// object of its kind in the namespace of the ValuesTrigger.
	// +optional
	LastDelivered *DeliveredContent `json:"lastDelivered,omitempty"`

	// Sources that the references resolved to, with their digests.
	// +kubebuilder:validation:MaxItems=256
	// +listType=atomic
	// +optional
	Sources []SourceStatus `json:"sources,omitempty"`

	// Targets that the references resolved to, and how far each delivery got: up to 200 of them and
	// 48 KiB, or less beside a long history, those that need attention first. Of more than 200, no more than 20
	// that are Delivered or wait for their turn are listed. It shows what is recorded on the HelmReleases.
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	// +optional
	Targets []TargetStatus `json:"targets,omitempty"`

	// Summary counts all targets by state. Unset in a status of an earlier version.
	// +optional
	Summary *TargetSummary `json:"summary,omitempty"`

	// Delivered is the number of targets that run the current content, of all
	// targets, for example "3/3".
	// +optional
	Delivered string `json:"delivered,omitempty"`

	// Rollout is where the delivery of the present content stands, if quietPeriod,
	// schedule or rollout is set, and while a change settles.
	// +optional
	Rollout *RolloutStatus `json:"rollout,omitempty"`

	// Restored is there while the present content of the sources is rejected by a rollback on request
	// (trigger.nebius.ai/rollback), and an earlier revision is delivered in its place. It ends when the sources
	// change, or by resetAt, unless what is restored has failed: then that is tried again.
	// +optional
	Restored *RestoreRecord `json:"restored,omitempty"`

	// History of the last changes, newest first, as many as spec.revisionHistoryLimit says.
	// +kubebuilder:validation:MaxItems=50
	// +listType=atomic
	// +optional
	History []Change `json:"history,omitempty"`
}

// ValuesTrigger delivers changes of ConfigMaps and Secrets to HelmReleases.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=vt,categories=all;fluxcd
// +kubebuilder:metadata:annotations={"kustomize.toolkit.fluxcd.io/substitute=disabled"}
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Delivered",type="string",JSONPath=".status.delivered"
// +kubebuilder:printcolumn:name="Suspend",type="boolean",JSONPath=".spec.suspend"
// +kubebuilder:printcolumn:name="Triggered",type="date",JSONPath=".status.lastTriggerTime"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.headline"
// +kubebuilder:printcolumn:name="Digest",type="string",JSONPath=".status.lastDigest",priority=1
// +kubebuilder:printcolumn:name="Message",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].message",priority=1
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
