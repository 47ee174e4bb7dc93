// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// How much of a preview is shown before the rest is folded.
const (
	maxNamed       = 5
	maxDifferences = 20
	maxLines       = 12
)

// previewText shows a preview: releases to which the same happens together.
func previewText(s layout.Style, p previewed, everything bool) string {
	var out strings.Builder
	if p.Pending != nil {
		out.WriteString(pendingTitle(s, p.Pending))
	} else {
		for _, e := range p.Edits {
			out.WriteString(editTitle(s, e))
		}
	}
	switch {
	case len(p.Releases) > 0:
	case p.Pending != nil:
		return out.String()
	case len(p.Edits) == 0:
		return "Nothing changes: the cluster has these values already.\n"
	default:
		out.WriteString("No HelmRelease depends on it.\n")
		return out.String()
	}
	fmt.Fprintf(&out, "%s: %s\n", layout.Plural(len(p.Releases), "HelmRelease"), painted(s, compare.Outcomes, p.Summary, outcomeTone))
	out.WriteString(laterText(p))
	out.WriteString(groupsText(s, p, everything))
	return out.String()
}

// groupsText shows the HelmReleases and how their values differ, by what happens to them.
func groupsText(s layout.Style, p previewed, everything bool) string {
	var out strings.Builder
	for _, group := range groups(p.Releases, p.Pending != nil) {
		first := group[0]
		title := s.Paint(outcomeTone(first.Outcome), string(first.Outcome))
		if first.Message != "" {
			title += " (" + clean(first.Message) + ")"
		}
		if p.Pending != nil && first.Stage != "" {
			title = s.Paint(layout.Bold, "Stage "+clean(first.Stage)) + ", " + title
		}
		fmt.Fprintf(&out, "\n%s: %s\n", title, named(group, everything))
		for _, secret := range first.LeftOut {
			fmt.Fprintf(&out, "  %s\n", s.Paint(layout.Busy, secret+" is left out, since you may not read it: what it sets is shown as if it did not"))
		}
		out.WriteString(differencesText(s, first.Differences, everything))
	}
	return out.String()
}

// laterText says how many wait for what, where a heading does not say it of one each.
func laterText(p previewed) string {
	var out strings.Builder
	byNumber := func(a, b string) int { return cmp.Or(p.Later[b]-p.Later[a], strings.Compare(a, b)) }
	for _, message := range slices.SortedFunc(maps.Keys(p.Later), byNumber) {
		if p.Summary[compare.Later] > len(p.Later) {
			fmt.Fprintf(&out, "  %d: %s\n", p.Later[message], clean(message))
		}
	}
	return out.String()
}

func pendingTitle(s layout.Style, p *pendingTrigger) string {
	title := s.Paint(layout.Bold, p.String())
	content := "content " + digest.Abbreviated(p.Digest)
	switch {
	case p.Restores > 0:
		title += fmt.Sprintf(": %s is rejected by the rollback to revision %d", content, p.Restores)
	case p.RejectedBy != nil:
		title += ": " + content + " was rejected by a person and is not delivered"
	case p.Rejected:
		title += ": " + content + " has failed and is not delivered"
	case p.Waiting == 0:
		return title + ": nothing waits, " + content + " is delivered\n"
	default:
		title += fmt.Sprintf(": %d of %s have not got %s", p.Waiting, layout.Plural(p.Total, "HelmRelease"), content)
	}
	if p.Message != "" {
		title += "\n  " + clean(p.Message)
	}
	for _, st := range p.Stages {
		for _, finding := range st.Analysis.Findings(s.Now) {
			title += "\n  " + clean(st.Name) + ": " + s.Paint(board.FindingTone(finding.Result), clean(finding.Text))
		}
	}
	return title + "\n"
}

func editTitle(s layout.Style, e *edit) string {
	var out strings.Builder
	what := "changes in " + strings.Join(e.ChangedKeys, ", ")
	switch {
	case e.Created:
		what = "is created, with " + strings.Join(e.ChangedKeys, ", ")
	case len(e.ChangedKeys) == 0:
		what = "has this content already"
	}
	fmt.Fprintf(&out, "%s %s\n", s.Paint(layout.Bold, e.String()), what)
	if e.Excluded {
		fmt.Fprintf(&out, "  The label %s: %q takes it out: nothing follows it.\n", triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled)
	}
	if e.FluxWatched {
		fmt.Fprintf(&out, "  Flux's label %s is on it: helm-controller reconciles the HelmReleases that read it by itself, at once.\n", meta.LabelKeyWatch)
	}
	for _, problem := range e.Problems {
		fmt.Fprintf(&out, "  %s %s\n", s.Paint(layout.Bad, "Malformed:"), problem)
	}
	return out.String()
}

// groups puts releases together that have the same fate, and perhaps are in one stage.
func groups(releases []*releasePreview, byStage bool) [][]*releasePreview {
	var out [][]*releasePreview
	for _, r := range releases {
		i := slices.IndexFunc(out, func(group []*releasePreview) bool {
			first := group[0]
			return first.Outcome == r.Outcome && (first.Stage == r.Stage || !byStage) && first.Message == r.Message && slices.Equal(first.LeftOut, r.LeftOut) &&
				compare.SameDifferences(first.Differences, r.Differences)
		})
		if i < 0 {
			out = append(out, []*releasePreview{r})
			continue
		}
		out[i] = append(out[i], r)
	}
	return out
}

func named(group []*releasePreview, everything bool) string {
	most := maxNamed
	if everything {
		most = len(group)
	}
	names := make([]string, 0, len(group))
	for _, r := range group {
		names = append(names, r.Key())
	}
	return "HelmRelease " + text.Some(names, most)
}

func outcomeTone(outcome compare.Outcome) layout.Tone {
	switch outcome {
	case compare.Fails:
		return layout.Bad
	case compare.Installs, compare.Upgrades, compare.Forces:
		return layout.Good
	case compare.Later:
		return layout.Busy
	}
	return layout.Dim
}

func differencesText(s layout.Style, differences []compare.Difference, everything bool) string {
	var out strings.Builder
	for i, d := range differences {
		if i == maxDifferences && !everything {
			fmt.Fprintf(&out, "  %s\n", s.Paint(layout.Dim, fmt.Sprintf("… %d more (--all shows them)", len(differences)-i)))
			break
		}
		mark, tone := "~", layout.Busy
		switch d.Op {
		case compare.Added:
			mark, tone = "+", layout.Good
		case compare.Removed:
			mark, tone = "-", layout.Bad
		}
		fmt.Fprintf(&out, "  %s %s: %s\n", s.Paint(tone, mark), clean(d.Path), valueText(s, d))
	}
	return out.String()
}

// valueText writes what became of a value. Texts of several lines are shown by the lines
// that differ.
func valueText(s layout.Style, d compare.Difference) string {
	if d.Secret != "" {
		return s.Paint(layout.Dim, fmt.Sprintf("%s (%s, not shown)", d.Op, d.Secret))
	}
	var before, after string
	if json.Unmarshal(d.Before, &before) == nil && json.Unmarshal(d.After, &after) == nil && strings.Contains(before+after, "\n") {
		return linesText(s, before, after)
	}
	switch d.Op {
	case compare.Added:
		return layout.Cut(string(d.After), s.Width)
	case compare.Removed:
		return layout.Cut(string(d.Before), s.Width)
	}
	return layout.Cut(string(d.Before), s.Width/2) + " → " + layout.Cut(string(d.After), s.Width/2)
}

// linesText shows the lines between those with which both texts begin and end.
func linesText(s layout.Style, before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	start := 0
	for start < min(len(old), len(now)) && old[start] == now[start] {
		start++
	}
	end := 0
	for end < min(len(old), len(now))-start && old[len(old)-1-end] == now[len(now)-1-end] {
		end++
	}
	var out strings.Builder
	fmt.Fprintf(&out, "from line %d", start+1)
	for _, part := range []struct {
		mark  string
		tone  layout.Tone
		lines []string
	}{{"-", layout.Bad, old[start : len(old)-end]}, {"+", layout.Good, now[start : len(now)-end]}} {
		for i, line := range part.lines {
			if i == maxLines {
				fmt.Fprintf(&out, "\n    %s", s.Paint(layout.Dim, fmt.Sprintf("… %d more", len(part.lines)-i)))
				break
			}
			fmt.Fprintf(&out, "\n    %s", s.Paint(part.tone, part.mark+" "+clean(line)))
		}
	}
	return out.String()
}

// changing returns the names of the HelmReleases to which something happens.
func (p *previewed) changing() []string {
	var names []string
	for _, r := range p.Releases {
		if r.Outcome != compare.Same {
			names = append(names, r.Name)
		}
	}
	return names
}
