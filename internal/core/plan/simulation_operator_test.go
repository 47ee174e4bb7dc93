// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file models what the controller does around Decide: it observes through
// caches that lag, sends requests that are conditional on the version decided on,
// and writes the status of a trigger conditionally too, unless it dies before.

const (
	simTimeout      = 5 * time.Minute
	simMaxConflicts = 5
)

// simOperator is the operator with its caches.
type simOperator struct {
	*world
	triggers []*simTrigger
	releases map[string]simRelease

	// sources are what the operator has read of each source.
	sources map[string]simSource

	// unreadable makes the values impossible to compose.
	unreadable bool

	// calm means that the API server answers and no one kills the operator.
	calm bool
}

// restart empties the caches and looks at everything.
func (o *simOperator) restart() {
	o.sources = map[string]simSource{}
	for _, s := range o.world.sources {
		o.sources[s.id] = *s
	}
	o.releases = map[string]simRelease{}
	for _, h := range o.world.releases {
		o.releases[h.release.name] = h.release
	}
	for _, t := range o.triggers {
		t.cached = t.stored
		t.queued = true
		t.timer = time.Time{}
	}
}

// observeRelease brings the cache up to a release, which wakes its triggers.
func (o *simOperator) observeRelease(h *simHelm) {
	if o.releases[h.release.name].version == h.release.version {
		return
	}
	o.releases[h.release.name] = h.release
	for _, t := range o.triggers {
		if slices.Contains(t.targets, h) {
			t.queued = true
		}
	}
}

// edit changes a source. What cannot be compared may be delivered by helm-controller
// and then once more by request.
func (o *simOperator) edit(s *simSource, next content) {
	o.world.edit(s, next)
	for _, h := range o.world.releases {
		if o.unreadable && h.concerned(s) {
			h.allow("edit of " + s.id + " again")
		}
	}
}

// observeSource wakes the triggers of a source.
func (o *simOperator) observeSource(s *simSource) {
	o.sources[s.id] = *s
	for _, t := range o.triggers {
		if t.refers(s) {
			t.queued = true
		}
	}
}

// reconcile is one reconciliation of a trigger. It returns whether anything was
// requested or written.
func (o *simOperator) reconcile(t *simTrigger) (acted bool) {
	t.queued, t.timer = false, time.Time{}
	status := t.cached
	next := simStatus{version: status.version, handledForceAt: status.handledForceAt, handledResetAt: status.handledResetAt,
		targets: map[string]triggerv1.TargetStatus{}}

	var sources []Source
	for _, ref := range t.refs {
		seen := o.sources[ref.source.id]
		sources = append(sources, seen.source(ref.firstOnly, ref.force))
	}
	diff := Compare(status.sources, status.digest, sortedByID(sources))

	in := Input{
		Now: o.now, Timeout: simTimeout, Trigger: "apps/" + t.name, Knower: Knower{Key: "apps/" + t.name},
		Digest: diff.To, Sources: sources, Diff: diff, Policy: t.policy,
	}
	// A tool has applied every second change, and some time later all that belongs to it.
	in.Settling = status.settling || len(diff.Changed)+len(diff.Added) > 0 && o.chance(2)
	next.settling = in.Settling && !o.calm && o.chance(2)
	if t.forceAt == t.requestedAt && t.forceAt != status.handledForceAt {
		in.Force = t.forceAt
	}
	if t.resetAt == t.requestedAt && t.resetAt != status.handledResetAt {
		in.Reset = t.resetAt
	}

	var after time.Duration
	undecided := false
	var read []func()
	for _, h := range t.targets {
		if !o.calm && o.chance(25) {
			o.note("%s: killed before %s", t.name, h.release.name)
			o.restart()
			return true
		}
		in.Target = "apps/" + h.release.name
		out := o.deliver(t, h, in, next.settling)
		if out.wrote && !o.calm && o.chance(6) {
			o.note("%s: killed after it wrote to %s", t.name, h.release.name)
			o.restart()
			return true
		}
		acted = acted || out.wrote
		undecided = undecided || out.undecided
		if !out.undecided {
			read = append(read, func() { t.remember(h, out.status.Digest == in.Digest, o) })
		}
		out.status.Namespace, out.status.Name = "apps", h.release.name
		next.targets[h.release.name] = out.status
		if out.after > 0 && (after == 0 || out.after < after) {
			after = out.after
		}
	}

	next.sources, next.digest = status.sources, status.digest
	if undecided {
		t.queued = true
	} else {
		next.digest = diff.To
		next.sources = nil
		for _, s := range sources {
			next.sources = append(next.sources, s.status())
		}
		if in.Force != "" {
			next.handledForceAt = in.Force
		}
		if in.Reset != "" {
			next.handledResetAt = in.Reset
		}
	}
	if after > 0 {
		t.timer = o.now.Add(after)
	}
	written, lost := o.write(t, next)
	if !lost {
		for _, remember := range read {
			remember()
		}
	}
	return written || acted
}

// write stores a status that changed, if it was computed from the present one.
func (o *simOperator) write(t *simTrigger, next simStatus) (written, lost bool) {
	if sameStatus(t.cached, next) {
		return false, false
	}
	if t.cached.version != t.stored.version {
		o.note("%s: conflict on the status", t.name)
		t.cached = t.stored
		t.queued = true
		return true, true
	}
	next.version++
	t.stored = next
	t.queued = true // By the event of the write.
	if o.calm || o.chance(2) {
		t.cached = t.stored
	}
	for name, target := range next.targets {
		o.note("%s: %s is %s %s (%d) forced=%t %q", t.name, name, target.State, target.Token, target.Attempts, target.Forced, target.Message)
	}
	return true, false
}

// decide decides, twice: nothing but the input may matter.
func (o *simOperator) decide(in Input) Decision {
	decision := Decide(in)
	if again := Decide(in); !reflect.DeepEqual(decision, again) {
		panic(fmt.Sprintf("decided %v and then %v", decision, again))
	}
	return decision
}
