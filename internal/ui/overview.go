// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// maxRows bounds the rows of a group. The filter finds the others.
const maxRows = 200

// overviewView is what is shown of all ValuesTriggers.
type overviewView struct {
	board.Overview
	Groups []group

	// States that there are, with their numbers.
	States []stateCount

	// Legend counts the HelmReleases.
	Legend []count

	// Filters that the address names, and which namespaces there are.
	State, Namespace, Query string
	Namespaces              []string
	Filtered                bool
}

type stateCount struct {
	State graph.State
	N     int
}

// group is some ValuesTriggers of the same urgency.
type group struct {
	Title string
	Open  bool
	Rows  []row
	N     int

	states []graph.State
}

// row is a ValuesTrigger.
type row struct {
	graph.Trigger
	Bar   []segment
	Tone  string
	Stage graph.Stage
	Word  string

	// Why it is not ready.
	Why string
}

// groups are by urgency: what a person has to decide about comes first.
func groups() []group {
	return []group{
		{Title: "Needs a person", Open: true, states: []graph.State{graph.AwaitingApproval, graph.Stalled}},
		{Title: "Waits for something", Open: true, states: []graph.State{graph.Waiting, graph.Unseen}},
		{Title: "In progress", Open: true, states: []graph.State{graph.Progressing}},
		{Title: "Suspended", states: []graph.State{graph.Suspended}},
		{Title: "Ready", states: []graph.State{graph.Ready}},
	}
}

// overview shows all ValuesTriggers, those that need a person first.
func overview(r request) (any, error) {
	query := r.URL.Query()
	v := overviewView{State: query.Get("state"), Namespace: query.Get("namespace"), Query: query.Get("q")}
	v.Filtered = v.State != "" || v.Namespace != "" || v.Query != ""
	var described []graph.Trigger
	counts := map[graph.State]int{}
	for i := range r.Triggers {
		t := graph.Directory{}.Describe(&r.Triggers[i])
		counts[t.State]++
		v.Namespaces = append(v.Namespaces, t.Namespace)
		if v.shows(t) {
			described = append(described, t)
		}
	}
	slices.Sort(v.Namespaces)
	v.Namespaces = slices.Compact(v.Namespaces)
	for _, state := range graph.Severity {
		if counts[state] > 0 {
			v.States = append(v.States, stateCount{state, counts[state]})
		}
	}
	v.Overview = board.OverviewOf(r.Where, described)
	for _, state := range states {
		if n := v.Summary.Releases[state]; n > 0 {
			v.Legend = append(v.Legend, count{state, n})
		}
	}
	for _, g := range groups() {
		for _, t := range v.Triggers {
			if slices.Contains(g.states, t.State) {
				g.N++
				if len(g.Rows) < maxRows {
					g.Rows = append(g.Rows, rowOf(t))
				}
			}
		}
		g.Open = g.Open || v.Filtered
		if g.N > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
	return v, nil
}

// shows reports whether a trigger passes the filters.
func (v overviewView) shows(t graph.Trigger) bool {
	return (v.State == "" || string(t.State) == v.State) && (v.Namespace == "" || t.Namespace == v.Namespace) &&
		(v.Query == "" || strings.Contains(t.Key()+" "+t.Message, v.Query))
}

func rowOf(t graph.Trigger) row {
	out := row{Trigger: t, Bar: bar(countsOf(t.Summary)), Tone: toneOf(t.State), Word: wordOf(t), Why: board.Board{Trigger: t}.Reasons()}
	for _, st := range t.Stages {
		if st.Present {
			out.Stage = st
		}
	}
	return out
}

// wordOf is the state of a trigger, or why it is in it.
func wordOf(t graph.Trigger) string {
	switch t.State {
	case graph.Stalled, graph.Waiting:
		return cmp.Or(t.Reason, string(t.State))
	}
	return string(t.State)
}

// Rest is how many are not shown.
func (g group) Rest() int { return g.N - len(g.Rows) }
