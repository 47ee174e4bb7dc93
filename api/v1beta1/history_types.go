// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ChangeOutcome is the outcome of a change.
// +kubebuilder:validation:Enum=InProgress;Delivered;Failed;Halted;RolledBack;Superseded
type ChangeOutcome string

const (
	// ChangeInProgress has not reached all targets yet.
	ChangeInProgress ChangeOutcome = "InProgress"

	// ChangeDelivered is proven to run in all targets, but for those that no stage of a rollout selects.
	ChangeDelivered ChangeOutcome = "Delivered"

	// ChangeFailed has reached an end in every target, and failed in at least one.
	ChangeFailed ChangeOutcome = "Failed"

	// ChangeHalted has failed in more targets than may, so that others were not
	// touched.
	ChangeHalted ChangeOutcome = "Halted"

	// ChangeRolledBack has failed in more targets than may, and was rolled back.
	ChangeRolledBack ChangeOutcome = "RolledBack"

	// ChangeSuperseded was followed by the next change before it was delivered
	// everywhere.
	ChangeSuperseded ChangeOutcome = "Superseded"
)

// Change is an entry of the history.
type Change struct {
	// Revision numbers the contents that passed all stages or, without stages, were delivered to all
	// targets, from 1, in the order in which they did. Content that passes again has the same
	// number if no other has passed since. Unset for a change that has not passed.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Revision int64 `json:"revision,omitempty"`

	// Digest of all sources together after the change.
	Digest string `json:"digest"`

	// GitRevision is the revision of the Kustomization that applied the source that changed, with 12
	// digits of its hash, for example "main@sha1:2b9c0e7f1a44". Empty if the source does not come from
	// one, or if that is not known.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	GitRevision string `json:"gitRevision,omitempty"`

	// Cause of the change: which object, whose edit.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Cause string `json:"cause,omitempty"`

	// Time at which the operator saw the change.
	Time metav1.Time `json:"time"`

	// Outcome is InProgress, Delivered, Failed, Halted, RolledBack or Superseded.
	Outcome ChangeOutcome `json:"outcome"`

	// Duration from time to the first delivery to all targets, or to another outcome.
	// Unset until then.
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`

	// Delivered is the number of targets that were proven to run it, of all, for
	// example "3/3".
	// +optional
	Delivered string `json:"delivered,omitempty"`

	// Override is set if a person had all targets triggered at once by
	// reconcile.fluxcd.io/forceAt while this content was the present one and
	// held back. Of several the last one.
	// +optional
	Override *Override `json:"override,omitempty"`

	// Approvals of stages for this content, in the order in which they were given.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Approvals []ApprovalRecord `json:"approvals,omitempty"`

	// Rejection is set if a person rejected the content (trigger.nebius.ai/reject).
	// +optional
	Rejection *PersonRecord `json:"rejection,omitempty"`

	// Analysis says which stage has failed by its analysis with this content, and why. Unset if none
	// has, or the trigger was reset since.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Analysis string `json:"analysis,omitempty"`

	// Restores is set if the change went back to an earlier revision on request
	// (trigger.nebius.ai/rollback).
	// +optional
	Restores *RestoreRecord `json:"restores,omitempty"`

	// Kept are the sources of content that is kept and can be restored, with spec.publish: that of
	// a revision, and what is being restored. Unset if it may not be kept in the namespace of the
	// ValuesTrigger, and if the list of its sources is longer than 12 KiB.
	// +kubebuilder:validation:MaxItems=256
	// +listType=atomic
	// +optional
	Kept []KeptSource `json:"kept,omitempty"`
}

// PersonRecord is who did something to a ValuesTrigger, and when.
type PersonRecord struct {
	// Time at which the operator acted on it.
	Time metav1.Time `json:"time"`

	// User who did it: what the annotation trigger.nebius.ai/…-by says. With the chart's
	// approvals.enforce it is the name that the API server authenticated; without, what the
	// client wrote. Empty if there is none.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	User string `json:"user,omitempty"`

	// Manager is the field manager that set the annotation, a name that the client chose. Empty
	// if it is not known.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Manager string `json:"manager,omitempty"`
}

// ApprovalRecord is the approval of one stage.
type ApprovalRecord struct {
	// Stage that was approved.
	Stage string `json:"stage"`

	PersonRecord `json:",inline"`
}

// RestoreRecord is a rollback to an earlier revision, by request.
type RestoreRecord struct {
	// Revision that is restored.
	Revision int64 `json:"revision"`

	// Digest of its content.
	Digest string `json:"digest"`

	// Rejects is the digest of the content of the sources that is rejected until they change.
	Rejects string `json:"rejects"`

	PersonRecord `json:",inline"`
}

// Override is a forceAt of a person that bypassed the quiet period, the windows or the
// stages of a ValuesTrigger.
type Override struct {
	// Time at which the operator acted on it.
	Time metav1.Time `json:"time"`

	// Manager is the field manager that set reconcile.fluxcd.io/forceAt, a name that
	// the client chose. Empty if it is not known.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Manager string `json:"manager,omitempty"`

	// User who set it, as in an approval. Empty if it is not known.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	User string `json:"user,omitempty"`

	// Message says what it overrode, for example "the approval of stage
	// prod: 12 HelmReleases".
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`
}
