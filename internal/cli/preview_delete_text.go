// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// deletionText shows what the deletion of an object would do: releases to which the same happens together.
func deletionText(s layout.Style, d compare.Deletion, everything bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "If %s is deleted\n", s.Paint(layout.Bold, d.String()))
	if d.AppliedBy != "" {
		fmt.Fprintf(&out, "  %s applies it, and would create it again: delete it there.\n", clean(d.AppliedBy))
	}
	if d.CopyOf != (graph.Key{}) {
		fmt.Fprintf(&out, "  It is a copy, kept by ValuesTrigger %s, and would be written again.\n", d.CopyOf)
	}
	for _, stops := range []bool{true, false} {
		var names []string
		for _, t := range d.Triggers {
			if t.Stops == stops {
				names = append(names, t.Key())
			}
		}
		most := maxNamed
		if everything {
			most = len(names)
		}
		switch {
		case len(names) == 0:
		case stops:
			fmt.Fprintf(&out, "  %s (%s), requiring it: ValuesTrigger %s\n", s.Paint(layout.Bad, "Deliver nothing more"), triggerv1.SourceNotFoundReason, text.Some(names, most))
		default:
			fmt.Fprintf(&out, "  Deliver what is left without it: ValuesTrigger %s\n", text.Some(names, most))
		}
	}
	if len(d.Releases) == 0 {
		out.WriteString("No HelmRelease depends on it.\n")
		return out.String()
	}
	fmt.Fprintf(&out, "%s: %s\n", layout.Plural(len(d.Releases), "HelmRelease"), painted(s, graph.Losses, d.Summary, lossTone))
	for _, group := range d.Groups() {
		title, names := s.Paint(lossTone(group[0].Loss), string(group[0].Loss)), make([]string, 0, len(group))
		if group[0].Message != "" {
			title += " (" + clean(group[0].Message) + ")"
		}
		for _, l := range group {
			names = append(names, l.Key())
		}
		most := maxNamed
		if everything {
			most = len(names)
		}
		fmt.Fprintf(&out, "\n%s: HelmRelease %s\n", title, text.Some(names, most))
		for _, secret := range group[0].LeftOut {
			fmt.Fprintf(&out, "  %s\n", s.Paint(layout.Busy, secret+" is left out, since you may not read it"))
		}
		out.WriteString(differencesText(s, group[0].Differences, everything))
	}
	return out.String()
}

func lossTone(l graph.Loss) layout.Tone {
	switch l {
	case graph.Breaks:
		return layout.Bad
	case graph.Loses, graph.Stops:
		return layout.Busy
	case graph.Untouched:
	}
	return layout.Good
}
