// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

// TargetSummary counts the targets by state, those too that are not listed.
type TargetSummary struct {
	// Total is the number of all targets.
	// +kubebuilder:validation:Minimum=0
	Total int32 `json:"total"`

	// Delivered is the number of targets that are proven to run the content.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Delivered int32 `json:"delivered,omitempty"`

	// Triggered is the number of targets that were triggered and have not proven it yet.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Triggered int32 `json:"triggered,omitempty"`

	// Held is the number of targets that are held back.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Held int32 `json:"held,omitempty"`

	// Pending is the number of targets that wait for helm-controller, or for a change to settle.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Pending int32 `json:"pending,omitempty"`

	// Failed is the number of targets that have failed.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Failed int32 `json:"failed,omitempty"`

	// Missing is the number of targets that do not exist.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Missing int32 `json:"missing,omitempty"`
}

// Refusal is about a target that could not be triggered for a content.
type Refusal struct {
	// Digest of that content, the first 12 hexadecimal digits. Empty where reading the
	// target was refused, and not the request or a copy.
	// +optional
	Digest string `json:"digest,omitempty"`

	// Reason is DeliveryFailed for what admission refuses (a policy, a webhook, a quota, an
	// immutable copy), AccessDenied for a lack of permission or consent, NameConflict for
	// a copy whose name is taken, InvalidSpec for copies that cannot be made of the
	// sources, and RollbackHalted for kept content that is gone.
	Reason string `json:"reason"`
}

// SeenContent is content that was there while a HelmRelease was idle and had no request:
// a revision after the one that it had then began with this content.
type SeenContent struct {
	// Digest of all sources together.
	Digest string `json:"digest"`

	// Revision of the Helm release then, 0 if it was not installed.
	// +kubebuilder:validation:Minimum=0
	Revision int64 `json:"revision"`
}
