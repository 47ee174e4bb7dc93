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

// Row is a line of a table. Its last cell is not padded. Where the terminal ends it is cut, or wrapped
// onto lines of its own.
type Row struct {
	// Lead comes before the cells, such as the branches of a tree.
	Lead  string
	Cells []Cell

	// Loose reports that the last cell may reach into the columns that follow.
	Loose bool

	// Wrap reports that the last cell must be seen whole.
	Wrap bool
}

// gap between columns, as kubectl has it.
const gap = "   "

// Table aligns the cells of rows. Columns that are empty in all of them are left out.
func (s Style) Table(rows []Row) string {
	widths := widths(rows)
	var out strings.Builder
	for i, row := range rows {
		line, used := s.Paint(Dim, row.Lead), length(row.Lead)
		last := lastCell(row)
		for column, cell := range row.Cells[:last] {
			if widths[column] == 0 {
				continue
			}
			taken := length(cell.Text)
			if column == 0 {
				taken += length(row.Lead)
			}
			pad := strings.Repeat(" ", widths[column]-taken) + gap
			line += s.Paint(cell.Tone, cell.Text) + pad
			used += length(cell.Text) + length(pad)
		}
		end, below := row.Cells[last], ""
		switch {
		case s.Width == 0:
		case row.Wrap && last > 0 && last == len(row.Cells)-1 && used+length(end.Text) > s.Width:
			below, end.Text = s.below(rows[i:], end), ""
		default:
			end.Text = Cut(end.Text, max(s.Width-used, minEnd))
		}
		line += s.Paint(end.Tone, end.Text)
		out.WriteString(strings.TrimRight(line, " ") + "\n" + below)
	}
	return out.String()
}

// below writes the end of the first of some rows onto lines of their own, between the branches of the tree.
func (s Style) below(rows []Row, end Cell) string {
	lead := strings.NewReplacer("├─", "│ ", "└─", "  ").Replace(rows[0].Lead)
	if len(rows) > 1 && length(rows[1].Lead) > length(lead) {
		lead += Trunk(0, 2)
	} else {
		lead += Trunk(0, 1)
	}
	var out strings.Builder
	for _, line := range Wrap(end.Text, max(s.Width-length(lead), minEnd)) {
		out.WriteString(s.Paint(Dim, lead) + s.Paint(end.Tone, line) + "\n")
	}
	return out.String()
}

// Wrap breaks a text into lines of a width, between words where that is possible.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && length(line)+1+length(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
		for length(line) > width {
			runes := []rune(line)
			lines, line = append(lines, string(runes[:width])), string(runes[width:])
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
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
