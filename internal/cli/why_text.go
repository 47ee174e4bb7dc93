// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// whyText shows revisions, newest first.
func whyText(s layout.Style, r history.Report) string {
	var out strings.Builder
	tone := layout.Bad
	switch r.Ready {
	case "True":
		tone = layout.Good
	case "Unknown", "":
		tone = layout.Busy
	}
	fmt.Fprintf(&out, "%s   %s\n", s.Paint(layout.Bold, r.String()), s.Paint(tone, "Ready "+orDash(r.Ready)+": "+clean(r.Message)))
	for _, w := range r.Waiting {
		fmt.Fprintf(&out, "%s by ValuesTrigger %s: %s\n", s.Paint(targetTone(w.State), string(w.State)), w.Trigger, cmp.Or(clean(w.Message), "its status lists others"))
		if w.Cause != nil {
			fmt.Fprintf(&out, "   %s\n", clean(w.Cause.Text))
		}
	}
	for _, o := range r.Overridden {
		out.WriteString(overrideLine(s, o))
	}
	for _, d := range r.Decided {
		fmt.Fprintf(&out, "Content %s of %s ago by ValuesTrigger %s: %s\n", digest.Abbreviated(d.Digest), s.Age(d.At), d.Trigger, clean(strings.Join(d.What, "; ")))
	}
	for _, c := range r.Copies {
		out.WriteString(copyLine(s, c))
	}
	if len(r.Revisions) == 0 {
		out.WriteString("There is no revision yet.\n")
	}
	for _, revision := range r.Revisions {
		out.WriteString("\n" + s.Table(revisionRows(s, revision)))
	}
	for i, q := range r.Requested {
		if i == 0 {
			out.WriteString("\nRequested, and it is not on record which revision that made, if any:\n")
		}
		times := ""
		if q.Count > 1 {
			times = fmt.Sprintf(" (%d times since)", q.Count)
		}
		fmt.Fprintf(&out, "   %s ago   %s%s   known from: %s\n", s.Age(q.At), clean(q.Cause.Text), times, q.From)
	}
	for i, q := range r.Quiet {
		if i == 0 {
			out.WriteString("\nDelivered without a revision, since the values stayed the same:\n")
		}
		fmt.Fprintf(&out, "   %s ago   %s\n", s.Age(q.At), clean(q.Cause.Text))
	}
	return out.String()
}

// overrideLine says what a person has overridden.
func overrideLine(s layout.Style, o history.Overridden) string {
	by := ""
	if o.User != "" || o.Manager != "" {
		by = ", requested by " + clean(history.Person(o.User, o.Manager))
	}
	return fmt.Sprintf("%s %s ago by ValuesTrigger %s for content %s%s: %s\n", s.Paint(layout.Busy, "Overridden"), s.Age(o.At), o.Trigger,
		digest.Abbreviated(o.Digest), by, clean(o.Message))
}

// copyLine says from which copy of what the release reads, and whether that is present.
func copyLine(s layout.Style, c history.Copy) string {
	reads, tone := "Reads", layout.Plain
	if !c.Read {
		reads, tone = "Does not list", layout.Busy
	}
	return fmt.Sprintf("%s %s, the copy of %s by ValuesTrigger %s: %s\n", s.Paint(tone, reads), c, c.Names(), c.Trigger, s.Paint(copyTone(c.State), copyText(c.State)))
}

func orDash(word string) string {
	if word == "" {
		return "-"
	}
	return word
}

func revisionRows(s layout.Style, r history.Revision) []layout.Row {
	when := ""
	if !r.At.IsZero() {
		when = fmt.Sprintf("%s ago (%s)", s.Age(r.At), r.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	title := []string{when, r.Status, r.Chart}
	if len(r.Differs) > 0 {
		title = append(title, "differs in "+strings.Join(r.Differs, " and "))
	}
	row := layout.Row{Cells: []layout.Cell{{Text: fmt.Sprintf("Revision %d", r.Number), Tone: layout.Bold}}}
	for _, word := range title {
		if word != "" {
			row.Cells = append(row.Cells, layout.Cell{Text: word})
		}
	}
	rows := []layout.Row{row}
	add := func(label, word string, tone layout.Tone) {
		if word != "" {
			rows = append(rows, layout.Row{Lead: "   ", Loose: true, Cells: []layout.Cell{{Text: label, Tone: layout.Dim}, {Text: word, Tone: tone}}})
		}
	}
	if r.Cause == nil {
		add("why", r.Note, layout.Busy)
		return rows
	}
	for _, edit := range r.Cause.Objects {
		add("why", edit.Says(*r.Cause), layout.Plain)
	}
	if len(r.Cause.Objects) == 0 {
		add("why", clean(r.Cause.Text), layout.Plain)
	}
	if r.Cause.More > 0 {
		add("why", fmt.Sprintf("and %d more", r.Cause.More), layout.Plain)
	}
	via := r.Note
	if r.Cause.Trigger != "" {
		via = "ValuesTrigger " + r.Cause.Trigger + "   known from: " + r.Note
	}
	if r.Certainty == history.ByOrder {
		via += "; unproven, it followed the request"
	}
	if r.Cause.Request == meta.ForceRequestAnnotation {
		add("by", "a person's request for all HelmReleases at once, which overrides what holds changes back", layout.Busy)
	}
	add("via", via, layout.Dim)
	return rows
}
