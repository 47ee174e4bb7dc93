// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

const (
	waitsForIdle    = "waits for helm-controller to finish its current work on the release"
	waitsForRequest = "helm-controller has not handled another request yet"
	waitsForResume  = "HelmRelease is suspended; the change is delivered when spec.suspend is removed"
)

// comparer takes what is known of a target, and gives what its release still has to get of the sources as they
// are now.
type comparer struct{ *facts }

// compared is what a comparison has come to.
type compared struct {
	known progress
	want  wanted

	// verdict is given if the release can be compared only later.
	verdict verdict

	// adopted reports that all of the content is requested already, and that it was unknown here.
	adopted bool
}

// compare brings what is known up to the sources as they are now: it stays where nothing that matters
// changed, and a request is due otherwise.
func (c comparer) compare(known progress) compared {
	var result compared
	switch {
	case known.Digest == "":
		result = c.firstSight(known)
	case c.returned(known) || c.requestedOther(known):
		result = c.reverted(known)
	default:
		result = c.changed(known)
	}
	if result.verdict.given() {
		return result
	}
	return c.copied(result)
}

// changed compares the sources with those that the release was last requested or proven to run.
func (c comparer) changed(known progress) compared {
	want := c.fromPeople()
	if known.Digest == c.Digest {
		return compared{known: known, want: want}
	}
	changed, added := pick(c.Sources, c.own.Changed), pick(c.Sources, c.own.Added)
	if known.Digest != c.own.From {
		if known.State != triggerv1.TargetDelivered {
			return c.waiting(known, slices.Concat(changed, added))
		}
		// It got newer content than is recorded, since about another target nothing
		// could be decided. What that was is not known, and a source that is gone
		// leaves no proof.
		changed = slices.DeleteFunc(changed, func(s Source) bool { return s.Digest != "" })
		added = c.Sources
	}
	unproven, needValues := c.evidence(known).unproven(added)
	if needValues {
		return compared{known: known, verdict: verdict{needValues: true}}
	}
	want.sources, want.waited = slices.Concat(changed, unproven, c.recreatedSources()), c.Diff.From != known.Digest
	if len(want.sources) == 0 {
		known.Digest = c.Digest
		if len(added) > 0 && known.DeliveredAt != nil {
			known.Revision = max(known.Revision, c.Release.Revision) // It proves what was added.
		}
		return compared{known: known, want: want}
	}
	known.OwesForce = known.forceOutstanding(&c.Release)
	known.Forced = known.unrequested() && known.Forced || c.Release.needsForce(want.sources)
	return compared{known: known, want: want}
}

// waiting is for a change that waits already, of which only the need for force is known.
func (c comparer) waiting(known progress, differ []Source) compared {
	want := c.fromPeople()
	want.sources, want.waited = c.Sources, true
	recreated := c.recreatedSources()
	if len(recreated) > 0 {
		known.Seen = nil // It was away since.
	}
	known.OwesForce = known.OwesForce && !c.Release.upgradedSince(known.requestRevision(&c.Release))
	known.Forced = known.Forced || c.Release.needsForce(differ) || c.Release.needsForce(recreated)
	return compared{known: known, want: want}
}

// returned reports that a change waited and is gone again: the content is what was last
// delivered, unless a person wants it again.
func (c comparer) returned(known progress) bool {
	return c.Force == "" && known.Digest == c.Digest && known.DeliveredAt != nil &&
		(known.State != triggerv1.TargetDelivered || c.moved())
}

// requestedOther reports whether other content was requested of the release since, by a request that is
// not in the status: before a crash, or by another trigger. The content of now, which is recorded in
// the status, is then back.
func (c comparer) requestedOther(known progress) bool {
	record := c.Release.Record
	if c.Force != "" || known.unrequested() || known.Digest != c.Digest || !known.precedes(record) {
		return false
	}
	return slices.ContainsFunc(c.Sources, func(s Source) bool {
		e, found := record.latest(s.ID)
		return found && e.Digest != digest.Short(s.Full) && !c.provenAfter(known, e) && (c.Release.Reads[s.ID] || c.Release.looksUp(s))
	})
}

// reverted makes sure that helm-controller has not applied by itself what was there meanwhile.
func (c comparer) reverted(known progress) compared {
	r := &c.Release
	switch {
	case r.Working(), r.unseen() && !r.Suspended:
		return compared{known: known, verdict: pending(waitsForIdle)}
	case r.Revision == known.Revision && !c.Unpublished:
		return compared{known: known, want: c.fromPeople()}
	}
	// What a newer revision looked up is not known, whatever was there before it.
	unproven, needValues := c.evidence(known).unprovenBy(c.Sources, func(Source) bool { return false })
	switch {
	case needValues:
		return compared{known: known, verdict: verdict{needValues: true}}
	case len(unproven) == 0:
		known.Revision = r.Revision
		return compared{known: known, want: c.fromPeople()}
	case r.Suspended:
		return compared{known: known, verdict: held(waitsForResume)}
	case r.requestPending():
		return compared{known: known, verdict: pending(waitsForRequest)}
	}
	return c.restoring(known, c.fromPeople(), unproven)
}

// copied makes sure that a release runs the content of its copies where that is
// recorded as delivered by an operator that knew of no copies: an older version, or this
// one before spec.publish. What was proven under other rules proves nothing under these.
func (c comparer) copied(result compared) compared {
	r, known := &c.Release, result.known
	if known.before == nil || len(r.Copied) == 0 || known.DeliveredAt == nil || known.Digest != c.Digest || known.before.Published == known.before.Digest {
		return result
	}
	if r.Working() || r.unseen() && !r.Suspended {
		return compared{known: known, verdict: pending(waitsForIdle)}
	}
	copied := slices.DeleteFunc(slices.Clone(c.Sources), func(s Source) bool {
		_, found := r.Copied[s.ID]
		return !found
	})
	unproven, needValues := c.evidence(known).unproven(copied)
	switch {
	case needValues:
		return compared{known: known, verdict: verdict{needValues: true}}
	case len(unproven) == 0:
		return result
	}
	return c.restoring(known, result.want, unproven)
}

// restoring has the release get again what it had before.
func (c comparer) restoring(known progress, want wanted, unproven []Source) compared {
	want.sources, want.restores = unproven, true
	known.Forced = c.Release.needsForce(unproven)
	return compared{known: known.renewed(), want: want}
}
