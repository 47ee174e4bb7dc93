// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// SourceStatus is one source as last read.
type SourceStatus struct {
	// Kind of the source.
	Kind string `json:"kind"`

	// Namespace of the source.
	Namespace string `json:"namespace"`

	// Name of the source.
	Name string `json:"name"`

	// Digest of the selected keys, "sha256:" and hexadecimal digits, for a Secret an HMAC under
	// a key of the operator. Empty while an optional source does not exist.
	// +optional
	Digest string `json:"digest,omitempty"`

	// UID of the object that was read. Another one with the same digest was created in its
	// place. Empty while an optional source does not exist.
	// +optional
	UID types.UID `json:"uid,omitempty"`
}

// DeliveredContent is content of all sources together that can be restored.
type DeliveredContent struct {
	// Digest of all sources together.
	Digest string `json:"digest"`

	// Sources with what they held.
	// +kubebuilder:validation:MaxItems=256
	// +listType=atomic
	// +optional
	Sources []KeptSource `json:"sources,omitempty"`
}

// KeptSource is a source with the digest of what is kept of it.
type KeptSource struct {
	SourceStatus `json:",inline"`

	// PublishAs is the end of the names of its copies, if it had its own.
	// +optional
	PublishAs string `json:"publishAs,omitempty"`
}

// TargetState is how far the delivery to a target got.
// +kubebuilder:validation:Enum=Pending;Held;Triggered;Delivered;Failed;Missing
type TargetState string

const (
	// TargetPending waits for helm-controller to install the release or to finish what it is
	// doing, or for a change to settle; or the request is being retried.
	//
	//   - Do: Wait
	TargetPending TargetState = "Pending"

	// TargetHeld has a change that is held back. The message says by what: the HelmRelease
	// is suspended; or by the quiet period, a window, a stage, its turn in the stage, or an
	// approval.
	//
	//   - Do: Resume it, approve, or wait
	TargetHeld TargetState = "Held"

	// TargetTriggered was requested to reconcile and has not proven the change yet.
	//
	//   - Do: Wait
	TargetTriggered TargetState = "Triggered"

	// TargetDelivered is proven to run the change.
	//
	//   - Do: Nothing
	TargetDelivered TargetState = "Delivered"

	// TargetFailed was triggered and failed, was not proven in time or after five requests, or
	// cannot be installed; or access is denied, or the API server refuses the request or a
	// copy.
	//
	//   - Do: Read its message
	//   - See: troubleshooting.md
	TargetFailed TargetState = "Failed"

	// TargetMissing is named in the spec and does not exist, or is being deleted, itself or
	// with its namespace. What was delivered before is forgotten: a HelmRelease that appears is
	// another one.
	//
	//   - Do: Create it, or correct the name
	TargetMissing TargetState = "Missing"
)

// TargetStatus is the state of the delivery to one HelmRelease.
type TargetStatus struct {
	// Namespace of the HelmRelease.
	Namespace string `json:"namespace"`

	// Name of the HelmRelease.
	Name string `json:"name"`

	// UID of the HelmRelease that this is about. What is recorded of another one of that
	// name is ignored. Empty while it does not exist.
	// +optional
	UID types.UID `json:"uid,omitempty"`

	// State is Pending, Held, Triggered, Delivered, Failed or Missing.
	State TargetState `json:"state"`

	// Stage of spec.rollout that the target belongs to.
	// +optional
	Stage string `json:"stage,omitempty"`

	// UnreadyBefore is true if the HelmRelease was not ready before the change that waits
	// or is in progress, so that its failure does not count, and false if it was
	// ready when the operator first saw it. Set only where stages or windows hold changes
	// back, and unset once the change is delivered.
	// +optional
	UnreadyBefore *bool `json:"unreadyBefore,omitempty"`

	// Digest of the content that the HelmRelease was last requested to run or is
	// proven to run. It differs from status.lastDigest while a change waits.
	// +optional
	Digest string `json:"digest,omitempty"`

	// Published is the digest of the content that was last put into the copies of this
	// target. Empty without spec.publish, and while there is no copy.
	// +optional
	Published string `json:"published,omitempty"`

	// Token of the last request, the value of reconcile.fluxcd.io/requestedAt.
	// +optional
	Token string `json:"token,omitempty"`

	// Forced is true if the change that waits, or the last request, needs a forced
	// upgrade.
	// +optional
	Forced bool `json:"forced,omitempty"`

	// OwesForce is true while a forced upgrade that was requested has not made its
	// revision.
	// +optional
	OwesForce bool `json:"owesForce,omitempty"`

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
	// a request is in progress, the one before it. Where a source is not read through
	// valuesFrom, it follows the revisions that are made while nothing has changed.
	// +optional
	Revision int64 `json:"revision,omitempty"`

	// DoubtfulUntil is the revision of the Helm release up to which a revision may have begun
	// with other content than that of digest, which was there for a while after the request
	// for it. 0 if there was none.
	// +kubebuilder:validation:Minimum=0
	// +optional
	DoubtfulUntil int64 `json:"doubtfulUntil,omitempty"`

	// DoubtfulRequest is the request that helm-controller had when doubtfulUntil was set. Empty
	// if there was none.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	DoubtfulRequest string `json:"doubtfulRequest,omitempty"`

	// Seen is the content that waits for a suspended HelmRelease, or settles. Unset while
	// nothing does.
	// +optional
	Seen *SeenContent `json:"seen,omitempty"`

	// Message says why the target is in this state, where that is not obvious.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`

	// Cause of the last request: which object, whose edit.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Cause string `json:"cause,omitempty"`

	// Refused is there while the request that is due, or the copies, are refused: by the
	// API server, or by the owner of the HelmRelease. The message says why. What the API
	// server refuses is tried again, after the targets that have not been triggered, and takes
	// no place in its stage. Unset when it is accepted, and when nothing is due.
	// +optional
	Refused *Refusal `json:"refused,omitempty"`
}
