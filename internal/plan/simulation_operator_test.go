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
		Now: o.now, Timeout: simTimeout, Trigger: "apps/" + t.name,
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
	var doubts []string
	var read []func()
	for _, h := range t.targets {
		if !o.calm && o.chance(25) {
			o.note("%s: killed before %s", t.name, h.release.name)
			o.restart()
			return true
		}
		in.Target = "apps/" + h.release.name
		in.Previous = nil
		if previous, found := status.targets[h.release.name]; found {
			in.Previous = &previous
		}
		one, wait, sent, failed := o.deliver(t, h, in, next.settling)
		if sent && !o.calm && o.chance(6) {
			o.note("%s: killed after the request", t.name)
			o.restart()
			return true
		}
		acted = acted || sent
		undecided = undecided || failed
		if problem := o.unproven(t, h, in, one); problem != "" {
			doubts = append(doubts, problem)
		}
		if !failed {
			read = append(read, func() { t.remember(h, one.Digest == in.Digest, o) })
		}
		one.Namespace, one.Name = "apps", h.release.name
		next.targets[h.release.name] = one
		if wait > 0 && (after == 0 || wait < after) {
			after = wait
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
	written, lost := o.write(t, next, doubts)
	if !lost {
		for _, remember := range read {
			remember()
		}
	}
	return written || acted
}

// write stores a status that changed, if it was computed from the present one.
func (o *simOperator) write(t *simTrigger, next simStatus, doubts []string) (written, lost bool) {
	if sameStatus(t.cached, next) {
		return false, false
	}
	if t.cached.version != t.stored.version {
		o.note("%s: conflict on the status", t.name)
		t.cached = t.stored
		t.queued = true
		return true, true
	}
	if len(doubts) > 0 {
		panic(doubts[0])
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

// deliver decides about one target and executes the decision, unless the change settles.
func (o *simOperator) deliver(t *simTrigger, h *simHelm, in Input, settling bool) (status triggerv1.TargetStatus, after time.Duration, sent, undecided bool) {
	observed := o.releases[h.release.name]
	if observed.version < h.askedVersion && o.now.Sub(h.asked) >= firstRetryDelay-time.Second {
		// The cache is not that far behind the operator's own writes.
		observed = h.release
		o.releases[h.release.name] = observed
	}
	if in.Release = observed.observe(); in.DependsOnOrder() {
		observed, in.Live = h.release, true
		o.releases[h.release.name] = observed
	}
	for range simMaxConflicts {
		in.Release = observed.observe()
		in.Values = ValuesUnknown
		decision := o.decide(in)
		if decision.NeedValues {
			if !o.calm && o.chance(10) {
				o.note("%s: values of %s could not be read", t.name, h.release.name)
				return previousOf(in), 0, false, true
			}
			in.Values = ValuesDiffer
			if o.unreadable {
				in.Values = ValuesUnreadable
			} else if observed.config == composed(observed, func(s *simSource) content { return o.sources[s.id].content }, o.world.sources) && observed.revision > 0 {
				in.Values = ValuesEqual
			}
			decision = o.decide(in)
			if decision.NeedValues {
				panic("values are asked for twice")
			}
		}
		if decision.Notes(in.Previous) && o.replaced(t) {
			decision.Status.Revision = in.Previous.Revision
		}
		if decision.Request == nil {
			if observed.objects != h.release.objects {
				h.allowLasting("decision about the release before it")
			}
			if observed.version != h.release.version && h.run != nil {
				h.blind = true
			}
			if o.stale(t) && decision.Status.State == triggerv1.TargetDelivered && (in.Previous == nil || in.Previous.State != triggerv1.TargetDelivered) {
				h.allowLasting("delivery of content that is old already")
			}
			return decision.Status, decision.After, false, false
		}
		if settling {
			o.note("%s: request for %s waits for the change to settle", t.name, h.release.name)
			return decision.Settling("settles"), time.Second, false, false
		}
		if !o.calm && o.chance(6) {
			o.note("%s: request for %s is held back", t.name, h.release.name)
			return decision.Held("not its turn yet"), time.Second, false, false
		}
		if !o.calm && o.chance(20) {
			unsent := decision.Unsent
			unsent.Message = "the request could not be made"
			t.queued = true
			o.note("%s: request for %s could not be made", t.name, h.release.name)
			return unsent, 0, false, unsent.Digest == ""
		}
		if observed.version == h.release.version {
			req := decision.Request
			h.release.record = req.Record.String()
			if h.run != nil {
				// Ready=False hides that helm-controller is at work again: an early
				// exit and a wait for a retry look alike.
				h.allowLasting("request beside an unseen reconciliation")
			}
			if o.stale(t) {
				h.allow("request for content that is old already")
			}
			if o.misread(h) {
				h.allowLasting("request after a look at old values")
			}
			if req.Force && mayHaveRead(in) {
				if in.Previous != nil && in.Previous.Digest != "" {
					o.unwitnessed++
				}
				h.allowLasting("force after a revision that may have read the content")
			}
			if (in.Previous == nil || in.Previous.Digest == "" || in.recreated()) && t.met[h] <= h.release.objects {
				t.met[h] = h.release.objects + 1
				h.allow("first sight by " + t.name)
			}
			h.request(req.Token, req.Force, req.Reset)
			h.asked, h.askedVersion = o.now, h.release.version
			o.note("%s: requests %s of %s force=%t because of %s", t.name, req.Token, h.release.name, req.Force, req.Cause)
			return decision.Status, decision.After, true, false
		}
		observed = h.release // The live object, after a conflict.
	}
	panic("conflicts without anybody else writing")
}
