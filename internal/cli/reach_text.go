// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

// reachText shows what an edit of an object would touch.
func reachText(s layout.Style, r graph.Reach, edited string) string {
	var out strings.Builder
	out.WriteString(s.Paint(layout.Bold, r.String()))
	if edited != "" {
		out.WriteString("   " + s.Paint(layout.Dim, edited))
	}
	out.WriteString("\n" + reachSummary(r) + "\n")
	switch {
	case r.CopyOf != "":
		fmt.Fprintf(&out, "It is a copy, kept by ValuesTrigger %s: edit its sources instead.\n", r.CopyOf)
	case r.Excluded:
		fmt.Fprintf(&out, "The label %s: %q takes it out: nothing follows it.\n", triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled)
	}
	if r.FluxWatched {
		fmt.Fprintf(&out, "Flux's label %s is on it: helm-controller reconciles the HelmReleases that read it by itself, at once.\n", meta.LabelKeyWatch)
	}
	for _, problem := range r.Problems {
		fmt.Fprintf(&out, "%s %s\n", s.Paint(layout.Bad, "Malformed:"), problem)
	}
	if len(r.Edges) == 0 {
		return out.String()
	}
	rows := []layout.Row{{Cells: []layout.Cell{{Text: "HELMRELEASE"}, {Text: "EFFECT"}, {Text: "BY"}, {Text: "KEYS"}, {Text: "STATE"}, {Text: "MESSAGE"}}}}
	for _, e := range r.Edges {
		by := string(e.How)
		if e.Trigger != "" {
			by += ", ValuesTrigger " + e.Trigger
		}
		keys := "all"
		if len(e.Keys) > 0 {
			keys = strings.Join(e.Keys, ",")
		}
		rows = append(rows, layout.Row{Cells: []layout.Cell{
			{Text: e.Release.Key()}, {Text: string(e.Effect), Tone: effectTone(e.Effect)}, {Text: by}, {Text: keys},
			{Text: string(e.State), Tone: targetTone(e.State)}, {Text: clean(e.Message)},
		}})
	}
	out.WriteString("\n" + s.Table(rows))
	return out.String()
}

// reachSummary counts HelmReleases by what would happen to them.
func reachSummary(r graph.Reach) string {
	counts, releases := map[graph.Effect]int{}, map[string]bool{}
	for _, e := range r.Edges {
		if !releases[e.Release.Key()] {
			releases[e.Release.Key()] = true
			counts[e.Effect]++
		}
	}
	if len(releases) == 0 {
		return "No HelmRelease depends on it."
	}
	return fmt.Sprintf("An edit concerns %s: %s.", layout.Plural(len(releases), "HelmRelease"), graph.Counts(graph.Effects, counts))
}

func effectTone(effect graph.Effect) layout.Tone {
	switch effect {
	case graph.Forced, graph.Upgraded, graph.Requested:
		return layout.Good
	case graph.Absent, graph.Denied:
		return layout.Bad
	}
	return layout.Busy
}
