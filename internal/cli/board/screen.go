// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

// Screen is where a board is shown.
type Screen struct {
	layout.Style

	// Height in lines, 0 for no bound.
	Height int

	// Scroll is how many lines of the middle have been scrolled past.
	Scroll int

	// Stale is why what is shown may be old, "" while it is followed.
	Stale string

	// Named writes a command as the plugin is called.
	Named func(string) string

	// failsAnalysis is set for what is shown of a stage that has halted by its analysis.
	failsAnalysis bool
}

// minWidth is how much is shown on the narrowest screen.
const minWidth = 40

func (s Screen) width() int {
	if s.Width == 0 {
		return 0
	}
	return max(s.Width, minWidth)
}

// fit puts a title, what is between, and a last line onto the screen. It returns how far one can scroll, too.
func (s Screen) fit(title string, middle []string, last string) (text string, most int) {
	if room := s.Height - 2; s.Height > 0 && len(middle) > room {
		room = max(1, room)
		most = len(middle) - room
		from := min(max(0, s.Scroll), most)
		middle = middle[from : from+room]
		hidden := fmt.Sprintf("lines %d to %d of %d", from+1, from+room, most+room)
		last = s.Paint(layout.Dim, hidden+"   ↑↓ scroll   ") + last
	}
	lines := append([]string{title}, middle...)
	return strings.Join(append(lines, last), "\n"), most
}

// title writes what is shown, and on the right whether it is followed.
func (s Screen) title(left ...layout.Cell) string {
	right := layout.Cell{Text: "● live " + s.Now.Format("15:04:05 MST"), Tone: layout.Dim}
	if s.Stale != "" {
		right = layout.Cell{Text: "○ STALE: " + clean(s.Stale), Tone: layout.Bad}
	}
	out, used := "", 0
	for i, cell := range left {
		if i > 0 && cell.Text != "" {
			out, used = out+"   ", used+3
		}
		out, used = out+s.Paint(cell.Tone, cell.Text), used+utf8.RuneCountInString(cell.Text)
	}
	if width := s.width(); width > 0 {
		right.Text = layout.Cut(right.Text, max(width-used-2, 8))
		out += strings.Repeat(" ", max(2, width-used-utf8.RuneCountInString(right.Text)))
	} else {
		out += "   "
	}
	return out + s.Paint(right.Tone, right.Text)
}

// wrapped writes a text below a lead, as many lines as it takes.
func (s Screen) wrapped(lead string, tone layout.Tone, text string) []string {
	width := s.width() - utf8.RuneCountInString(lead)
	if s.width() == 0 {
		width = len(text) + 1
	}
	var out []string
	for i, line := range layout.Wrap(text, max(width, minWidth/2)) {
		if i == 1 {
			lead = strings.Repeat(" ", utf8.RuneCountInString(lead))
		}
		out = append(out, s.Paint(layout.Dim, lead)+s.Paint(tone, line))
	}
	return out
}
