// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file brings what is recorded up to the sources as they are now.

// absorbDiff brings the recorded state up to the sources as they are now: it stays
// where nothing that matters changed, and is marked due otherwise.
func (t *task) absorbDiff() (needValues bool) {
	if t.status.Digest == t.Digest {
		return false
	}
	changed, added := t.pick(t.own.Changed), t.pick(t.own.Added)
	if t.status.Digest != t.own.From && t.status.State == triggerv1.TargetDelivered {
		// It got newer content than is recorded, since about another target nothing
		// could be decided. What that was is not known, and a source that is gone
		// leaves no proof.
		changed = slices.DeleteFunc(changed, func(s Source) bool { return s.Digest != "" })
		added = t.Sources
	} else if t.status.Digest != t.own.From {
		// A change waits already, of which only the need for force is known.
		t.wanted, t.waited = t.Sources, true
		recreated := t.recreatedSources()
		if len(recreated) > 0 {
			t.status.Seen = nil // It was away since.
		}
		t.status.OwesForce = t.status.OwesForce && !t.upgraded()
		t.status.Forced = t.status.Forced || t.needsForce(slices.Concat(changed, added, recreated))
		return false
	}
	unproven, needValues := t.unproven(added)
	if needValues {
		return true
	}
	t.wanted, t.waited = slices.Concat(changed, unproven, t.recreatedSources()), t.Diff.From != t.status.Digest
	if len(t.wanted) == 0 {
		t.status.Digest = t.Digest
		if len(added) > 0 && t.status.DeliveredAt != nil {
			t.status.Revision = max(t.status.Revision, t.Release.Revision) // It proves what was added.
		}
		return false
	}
	t.status.OwesForce = t.owesForce()
	t.status.Forced = t.unrequested() && t.status.Forced || t.needsForce(t.wanted)
	return false
}

// recreatedSources are sources that were deleted and created again with the same content,
// which no digest shows. What the release does not read through valuesFrom, a revision
// may have looked up in between and not found.
func (t *task) recreatedSources() []Source {
	return slices.DeleteFunc(t.pick(t.own.Recreated), func(s Source) bool {
		return !t.isLookedUp(s)
	})
}

// doubtful reports whether a release that was Delivered may have made a revision while a
// source was away. Then what is recorded of it holds no more.
func (t *task) doubtful() bool {
	r := t.Release
	return t.status.Digest == t.Digest && t.status.State == triggerv1.TargetDelivered && len(t.recreatedSources()) > 0 &&
		(r.Revision != t.status.Revision || r.Busy())
}

// DependsOnOrder reports whether a decision rests on what the release did before or after
// something that happened to the sources. The release must then be read after them, and
// not from a cache.
func (in Input) DependsOnOrder() bool {
	p, own := in.Previous, in.own()
	switch {
	case in.Live || !in.Release.Exists || p == nil:
		return false
	case len(own.Recreated) > 0:
		return true
	case in.stays(own):
		return p.DeliveredAt != nil && (p.State != triggerv1.TargetDelivered || in.moved())
	default:
		return (in.Release.Suspended || in.Settling && in.needsForce(in.Sources)) && p.Digest != "" && (p.Seen == nil || p.Seen.Digest != in.Digest)
	}
}

// returned reports that a change waited and is gone again: the content is what was last
// delivered, unless a person wants it again.
func (t *task) returned() bool {
	return t.Input.Force == "" && t.status.Digest == t.Digest && t.status.DeliveredAt != nil &&
		(t.status.State != triggerv1.TargetDelivered || t.moved())
}

// askedForOther reports whether the release was asked since for other content, by a request that is
// not in the status: before a crash, or by another trigger. The content of now, which is recorded in
// the status, is then back.
func (t *task) askedForOther() bool {
	record := t.Release.Record
	if t.Input.Force != "" || t.unrequested() || t.status.Digest != t.Digest || sequence(record.Token) <= sequence(t.status.Token) {
		return false
	}
	return slices.ContainsFunc(t.Sources, func(s Source) bool {
		e, found := record.latest(s.ID)
		return found && e.Digest != digest.Short(s.Full) && !t.outlives(e) && (t.Release.Reads[s.ID] || t.isLookedUp(s))
	})
}

// outlives reports whether the content of now is proven by a later revision than the one that there was
// when other content of a source was requested.
func (t *task) outlives(e RecordedSource) bool {
	return t.status.Digest == t.Digest && t.status.DeliveredAt != nil && e.After < t.status.Revision && t.status.Revision <= t.Release.Revision
}

// absorbReturn makes sure that helm-controller has not picked up by itself what was
// there meanwhile.
func (t *task) absorbReturn() (Decision, bool) {
	r := t.Release
	switch {
	case r.Working(), r.unseen() && !r.Suspended:
		return t.end(triggerv1.TargetPending, "waits for helm-controller to finish its current work on the release"), true
	case r.Revision == t.status.Revision && !t.Unpublished:
		return Decision{}, false
	}
	// What a newer revision looked up is not known, whatever was there before it.
	unproven, needValues := t.unprovenBy(t.Sources, func(Source) bool { return false })
	switch {
	case needValues:
		return Decision{NeedValues: true}, true
	case len(unproven) == 0:
		t.status.Revision = r.Revision
		return Decision{}, false
	case r.Suspended:
		return t.end(triggerv1.TargetHeld, "HelmRelease is suspended; the change is delivered when spec.suspend is removed"), true
	case r.requestPending():
		return t.end(triggerv1.TargetPending, "helm-controller has not handled another request yet"), true
	}
	t.wanted, t.restores = unproven, true
	t.status.Forced = t.needsForce(unproven)
	t.status.DeliveredAt, t.status.Attempts = nil, 0
	return Decision{}, false
}

// absorbDoubts makes sure that a release runs the content of its copies where that is
// recorded as delivered by an operator that knew of no copies: an older version, or this
// one before spec.publish. What was proven under other rules proves nothing under these.
func (t *task) absorbDoubts() (Decision, bool) {
	r, recorded := t.Release, t.Previous
	if recorded == nil || len(r.Copied) == 0 || t.status.DeliveredAt == nil || t.status.Digest != t.Digest || recorded.Published == recorded.Digest {
		return Decision{}, false
	}
	if r.Working() || r.unseen() && !r.Suspended {
		return t.end(triggerv1.TargetPending, "waits for helm-controller to finish its current work on the release"), true
	}
	copied := slices.DeleteFunc(slices.Clone(t.Sources), func(s Source) bool {
		_, found := r.Copied[s.ID]
		return !found
	})
	unproven, needValues := t.unproven(copied)
	if needValues {
		return Decision{NeedValues: true}, true
	}
	if len(unproven) > 0 {
		t.wanted, t.restores = unproven, true
		t.status.Forced = t.needsForce(unproven)
		t.status.DeliveredAt, t.status.Attempts = nil, 0
	}
	return Decision{}, false
}
