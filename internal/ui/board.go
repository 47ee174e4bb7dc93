// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// recent is how many changes a board lists.
const recent = 5

// boardView is what is shown of a ValuesTrigger.
type boardView struct {
	board.Board

	// Edits are what was edited, in words.
	Edits []string

	Lanes []laneView

	// Word and Tone are its state, and Why what it waits for.
	Word, Tone, Why string

	// Persons are what people decided about the present change.
	Persons []string

	// Size of cells: names, large, medium, small or tiny, the same in all lanes.
	Size string

	// Legend counts the HelmReleases by state, those in the same order as everywhere.
	Legend []count

	Buttons []button

	// Changes are the last ones.
	Changes []history.Entry

	// Line is for those who do not see the page: where the rollout stands.
	Line string
}

// Title of the page.
func (v boardView) Title() string { return v.Key() }

// laneView is a stage with what bounds it.
type laneView struct {
	board.Lane
	Number int

	// About says what is special about it, and Tone how that is.
	About, Tone string

	// Limit is how many may be in progress, and Budget how many may fail, -1 for no bound.
	Limit, Budget int
	Underway      int
	Soak          time.Duration

	Counts []count
	Bar    []segment

	// Plots are the metrics of its analysis, as they are Now.
	Plots []plotView
	Now   time.Time

	// Blank are cells of HelmReleases of which only the number is known.
	Blank []struct{}
}

// count is how many HelmReleases are in a state, "" if it is not known.
type count struct {
	State triggerv1.TargetState
	N     int
}

// states are all, in the order in which they are counted: how far they are, and what went wrong at the end.
var states = []triggerv1.TargetState{
	triggerv1.TargetDelivered, triggerv1.TargetTriggered, triggerv1.TargetPending, triggerv1.TargetHeld, "", triggerv1.TargetMissing, triggerv1.TargetFailed,
}

// boardOf shows one ValuesTrigger.
func boardOf(r request) (any, error) {
	namespace, name := r.PathValue("namespace"), r.PathValue("name")
	vt := r.trigger(namespace, name)
	if vt == nil {
		return nil, missing{"ValuesTrigger " + namespace + "/" + name}
	}
	members := r.Members(vt)
	described := graph.DescribeWith(vt, members)
	v := boardView{Board: board.Of(vt, described), Line: board.Line(described), Changes: history.Changes(vt, nil)}
	if i := slices.IndexFunc(v.Changes, func(e history.Entry) bool { return e.Digest == v.Change.Digest }); i >= 0 {
		v.Persons = v.Changes[i].Persons()
	}
	if strings.Contains(described.Message, "rejected by") { // It says who.
		v.Persons = slices.DeleteFunc(v.Persons, func(decided string) bool { return strings.HasPrefix(decided, "rejected by") })
	}
	v.Changes = v.Changes[:min(len(v.Changes), recent)]
	v.Word, v.Tone, v.Why = wordOf(described), toneOf(described.State), v.Reasons()
	cause := history.ParseCause(v.Change.Cause)
	for _, edit := range cause.Objects {
		v.Edits = append(v.Edits, edit.Says(cause))
	}
	if len(v.Edits) == 0 && v.Change.Cause != "" {
		v.Edits = []string{v.Change.Cause}
	}
	largest, all := 0, map[triggerv1.TargetState]int{}
	for i, lane := range v.Board.Lanes {
		l := laneOf(vt, lane, i+1, r.Now)
		l.Plots = plots(r.samples, vt, lane.Stage, r.Now)
		for _, c := range l.Counts {
			all[c.State] += c.N
		}
		largest = max(largest, len(l.Cells)+l.Unknown)
		v.Lanes = append(v.Lanes, l)
	}
	for _, state := range states {
		if state != "" || all[""] > 0 {
			v.Legend = append(v.Legend, count{state, all[state]})
		}
	}
	v.Size = sizeFor(largest, len(v.Lanes))
	v.Buttons = r.server.buttons(r, vt, members, described)
	return v, nil
}

// sizeFor returns how large cells are, so that a stage stays on a screen.
func sizeFor(cells, lanes int) string {
	switch {
	case cells <= 12 && lanes <= 6:
		return "names"
	case cells <= 60:
		return "large"
	case cells <= 200:
		return "medium"
	case cells <= 700:
		return "small"
	}
	return "tiny"
}

func laneOf(vt *triggerv1.ValuesTrigger, lane board.Lane, number int, now time.Time) laneView {
	l := laneView{Lane: lane, Number: number, Now: now, Limit: -1, Budget: -1, Tone: tones[board.StageTone(lane.Stage)], Blank: make([]struct{}, lane.Unknown)}
	counts := map[triggerv1.TargetState]int{"": lane.Unknown}
	for _, cell := range lane.Cells {
		counts[cell.State]++
	}
	for _, state := range states {
		if counts[state] > 0 {
			l.Counts = append(l.Counts, count{state, counts[state]})
		}
	}
	l.Bar, l.Underway = bar(l.Counts), counts[triggerv1.TargetTriggered]
	plain := lane.Stage
	plain.SoaksUntil, plain.Failed = nil, 0 // Shown by a clock, and by the budget.
	l.About = board.StageText(plain, now)
	if lane.AwaitsApproval {
		l.Tone = "ask"
	}
	if vt.Spec.Rollout == nil {
		return l
	}
	i := slices.IndexFunc(vt.Spec.Rollout.Stages, func(st triggerv1.Stage) bool { return st.Name == lane.Name })
	if i < 0 {
		return l
	}
	spec := &vt.Spec.Rollout.Stages[i]
	targets := max(int(lane.Targets), len(lane.Cells))
	l.Soak = spec.MinSuccessTime.Duration
	if spec.MaxConcurrency != nil {
		l.Limit = rollout.Limit(spec, targets)
	}
	if vt.Spec.Rollout.OnFailure != triggerv1.FailureContinue {
		l.Budget = rollout.Budget(vt.Spec.Rollout, targets)
	}
	return l
}

// Label names the lane.
func (l laneView) Label() string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Number > 1:
		return "in no stage"
	}
	return "HelmReleases"
}

// Spoken is the lane for those who do not see it.
func (l laneView) Spoken() string {
	parts := make([]string, 0, len(l.Counts))
	for _, c := range l.Counts {
		parts = append(parts, fmt.Sprintf("%d %s", c.N, c.Word()))
	}
	return l.Label() + ": " + strings.Join(parts, ", ")
}

// Word is a state in words.
func (c count) Word() string {
	if c.State == "" {
		return "only counted"
	}
	return string(c.State)
}

// segment is a part of a bar, in thousandths.
type segment struct {
	State triggerv1.TargetState
	X, W  int
}

// bar shares a bar among states. Each that there is can be seen.
func bar(counts []count) []segment {
	const width, least = 1000, 12
	total := 0
	for _, c := range counts {
		total += c.N
	}
	var out []segment
	sum, largest := 0, 0
	for _, c := range counts {
		if c.N == 0 {
			continue
		}
		out = append(out, segment{State: c.State, W: max(least, c.N*width/total)})
		sum += out[len(out)-1].W
		if out[len(out)-1].W > out[largest].W {
			largest = len(out) - 1
		}
	}
	if len(out) > 0 {
		out[largest].W += width - sum
	}
	for i := 1; i < len(out); i++ {
		out[i].X = out[i-1].X + out[i-1].W
	}
	return out
}

// countsOf returns the counts of a summary.
func countsOf(s triggerv1.TargetSummary) []count {
	by := graph.ByState(s)
	var out []count
	for _, state := range states {
		if by[state] > 0 {
			out = append(out, count{state, by[state]})
		}
	}
	return out
}
