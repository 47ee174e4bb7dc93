// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// How much is shown before the rest is folded.
const (
	// fewTriggers are shown whether they are well or not.
	fewTriggers = 10
	// maxTroubled bounds the triggers that are not well.
	maxTroubled = 20
	// maxTargets bounds the HelmReleases of one trigger that are in the same state, and
	// maxNamedTargets if the trigger is given by name.
	maxTargets      = 10
	maxNamedTargets = 200
	// maxAlike bounds those of a trigger that is given by name that are well, or wait for the same.
	maxAlike = 20
	// maxReasons bounds what is counted of all that is wrong.
	maxReasons = 5
)

// forest shows triggers.
type forest struct {
	layout.Style

	// most bounds the HelmReleases of a trigger in one state, and alike those of one reason of which none has
	// failed or is missing, unless it is 0.
	most, alike int

	// everything shows all triggers.
	everything bool

	// named writes a command as this plugin is called.
	named func(string) string
}

// most returns how many of what is alike are shown.
func most(everything bool, usual int) int {
	if everything {
		return math.MaxInt
	}
	return usual
}

func (f forest) text(triggers []graph.Trigger, summary graph.Summary) string {
	var out strings.Builder
	if len(summary.Triggers) > 0 {
		fmt.Fprintf(&out, "%s: %s\n", layout.Plural(len(triggers), "ValuesTrigger"), f.counts(graph.Severity, summary.Triggers))
		releases := 0
		for _, n := range summary.Releases {
			releases += n
		}
		fmt.Fprintf(&out, "%s: %s\n\n", layout.Plural(releases, "HelmRelease"), f.targetCounts(summary.Releases))
	}
	shown := triggers
	if !f.everything && len(triggers) > fewTriggers {
		shown = triggers[:min(well(triggers), maxTroubled)]
	}
	var rows []layout.Row
	for _, t := range shown {
		rows = append(rows, f.trigger(t)...)
	}
	out.WriteString(f.Table(rows))
	if rest := triggers[len(shown):]; len(rest) > 0 {
		out.WriteString(f.reasons(triggers, well(triggers)-len(shown)))
		folded := graph.Summarize(rest)
		fmt.Fprintf(&out, "%s\n", f.Paint(layout.Dim, fmt.Sprintf("… %s not shown: %s (--all shows them)",
			layout.Plural(len(rest), "ValuesTrigger"), graph.Counts(graph.Severity, folded.Triggers))))
	}
	return out.String()
}

// well returns the number of triggers before those that are well.
func well(triggers []graph.Trigger) int {
	if i := slices.IndexFunc(triggers, func(t graph.Trigger) bool { return t.State == graph.Ready }); i >= 0 {
		return i
	}
	return len(triggers)
}

// reasons says what is wrong most often, if not all that is wrong is shown.
func (f forest) reasons(triggers []graph.Trigger, hidden int) string {
	if hidden <= 0 {
		return ""
	}
	var rows []layout.Row
	for i, r := range graph.Reasons(triggers) {
		if i == maxReasons {
			break
		}
		rows = append(rows, layout.Row{Lead: "   ", Cells: []layout.Cell{
			{Text: fmt.Sprintf("%d×", r.Count)}, {Text: string(r.State), Tone: targetTone(r.State)}, {Text: clean(r.Message)},
		}})
	}
	return "Most often:\n" + f.Table(rows)
}

// counts writes how many are in which state, in the colours of the states.
func (f forest) counts(order []graph.State, counts map[graph.State]int) string {
	return painted(f.Style, order, counts, triggerTone)
}

func (f forest) targetCounts(counts map[triggerv1.TargetState]int) string {
	return painted(f.Style, graph.TargetSeverity, counts, targetTone)
}

func painted[T ~string](s layout.Style, order []T, counts map[T]int, tone func(T) layout.Tone) string {
	var parts []string
	for _, state := range order {
		if n := counts[state]; n > 0 {
			parts = append(parts, s.Paint(tone(state), fmt.Sprintf("%d %s", n, state)))
		}
	}
	return strings.Join(parts, ", ")
}

// trigger shows one: itself, from what, to what.
func (f forest) trigger(t graph.Trigger) []layout.Row {
	origin := "declared"
	if t.Generated {
		origin = "generated"
	}
	rows := []layout.Row{{Cells: []layout.Cell{
		{Text: "ValuesTrigger " + t.Key(), Tone: layout.Bold}, {Text: string(t.State), Tone: triggerTone(t.State)},
		{Text: t.Delivered}, {Text: origin, Tone: layout.Dim}, {Text: f.messageOf(t)},
	}}}
	rows[0].Wrap = t.State != graph.Ready
	var below []branch
	if t.Rollout != "" && (t.State == graph.AwaitingApproval || t.State == graph.Stalled || t.Reason == triggerv1.AwaitingGateReason) {
		for _, step := range t.Steps() {
			below = append(below, branch{row: layout.Row{Loose: true, Cells: []layout.Cell{{Text: "next: " + f.named(step.Text()), Tone: layout.Bold}}}})
		}
	}
	for _, s := range t.Sources {
		below = append(below, branch{row: sourceRow(s)})
	}
	return append(rows, branches("", append(below, f.targets(t)...))...)
}

// branch is a row with what hangs below it.
type branch struct {
	row   layout.Row
	below []branch
}

// branches hangs rows below the one before them.
func branches(trunk string, all []branch) []layout.Row {
	var rows []layout.Row
	for i, b := range all {
		b.row.Lead = trunk + layout.Branch(i, len(all))
		rows = append(append(rows, b.row), branches(trunk+layout.Trunk(i, len(all)), b.below)...)
	}
	return rows
}

// messageOf returns what a trigger says, unless it says no more than its targets do.
func (f forest) messageOf(t graph.Trigger) string {
	switch {
	case t.State == graph.Progressing && t.Rollout != "" && t.Rollout != triggerv1.RolloutProgressing:
		return clean(t.Message) // What it waits for, or that it is rolled back.
	case t.State == graph.AwaitingApproval && presentStage(t) != "":
		return "stage " + presentStage(t) + " waits for the approval of content " + digest.Abbreviated(t.Digest)
	case t.State == graph.Ready || t.State == graph.Progressing:
		return ""
	case slices.Contains([]string{triggerv1.DeliveryFailedReason, triggerv1.TargetNotFoundReason, triggerv1.TargetsHeldReason}, t.Reason):
		return t.Reason
	case t.Reason == "", t.Reason == string(t.State):
		return clean(t.Message)
	}
	return t.Reason + ": " + clean(t.Message)
}

// sourceRow shows a source as a line of a tree.
func sourceRow(s graph.Source) layout.Row {
	name := s.String()
	if s.Name == "" {
		name = fmt.Sprintf("%ss of %s", s.Kind, s.Namespace)
	}
	var about []string
	if s.Selector != "" {
		about = append(about, "by label "+s.Selector)
	}
	about = append(about, keysText(s))
	if s.Force != triggerv1.ForceAuto {
		about = append(about, "force "+string(s.Force))
	}
	switch {
	case s.Absent:
		about = append(about, "absent")
	case s.Optional:
		about = append(about, "optional")
	}
	return layout.Row{Loose: true, Cells: []layout.Cell{{Text: "from " + name}, {Text: "[" + strings.Join(about, "; ") + "]", Tone: layout.Dim}}}
}

// keysText names the keys that count, those that may be missing as such.
func keysText(s graph.Source) string {
	if len(s.Keys) == 0 {
		return "all keys"
	}
	keys := slices.Clone(s.Keys)
	for i, key := range keys {
		if !s.Optional && !slices.Contains(s.Required, key) {
			keys[i] = key + " (optional)"
		}
	}
	return strings.Join(keys, ", ")
}

// feedsText shows what a HelmRelease depends on.
func feedsText(s layout.Style, feeds graph.Feeds, named func(string) string) string {
	title := s.Paint(layout.Bold, feeds.String())
	for _, about := range []struct {
		set  bool
		text string
	}{{feeds.Suspended, "suspended"}, {feeds.OptedOut, "opted out of autodiscovery and the contract by its label"}} {
		if about.set {
			title += "   " + s.Paint(layout.Busy, about.text)
		}
	}
	var rows []layout.Row
	f := forest{Style: s, most: math.MaxInt, everything: true, named: named}
	for _, t := range feeds.Triggers {
		rows = append(rows, f.trigger(t)...)
	}
	var below []branch
	for _, source := range feeds.Unfollowed {
		below = append(below, branch{row: sourceRow(source)})
	}
	if len(below) > 0 {
		rows = append(rows, layout.Row{Loose: true, Cells: []layout.Cell{{Text: "No ValuesTrigger", Tone: layout.Bold}, {Text: "read through valuesFrom, and followed by no one", Tone: layout.Busy}}})
		rows = append(rows, branches("", below)...)
	}
	if len(rows) == 0 {
		return title + "\nNothing that the operator follows.\n"
	}
	return title + "\n" + s.Table(rows)
}
