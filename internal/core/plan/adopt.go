// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"
)

// This file is about requests that are made already, by another trigger or before a crash.

// requested reports whether the record on the release shows that the content of the
// sources was requested, with force if they need it. There is no state of our own to
// compare with, so the record must name the very objects.
func (f *facts) requested() bool {
	record := f.Release.Record
	return !record.At.IsZero() && (record.Force || !f.Release.needsForce(f.Sources)) && !slices.ContainsFunc(f.Sources, func(s Source) bool {
		return !record.names(s)
	})
}

// requestedElsewhere reports that a request younger than the last known one carries
// what is due.
func (q requester) requestedElsewhere(known progress, want wanted) bool {
	record := q.Release.Record
	if known.Digest == "" || q.Unpublished || !known.precedes(record) {
		return false
	}
	sources := want.sources
	if known.unrequested() {
		sources = q.Sources // Perhaps none of them has been delivered yet.
	}
	if (known.Forced || known.OwesForce) && !record.Force || !record.coversAll(sources) {
		return false
	}
	people := q.byPeople(known, want)
	return len(people) == 0 || slices.Contains(record.Sources, people[0])
}

// adopt takes the recorded request for our own.
func adopt(f *facts, known progress, want wanted) progress {
	record := f.Release.Record
	known.Cause = f.cause(known, want)
	known = known.following(record, f.Now)
	known.Digest, known.Forced = f.Digest, record.Force
	return known
}

// following looks for the proof of the recorded request from now on.
func (p progress) following(record Record, now time.Time) progress {
	p.Token, p.Revision, p.Attempts = record.Token, record.Revision, 1
	p.TriggeredAt, p.DeliveredAt = timestamp(record.At), nil
	if record.At.After(now) {
		p.TriggeredAt = timestamp(now)
	}
	if record.Token != p.DoubtfulRequest {
		p = p.trusted() // The doubt is about a request before.
	}
	return p
}
