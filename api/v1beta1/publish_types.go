// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

// DeletionPolicy is what happens to copies that are no longer needed.
// +kubebuilder:validation:Enum=Orphan;Delete
type DeletionPolicy string

const (
	// DeletionOrphan keeps the copies, so that releases that read them keep running.
	DeletionOrphan DeletionPolicy = "Orphan"

	// DeletionDelete removes them.
	DeletionDelete DeletionPolicy = "Delete"
)

// Publish gives each target copies of the sources, which change when its turn comes.
type Publish struct {
	// Name is the end of the names of the copies: in the namespace of each target,
	// "<target>-<name>" is a ConfigMap with the keys of all sources of that kind, and
	// a Secret with those of all Secrets. The HelmRelease lists it in valuesFrom. Of
	// a name over 253 characters, the target's part is cut and gets a hash. An object of
	// that name that is not a copy of this trigger for this target, or whose data its
	// owner applies, is left alone, and the trigger is Stalled with reason NameConflict.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the end of a name: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +required
	Name string `json:"name"`

	// DeletionPolicy is what happens to the copies when the ValuesTrigger is
	// deleted, when the trigger no longer has their target, and when they are renamed: Orphan
	// keeps them, Delete removes them. While the ValuesTrigger exists, a copy that a
	// HelmRelease still reads is kept. Copies carry the policy as the operator saw it
	// last, so that it also holds if the ValuesTrigger is deleted while the operator is
	// down. Copies of a suspended ValuesTrigger stay. Defaults to Orphan.
	// +kubebuilder:default=Orphan
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}
