// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/explore"
)

var exploreMore = flag.Bool("explore.more", false, "explore larger bounds; takes minutes")

// bounds of an exploration: how often each kind of thing happens, and what a failure does.
type bounds struct {
	edits, crashes, leaders, requests, suspensions, rejections int

	// ticks are the intervals that pass while something else happens, none where nothing is measured, and silences
	// the measurements without an answer.
	ticks, silences int

	onFailure triggerv1.FailurePolicy
}

// TestExplore visits every state of a small world that any interleaving of steps leads to, breadth
// first, until there is no new one: two releases with copies, one after the other and the second
// after an approval, content that breaks them, helm-controller step by step, caches that lag, a
// person who approves or rejects, and crashes before each write. In no state has the second release content
// that the first does not run, that has failed its analysis or that no one has approved, and none gets what is rejected. From every state, it lets the world
// settle, and demands that good content is delivered (G1) with no more revisions than there
// are reasons (G2), and that broken content halts, or is rolled back.
func TestExplore(t *testing.T) {
	t.Parallel()
	halt, rollback := triggerv1.FailureHalt, triggerv1.FailureRollback
	worlds := map[string]bounds{
		"two edits":                       {edits: 2, onFailure: halt},
		"an edit that may be rolled back": {edits: 1, crashes: 1, onFailure: rollback},
		"two crashes":                     {edits: 1, crashes: 2, onFailure: halt},
		"another leader":                  {edits: 1, leaders: 1, onFailure: rollback},
		"requests of others":              {edits: 1, requests: 1, onFailure: rollback},
		"a suspension":                    {edits: 1, suspensions: 1, onFailure: rollback},
		"a rejection":                     {edits: 1, rejections: 1, onFailure: rollback},
		"a rejection that halts":          {edits: 1, rejections: 1, onFailure: halt},
		"an analysis":                     {edits: 1, ticks: 2, silences: 1, onFailure: halt},
		"an analysis and a crash":         {edits: 1, ticks: 1, crashes: 1, onFailure: rollback},
		"an analysis and another leader":  {edits: 1, ticks: 1, leaders: 1, onFailure: halt},
		"an analysis of other content":    {edits: 2, ticks: 1, onFailure: halt},
	}
	switch {
	case testing.Short():
		worlds = map[string]bounds{"an edit": {edits: 1, onFailure: halt}, "an analysis": {edits: 1, ticks: 1, onFailure: halt}}
	case *exploreMore:
		worlds["suspensions"] = bounds{edits: 1, suspensions: 2, onFailure: rollback}
		worlds["two edits that may be rolled back"] = bounds{edits: 2, onFailure: rollback}
		worlds["a rejection and a crash"] = bounds{edits: 1, crashes: 1, rejections: 1, onFailure: rollback}
		worlds["an analysis that is rolled back"] = bounds{edits: 1, ticks: 2, silences: 1, leaders: 1, onFailure: rollback}
		worlds["all of it"] = bounds{edits: 1, crashes: 1, leaders: 1, requests: 1, suspensions: 1, onFailure: rollback}
	}
	for name, b := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := map[string]int{}
			world := explore.World[fleet, bounds]{Start: newFleet(), Bounds: b, Clone: fleet.clone, Key: fleet.key, Steps: steps, Check: func(f *fleet) string {
				if f.problem != "" {
					return f.problem
				}
				if problem := f.toRest(b); problem != "" {
					return problem + "\n" + strings.Join(f.trace, "\n")
				}
				ends[fmt.Sprintf("%s with %d", f.stored.rollout.Phase, f.content)]++
				return ""
			}}
			states, problem := world.All()
			if problem != "" {
				t.Fatal(problem)
			}
			t.Logf("%d states, which end %v", states, ends)
			broke := triggerv1.RolloutHalted
			if b.onFailure == triggerv1.FailureRollback {
				broke = triggerv1.RolloutRolledBack
			}
			worst := broken
			if b.ticks > 0 {
				worst = bad
			}
			for _, end := range []string{fmt.Sprintf("%s with 1", triggerv1.RolloutFinished), fmt.Sprintf("%s with %d", broke, worst)} {
				if ends[end] == 0 {
					t.Errorf("no state ends %s", end)
				}
			}
		})
	}
}

// steps are what may happen next, if it may.
var steps = []explore.Step[fleet, bounds]{
	{Name: "edit to what there was", Do: func(f *fleet, b bounds) bool { return f.edit(0, b) }},
	{Name: "edit", Do: func(f *fleet, b bounds) bool { return f.edit(1, b) }},
	{Name: "edit to what is broken", Do: func(f *fleet, b bounds) bool { return b.ticks == 0 && f.edit(broken, b) }},
	{Name: "edit to what is bad", Do: func(f *fleet, b bounds) bool { return b.ticks > 0 && f.edit(bad, b) }},
	{Name: "an interval passes", Do: func(f *fleet, b bounds) bool { return f.tick(b) }},
	{Name: "the provider answers", Do: func(f *fleet, b bounds) bool { return f.answer(true, b) }},
	{Name: "the provider has no answer", Do: func(f *fleet, b bounds) bool { return f.answer(false, b) }},
	{Name: "helm-controller, the canary", Do: func(f *fleet, _ bounds) bool { return f.helm(canary) }},
	{Name: "helm-controller, the rest", Do: func(f *fleet, _ bounds) bool { return f.helm(rest) }},
	{Name: "the operator sees the source", Do: func(f *fleet, _ bounds) bool { return f.seeSource() }},
	{Name: "it sees the canary", Do: func(f *fleet, _ bounds) bool { return f.seeRelease(canary) }},
	{Name: "it sees the rest", Do: func(f *fleet, _ bounds) bool { return f.seeRelease(rest) }},
	{Name: "it sees its status", Do: func(f *fleet, _ bounds) bool { return f.seeStatus() }},
	{Name: "it reconciles", Do: func(f *fleet, b bounds) bool { return f.reconcile(b) }},
	{Name: "it dies at the first write", Do: func(f *fleet, b bounds) bool { return f.crash(0, b) }},
	{Name: "it dies at the second write", Do: func(f *fleet, b bounds) bool { return f.crash(1, b) }},
	{Name: "it dies at the third write", Do: func(f *fleet, b bounds) bool { return f.crash(2, b) }},
	{Name: "another operator leads", Do: func(f *fleet, b bounds) bool { return f.lead(b) }},
	{Name: "the one before reconciles", Do: func(f *fleet, b bounds) bool { return f.follow(b) }},
	{Name: "a person approves", Do: func(f *fleet, _ bounds) bool { return f.approve() }},
	{Name: "a person rejects", Do: func(f *fleet, b bounds) bool { return f.reject(b) }},
	{Name: "someone requests the canary", Do: func(f *fleet, b bounds) bool { return f.request(canary, b) }},
	{Name: "someone requests the rest", Do: func(f *fleet, b bounds) bool { return f.request(rest, b) }},
	{Name: "suspend or resume the canary", Do: func(f *fleet, b bounds) bool { return f.suspend(canary, b) }},
	{Name: "suspend or resume the rest", Do: func(f *fleet, b bounds) bool { return f.suspend(rest, b) }},
}

// toRest lets the world settle without trouble, and says what is wrong then.
func (f *fleet) toRest(b bounds) string {
	f.former = view{}
	for i, r := range f.releases {
		if r.live.suspended {
			f.suspensions = 0
			f.suspend(i, bounds{suspensions: 1})
		}
	}
	for quiet := 0; quiet < 2 && f.now < 10_000; f.now++ {
		moved := false
		for i := range f.releases {
			for f.helm(i) {
				moved = true
			}
			moved = f.seeRelease(i) || moved
		}
		moved = f.seeSource() || moved
		moved = f.seeStatus() || moved
		moved = f.reconcile(b) || moved
		moved = f.answer(true, b) || moved
		moved = f.approve() || moved
		f.trace = append(f.trace, "then                         "+f.String())
		if f.problem != "" {
			return f.problem
		}
		quiet++
		if moved {
			quiet = 0
		}
		if quiet == 1 {
			f.now += 60 // All that waits for a time is due.
		}
		if quiet == 2 {
			return f.verdict(b)
		}
	}
	return "does not settle: " + f.String()
}

func (f *fleet) verdict(b bounds) string {
	s := f.stored.rollout
	if s == nil || s.Digest != contentDigest(f.content) {
		return "no rollout of the content is recorded: " + f.String()
	}
	for i, r := range f.releases {
		if most := 1 + f.edits; r.made > most && b.onFailure == triggerv1.FailureHalt {
			return fmt.Sprintf("release %d made %d revisions for %d reasons: %s", i, r.made, most, f.String())
		}
	}
	first, last := f.releases[canary].live, f.releases[rest].live
	if s.RejectedBy != nil {
		return f.whenRejected(b)
	}
	if f.content == broken || f.content == bad {
		phase := triggerv1.RolloutHalted
		if b.onFailure == triggerv1.FailureRollback && f.stored.delivered != nil {
			phase = triggerv1.RolloutRolledBack
			if first.config == f.content {
				return "is not rolled back: " + f.String()
			}
		}
		if s.Phase != phase {
			return fmt.Sprintf("is %s, not %s: %s", s.Phase, phase, f.String())
		}
		return ""
	}
	if first.config != f.content || last.config != f.content || s.Phase != triggerv1.RolloutFinished {
		return "is not delivered: " + f.String()
	}
	return ""
}

// whenRejected says what is wrong when all has settled and a person has rejected the content.
func (f *fleet) whenRejected(b bounds) string {
	s, phase := f.stored.rollout, triggerv1.RolloutHalted
	if b.onFailure == triggerv1.FailureRollback && f.stored.delivered != nil && f.stored.delivered.Digest != s.Digest {
		phase = triggerv1.RolloutRolledBack
		for i, r := range f.releases {
			if r.live.config == f.content {
				return fmt.Sprintf("release %d runs what is rejected: %s", i, f.String())
			}
		}
	}
	if s.Phase != phase {
		return fmt.Sprintf("is %s, not %s: %s", s.Phase, phase, f.String())
	}
	return ""
}
