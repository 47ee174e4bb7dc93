// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file knows the requests that are made already, by another trigger or before a
// crash, and those that a person makes.

// recorded reports whether the record on the release shows that the content of the
// sources was requested, with force if they need it. There is no state of our own to
// compare with, so the record must name the very objects.
func (t *task) recorded(sources []Source) bool {
	record := t.Release.Record
	return !record.At.IsZero() && (record.Force || !t.needsForce(sources)) && !slices.ContainsFunc(sources, func(s Source) bool {
		return !record.names(s)
	})
}

func (t *task) covered(sources []Source) bool {
	return !slices.ContainsFunc(sources, func(s Source) bool { return !t.Release.Record.covers(s) })
}

// record returns what to record of the sources with a request that is made now. A source
// that is not in doubt keeps the revision after which it was there.
func (t *task) record() []RecordedSource {
	r := t.Release
	recorded := make([]RecordedSource, 0, len(t.Sources))
	for _, s := range t.Sources {
		e := RecordedSource{ID: s.ID, Digest: digest.Short(s.Full), Object: object(s), After: r.Revision}
		wanted := slices.ContainsFunc(t.wanted, func(w Source) bool { return w.ID == s.ID })
		if old, found := r.Record.entry(s); found && !wanted && r.Record.names(s) {
			e.After = min(e.After, old.After)
		}
		recorded = append(recorded, e)
	}
	return recorded
}

// requestedElsewhere reports that a request younger than the last known one carries
// what is due: made by another trigger, or before a crash.
func (t *task) requestedElsewhere() bool {
	record := t.Release.Record
	if t.status.Digest == "" || t.Unpublished || sequence(record.Token) <= sequence(t.status.Token) {
		return false
	}
	wanted := t.wanted
	if t.unrequested() {
		wanted = t.Sources // Perhaps none of them has been delivered yet.
	}
	if (t.status.Forced || t.status.OwesForce) && !record.Force || !t.covered(wanted) {
		return false
	}
	asked := t.manual()
	return len(asked) == 0 || slices.Contains(record.Sources, asked[0])
}

// resume goes on from a request of a person that had to wait, was made, and was not
// recorded in the status, when something has changed since: only that is owed then.
func (t *task) resume() {
	record := t.Release.Record
	if t.status.Digest == "" || t.status.Digest == t.Digest || t.status.Digest != t.own.From ||
		!t.unrequested() || sequence(record.Token) <= sequence(t.status.Token) ||
		!slices.Contains(record.Sources, t.asked("waiting", "after "+t.status.Token)) {
		return
	}
	unchanged := slices.DeleteFunc(slices.Clone(t.Sources), func(s Source) bool {
		return slices.Contains(t.own.Changed, s.ID) || slices.Contains(t.own.Added, s.ID)
	})
	if t.covered(unchanged) {
		t.status.Cause = t.cause()
		t.follow()
	}
}

// adopt takes the recorded request for our own.
func (t *task) adopt() {
	t.status.Cause = t.cause()
	t.follow()
	t.status.Digest = t.Digest
	t.status.Forced = t.Release.Record.Force
}

// follow looks for the proof of the recorded request from now on.
func (t *task) follow() {
	record := t.Release.Record
	t.status.Token = record.Token
	t.status.Revision = record.Revision
	t.status.TriggeredAt = timestamp(record.At)
	if record.At.After(t.Now) {
		t.status.TriggeredAt = t.now()
	}
	t.status.DeliveredAt = nil
	if record.Token != t.status.DoubtfulRequest {
		t.trust() // The doubt is about a request before.
	}
	t.status.Attempts = 1
}

// absorbRequests marks the target due when a person asks for it on the
// ValuesTrigger.
func (t *task) absorbRequests() {
	if t.forceRequested() {
		if sequence(t.Release.Record.Token) > sequence(t.status.Token) {
			t.follow()
		}
		t.status.Forced = t.status.Forced || t.owesForce()
		t.Input.Force = ""
	}
	if t.Input.Force != "" {
		t.status.Forced = t.status.Forced && t.due() || t.Policy != triggerv1.ForceNever
		t.status.DeliveredAt, t.status.Attempts = nil, 0
	}
	if t.status.State == triggerv1.TargetFailed && t.status.DeliveredAt == nil {
		if t.Reset != "" {
			t.status.Attempts = 0
		}
	} else {
		t.Reset = "" // Only what failed is retried.
	}
}

// forceRequested reports that the release was asked already for what a person wants,
// while nothing but that came of the decision: it failed for another target, or the
// content has changed again since.
func (t *task) forceRequested() bool {
	record := t.Release.Record
	return t.Input.Force != "" && slices.Contains(record.Sources, t.asked(t.forceKind(), t.Input.Force)) &&
		(sequence(record.Token) <= sequence(t.status.Token) || t.status.Digest != t.Digest && !t.covered(t.wanted))
}

// manual returns the requests of a person as if they were sources, so that the
// record remembers them too. One that had to wait has been noted as handled since:
// it is known by the token before it.
func (t *task) manual() []RecordedSource {
	after := ""
	if t.status.Digest != "" && t.unrequested() && !t.restores {
		after = "after " + t.status.Token
	}
	var requests []RecordedSource
	for _, m := range []struct{ kind, value string }{{t.forceKind(), t.Input.Force}, {"resetAt", t.Reset}, {"waiting", after}} {
		if m.value != "" {
			requests = append(requests, t.asked(m.kind, m.value))
		}
	}
	return requests
}

// resetWaited reports that a retry that a person asked for had to wait. Forcing needs no
// counters to be reset.
func (t *task) resetWaited() bool {
	return t.status.Digest != "" && t.status.Token != "" && t.unrequested() && !t.status.Forced
}

func (t *task) asked(kind, value string) RecordedSource {
	return RecordedSource{ID: kind + "/" + t.Trigger, Digest: digest.Short(digest.Combine(map[string]string{kind: value}))}
}
