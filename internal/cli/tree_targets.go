// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

// targets shows HelmReleases, below their stages if there are any.
func (f forest) targets(t graph.Trigger) []branch {
	var out []branch
	for i, st := range t.Stages {
		out = append(out, branch{f.stage(t, i), append(f.findings(st), f.group(t.InStage(st.Name))...)})
	}
	out = append(out, f.group(t.InStage(""))...)
	return append(out, f.unnamed(t)...)
}

// stage shows one of several stages.
func (f forest) stage(t graph.Trigger, i int) layout.Row {
	st := t.Stages[i]
	since := ""
	if st.Since != nil {
		since = f.Age(st.Since.Time) + " ago"
	}
	counts := fmt.Sprintf("%d/%d", st.Delivered, st.Targets)
	if st.Phase == "" {
		counts = ""
	}
	return layout.Row{Wrap: true, Cells: []layout.Cell{
		{Text: fmt.Sprintf("stage %d/%d %s", i+1, len(t.Stages), st.Name), Tone: layout.Bold}, {Text: st.Word(), Tone: board.StageTone(st)},
		{Text: counts}, {Text: since, Tone: layout.Dim}, {Text: board.StageText(st, f.Now)},
	}}
}

// findings shows what the analysis of a stage has found, while that matters.
func (f forest) findings(st graph.Stage) []branch {
	if !st.Matters() {
		return nil
	}
	var out []branch
	for _, finding := range st.Analysis.Findings(f.Now) {
		out = append(out, branch{row: layout.Row{Loose: true, Cells: []layout.Cell{{Text: clean(finding.Text), Tone: board.FindingTone(finding.Result)}}}})
	}
	return out
}

// presentStage returns the stage that a rollout is in.
func presentStage(t graph.Trigger) string {
	for _, st := range t.Stages {
		if st.Present {
			return st.Name
		}
	}
	return ""
}

// alike are HelmReleases in one state for one reason.
type alike struct {
	reason  string
	targets []graph.Target
}

// group shows HelmReleases, worst first. Of those in one state, up to a number are shown, the others
// counted by reason: what is alike is folded first, so that the odd one is seen.
func (f forest) group(targets []graph.Target) []branch {
	var out []branch
	for _, state := range graph.TargetSeverity {
		var kinds []alike
		known := map[string]int{}
		for _, target := range targets {
			if target.State != state {
				continue
			}
			reason := graph.Impersonal(target)
			i, seen := known[reason]
			if !seen {
				i = len(kinds)
				known[reason], kinds = i, append(kinds, alike{reason: reason})
			}
			kinds[i].targets = append(kinds[i].targets, target)
		}
		out = append(out, f.folded(state, kinds)...)
	}
	return out
}

// folded shows the rarest first. Each kind gets a line as long as there is room.
func (f forest) folded(state triggerv1.TargetState, kinds []alike) []branch {
	slices.SortStableFunc(kinds, func(a, b alike) int { return cmp.Compare(len(a.targets), len(b.targets)) })
	var out []branch
	room, others, left := f.most, 0, 0
	for i, kind := range kinds {
		n := min(len(kind.targets), max(0, min(room, max(1, room-(len(kinds)-1-i)))))
		if f.alike > 0 && state != triggerv1.TargetFailed && state != triggerv1.TargetMissing {
			n = min(n, f.alike)
		}
		if n == 0 {
			others, left = others+1, left+len(kind.targets)
			continue
		}
		room -= n
		for j, target := range kind.targets[:n] {
			row := f.target(target)
			row.Wrap = row.Wrap && j == 0 // The others say the same.
			out = append(out, branch{row, copyRows(target.Copies)})
		}
		if rest := len(kind.targets) - n; rest > 0 {
			row := moreRow(rest, state, kind.reason)
			row.Wrap = false
			out = append(out, branch{row: row})
		}
	}
	if left > 0 {
		out = append(out, branch{row: moreRow(left, state, fmt.Sprintf("for %s", layout.Plural(others, "other reason")))})
	}
	return out
}

func moreRow(n int, state triggerv1.TargetState, about string) layout.Row {
	return layout.Row{Wrap: state != triggerv1.TargetDelivered, Cells: []layout.Cell{
		{Text: fmt.Sprintf("… %d more", n), Tone: layout.Dim}, {Text: string(state), Tone: targetTone(state)}, {}, {}, {Text: clean(about), Tone: layout.Dim},
	}}
}

// unnamed shows how many are only counted.
func (f forest) unnamed(t graph.Trigger) []branch {
	var out []branch
	unnamed := t.Unnamed()
	for _, state := range graph.TargetSeverity {
		if n := unnamed[state]; n > 0 {
			out = append(out, branch{row: moreRow(n, state, "only counted")})
		}
	}
	return out
}

func (f forest) target(t graph.Target) layout.Row {
	revision, since := "", ""
	if t.Revision > 0 {
		revision = fmt.Sprintf("revision %d", t.Revision)
	}
	if at := t.Since(); at != nil {
		since = f.Age(at.Time) + " ago"
	}
	return layout.Row{Wrap: t.State != triggerv1.TargetDelivered, Cells: []layout.Cell{
		{Text: "to HelmRelease " + t.Key()}, {Text: string(t.State), Tone: targetTone(t.State)},
		{Text: revision}, {Text: since, Tone: layout.Dim}, {Text: clean(t.Message)},
	}}
}

// copyRows shows the copies of a target, and whether they have what the sources hold.
func copyRows(copies []graph.Copy) []branch {
	var rows []branch
	for _, c := range copies {
		rows = append(rows, branch{row: layout.Row{Loose: true, Cells: []layout.Cell{
			{Text: "by its copy " + c.String()}, {Text: "[" + copyText(c.State) + "]", Tone: copyTone(c.State)},
		}}})
	}
	return rows
}

func copyText(state graph.CopyState) string {
	switch state {
	case graph.CopyCurrent:
		return "present content"
	case graph.CopyBehind:
		return "as before the last change"
	case graph.CopyEarlier:
		return "earlier content, restored"
	case graph.CopyKept:
		return "earlier content, never changed"
	case graph.CopyRejected:
		return "rejected content"
	}
	return "not written"
}

func copyTone(state graph.CopyState) layout.Tone {
	switch state {
	case graph.CopyCurrent, graph.CopyEarlier, graph.CopyKept:
		return layout.Dim
	case graph.CopyRejected:
		return layout.Bad
	}
	return layout.Busy
}
