// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

var (
	stories    = flag.Int64("stories", 600, "how many stories the simulation tells")
	firstStory = flag.Int64("first-story", 0, "seed of the first of them")
)

// TestSimulation tells many random stories of edits, suspensions, other actors,
// crashes and lags, lets each come to rest, and then asks of it what the product
// promises: the releases run the newest content (G1), no revision was made without
// a reason (G2), Delivered means so (G3), and nothing more happens (G5).
func TestSimulation(t *testing.T) {
	t.Parallel()
	exempt, unwitnessed := 0, 0
	for seed := *firstStory; seed < *firstStory+*stories; seed++ {
		problem, w := simulate(seed, false)
		if problem != "" {
			_, w = simulate(seed, true)
			t.Fatalf("seed %d: %s\n%s", seed, problem, strings.Join(w.story, "\n"))
		}
		if w.exempt {
			exempt++
		}
		unwitnessed += w.unwitnessed
	}
	t.Logf("%d stories, %d forced requests after a revision that may have read the content already", *stories, unwitnessed)
	if limit := 10 + *stories/100; int64(exempt) > limit {
		t.Errorf("%d stories of %d end with content that came and went unseen", exempt, *stories)
	}
}

// simulate tells one story and returns what is wrong with its end.
func simulate(seed int64, aloud bool) (problem string, w *world) {
	w = &world{aloud: aloud, rng: rand.New(rand.NewSource(seed)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	defer func() {
		if r := recover(); r != nil {
			problem = fmt.Sprint("panic: ", r)
		}
	}()
	o := newStory(w)
	edits := 1 + w.rng.Intn(4)
	requests := 0
	pace := []time.Duration{300 * time.Millisecond, 3 * time.Second}[w.rng.Intn(2)]
	for range 20 + w.rng.Intn(60) {
		w.now = w.now.Add(pace/3 + time.Duration(w.rng.Int63n(int64(pace))))
		s := w.sources[w.rng.Intn(len(w.sources))]
		h := w.releases[w.rng.Intn(len(w.releases))]
		t := o.triggers[w.rng.Intn(len(o.triggers))]
		switch w.rng.Intn(20) {
		case 0, 1:
			if edits > 0 {
				edits--
				o.edit(s, w.newContent(s))
			}
		case 2:
			if edits > 0 && s.previous != (content{}) {
				edits--
				o.edit(s, s.previous)
				s.reverted = true
			}
		case 3:
			if edits > 0 && w.chance(4) && o.known(s) {
				edits--
				o.edit(s, content{})
			}
			h.suspend(!h.release.suspended)
		case 4:
			if w.chance(3) {
				w.note("another actor requests %s", h.release.name)
				h.request(fmt.Sprintf("someone-%d", w.rng.Int()), false, false)
			}
		case 5, 6:
			if w.chance(4) {
				requests++
				w.annotate(t, fmt.Sprintf("person-%d", requests), w.rng.Intn(3))
			}
		case 7:
			switch w.rng.Intn(6) {
			case 0:
				h.recreate()
			case 1:
				o.toggle(t, s)
			case 2, 3:
				w.note("the operator restarts")
				o.restart()
			}
		case 8, 9, 10, 11, 12:
			if h.idle() && !w.chance(6) {
				continue
			}
			h.advance(false)
		case 13, 14:
			o.observeRelease(h)
		case 15:
			t.cached = t.stored
			o.observeSource(s)
		default:
			o.reconcile(t)
		}
	}
	return o.settle(), w
}

// annotate is a person who asks for a forced delivery, a retry, or both.
func (w *world) annotate(t *simTrigger, value string, what int) {
	t.requestedAt = value
	t.queued = true
	if what != 0 {
		t.resetAt = value
	}
	if what != 1 {
		t.forceAt, t.forcedAt = value, w.now
		t.forces++
	}
	for _, h := range t.targets {
		// A retry may come when helm-controller has succeeded by itself.
		h.allowLasting("annotation on " + t.name)
	}
	w.note("a person annotates %s with %s, force=%t reset=%t", t.name, value, what != 1, what != 0)
}

// newStory sets the stage: up to two releases, up to three sources and two triggers
// that overlap.
func newStory(w *world) *simOperator {
	w.cancels = w.chance(4)
	for i := range 1 + w.rng.Intn(3) {
		w.contents++
		c := content{w.contents, w.contents}
		w.sources = append(w.sources, &simSource{id: fmt.Sprintf("ConfigMap/apps/s%d", i), content: c, objects: 1})
	}
	for i := range 1 + w.rng.Intn(2) {
		h := &simHelm{world: w, followed: map[string]bool{}}
		h.release = simRelease{name: fmt.Sprintf("r%d", i), reads: map[string]bool{}, generation: 1, version: 1}
		for _, s := range w.sources {
			if w.chance(2) {
				h.release.reads[s.id] = true
			}
		}
		h.queued = true
		w.releases = append(w.releases, h)
	}
	o := &simOperator{world: w, unreadable: w.chance(10)}
	policies := []triggerv1.ForcePolicy{triggerv1.ForceAuto, triggerv1.ForceAuto, triggerv1.ForceAlways, triggerv1.ForceAlways, triggerv1.ForceNever}
	for i := range 1 + w.rng.Intn(2) {
		t := &simTrigger{name: fmt.Sprintf("t%d", i), policy: triggerv1.ForceAuto, met: map[*simHelm]int{}, seen: map[place]*sight{}}
		for _, s := range w.sources {
			if len(t.refs) == 0 || w.chance(2) {
				t.refs = append(t.refs, simRef{source: s, firstOnly: w.chance(4), force: policies[w.rng.Intn(len(policies))]})
			}
		}
		for _, h := range w.releases {
			if len(t.targets) == 0 || w.chance(2) {
				t.targets = append(t.targets, h)
				for _, ref := range t.refs {
					h.followed[ref.source.id] = true
				}
			}
		}
		w.note("%s: %v to %d releases", t.name, describeRefs(t.refs), len(t.targets))
		o.triggers = append(o.triggers, t)
	}
	for _, h := range w.releases {
		w.note("%s reads %v", h.release.name, h.release.reads)
		h.allow("installation")
		if w.chance(4) {
			continue // Not installed yet.
		}
		for !h.idle() {
			h.advance(true)
		}
	}
	w.now = w.now.Add(time.Minute)
	o.restart()
	return o
}

func describeRefs(refs []simRef) []string {
	var out []string
	for _, r := range refs {
		out = append(out, fmt.Sprintf("%s force=%s firstOnly=%t", r.source.id, r.force, r.firstOnly))
	}
	return out
}

// settle ends the trouble and lets everything come to rest, by events and by the
// times that Decide asked for alone. It returns what is wrong then.
func (o *simOperator) settle() string {
	o.note("--- calm ---")
	o.calm = true
	for _, h := range o.world.releases {
		if h.release.gone {
			h.recreate()
		}
		h.suspend(false)
		h.queued = h.queued || h.release.ready != "True"
	}
	for _, s := range o.world.sources {
		o.observeSource(s)
	}
	if !o.rest() {
		return "does not come to rest"
	}
	if o.retry() && !o.rest() {
		return "does not come to rest after a retry"
	}
	return o.verdict()
}

// rest lets everything come to rest, and returns false if it does not.
func (o *simOperator) rest() bool {
	for range 300 {
		if !o.round() {
			return true
		}
	}
	return false
}

// retry is a person who asks again for what failed for good.
func (o *simOperator) retry() bool {
	retried := false
	for _, t := range o.triggers {
		if slices.ContainsFunc(t.targets, func(h *simHelm) bool {
			return (h.release.rolledBack || h.release.stalled) && t.stored.targets[h.release.name].State == triggerv1.TargetFailed
		}) {
			o.annotate(t, "retried", 1)
			retried = true
		}
	}
	return retried
}

// round does everything that is due, or waits for the next thing that will be. It
// returns false when there is none.
func (o *simOperator) round() bool {
	o.now = o.now.Add(time.Second)
	busy := false
	for _, h := range o.world.releases {
		for !h.idle() {
			h.advance(true)
			busy = true
		}
		o.observeRelease(h)
	}
	var next time.Time
	for _, t := range o.triggers {
		t.cached = t.stored
		if t.queued || !t.timer.IsZero() && !t.timer.After(o.now) {
			o.reconcile(t)
			busy = true
		}
		if !t.timer.IsZero() && (next.IsZero() || t.timer.Before(next)) {
			next = t.timer
		}
	}
	if !busy && !next.IsZero() {
		o.now = next
		return true
	}
	return busy
}

// unnoticed reports that the content of a source is what the trigger takes the release to
// run, and was another for a while, during which helm-controller made a revision of it:
// never seen by the trigger, or not to be found out by comparing values.
func (o *simOperator) unnoticed(t *simTrigger, h *simHelm, s *simSource) bool {
	seen := t.seen[place{h, s}]
	return seen != nil && seen.runs == s.content &&
		(h.blind || !seen.seen[h.rendered[s.id]] || s.reverted && (o.unreadable || !h.release.reads[s.id]))
}

// verdict says what is wrong at rest.
func (o *simOperator) verdict() string {
	for _, t := range o.triggers {
		for _, h := range t.targets {
			status := t.stored.targets[h.release.name]
			if status.State != triggerv1.TargetDelivered {
				return fmt.Sprintf("%s: %s is %s: %s", t.name, h.release.name, status.State, status.Message)
			}
			if status.Digest != t.stored.digest {
				return fmt.Sprintf("%s: %s is Delivered with other content", t.name, h.release.name)
			}
			for _, ref := range t.refs {
				s := ref.source
				if ref.runs(h, s.content) {
					continue
				}
				if o.unnoticed(t, h, s) {
					o.exempt = true
					continue
				}
				return fmt.Sprintf("%s: %s is Delivered and runs %v of %s, which holds %v", t.name, h.release.name, h.rendered[s.id], s.id, s.content)
			}
			if t.forces == 1 && !h.recreated && t.stored.handledForceAt == t.forceAt && h.upgraded.Before(t.forcedAt) {
				return fmt.Sprintf("%s: %s has not been upgraded since %s asked for it", t.name, h.release.name, t.forceAt)
			}
		}
	}
	for _, h := range o.world.releases {
		if problem := h.doubled(o.unreadable); problem != "" {
			return problem
		}
	}
	o.now = o.now.Add(time.Hour)
	o.restart()
	for _, t := range o.triggers {
		if o.reconcile(t) {
			return fmt.Sprintf("%s acts after a restart though nothing changed", t.name)
		}
	}
	return ""
}
