// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

// The contract on ConfigMaps and Secrets. The names of these constants are part
// of the contract too: programs written for the first operator import them.
const (
	// LabelReconcilerNameSourceKey is the label that makes a ConfigMap or Secret
	// a source ("true") or excludes it even from autodiscovery ("false"). On a
	// HelmRelease, "true" is set by autodiscovery and "false" opts it out.
	LabelReconcilerNameSourceKey = "nebius.ai/helmrelease-trigger-operator"

	// HRNameAnnotation names the HelmReleases that a labelled ConfigMap or Secret
	// triggers: comma separated, blanks around a name ignored. The same key is
	// the label with which autodiscovery marks a HelmRelease with its name.
	HRNameAnnotation = "nebius.ai/helmreleases-name"

	// HRNSAnnotation is the namespace of the HelmReleases that HRNameAnnotation
	// names. Defaults to DefaultFluxcdNamespace. The same key is the label with
	// which autodiscovery marks a HelmRelease with its namespace.
	HRNSAnnotation = "nebius.ai/helmreleases-namespace"

	// HashAnnotation is written by the operator on labelled ConfigMaps and
	// Secrets: the digest of the content last delivered to all of its targets,
	// "sha256:<hex>".
	HashAnnotation = "nebius.ai/config-digest"

	// DefaultFluxcdNamespace is the namespace of the targets of a labelled
	// ConfigMap or Secret without HRNSAnnotation.
	DefaultFluxcdNamespace = "flux-system"

	// LabelValueEnabled and LabelValueDisabled are the values of
	// LabelReconcilerNameSourceKey that mean something; others are ignored.
	LabelValueEnabled  = "true"
	LabelValueDisabled = "false"

	// MaxTargetNames bounds how many HelmReleases one HRNameAnnotation may name.
	// Names beyond it are reported by an event and ignored.
	MaxTargetNames = 1000
)

// Annotations of this API's own group.
const (
	// AllowFromAnnotation on a HelmRelease lists the namespaces, comma separated,
	// whose triggers and labelled sources may act on it. When it is present,
	// only those and the HelmRelease's own namespace may. On a HelmRelease, or on a
	// Namespace for all HelmReleases in it, it is also the consent to copies that
	// ValuesTriggers of the listed namespaces have made there with the operator's rights.
	AllowFromAnnotation = "trigger.nebius.ai/allow-from"

	// ApproveAnnotation on a ValuesTrigger approves content for one stage with manual
	// approval: the digest of status.rollout, a slash and the name of the stage. Without
	// a name it is for the first such stage that is not approved. What follows a second
	// slash makes another value of it, and has no other meaning. A value counts once,
	// for the content that is being rolled out when it is first seen.
	ApproveAnnotation = "trigger.nebius.ai/approve"

	// TriggerAtAnnotation on a ValuesTrigger triggers all targets even though nothing
	// changed. Each value counts once. Unlike reconcile.fluxcd.io/forceAt it
	// keeps to what holds changes back: the quiet period, the windows and the stages
	// with their approvals. While content is rejected, it waits.
	TriggerAtAnnotation = "trigger.nebius.ai/triggerAt"

	// RejectAnnotation on a ValuesTrigger rejects content that is being rolled out: its digest,
	// that of status.rollout. With onFailure Rollback what was touched is rolled back; otherwise the
	// rollout halts. What follows a slash makes another value of it, and has no other meaning. A
	// value counts once, for the content that is being rolled out when it is first seen.
	RejectAnnotation = "trigger.nebius.ai/reject"

	// RollbackAnnotation on a ValuesTrigger with spec.publish goes back to a revision: the
	// number of the revision in status.history, a slash, and the digest of the present content, which
	// is rejected until the sources change. What follows a second slash makes another value of it, and has
	// no other meaning. A value counts once, and only while the sources hold the content that it names.
	RollbackAnnotation = "trigger.nebius.ai/rollback"

	// ApprovedByAnnotation, RejectedByAnnotation, RolledBackByAnnotation, OverriddenByAnnotation and
	// SuspendedByAnnotation on a ValuesTrigger name the user who last set approve, reject,
	// rollback, reconcile.fluxcd.io/forceAt or spec.suspend. The plugin writes what the API server
	// calls the user. With approvals.enforce the API server writes them itself, whatever the client sends;
	// without, they are what the client says.
	ApprovedByAnnotation   = "trigger.nebius.ai/approved-by"
	RejectedByAnnotation   = "trigger.nebius.ai/rejected-by"
	RolledBackByAnnotation = "trigger.nebius.ai/rolled-back-by"
	OverriddenByAnnotation = "trigger.nebius.ai/overridden-by"
	SuspendedByAnnotation  = "trigger.nebius.ai/suspended-by"

	// FourEyesLabel on a ConfigMap or Secret, with any value, has the API server write the user who
	// last changed what it holds into EditedByAnnotation, with the chart's approvals.fourEyes. Who adds the
	// label counts as such. It cannot be removed but with the object.
	FourEyesLabel      = "trigger.nebius.ai/four-eyes"
	EditedByAnnotation = "trigger.nebius.ai/edited-by"

	// SuspendedAnnotation is written by "kubectl valuestrigger suspend --all" on each
	// ValuesTrigger that it suspends, so that "resume --all" leaves alone those that
	// were suspended one by one. The operator does not read it.
	SuspendedAnnotation = "trigger.nebius.ai/suspended"

	// PublishToAnnotation on a ConfigMap or Secret lists the namespaces, comma
	// separated, into which the operator may copy it on its own account, "*" for all.
	PublishToAnnotation = "trigger.nebius.ai/publish-to"

	// CauseAnnotation is written on a HelmRelease in the patch that triggers it:
	// which object, content and editor caused the request, via which trigger.
	CauseAnnotation = "trigger.nebius.ai/cause"

	// RequestAnnotation is the operator's record on a HelmRelease, as JSON: what was requested
	// from it, and what each ValuesTrigger knows of it. It is written in the patch of a request,
	// so that it is there exactly when the request was made, and alone when it says more than before.
	RequestAnnotation = "trigger.nebius.ai/request"
)

const (
	// FieldManager owns every field that the operator writes. It is also the name
	// under which the operator reports events.
	FieldManager = "helmrelease-trigger-operator"

	// ManualFieldManager is the one under which people set something on objects that
	// Flux applies. What is set under names that begin with "kubectl", as kubectl does
	// by itself, kustomize-controller removes at its next reconciliation.
	ManualFieldManager = "flux-client-side-apply"

	// ManagedByLabel marks the ValuesTriggers and the copies that the operator makes.
	ManagedByLabel = "app.kubernetes.io/managed-by"

	// PublishedForLabel, PublishedByLabel and PublishedByNamespaceLabel say on a copy
	// for which HelmRelease, and by which ValuesTrigger, it was made. Of a name over 63
	// characters, the end is replaced by a hash.
	PublishedForLabel         = "trigger.nebius.ai/target"
	PublishedByLabel          = "trigger.nebius.ai/name"
	PublishedByNamespaceLabel = "trigger.nebius.ai/namespace"

	// KeptLabel marks what is kept of a source to be restored. It has the labels of a
	// copy, and is for no HelmRelease. KeptUIDAnnotation is read on what was kept when
	// digests of Secrets were salted with the UID of the source.
	KeptLabel         = "trigger.nebius.ai/kept"
	KeptUIDAnnotation = "trigger.nebius.ai/kept-uid"

	// DeletionPolicyLabel with the value Delete is on copies that go with their
	// ValuesTrigger, and AccountAnnotation names the ServiceAccount of its namespace as
	// which they are then deleted, if it acts as one.
	DeletionPolicyLabel = "trigger.nebius.ai/deletion-policy"
	AccountAnnotation   = "trigger.nebius.ai/account"

	// CopiesFinalizer is what versions before this one put on ValuesTriggers. It is
	// removed from them.
	CopiesFinalizer = "trigger.nebius.ai/copies"
)
