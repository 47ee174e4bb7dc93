// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package explore visits all states that any interleaving of steps leads to.
package explore

import (
	"fmt"
	"strings"
)

// World is a small world, of states S, where things happen within bounds B.
type World[S, B any] struct {
	Start  S
	Bounds B

	// Clone returns a state that shares nothing with another one.
	Clone func(S) S

	// Key is the same for states that behave the same.
	Key func(S) string

	// Steps are what may happen next.
	Steps []Step[S, B]

	// Check says what is wrong with a state, or with what comes of it, or nothing. It may
	// change the state.
	Check func(*S) string
}

// Step is something that may happen. Do reports whether it may, in a state, and changes that.
type Step[S, B any] struct {
	Name string
	Do   func(*S, B) bool
}

// visit is a state with the way to it.
type visit[S any] struct {
	state S
	step  string
	from  int // -1: it is the start
}

// All visits the states breadth first until there is no new one. It returns how many there are,
// and what is wrong with the first that is wrong, with the steps that lead to it.
func (w World[S, B]) All() (states int, problem string) {
	known := map[string]bool{w.Key(w.Start): true}
	visits := []visit[S]{{state: w.Start, from: -1}}
	for i := 0; i < len(visits); i++ {
		end := w.Clone(visits[i].state)
		if problem := w.Check(&end); problem != "" {
			return len(visits), problem + "\nafter:\n" + way(visits, i)
		}
		for _, step := range w.Steps {
			next := w.Clone(visits[i].state)
			if !step.Do(&next, w.Bounds) {
				continue
			}
			if key := w.Key(next); !known[key] {
				known[key] = true
				visits = append(visits, visit[S]{state: next, step: step.Name, from: i})
			}
		}
	}
	return len(visits), ""
}

// way returns the steps that lead to a state.
func way[S any](visits []visit[S], i int) string {
	var lines []string
	for ; visits[i].from >= 0; i = visits[i].from {
		lines = append([]string{fmt.Sprintf("%-28s %v", visits[i].step, visits[i].state)}, lines...)
	}
	return strings.Join(lines, "\n")
}
