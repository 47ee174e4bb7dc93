// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// task is one decision in the making.
type task struct {
	Input

	// status becomes the recorded state.
	status triggerv1.TargetStatus

	// own is how the sources differ from those that the release was last asked or proven to run.
	own Diff

	// wanted are the sources whose content the release still has to get. Of a change
	// that has waited, the release may have taken up another one meanwhile.
	wanted []Source
	waited bool

	// restores reports that the content is again what was delivered, and that the release
	// runs what there was meanwhile.
	restores bool

	// reset asks helm-controller to forget its failures with the next request.
	reset bool
}

// Decide returns what to do about one target. It is a pure function of its input.
func Decide(in Input) Decision {
	t := newTask(in)
	switch {
	case !in.Release.Exists:
		return t.missing()
	case in.Release.Denied != "":
		return t.denied()
	}

	t.doubt()
	t.resume()
	if t.doubtful() {
		t.forget()
	}
	if t.status.Digest == "" {
		if decision, done := t.firstSight(); done {
			return decision
		}
	} else if t.returned() || t.askedForOther() {
		if decision, done := t.absorbReturn(); done {
			return decision
		}
	} else if needValues := t.absorbDiff(); needValues {
		return Decision{NeedValues: true}
	}
	if decision, done := t.absorbDoubts(); done {
		return decision
	}
	t.absorbRequests()

	switch {
	case t.due():
		return t.deliver()
	case t.status.DeliveredAt != nil:
		t.status.Forced = t.requestForced()
		return t.stay()
	default:
		t.status.Forced = t.requestForced()
		return t.prove()
	}
}

// stay leaves a target Delivered and notes what a later decision needs to know of the
// time before a change: the latest revision that was there while the content was, and
// whether the release was ready.
func (t *task) stay() Decision {
	message := ""
	if t.Previous != nil && t.Previous.State == triggerv1.TargetDelivered {
		message = t.Previous.Message // It holds as long as the proof.
	}
	if t.looksUp() {
		t.status.Revision = max(t.status.Revision, t.Release.Revision)
	}
	decision := t.end(triggerv1.TargetDelivered, message)
	if t.Gated && t.Release.unwell() {
		decision.Status.UnreadyBefore = new(true)
	}
	return decision
}

// looksUp reports whether there is a source whose changes the release gets by force
// because it does not read it through valuesFrom.
func (t *task) looksUp() bool {
	return slices.ContainsFunc(t.Sources, t.isLookedUp)
}

// isLookedUp reports whether the release gets the changes of a source by force alone.
func (in Input) isLookedUp(s Source) bool {
	return !in.Release.Reads[s.ID] && in.needsForce([]Source{s})
}

// forget drops what is recorded.
func (t *task) forget() {
	t.Previous = nil
	t.status = triggerv1.TargetStatus{UID: t.Release.UID}
}

// missing forgets what was delivered: a HelmRelease that appears is another one. If access
// is denied, it does not reveal that there is none.
func (t *task) missing() Decision {
	if t.Release.Denied != "" {
		t.status = triggerv1.TargetStatus{}
		return t.denied()
	}
	t.status = triggerv1.TargetStatus{
		State:   triggerv1.TargetMissing,
		Message: "HelmRelease does not exist; create it, or remove it from spec.targets",
	}
	if t.Release.Ending != "" {
		t.status.Message = t.Release.Ending
	}
	return Decision{Status: t.status}
}

// denied says that the target must not be asked.
func (t *task) denied() Decision {
	decision := t.end(triggerv1.TargetFailed, t.Release.Denied)
	decision.Status.Refused = &triggerv1.Refusal{Reason: acl.AccessDeniedReason}
	return decision
}

// firstSight looks for proof that a release, of which nothing is recorded, runs
// the content already.
func (t *task) firstSight() (Decision, bool) {
	t.wanted = t.Sources
	r := t.Release
	if t.Input.Force != "" { // A person wants it whatever runs.
		t.status.Digest = t.Digest
		t.status.Forced = t.needsForce(t.Sources)
		return Decision{}, false
	}
	switch {
	case t.recorded(t.Sources) && !t.Unpublished:
		t.adopt()
		return t.prove(), true
	case r.Revision == 0 && r.Working() && t.neverInstalled():
		return t.failed(t.Previous.Message), true // Its tries are no news.
	case r.Working(), !r.Suspended && (r.requestPending() || r.Revision > 0 && r.unseen()):
		if t.Settling {
			t.noteReadiness() // Afterwards, it may be that of the change.
		}
		return t.end(triggerv1.TargetPending, "helm-controller is working on the release; what it runs is checked afterwards"), true
	case r.Revision == 0:
		return t.uninstalled()
	}

	unproven, needValues := t.unproven(t.Sources)
	if needValues {
		return Decision{NeedValues: true}, true
	}
	if len(unproven) > 0 {
		t.wanted = unproven
		t.status.Forced = t.needsForce(unproven)
		return Decision{}, false
	}
	t.status.Digest = t.Digest
	t.status.DeliveredAt = t.now()
	t.status.Revision = r.Revision
	return Decision{}, false
}

// due reports whether a request has to be made.
func (t *task) due() bool {
	return t.status.Digest != t.Digest || t.unrequested()
}

// unrequested reports that nothing was requested yet since the target was first seen,
// or since a person asked for it.
func (t *task) unrequested() bool {
	return t.status.DeliveredAt == nil && t.status.Attempts == 0
}

// deliver makes the request that is due, or says why it must wait.
func (t *task) deliver() Decision {
	r := t.Release
	t.noteReadiness()
	if t.requestedElsewhere() {
		t.adopt()
		return t.prove()
	}
	switch {
	case r.Suspended:
		t.witness()
		return t.end(triggerv1.TargetHeld, "HelmRelease is suspended; the change is delivered when spec.suspend is removed")
	case r.requestPending() && r.RequestedAt == t.status.Token:
		return t.end(triggerv1.TargetTriggered, "newer content waits for the request that is under way")
	case r.requestPending():
		return t.end(triggerv1.TargetPending, "helm-controller has not handled another request yet")
	case r.Working():
		return t.end(triggerv1.TargetPending, "waits for helm-controller to finish its current work on the release")
	}

	if t.Settling {
		t.witness()
	}
	if t.mayRunAlready() {
		switch {
		case !t.readsAny() || t.Values == ValuesEqual:
			return t.takenUp()
		case t.Values == ValuesUnknown:
			return Decision{NeedValues: true}
		}
	}

	if r.Revision > 0 && r.unseen() {
		// Of a force and of other values it would make two revisions.
		return t.end(triggerv1.TargetPending, "waits for helm-controller to observe the current spec of the release")
	}
	return t.request(1)
}

// witness notes that the content is there while the release is idle, and nothing is asked of
// it since it is suspended or the change settles: whatever revision it makes later begins with
// the content. Of what it reads through valuesFrom, the values are the proof.
func (t *task) witness() {
	if t.Live && t.needsForce(t.wanted) && t.status.Digest != "" && t.status.Seen == nil && !t.Release.Working() {
		t.status.Seen = &triggerv1.SeenContent{Digest: t.Digest, Revision: t.Release.Revision}
	}
}

// request asks helm-controller to reconcile with the present content.
func (t *task) request(attempt int32) Decision {
	r := t.Release
	unsent := t.unsent()
	t.status.Forced, t.status.OwesForce = t.status.Forced || t.status.OwesForce, false
	reset := t.reset || t.Reset != "" || t.resetWaited()
	token := newToken(t.Digest, r.Record.Token, t.status.Token)
	sources := t.manual()
	sources = append(sources, t.record()...)
	if cause := t.cause(); cause != "" {
		t.status.Cause = cause
	}
	t.status.Digest = t.Digest
	t.status.Token = token
	t.status.Attempts = attempt
	t.status.TriggeredAt = t.now()
	t.status.DeliveredAt = nil
	t.status.Revision = r.Revision
	t.trust()
	decision := t.end(triggerv1.TargetTriggered, "")
	decision.Unsent = unsent
	decision.After = t.Timeout
	record := r.Record.next(r.UID, token, t.status.Forced, r.Revision, t.Now, sources)
	if r.Ready == "False" {
		record.FailedAt = r.ReadySince
	}
	decision.Request = &Request{
		Token:  token,
		Force:  t.status.Forced,
		Reset:  reset,
		Record: record.rejecting(t.Trigger, t.Rejected),
		Cause:  t.status.Cause,
	}
	return decision
}

// unsent returns what to record if the request is not made. That it was refused for the
// same content stays known until it is accepted.
func (t *task) unsent() triggerv1.TargetStatus {
	unsent := t.status
	if refused := unsent.Refused; refused != nil && refused.Digest == digest.Short(t.Digest) {
		unsent.Message = t.Previous.Message
		return unsent
	}
	unsent.State, unsent.Refused = triggerv1.TargetPending, nil
	return unsent
}

func (t *task) end(state triggerv1.TargetState, message string) Decision {
	t.status.State, t.status.Refused = state, nil
	if t.status.Digest == t.Digest {
		t.status.Seen, t.status.OwesForce = nil, false // Nothing waits.
	}
	if state == triggerv1.TargetDelivered || t.status.Digest != "" && !WasUnready(t.status) {
		t.status.UnreadyBefore = nil // That it was ready is known of all that has been delivered.
	}
	t.status.Message = text.Line(message, maxText)
	return Decision{Status: t.status}
}

// Notes reports whether the decision notes a revision that was made while nothing had
// changed. That holds only if the sources are the objects that were read.
func (d Decision) Notes(previous *triggerv1.TargetStatus) bool {
	return previous != nil && previous.State == triggerv1.TargetDelivered && d.Request == nil &&
		d.Status.State == triggerv1.TargetDelivered && d.Status.Revision != previous.Revision
}
