// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
)

// Input is everything that a decision rests on.
type Input struct {
	Now time.Time

	// Timeout of the spec. Its default is extended to what the release may take.
	Timeout time.Duration

	// Trigger and Target are namespace/name of the ValuesTrigger and of the
	// HelmRelease.
	Trigger string
	Target  string

	// Knower is the trigger as the record on the release knows it.
	Knower Knower

	// Digest of all sources together.
	Digest string

	// Sources as they are now.
	Sources []Source

	// Diff of the sources against those that all targets were last decided on with.
	Diff Diff

	// Force and Reset are request values on the ValuesTrigger that are not handled
	// yet, or empty.
	Force string
	Reset string

	// ByTriggerAt is true if Force is a value of trigger.nebius.ai/triggerAt, or if such a
	// value began the rollout, and false if Force is one of reconcile.fluxcd.io/forceAt.
	// The two differ in what may hold the request back, which is not decided here, and
	// are remembered apart.
	ByTriggerAt bool

	// Rejected is the digest of content that failed, or that a person has rejected: the sources are as they
	// were before it. Empty if they are as they are.
	Rejected string

	// Restores says which revision these are and who has restored it, as the cause has it. Empty
	// if no one did.
	Restores string

	// Gated is true if the trigger holds changes back: the health of the releases before
	// a change then matters.
	Gated bool

	// Settling is true while a change settles that a tool has applied, up to the decision
	// that ends it: a revision that is made meanwhile belongs to the change.
	Settling bool

	// Policy is the trigger's force policy, for manual requests.
	Policy triggerv1.ForcePolicy

	// Previous is what is known of the target, nil if nothing is, and Known are the sources as
	// they were when it was last requested or proven to run their content, nil if that is not known.
	Previous *triggerv1.TargetStatus
	Known    []RecordedSource

	Release Release
	Values  ValuesState

	// Live is true if the release was read from the API server after the sources were read,
	// not from a cache that may be behind.
	Live bool

	// Unpublished reports that the release reads copies that do not have the content. They
	// get it with the request.
	Unpublished bool
}

// Source is one resolved source with the content it has now.
type Source struct {
	// ID is Kind/namespace/name.
	ID string

	// Digest of the selected keys. Empty while an optional source is missing.
	Digest string

	// Full is the digest of all keys, the same for every trigger, by which
	// triggers recognise each other's requests.
	Full string

	// Former and FormerFull are the digests under which the same content may be on
	// record since before: one for each way in which digests of Secrets were made, in
	// the same order for all sources. There are none of a ConfigMap.
	Former, FormerFull []string

	// UID of the object, empty while an optional source is missing.
	UID types.UID

	// Force is the policy of this source.
	Force triggerv1.ForcePolicy

	// Baseline holds the targets, namespace/name, for which the annotation of the first
	// operator stands in for a delivery.
	Baseline map[string]bool

	// Keys that are selected, none for all.
	Keys []string

	// PublishAs is the end of the names of copies of it, empty for the trigger's.
	// PublishTo is the annotation of that name.
	PublishAs, PublishTo string

	// Watched is true if helm-controller learns of changes by Flux's own watch label.
	Watched bool

	// Editor, Origin and ChangedKeys explain the last change, as far as it is known: the field
	// manager, and the Kustomization with its revision that this one works for.
	Editor, Origin string
	ChangedKeys    []string

	// EditedBy is the user who last changed what the object holds, as the API server recorded
	// him. Empty if it did not.
	EditedBy string

	// Applier is the tool that applied the content as it is, zero if it was last changed
	// by hand or by another controller.
	Applier applier.Applier
}

// ValuesState says what is known of the values that the release would be composed
// of now.
type ValuesState int

const (
	// ValuesUnknown means that no one has looked.
	ValuesUnknown ValuesState = iota
	// ValuesEqual means that the latest snapshot was made of the same values.
	ValuesEqual
	// ValuesDiffer means that it was not.
	ValuesDiffer
	// ValuesUnreadable means that they cannot be composed by the operator, for
	// example because it may not read Secrets.
	ValuesUnreadable
)
