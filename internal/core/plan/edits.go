// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file says who has changed the sources: a tool, people, a Kustomization.

// maxGitRevision bounds the revision of a Kustomization, in bytes.
const maxGitRevision = 256

// Applied returns the change of a tool that is in a difference of the sources, the first of
// several, and nil if there is none. A deletion leaves no mark of who made it: it counts as
// one.
func Applied(diff Diff, sources []Source) *triggerv1.SettlingStatus {
	for _, s := range sources {
		gone := s.Digest == "" && slices.Contains(diff.Changed, s.ID)
		fresh := s.Applier.Name != "" && slices.Contains(slices.Concat(diff.Changed, diff.Added, diff.Recreated), s.ID)
		if !gone && !fresh {
			continue
		}
		settling := &triggerv1.SettlingStatus{Source: strings.Replace(s.ID, "/", " ", 1)}
		if !gone {
			settling.AppliedBy = s.Applier.String()
		}
		return settling
	}
	return nil
}

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

// GitRevision returns the revision of the Kustomization that has changed a source, the first of them
// if several have changed, empty if none comes from one.
func GitRevision(diff Diff, sources []Source) string {
	for _, s := range sources {
		if s.Origin == "" || !slices.Contains(diff.Changed, s.ID) && !slices.Contains(diff.Added, s.ID) {
			continue
		}
		if _, revision, found := strings.Cut(strings.TrimPrefix(s.Origin, applier.Kustomization+" "), " "); found {
			return text.Line(revision, maxGitRevision)
		}
	}
	return ""
}
