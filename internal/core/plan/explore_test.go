// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"flag"
	"strings"
	"testing"

	"github.com/nebius/helmrelease-trigger-operator/tests/explore"
)

var exploreMore = flag.Bool("explore.more", false, "explore larger bounds; takes minutes")

// bounds of an exploration: how often each kind of thing happens.
type bounds struct {
	edits, crashes, suspensions, leaders, asks, deletions, removals, restores int

	// triggers and releases report that there are two instead of one, and prompt that caches lag no more
	// than from one reconciliation to the next.
	triggers, releases, prompt bool

	// limits are the documented ones that are reached.
	limits []string
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
		"edits and lagging caches": {edits: 2, limits: []string{renderedUnread}},
		"crashes":                  {edits: 1, crashes: 2},
		"suspensions":              {edits: 1, suspensions: 2},
		"another leader":           {edits: 1, leaders: 1, limits: []string{outdated}},
		"requests of others":       {edits: 1, asks: 1, limits: []string{overwritten}},
		"a status that is deleted": {edits: 1, deletions: 1},
		"a record that is removed": {edits: 1, removals: 1, limits: []string{removed}},
		"a backup":                 {edits: 1, restores: 1, limits: []string{restored}},
		"two releases":             {edits: 1, releases: true, prompt: true},
		"two triggers":             {edits: 1, triggers: true, prompt: true},
	}
	switch {
	case testing.Short():
		worlds = map[string]bounds{"an edit": {edits: 1}}
	case *exploreMore:
		worlds["two triggers and lagging caches"] = bounds{edits: 1, triggers: true}
		worlds["two triggers and crashes"] = bounds{edits: 1, crashes: 1, triggers: true, prompt: true}
		worlds["two releases and crashes"] = bounds{edits: 1, crashes: 1, releases: true, prompt: true}
		worlds["edits and crashes"] = bounds{edits: 2, crashes: 1}
		worlds["a backup of an edit before"] = bounds{edits: 2, restores: 1, limits: []string{restored, restoredDoubt}}
	}
	for name, b := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := map[string]int{}
			world := explore.World[small, bounds]{Start: newWorld(b), Bounds: b, Clone: small.clone, Key: small.key, Steps: steps, Check: func(s *small) string {
				if problem := s.rest(); problem != "" {
					return problem + "\n" + strings.Join(s.trace, "\n")
				}
				if s.limit != "" {
					limits[s.limit]++
				}
				return ""
			}}
			states, problem := world.All()
			if problem != "" {
				t.Fatal(problem)
			}
			t.Logf("%d states", states)
			for limit, n := range limits {
				t.Logf("%d of them end with %s", n, limit)
			}
			for _, limit := range b.limits {
				if limits[limit] == 0 {
					t.Errorf("no state ends with %s", limit)
				}
			}
		})
	}
}

// steps are what may happen next, if it may.
var steps = []explore.Step[small, bounds]{
	{Name: "edit what is read", Do: func(s *small, b bounds) bool { return s.edit(&s.read, b) }},
	{Name: "edit what is read back", Do: func(s *small, b bounds) bool { return s.editBack(&s.read, b) }},
	{Name: "edit what is looked up", Do: func(s *small, b bounds) bool { return s.edit(&s.looked, b) }},
	{Name: "edit what is looked up back", Do: func(s *small, b bounds) bool { return s.editBack(&s.looked, b) }},
	{Name: "helm-controller goes on", Do: func(s *small, _ bounds) bool { return s.helm() }},
	{Name: "it does with the twin", Do: func(s *small, _ bounds) bool { return s.helmTwin() }},
	{Name: "the operator sees sources", Do: func(s *small, b bounds) bool { return !b.prompt && s.seeSources() }},
	{Name: "the operator sees the release", Do: func(s *small, b bounds) bool { return !b.prompt && s.seeRelease() }},
	{Name: "the operator sees its status", Do: func(s *small, b bounds) bool { return !b.prompt && s.seeStatus() }},
	{Name: "the operator reconciles", Do: func(s *small, b bounds) bool { return s.look(b) && s.reconcile(lives) }},
	{Name: "it reconciles the second", Do: func(s *small, b bounds) bool { return s.look(b) && s.reconcileSecond() }},
	{Name: "it dies before the request", Do: func(s *small, b bounds) bool { return s.crash(beforeRequest, b) }},
	{Name: "it dies between two requests", Do: func(s *small, b bounds) bool { return s.twin.exists && s.crash(betweenRequests, b) }},
	{Name: "it dies before the status", Do: func(s *small, b bounds) bool { return s.crash(beforeStatus, b) }},
	{Name: "it dies after the status", Do: func(s *small, b bounds) bool { return s.crash(afterStatus, b) }},
	{Name: "another operator leads", Do: func(s *small, b bounds) bool { return s.lead(b) }},
	{Name: "the one before reconciles", Do: func(s *small, _ bounds) bool { return s.follow() }},
	{Name: "someone requests it", Do: func(s *small, b bounds) bool { return s.ask(false, b) }},
	{Name: "someone forces it", Do: func(s *small, b bounds) bool { return s.ask(true, b) }},
	{Name: "someone deletes the status", Do: func(s *small, b bounds) bool { return s.deleteStatus(b) }},
	{Name: "someone removes the record", Do: func(s *small, b bounds) bool { return s.removeRecord(b) }},
	{Name: "the record is backed up", Do: func(s *small, b bounds) bool { return s.backUp(b) }},
	{Name: "that record is put back", Do: func(s *small, b bounds) bool { return s.restore(b) }},
	{Name: "suspend or resume", Do: func(s *small, b bounds) bool { return s.suspend(b) }},
}
