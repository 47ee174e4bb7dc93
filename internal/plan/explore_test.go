// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

var exploreMore = flag.Bool("explore.more", false, "explore larger bounds; takes minutes")

// bounds of an exploration: how often each kind of thing happens.
type bounds struct {
	edits, crashes, suspensions int
}

// TestExplore visits every state of a small world that any interleaving of steps leads to, breadth
// first, until there is no new one: a release, a source that it reads through valuesFrom and one
// that its chart looks up, a trigger over both, helm-controller step by step, caches of the
// operator that lag, and crashes before and after each write. From every state, it lets the world
// come to rest, and demands the newest content in the release (G1), no more revisions than there
// are reasons (G2), and a status that says so (G3). Each documented limit is a state that it reaches.
func TestExplore(t *testing.T) {
	t.Parallel()
	worlds := map[string]bounds{
		"edits and lagging caches": {edits: 2},
		"crashes":                  {edits: 1, crashes: 2},
		"suspensions":              {edits: 1, suspensions: 2},
	}
	switch {
	case testing.Short():
		worlds = map[string]bounds{"an edit": {edits: 1}}
	case *exploreMore:
		worlds["edits and crashes"] = bounds{edits: 2, crashes: 1}
	}
	for name, b := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			states, limits, problem := explore(b)
			if problem != "" {
				t.Fatal(problem)
			}
			t.Logf("%d states", states)
			for limit, n := range limits {
				t.Logf("%d of them end with %s", n, limit)
			}
			if b.edits > 1 && len(limits) < 2 {
				t.Errorf("the documented limits are not reached: %v", limits)
			}
		})
	}
}

// visit is a state with the way to it.
type visit struct {
	small
	step string
	from int
}

// explore returns the number of states, of those that end in a documented limit, and the first
// that ends wrong, with the steps that lead to it.
func explore(b bounds) (states int, limits map[string]int, problem string) {
	limits = map[string]int{}
	known := map[string]bool{}
	visits := []visit{{small: newSmall(), from: -1}}
	known[visits[0].key()] = true
	for i := 0; i < len(visits); i++ {
		end := visits[i].clone()
		if problem := end.rest(); problem != "" {
			return len(visits), limits, problem + "\n" + way(visits, i) + "\n" + strings.Join(end.trace, "\n")
		}
		if end.limit != "" {
			limits[end.limit]++
		}
		for _, step := range steps {
			next := visits[i].clone()
			if !step.do(&next, b) {
				continue
			}
			if key := next.key(); !known[key] {
				known[key] = true
				visits = append(visits, visit{small: next, step: step.name, from: i})
			}
		}
	}
	return len(visits), limits, ""
}

// way returns the steps that lead to a state.
func way(visits []visit, i int) string {
	var lines []string
	for ; visits[i].from >= 0; i = visits[i].from {
		lines = append([]string{fmt.Sprintf("%-28s %s", visits[i].step, visits[i].String())}, lines...)
	}
	return strings.Join(lines, "\n")
}

// steps are what may happen next, if it may.
var steps = []struct {
	name string
	do   func(*small, bounds) bool
}{
	{"edit what is read", func(s *small, b bounds) bool { return s.edit(&s.read, b) }},
	{"edit what is read back", func(s *small, b bounds) bool { return s.editBack(&s.read, b) }},
	{"edit what is looked up", func(s *small, b bounds) bool { return s.edit(&s.looked, b) }},
	{"edit what is looked up back", func(s *small, b bounds) bool { return s.editBack(&s.looked, b) }},
	{"helm-controller goes on", func(s *small, _ bounds) bool { return s.helm() }},
	{"the operator sees sources", func(s *small, _ bounds) bool { return s.seeSources() }},
	{"the operator sees the release", func(s *small, _ bounds) bool { return s.seeRelease() }},
	{"the operator sees its status", func(s *small, _ bounds) bool { return s.seeStatus() }},
	{"the operator reconciles", func(s *small, _ bounds) bool { return s.reconcile(lives) }},
	{"it dies before the request", func(s *small, b bounds) bool { return s.crash(beforeRequest, b) }},
	{"it dies before the status", func(s *small, b bounds) bool { return s.crash(beforeStatus, b) }},
	{"it dies after the status", func(s *small, b bounds) bool { return s.crash(afterStatus, b) }},
	{"suspend or resume", func(s *small, b bounds) bool { return s.suspend(b) }},
}
