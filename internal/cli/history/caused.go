// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"slices"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Caused is what the last edit of a ConfigMap or Secret has caused.
type Caused struct {
	binding.Object

	// EditedBy is the field manager that last wrote content, as far as the API server records it, and
	// AppliedBy what applies the object.
	EditedBy  string    `json:"editedBy,omitempty"`
	EditedAt  time.Time `json:"editedAt,omitzero"`
	AppliedBy string    `json:"appliedBy,omitempty"`

	// CopyOf is the ValuesTrigger that keeps the object as a copy of its sources.
	CopyOf graph.Key `json:"copyOf,omitzero"`

	Triggers []Consequence `json:"valuesTriggers"`
}

// Consequence is what an edit has caused in one ValuesTrigger.
type Consequence struct {
	Trigger string      `json:"valuesTrigger"`
	State   graph.State `json:"state"`
	Message string      `json:"message,omitempty"`

	// Change is the newest that names the object, nil if none is on record. Later is how many changes
	// came after it: what follows is then about the newest.
	Change *Entry `json:"change,omitempty"`
	Later  int    `json:"laterChanges,omitempty"`

	Stages []triggerv1.StageStatus `json:"stages,omitempty"`

	// Measured are the stages whose analysis matters now.
	Measured []Measured                    `json:"analysis,omitempty"`
	States   map[triggerv1.TargetState]int `json:"states"`
	Releases []graph.Target                `json:"helmReleases"`
}

// CausedIn says what the last edit of an object with these labels has caused in the ValuesTriggers that have it as a source.
func CausedIn(d graph.Directory, all []triggerv1.ValuesTrigger, o binding.Object, labels map[string]string) []Consequence {
	out := []Consequence{}
	for i := range all {
		if graph.HasSource(&all[i], o, labels) {
			out = append(out, ConsequenceOf(&all[i], d.Describe(&all[i]), o))
		}
	}
	return out
}

// ConsequenceOf says what the last edit of an object has caused in a ValuesTrigger, which is described.
func ConsequenceOf(vt *triggerv1.ValuesTrigger, described graph.Trigger, o binding.Object) Consequence {
	c := Consequence{
		Trigger: described.Key(), State: described.State, Message: described.Instruction(),
		States: graph.ByState(described.Summary), Releases: described.Targets,
	}
	if s := vt.Status.Rollout; s != nil {
		c.Stages = s.Stages
	}
	c.Measured = measured(vt)
	for i, entry := range Changes(vt, nil) {
		if slices.ContainsFunc(ParseCause(entry.Cause).Objects, func(e Edit) bool { return e.Object == o }) {
			c.Change, c.Later = &entry, i
			break
		}
	}
	return c
}
