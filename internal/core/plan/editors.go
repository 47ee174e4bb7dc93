// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import "slices"

// Editors returns the users who edited what the sources hold: of those that differ from what was
// recorded, or of all if none does. An empty name stands for a user who is not known, as long
// as the API server does not record the editors of all sources.
func Editors(sources []Source, diff Diff) []string {
	differs := func(s Source) bool { return slices.Contains(diff.Changed, s.ID) || slices.Contains(diff.Added, s.ID) }
	all := !slices.ContainsFunc(sources, differs)
	var names []string
	for _, s := range sources {
		there := s.Digest != ""
		if there && (all || s.EditedBy == "") || differs(s) {
			names = append(names, s.EditedBy)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
