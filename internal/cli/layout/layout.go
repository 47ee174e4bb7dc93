// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package layout arranges what is shown to people: colours, columns, trees, ages.
package layout

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Style of the output.
type Style struct {
	// Colour reports whether escape sequences are understood and enabled.
	Colour bool

	// Width of the terminal, 0 for no bound.
	Width int

	// Now is what ages are counted to.
	Now time.Time
}

// Tone is the meaning of a word.
type Tone int

// Tones.
const (
	Plain Tone = iota
	Good
	Bad
	Busy
	Dim
	Bold
)

var codes = map[Tone]string{Good: "32", Bad: "31", Busy: "33", Dim: "2", Bold: "1"}

// Paint colours a text.
func (s Style) Paint(tone Tone, text string) string {
	code := codes[tone]
	if !s.Colour || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Age returns how long ago a time is, as kubectl writes it.
func (s Style) Age(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(0, s.Now.Sub(at)))
}

// Cut shortens a text to a width.
func Cut(text string, width int) string {
	if width <= 0 || length(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// Cell is a word of a table.
type Cell struct {
	Text string
	Tone Tone
}

// Row is a line of a table. Its last cell is not padded, and cut where the terminal
// ends.
type Row struct {
	// Lead comes before the cells, such as the branches of a tree.
	Lead  string
	Cells []Cell

	// Loose reports that the last cell may reach into the columns that follow.
	Loose bool
}

// gap between columns, as kubectl has it.
const gap = "   "

// Table aligns the cells of rows. Columns that are empty in all of them are left out.
func (s Style) Table(rows []Row) string {
	widths := widths(rows)
	var out strings.Builder
	for _, row := range rows {
		line, used := s.Paint(Dim, row.Lead), length(row.Lead)
		last := lastCell(row)
		for i, cell := range row.Cells[:last] {
			if widths[i] == 0 {
				continue
			}
			taken := length(cell.Text)
			if i == 0 {
				taken += length(row.Lead)
			}
			pad := strings.Repeat(" ", widths[i]-taken) + gap
			line += s.Paint(cell.Tone, cell.Text) + pad
			used += length(cell.Text) + length(pad)
		}
		if end := row.Cells[last]; s.Width > 0 {
			line += s.Paint(end.Tone, Cut(end.Text, max(s.Width-used, minEnd)))
		} else {
			line += s.Paint(end.Tone, end.Text)
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// minEnd is how much of the end of a line is shown on the narrowest terminal.
const minEnd = 20

// widths returns the width of each column. That of the first includes the lead.
func widths(rows []Row) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row.Cells {
			n := length(cell.Text)
			if i == 0 {
				n += length(row.Lead)
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if !row.Loose || i < lastCell(row) {
				widths[i] = max(widths[i], n)
			}
		}
	}
	return widths
}

func length(text string) int { return utf8.RuneCountInString(text) }

// lastCell returns the index of the last cell that says something.
func lastCell(row Row) int {
	for i := len(row.Cells) - 1; i > 0; i-- {
		if row.Cells[i].Text != "" {
			return i
		}
	}
	return 0
}

// Branch returns the lead of the nth of several children.
func Branch(n, of int) string {
	if n == of-1 {
		return "└─ "
	}
	return "├─ "
}

// Trunk returns what goes on beside the children of the nth of several.
func Trunk(n, of int) string {
	if n == of-1 {
		return "   "
	}
	return "│  "
}

// Plural writes a number with its noun.
func Plural(n int, one string) string {
	switch {
	case n == 1:
		return "1 " + one
	case strings.HasSuffix(one, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(one, "y"))
	}
	return fmt.Sprintf("%d %ss", n, one)
}
