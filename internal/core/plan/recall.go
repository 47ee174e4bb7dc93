// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// recall returns what is known of a target, nothing if that does not hold any more.
func recall(f *facts) progress {
	known := resumed(f, doubted(f, recorded(f)))
	if missedDeletion(f, known) {
		return progress{TargetStatus: triggerv1.TargetStatus{UID: f.Release.UID}}
	}
	return known
}

// recorded returns what is recorded of a target, as far as it can be.
func recorded(f *facts) progress {
	known := progress{before: f.Previous}
	if f.Previous != nil {
		known.TargetStatus = *f.Previous
		if f.stays(f.own) {
			known.Digest = f.Digest
		}
	}
	known.UID = f.Release.UID
	if seen := known.Seen; seen != nil && seen.Digest != f.Digest {
		known.Seen = nil
	}
	known.Message = ""
	known.Cause = signed(known.Cause, f.Trigger)
	known.Attempts = min(max(0, known.Attempts), MaxAttempts)
	if at := known.TriggeredAt; at != nil && at.After(f.Now) {
		known.TriggeredAt = timestamp(f.Now) // Someone's clock is wrong; no one waits for it.
	}
	return known
}

// doubted notes, while helm-controller works on the release or is about to, that there is other
// content that the chart looks up: the revision that comes next may have begun with it, if what
// was there before comes back.
func doubted(f *facts, known progress) progress {
	r := &f.Release
	changed := f.own.Changed
	if known.Digest != "" {
		changed = slices.Concat(changed, f.own.Added)
	}
	other := slices.ContainsFunc(f.Sources, func(s Source) bool {
		if !r.looksUp(s) {
			return false
		}
		if e, found := r.Record.latest(s.ID); found && r.Record.Token == r.RequestedAt {
			return e.Digest != digest.Short(s.Full) && !f.provenAfter(known, e)
		}
		return slices.Contains(changed, s.ID)
	})
	stale := r.Record.Before(known.Token) // The observation is older than the request.
	if other && !stale && r.Busy() {
		known.DoubtfulUntil, known.DoubtfulRequest = r.Revision+1, r.RequestedAt
	}
	return known
}

// resumed goes on from a request of a person that had to wait, was made, and was not
// recorded in the status, when something has changed since: only that is owed then.
func resumed(f *facts, known progress) progress {
	record := f.Release.Record
	if known.Digest == "" || known.Digest == f.Digest || known.Digest != f.own.From ||
		!known.unrequested() || !known.precedes(record) || !slices.Contains(record.Sources, f.waitedSince(known.Token)) {
		return known
	}
	unchanged := slices.DeleteFunc(slices.Clone(f.Sources), func(s Source) bool {
		return slices.Contains(f.own.Changed, s.ID) || slices.Contains(f.own.Added, s.ID)
	})
	if !record.coversAll(unchanged) {
		return known
	}
	known.Cause = f.cause(known, f.fromPeople())
	return known.following(record, f.Now)
}

// missedDeletion reports whether a release that was Delivered may have made a revision while a
// source was away. Then what is recorded of it holds no more.
func missedDeletion(f *facts, known progress) bool {
	r := &f.Release
	return known.Digest == f.Digest && known.State == triggerv1.TargetDelivered && len(f.recreatedSources()) > 0 &&
		(r.Revision != known.Revision || r.Busy())
}

// recreatedSources are sources that were deleted and created again with the same content,
// which no digest shows. What the release does not read through valuesFrom, a revision
// may have looked up in between and not found.
func (f *facts) recreatedSources() []Source {
	return slices.DeleteFunc(pick(f.Sources, f.own.Recreated), func(s Source) bool {
		return !f.Release.looksUp(s)
	})
}
