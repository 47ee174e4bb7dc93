// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file brings what is recorded up to the sources as they are now.

// absorbDiff brings the recorded state up to the sources as they are now: it stays
// where nothing that matters changed, and is marked due otherwise.
func (t *task) absorbDiff() (needValues bool) {
	missed := t.missed()
	if t.status.Digest == t.Digest {
		if len(missed) > 0 && t.idle() {
			t.wanted, t.restores, t.status.Forced = missed, true, true
			t.status.DeliveredAt, t.status.Attempts = nil, 0
		}
		return false
	}
	changed, added := t.pick(t.Diff.Changed), t.pick(t.Diff.Added)
	if t.status.Digest != t.Diff.From && t.status.State == triggerv1.TargetDelivered {
		// It got newer content than is recorded, since about another target nothing
		// could be decided. What that was is not known, and a source that is gone
		// leaves no proof.
		changed = slices.DeleteFunc(changed, func(s Source) bool { return s.Digest != "" })
		added = t.Sources
	} else if t.status.Digest != t.Diff.From {
		// A change waits already, of which only the need for force is known.
		t.wanted, t.waited = t.Sources, true
		t.status.Forced = t.status.Forced || t.needsForce(slices.Concat(changed, added, missed))
		return false
	}
	unproven, needValues := t.unproven(added)
	if needValues {
		return true
	}
	t.wanted = slices.Concat(changed, unproven, missed)
	if len(t.wanted) == 0 {
		t.status.Digest = t.Digest
		return false
	}
	t.status.Forced = t.owesForce() || t.needsForce(t.wanted)
	return false
}

// missed are sources that are to be forced and of which there was perhaps nothing when the
// release made a revision of another cause: they were deleted and created again as they
// were, which is no change to tell by a digest.
func (t *task) missed() []Source {
	r := t.Release
	if t.status.Digest == "" || !r.Deployed || r.RolledBack || r.Revision <= t.status.Revision {
		return nil
	}
	delivered := t.status.State == triggerv1.TargetDelivered
	var missed []Source
	for _, s := range t.Sources {
		// A revision of the same second may be that of the request for what was created.
		younger := s.Created.After(r.LastDeployed) || delivered && s.Created.Equal(r.LastDeployed)
		if s.Digest != "" && younger && !r.Reads[s.ID] && t.needsForce([]Source{s}) {
			missed = append(missed, s)
		}
	}
	return missed
}

// idle tells that the release can be asked now, and that no revision is on its way.
func (t *task) idle() bool {
	r := t.Release
	return !r.Suspended && !r.requestPending() && !r.Working() && !r.unseen()
}

// returned tells that a change waited and is gone again: the content is what was last
// delivered, unless a person wants it again.
func (t *task) returned() bool {
	return t.Input.Force == "" && t.status.Digest == t.Digest && t.status.DeliveredAt != nil && t.status.State != triggerv1.TargetDelivered
}

// absorbReturn makes sure that helm-controller has not picked up by itself what was
// there meanwhile.
func (t *task) absorbReturn() (Decision, bool) {
	r := t.Release
	switch {
	case r.Working(), r.unseen() && !r.Suspended:
		return t.end(triggerv1.TargetPending, "waits for helm-controller to finish what it is doing with the release"), true
	case r.Revision == t.status.Revision && !t.Unpublished:
		return Decision{}, false
	}
	unproven, needValues := t.unproven(t.Sources)
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
		return t.end(triggerv1.TargetPending, "waits for helm-controller to finish what it is doing with the release"), true
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
