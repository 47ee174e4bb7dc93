// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

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
