// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file knows what a revision proves: values that are composed, and, for what a chart
// looks up, the order of what the operator has seen. Nothing compares clocks.

// doubted reports whether the revision that there is since the request is one that may have
// begun with other content.
func (t *task) doubted() bool {
	revision := t.Release.Revision
	return revision > t.requestRevision() && revision <= t.status.DoubtfulUntil
}

// doubt notes, while helm-controller works on the release or is about to, that there is other
// content that the chart looks up: the revision that is on its way may have begun with it, if what
// was there before comes back.
func (t *task) doubt() {
	r := t.Release
	changed := t.own.Changed
	if t.status.Digest != "" {
		changed = slices.Concat(changed, t.own.Added)
	}
	other := slices.ContainsFunc(t.Sources, func(s Source) bool {
		if !t.isLookedUp(s) {
			return false
		}
		if e, found := r.Record.latest(s.ID); found && r.Record.Token == r.RequestedAt {
			return e.Digest != digest.Short(s.Full) && !t.outlives(e)
		}
		return slices.Contains(changed, s.ID)
	})
	stale := sequence(r.Record.Token) < sequence(t.status.Token) // The observation is older than the request.
	if other && !stale && r.Busy() {
		t.status.DoubtfulUntil, t.status.DoubtfulRequest = r.Revision+1, r.RequestedAt
	}
}

// trust ends a doubt.
func (t *task) trust() { t.status.DoubtfulUntil, t.status.DoubtfulRequest = 0, "" }

// missed reports whether the forced revision may have found no object where there is one
// now: a source was created again since the release was asked for its content.
func (t *task) missed() bool {
	return slices.ContainsFunc(t.Sources, func(s Source) bool {
		e, found := t.Release.Record.entry(s)
		return found && !t.Release.Reads[s.ID] && s.Force != triggerv1.ForceNever && e.Object != "" && e.Object != object(s)
	})
}

// unproven returns the sources of which there is no proof that the latest
// snapshot was made with their content, or asks for the composed values.
func (t *task) unproven(sources []Source) (unproven []Source, needValues bool) {
	return t.unprovenBy(sources, func(s Source) bool { return t.witnessed(s) || s.Digest == "" && !t.Release.Record.holds(s.ID) })
}

// unprovenBy is like unproven, with what proves content that the release does not read
// through valuesFrom.
func (t *task) unprovenBy(sources []Source, proven func(Source) bool) (unproven []Source, needValues bool) {
	r := t.Release
	for _, s := range sources {
		switch {
		case r.Reads[s.ID] && t.Values == ValuesUnknown:
			return nil, true
		case r.Reads[s.ID]:
			if !r.Deployed || t.Values != ValuesEqual {
				unproven = append(unproven, s)
			}
		case s.Baseline[t.Target], proven(s):
		default:
			unproven = append(unproven, s)
		}
	}
	return unproven, false
}

// mayRunAlready reports whether helm-controller has made a revision since the last
// delivery or request that runs the change if its values are equal. Equal values say
// nothing about content that is forced each time, and what is on record nothing about
// content that is back after a change that was never asked for.
func (t *task) mayRunAlready() bool {
	r := t.Release
	if t.unrequested() || r.Revision <= t.status.Revision || !r.Deployed || r.RolledBack || len(t.wanted) == 0 {
		return false
	}
	if seen := t.status.Seen; seen != nil && r.Revision > seen.Revision {
		return true
	}
	return !slices.ContainsFunc(t.wanted, func(s Source) bool {
		if !r.Reads[s.ID] && t.waited && t.status.Forced {
			return true // It may have been another meanwhile.
		}
		return (!r.Reads[s.ID] || s.Force == triggerv1.ForceAlways) && !t.witnessed(s)
	})
}

// takenUp follows a change that helm-controller has picked up by itself.
func (t *task) takenUp() Decision {
	t.status.Cause = t.cause()
	if t.Release.Current && t.Release.Ready == "True" {
		return t.delivered()
	}
	t.status.Digest = t.Digest
	t.status.Attempts, t.status.TriggeredAt = 1, t.now()
	t.status.DeliveredAt = nil
	t.trust()
	return t.prove()
}

// witnessed reports whether the latest revision began when the content of a source was
// there: helm-controller was idle at an older one when it was asked for this content of
// this object. Or it is proven to run what was asked for, in whatever object. No time, and
// nothing that a backup brings back, says so.
func (t *task) witnessed(s Source) bool {
	r := t.Release
	e, found := r.Record.entry(s)
	if !found || r.Record.UID != r.UID || !r.Deployed || r.RolledBack || r.Revision <= t.status.DoubtfulUntil {
		return false
	}
	return r.Record.names(s) && r.Revision > e.After || r.Record.Proven > 0 && r.Record.Proven == r.Revision
}
