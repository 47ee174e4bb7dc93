// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"slices"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Deletion is what the deletion of an object would do.
type Deletion struct {
	binding.Object

	// AppliedBy is what applies the object, and would create it again, empty if that is not known.
	AppliedBy string `json:"appliedBy,omitempty"`

	// CopyOf is the ValuesTrigger that keeps the object as a copy, and would write it again.
	CopyOf graph.Key `json:"copyOf,omitzero"`

	Triggers []DeletedSource    `json:"valuesTriggers"`
	Summary  map[graph.Loss]int `json:"summary"`
	Releases []*Loss            `json:"helmReleases"`
}

// DeletedSource is a ValuesTrigger that has the object as a source.
type DeletedSource struct {
	binding.Object

	// Stops is true if it requires the object, and delivers nothing without it.
	Stops bool `json:"stops"`
}

// Loss is what would happen to one HelmRelease.
type Loss struct {
	binding.Object
	Loss        graph.Loss   `json:"loss"`
	Message     string       `json:"message,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
	LeftOut     []string     `json:"leftOut,omitempty"`
}

// Touched returns the names of the HelmReleases to which something happens.
func (d Deletion) Touched() []string {
	var names []string
	for _, l := range d.Releases {
		if l.Loss != graph.Untouched {
			names = append(names, l.Name)
		}
	}
	return names
}

// Groups puts HelmReleases together to which the same would happen.
func (d Deletion) Groups() [][]*Loss {
	var out [][]*Loss
	for _, l := range d.Releases {
		i := slices.IndexFunc(out, func(group []*Loss) bool {
			first := group[0]
			return first.Loss == l.Loss && first.Message == l.Message && slices.Equal(first.LeftOut, l.LeftOut) && SameDifferences(first.Differences, l.Differences)
		})
		if i < 0 {
			out = append(out, []*Loss{l})
			continue
		}
		out[i] = append(out[i], l)
	}
	return out
}
