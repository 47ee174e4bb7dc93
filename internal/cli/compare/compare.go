// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package compare says how the composed values of a release differ, without ever
// showing what came out of a Secret.
package compare

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Op is what happened to a path.
type Op string

// Operations.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Difference is one path whose value differs. Before and After are JSON, and not set for
// what a Secret has a hand in.
type Difference struct {
	Path   string          `json:"path"`
	Op     Op              `json:"op"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`

	// Secret names the Secret that sets the path.
	Secret string `json:"secret,omitempty"`
}

// Contribution is what one reference to a Secret sets by itself, before or after.
type Contribution struct {
	// Secret is its name, as it is shown.
	Secret string

	// TargetPath of the reference. What is set below it, or elsewhere, comes out of
	// the parsing of the Secret's value and is not shown, not even as a path.
	TargetPath string

	Values map[string]any
}

// Values returns how values differ, sorted by path. What any of the contributions sets,
// now or before, is masked, even where something else overrides it: equality with a
// Secret is nothing to show, either.
func Values(before, after map[string]any, secrets ...Contribution) []Difference {
	mask := newMask(secrets)
	old, now := flatten(before), flatten(after)
	found := map[string]Difference{}
	for path := range old {
		if _, both := now[path]; !both {
			mask.add(found, path, Difference{Op: Removed, Before: old[path].json()})
		}
	}
	for path, value := range now {
		was, both := old[path]
		switch {
		case !both:
			mask.add(found, path, Difference{Op: Added, After: value.json()})
		case !reflect.DeepEqual(was.value, value.value):
			mask.add(found, path, Difference{Op: Changed, Before: was.json(), After: value.json()})
		}
	}
	out := make([]Difference, 0, len(found))
	for _, d := range found {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// leaf is a value with nothing below it.
type leaf struct{ value any }

func (l leaf) json() json.RawMessage {
	raw, err := text.JSON(l.value, "")
	if err != nil { // Values come out of YAML.
		return nil
	}
	return raw
}

// flatten returns all leaves by their path: scalars, and maps and lists that are empty.
func flatten(values map[string]any) map[string]leaf {
	leaves := map[string]leaf{}
	if len(values) > 0 {
		walk(nil, values, func(path []string, value any) { leaves[join(path)] = leaf{value} })
	}
	return leaves
}

// walk visits all leaves.
func walk(path []string, value any, visit func(path []string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		if len(value) > 0 {
			for key, below := range value {
				walk(append(slices.Clip(path), segment(key)), below, visit)
			}
			return
		}
	case []any:
		if len(value) > 0 {
			for i, below := range value {
				walk(append(slices.Clip(path), index(i)), below, visit)
			}
			return
		}
	}
	visit(path, value)
}

// Reversed returns differences as they are seen from the other side.
func Reversed(differences []Difference) []Difference {
	out := slices.Clone(differences)
	for i, d := range out {
		out[i].Before, out[i].After = d.After, d.Before
		switch d.Op {
		case Added:
			out[i].Op = Removed
		case Removed:
			out[i].Op = Added
		}
	}
	return out
}
