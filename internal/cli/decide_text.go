// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// line is a labelled line of what a person decides about.
type line struct {
	label, word string
	tone        layout.Tone
}

// sheet shows labelled lines. A label that repeats the one before is not shown again.
func sheet(s layout.Style, title string, lines []line) string {
	rows := make([]layout.Row, 0, len(lines))
	last := ""
	for _, l := range lines {
		if l.word == "" {
			continue
		}
		label := l.label
		if label == last {
			label = ""
		}
		last = l.label
		rows = append(rows, layout.Row{Lead: "  ", Cells: []layout.Cell{{Text: label, Tone: layout.Dim}, {Text: l.word, Tone: l.tone}}})
	}
	wide := s
	wide.Width = 0 // What is decided about is not cut.
	return s.Paint(layout.Bold, title) + "\n" + wide.Table(rows)
}

// causeLines say whose edit made content, and when.
func causeLines(s layout.Style, vt *triggerv1.ValuesTrigger, content string) []line {
	change := decision.ChangeTo(vt, content)
	if change == nil {
		return []line{{"Cause", "not on record", layout.Busy}}
	}
	var out []line
	cause := history.ParseCause(change.Cause)
	for _, edit := range cause.Objects {
		out = append(out, line{"Cause", edit.Says(cause), layout.Plain})
	}
	if len(out) == 0 {
		out = append(out, line{"Cause", orDash(clean(change.Cause)), layout.Plain})
	}
	return append(out, line{"Git", clean(change.GitRevision), layout.Plain}, line{"Seen", s.Age(change.Time.Time) + " ago", layout.Plain})
}

// namesOf lists HelmReleases, and how many there are beside those that are known by name.
func namesOf(releases []binding.Object, count int) string {
	names := make([]string, 0, len(releases))
	for _, r := range releases {
		names = append(names, r.Key())
	}
	count = max(count, len(names))
	out := layout.Plural(count, "HelmRelease")
	if len(names) == 0 {
		return out
	}
	shown := names[:min(len(names), maxNamed)]
	out += ": " + strings.Join(shown, ", ")
	if more := count - len(shown); more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// evaluated says that the sources hold other content than the operator has read, empty if not: what
// is shown would not be what is decided about.
func (c *cli) evaluated(ctx context.Context, vt *triggerv1.ValuesTrigger) (string, error) {
	current, err := (&waiter{c: c}).current(ctx, vt)
	if err != nil || current {
		return "", err
	}
	return "the sources hold content that the operator has not evaluated yet: try again in a moment", nil
}

// targetsOf returns the targets of a trigger, as far as they are known, and how many there are.
func (c *cli) targetsOf(ctx context.Context, vt *triggerv1.ValuesTrigger) (graph.Members, error) {
	directory, err := c.directory(ctx, vt.Namespace, []triggerv1.ValuesTrigger{*vt})
	return directory.Members(vt), err
}

// waitingText shows how the values of those differ that have not got the content of a trigger.
func (c *cli) waitingText(ctx context.Context, s layout.Style, vt *triggerv1.ValuesTrigger) string {
	waiting, err := c.pendingOf(ctx, vt)
	if err != nil {
		c.warn("what would change is not shown: %s", explain(err))
		return ""
	}
	return groupsText(s, waiting, false)
}
