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

// reachText shows what an edit of an object would touch. Of the HelmReleases to which the same
// happens, most are shown.
func reachText(s layout.Style, r graph.Reach, edited string, most int) string {
	var out strings.Builder
	out.WriteString(s.Paint(layout.Bold, r.String()))
	if edited != "" {
		out.WriteString("   " + s.Paint(layout.Dim, edited))
	}
	out.WriteString("\n" + reachSummary(r) + "\n")
	switch {
	case r.CopyOf != graph.Key{}:
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
	out.WriteString("\n" + s.Table(append(rows, edgeRows(r.Edges, most)...)))
	return out.String()
}

// edgeRows shows ways to HelmReleases. Of those that differ in nothing but the HelmRelease the first
// are shown, and the others counted.
func edgeRows(edges []graph.Edge, most int) []layout.Row {
	type group struct{ effect, by, keys, state, message string }
	groups := make([]group, 0, len(edges))
	total, shown := map[group]int{}, map[group]int{}
	for _, e := range edges {
		same := group{effect: string(e.Effect), by: string(e.How), keys: "all", state: string(e.State), message: clean(e.Message)}
		if e.Trigger != (graph.Key{}) {
			same.by += ", ValuesTrigger " + e.Trigger.String()
		}
		if len(e.Keys) > 0 {
			same.keys = strings.Join(e.Keys, ",")
		}
		groups = append(groups, same)
		total[same]++
	}
	var rows []layout.Row
	for i, e := range edges {
		same := groups[i]
		name := layout.Cell{Text: e.Release.Key()}
		switch shown[same]++; {
		case shown[same] == most+1:
			name = layout.Cell{Text: fmt.Sprintf("… %d more", total[same]-most), Tone: layout.Dim}
		case shown[same] > most:
			continue
		}
		rows = append(rows, layout.Row{Cells: []layout.Cell{
			name, {Text: same.effect, Tone: effectTone(e.Effect)}, {Text: same.by}, {Text: same.keys},
			{Text: same.state, Tone: targetTone(e.State)}, {Text: same.message},
		}})
	}
	return rows
}

// reachSummary counts HelmReleases by what would happen to them.
func reachSummary(r graph.Reach) string {
	releases, counts := r.Touched()
	if releases == 0 {
		return "No HelmRelease depends on it."
	}
	return fmt.Sprintf("An edit concerns %s: %s.", layout.Plural(releases, "HelmRelease"), graph.Counts(graph.Effects, counts))
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
