// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

const (
	indent = "    "

	// cellLines bounds the lines of a stage before one sign stands for several releases.
	cellLines = 3

	// maxTroubles bounds the reasons that are shown.
	maxTroubles = 8
)

// Text shows a board on a screen, and returns how far one can scroll.
func (b Board) Text(s Screen) (text string, most int) {
	title := s.title(
		layout.Cell{Text: b.Key(), Tone: layout.Bold}, layout.Cell{Text: string(b.State), Tone: TriggerTone(b.State)},
		layout.Cell{Text: b.Delivered + " delivered"},
	)
	middle := b.about(s)
	for _, part := range [][]string{b.lanes(s), b.next(s), b.troubles(s)} {
		if len(part) > 0 {
			middle = append(append(middle, ""), part...)
		}
	}
	return s.fit(title, append(middle, ""), s.legend()+"   "+s.Paint(layout.Dim, "q quit"))
}

// about says what is delivered, whose edit it is, and what it waits for.
func (b Board) about(s Screen) []string {
	var out []string
	add := func(label string, tone layout.Tone, text string) {
		if text != "" {
			out = append(out, s.wrapped(fmt.Sprintf("%-9s", label), tone, clean(text))...)
		}
	}
	for _, note := range b.Notes {
		add("", layout.Bad, note)
	}
	since := ""
	if b.Change.Time != nil {
		since = ", " + s.Age(b.Change.Time.Time) + " ago"
	}
	if b.Change.Cause != "" {
		add("change", layout.Plain, b.Change.Cause+since)
	}
	if b.Change.Digest != "" {
		content := digest.Abbreviated(b.Change.Digest)
		if b.Change.GitRevision != "" {
			content += ", Git " + b.Change.GitRevision
		}
		add("content", layout.Plain, content)
	}
	for _, clock := range b.Clocks {
		add("clock", layout.Busy, clock.What+" "+Until(clock.Ends.Time, s.Now))
	}
	add("why", TriggerTone(b.State), b.Reasons())
	return out
}

// Reasons says what a trigger waits for, without a command that Next has. It is empty if nothing is to be said.
func (b Board) Reasons() string {
	delivers := b.State == graph.Progressing && (b.Rollout == triggerv1.RolloutProgressing || b.Rollout == triggerv1.RolloutSoaking)
	switch {
	case b.State == graph.Ready || delivers:
		return ""
	case b.State != graph.AwaitingApproval:
		return b.Message
	}
	for _, st := range b.Stages {
		if st.AwaitsApproval {
			return "stage " + st.Name + " waits for your approval of content " + digest.Abbreviated(b.Digest)
		}
	}
	return b.Message
}

func (b Board) lanes(s Screen) []string {
	var out []string
	lines := cellLines
	if len(b.Lanes) > 4 {
		lines = 1
	}
	for i, l := range b.Lanes {
		s.failsAnalysis = l.FailsAnalysis()
		out = append(out, s.lane(l, i, len(b.Stages)))
		out = append(out, s.cells(l, lines)...)
		if !l.Matters() {
			continue
		}
		for _, finding := range l.Analysis.Findings(s.Now) {
			out = append(out, s.wrapped(indent, FindingTone(finding.Result), clean(finding.Text))...)
		}
	}
	return out
}

// lane writes the heading of one.
func (s Screen) lane(l Lane, i, of int) string {
	mark := "  "
	if l.Present {
		mark = "▸ "
	}
	name := fmt.Sprintf("%d/%d %s", i+1, of, l.Name)
	if l.Name == "" {
		name = "HelmReleases"
		if of > 0 {
			name = "in no stage"
		}
	}
	parts := []string{mark + s.Paint(layout.Bold, name)}
	if word := l.Word(); word != "" {
		parts = append(parts, s.Paint(StageTone(l.Stage), word))
	}
	if l.Targets > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d", l.Delivered, l.Targets))
	}
	if counts := s.counts(l); counts != "" {
		parts = append(parts, counts)
	}
	l.SoaksUntil, l.Failed = nil, 0 // The clock and the counts say so.
	if about := StageText(l.Stage, s.Now); about != "" {
		parts = append(parts, s.Paint(StageTone(l.Stage), about))
	}
	return strings.Join(parts, "  ")
}

// next says what a person can do.
func (b Board) next(s Screen) []string {
	var rows []layout.Row
	for _, step := range b.Next {
		row := layout.Row{Lead: "  ", Cells: []layout.Cell{{Text: s.Named(step.Command), Tone: layout.Bold}, {Text: step.Does, Tone: layout.Dim}}}
		if step.Command == "" {
			row = layout.Row{Lead: "  ", Loose: true, Cells: []layout.Cell{{Text: step.Does, Tone: layout.Bold}}}
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	return append([]string{"You can"}, strings.Split(strings.TrimSuffix(s.Table(rows), "\n"), "\n")...)
}

// troubles says in full why releases do not have the content.
func (b Board) troubles(s Screen) []string {
	var out []string
	for i, t := range b.Troubles {
		if i == maxTroubles {
			out = append(out, s.Paint(layout.Dim, fmt.Sprintf("  … %d other reasons: %s", len(b.Troubles)-i, s.Named("kubectl valuestrigger tree "+b.Name+" -n "+b.Namespace))))
			break
		}
		who := t.First
		if t.Count > 1 {
			who = fmt.Sprintf("%s and %d more", who, t.Count-1)
		}
		out = append(out, s.shape(t.State, 1)+" "+s.Paint(TargetTone(t.State), string(t.State))+" "+who)
		tone := layout.Plain
		if t.State == triggerv1.TargetHeld {
			tone = layout.Dim
		}
		out = append(out, s.wrapped(indent, tone, clean(t.Message))...)
	}
	return out
}

// Line says in one line where a ValuesTrigger stands, without times.
func Line(t graph.Trigger) string {
	parts := []string{t.Key(), string(t.State)}
	if t.Delivered != "" {
		parts = append(parts, t.Delivered+" delivered")
	}
	for i, st := range t.Stages {
		if st.Present {
			parts = append(parts, fmt.Sprintf("stage %d/%d %s %s %d/%d", i+1, len(t.Stages), st.Name, st.Word(), st.Delivered, st.Targets))
		}
	}
	if t.State != graph.Ready && t.Message != "" {
		parts = append(parts, clean(t.Message))
	}
	return strings.Join(parts, "   ")
}
