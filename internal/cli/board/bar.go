// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

// unknown is the state of a HelmRelease of which only the number is known.
const unknown triggerv1.TargetState = ""

// shapes tell states apart where colours do not. Each is one column wide.
var shapes = map[triggerv1.TargetState]string{
	triggerv1.TargetDelivered: "■", triggerv1.TargetTriggered: "▶", triggerv1.TargetPending: "◌",
	triggerv1.TargetHeld: "□", triggerv1.TargetFailed: "✗", triggerv1.TargetMissing: "?", unknown: "·",
}

// order of the states in a bar: how far they are, and at its end what went wrong.
var order = []triggerv1.TargetState{
	triggerv1.TargetDelivered, triggerv1.TargetTriggered, triggerv1.TargetPending, triggerv1.TargetHeld, unknown,
	triggerv1.TargetMissing, triggerv1.TargetFailed,
}

func (s Screen) shape(state triggerv1.TargetState, n int) string {
	tone := s.tone(state)
	if state == triggerv1.TargetHeld || state == unknown {
		tone = layout.Dim
	}
	return s.Paint(tone, strings.Repeat(shapes[state], n))
}

// tone of a state is not a good one where what is delivered has failed its analysis.
func (s Screen) tone(state triggerv1.TargetState) layout.Tone {
	if s.failsAnalysis {
		return layout.Bad
	}
	return TargetTone(state)
}

// cells writes a sign for each HelmRelease, or for several if there are too many for some lines.
func (s Screen) cells(l Lane, lines int) []string {
	width := s.width() - len(indent)
	if s.width() == 0 {
		width = 76
	}
	states := make([]triggerv1.TargetState, 0, len(l.Cells)+l.Unknown)
	for _, cell := range l.Cells {
		states = append(states, cell.State)
	}
	for range l.Unknown {
		states = append(states, unknown)
	}
	switch {
	case len(states) == 0:
		return nil
	case len(states) > lines*width:
		return []string{indent + s.bar(states, width)}
	}
	var out []string
	for len(states) > 0 {
		n := min(width, len(states))
		out = append(out, indent+s.row(states[:n]))
		states = states[n:]
	}
	return out
}

// row paints neighbours of one state together.
func (s Screen) row(states []triggerv1.TargetState) string {
	out := ""
	for i := 0; i < len(states); {
		n := 1
		for i+n < len(states) && states[i+n] == states[i] {
			n++
		}
		out += s.shape(states[i], n)
		i += n
	}
	return out
}

// bar shares a line among the states. Each that there is has a sign at least.
func (s Screen) bar(states []triggerv1.TargetState, width int) string {
	counts := map[triggerv1.TargetState]int{}
	for _, state := range states {
		counts[state]++
	}
	lengths, left := map[triggerv1.TargetState]int{}, width
	for state, n := range counts {
		lengths[state] = max(1, n*width/len(states))
		left -= lengths[state]
	}
	for left != 0 { // What rounding leaves belongs to the largest, and it gives what the smallest take.
		largest := order[0]
		for _, state := range order {
			if lengths[state] > lengths[largest] {
				largest = state
			}
		}
		lengths[largest] += left
		left = min(0, lengths[largest]-1)
		lengths[largest] -= left
	}
	out := ""
	for _, state := range order {
		out += s.shape(state, lengths[state])
	}
	return out
}

// counts writes how many HelmReleases of a lane are in which state.
func (s Screen) counts(l Lane) string {
	var parts []string
	for _, state := range graph.TargetSeverity {
		if n := l.Counts[state]; n > 0 {
			parts = append(parts, s.Paint(s.tone(state), fmt.Sprintf("%d %s", n, state)))
		}
	}
	if l.Unknown > 0 {
		parts = append(parts, s.Paint(layout.Dim, fmt.Sprintf("%d only counted", l.Unknown)))
	}
	return strings.Join(parts, ", ")
}

// legend says what the signs mean.
func (s Screen) legend() string {
	var parts []string
	for _, state := range order {
		if state != unknown {
			parts = append(parts, s.shape(state, 1)+" "+string(state))
		}
	}
	return strings.Join(parts, "  ")
}
