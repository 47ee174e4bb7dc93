// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// requester takes what a release still has to get, and requests it, unless that has to wait or is not needed.
type requester struct{ *facts }

// request makes the request that is due, or says why it must wait.
func (q requester) request(known progress, want wanted) Decision {
	r := &q.Release
	known.UnreadyBefore = readinessBefore(q.facts, known)
	if q.requestedElsewhere(known, want) {
		known = adopt(q.facts, known, want)
		return prover(q).prove(known, want)
	}
	wait := q.mustWait(known)
	if r.Suspended || q.Settling && !wait.given() {
		known.Seen = q.seen(known, want)
	}
	if wait.given() {
		return q.conclude(known, wait)
	}
	if q.mayRunAlready(known, want) {
		switch {
		case !r.readsAny(q.Sources) || q.Values == ValuesEqual:
			return q.selfApplied(known, want)
		case q.Values == ValuesUnknown:
			return q.conclude(known, verdict{needValues: true})
		}
	}
	if r.Revision > 0 && r.unseen() {
		// Of a force and of other values it would make two revisions.
		return q.conclude(known, pending("waits for helm-controller to observe the current spec of the release"))
	}
	return q.send(known, want, 1, false)
}

// mustWait says why the release cannot take a request now.
func (q requester) mustWait(known progress) verdict {
	r := &q.Release
	switch {
	case r.Suspended:
		return held(waitsForResume)
	case r.requestPending() && r.RequestedAt == known.Token:
		return inProgress("newer content waits until the present request is handled", 0)
	case r.requestPending():
		return pending(waitsForRequest)
	case r.Working():
		return pending(waitsForIdle)
	}
	return verdict{}
}

// seen notes that the content is there while the release is idle, and nothing is requested of
// it since it is suspended or the change settles: whatever revision it makes later begins with
// the content. Of what it reads through valuesFrom, the values are the proof.
func (q requester) seen(known progress, want wanted) *triggerv1.SeenContent {
	if q.Live && q.Release.needsForce(want.sources) && known.Digest != "" && known.Seen == nil && !q.Release.Working() {
		return &triggerv1.SeenContent{Digest: q.Digest, Revision: q.Release.Revision}
	}
	return known.Seen
}

// mayRunAlready reports whether helm-controller has made a revision since the last
// delivery or request that runs the change if its values are equal. Equal values say
// nothing about content that is forced each time, and what is on record nothing about
// content that is back after a change that was never requested.
func (q requester) mayRunAlready(known progress, want wanted) bool {
	r := &q.Release
	if known.unrequested() || r.Revision <= known.Revision || !r.Deployed || r.RolledBack || len(want.sources) == 0 {
		return false
	}
	if seen := known.Seen; seen != nil && r.Revision > seen.Revision {
		return true
	}
	evidence := q.evidence(known)
	return !slices.ContainsFunc(want.sources, func(s Source) bool {
		if !r.Reads[s.ID] && want.waited && known.Forced {
			return true // It may have been another meanwhile.
		}
		return (!r.Reads[s.ID] || s.Force == triggerv1.ForceAlways) && !evidence.witnessed(s)
	})
}

// selfApplied follows a change that helm-controller has applied by itself.
func (q requester) selfApplied(known progress, want wanted) Decision {
	known.Cause = q.cause(known, want)
	if q.Release.Current && q.Release.Ready == "True" {
		return prover(q).delivered(known)
	}
	known.Digest = q.Digest
	known.Attempts, known.TriggeredAt, known.DeliveredAt = 1, timestamp(q.Now), nil
	known = known.trusted()
	return prover(q).prove(known, want)
}

// send requests a reconciliation with the present content, before which helm-controller resets its failures if
// it has to.
func (q requester) send(known progress, want wanted, attempt int32, reset bool) Decision {
	r, next := &q.Release, known
	next.Forced, next.OwesForce = next.Forced || next.OwesForce, false
	reset = reset || want.reset != "" || next.resetWaited()
	sources := slices.Concat(q.byPeople(next, want), q.recordedSources(want))
	if cause := q.cause(next, want); cause != "" {
		next.Cause = cause
	}
	next.Token = newToken(q.Digest, r.Record.Token, next.Token)
	next.Digest, next.Attempts, next.Revision = q.Digest, attempt, r.Revision
	next.TriggeredAt, next.DeliveredAt = timestamp(q.Now), nil
	record := r.Record.next(r.UID, next.Token, next.Forced, r.Revision, q.Now, sources)
	if r.Ready == "False" {
		record.FailedAt = r.ReadySince
	}
	decision := q.conclude(next.trusted(), inProgress("", q.Timeout))
	decision.Unsent = q.unsent(known)
	decision.Request = &Request{
		Token:  next.Token,
		Force:  next.Forced,
		Reset:  reset,
		Record: record.rejecting(q.Trigger, q.Rejected),
		Cause:  next.Cause,
	}
	return decision
}

// unsent returns what to record if the request is not made. That it was refused for the
// same content stays known until it is accepted.
func (q requester) unsent(known progress) triggerv1.TargetStatus {
	status := known.TargetStatus
	if refused := status.Refused; refused != nil && refused.Digest == digest.Short(q.Digest) {
		status.Message = known.before.Message
		return status
	}
	status.State, status.Refused = triggerv1.TargetPending, nil
	return status
}

// recordedSources returns what to record of the sources with a request that is made now. A source
// that is not in doubt keeps the revision after which it was there.
func (q requester) recordedSources(want wanted) []RecordedSource {
	r := &q.Release
	sources := make([]RecordedSource, 0, len(q.Sources))
	for _, s := range q.Sources {
		e := RecordedSource{ID: s.ID, Digest: digest.Short(s.Full), Object: object(s), After: r.Revision}
		doubtful := slices.ContainsFunc(want.sources, func(w Source) bool { return w.ID == s.ID })
		if old, found := r.Record.entry(s); found && !doubtful && r.Record.names(s) {
			e.After = min(e.After, old.After)
		}
		sources = append(sources, e)
	}
	return sources
}
