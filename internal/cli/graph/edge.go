// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// How says why an edit of an object reaches a HelmRelease.
type How string

// Reasons why an edit reaches a HelmRelease.
const (
	// Declared by a ValuesTrigger that someone wrote.
	Declared How = "declared"
	// Labelled by the contract.
	Labelled How = "labelled"
	// ValuesFrom of the HelmRelease lists the object.
	ValuesFrom How = "valuesFrom"
)

// Effect is what an edit would do to a HelmRelease.
type Effect string

// Effects of an edit, the strongest first.
const (
	// Forced makes a revision, whatever the values are.
	Forced Effect = "ForcedUpgrade"
	// Upgraded makes a revision if the values that are composed change.
	Upgraded Effect = "UpgradeIfChanged"
	// Requested is a request to helm-controller, which sees no change.
	Requested Effect = "Request"
	// Held waits for a HelmRelease or a trigger to be resumed.
	Held Effect = "WhenResumed"
	// AtInterval is read by helm-controller when it reconciles for another reason:
	// nothing triggers it.
	AtInterval Effect = "AtInterval"
	// Absent is named and does not exist.
	Absent Effect = "WhenCreated"
	// Denied is named and does not accept it.
	Denied Effect = "Denied"
	// None is named and opted out, or selected by no stage.
	None Effect = "Nothing"
)

// Effects orders effects.
var Effects = []Effect{Forced, Upgraded, Requested, Held, AtInterval, Absent, Denied, None}

// Key names a ValuesTrigger, in an answer as namespace/name.
type Key struct{ types.NamespacedName }

// String returns namespace/name, "" if it names none.
func (k Key) String() string {
	if k == (Key{}) {
		return ""
	}
	return k.NamespacedName.String()
}

// MarshalText implements encoding.TextMarshaler.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Edge is one way from the object to a HelmRelease.
type Edge struct {
	Release binding.Object `json:"helmRelease"`
	How     How            `json:"how"`

	// Trigger is the ValuesTrigger, if one follows the object.
	Trigger Key `json:"valuesTrigger,omitzero"`

	// Keys that count, all if empty.
	Keys    []string              `json:"keys,omitempty"`
	Effect  Effect                `json:"effect"`
	State   triggerv1.TargetState `json:"state,omitempty"`
	Message string                `json:"message,omitempty"`

	// Force reports that the change would be forced, though perhaps later.
	Force bool `json:"force,omitempty"`

	// Turn is when a change that is made now would be delivered, and Waits what the
	// content that is being delivered waits for, "" if none is.
	Turn  Turn   `json:"-"`
	Waits string `json:"-"`

	// Itself is true if the HelmRelease reads the object itself, and not a copy.
	Itself bool `json:"-"`
}

// IsFollowed reports whether a trigger sees a change, though it may not deliver it.
func (e Edge) IsFollowed() bool {
	return e.Turn.Never || !slices.Contains([]Effect{Denied, None, Absent, AtInterval}, e.Effect)
}

// Touched returns how many HelmReleases an edit concerns, and how many of them have which effect.
func (r Reach) Touched() (releases int, effects map[Effect]int) {
	effects = map[Effect]int{}
	seen := map[binding.Object]bool{}
	for _, e := range r.Edges {
		if !seen[e.Release] {
			seen[e.Release] = true
			effects[e.Effect]++
		}
	}
	return len(seen), effects
}

// Reach is what an edit of an object would touch.
type Reach struct {
	binding.Object

	// Excluded reports that the object's label takes it out, FluxWatched that it has
	// Flux's own watch label, too.
	Excluded    bool `json:"excluded,omitempty"`
	FluxWatched bool `json:"fluxWatched,omitempty"`

	// CopyOf is the ValuesTrigger that keeps the object as a copy of its sources.
	CopyOf Key `json:"copyOf,omitzero"`

	// Problems are what is malformed in its annotations.
	Problems []string `json:"problems,omitempty"`
	Edges    []Edge   `json:"edges"`
}
