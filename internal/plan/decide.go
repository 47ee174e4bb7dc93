// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/text"
)

// task is one decision in the making.
type task struct {
	Input

	// status becomes the recorded state.
	status triggerv1.TargetStatus

	// wanted are the sources whose content the release still has to get. Of a change
	// that has waited, it is not known any more which ones changed: all count.
	wanted []Source
	waited bool

	// restores tells that the content is again what was delivered, and that the release
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
		return t.end(triggerv1.TargetFailed, in.Release.Denied)
	}

	t.resume()
	if t.status.Digest == "" {
		if decision, done := t.firstSight(); done {
			return decision
		}
	} else if t.returned() {
		if decision, done := t.absorbReturn(); done {
			return decision
		}
	} else if needValues := t.absorbDiff(); needValues {
		return Decision{NeedValues: true}
	}
	t.absorbRequests()

	switch {
	case t.due():
		return t.deliver()
	case t.status.DeliveredAt != nil:
		t.status.Forced = t.requestForced()
		return t.end(triggerv1.TargetDelivered, t.deliveredMessage())
	default:
		t.status.Forced = t.requestForced()
		return t.prove()
	}
}

// deliveredMessage returns what was said with the proof: it holds as long as that.
func (t *task) deliveredMessage() string {
	if t.Previous != nil && t.Previous.State == triggerv1.TargetDelivered {
		return t.Previous.Message
	}
	return ""
}

// missing forgets what was delivered: a HelmRelease that appears is another one. To whom
// it is denied, it is not told that there is none.
func (t *task) missing() Decision {
	if denied := t.Release.Denied; denied != "" {
		t.status = triggerv1.TargetStatus{}
		return t.end(triggerv1.TargetFailed, denied)
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
	case r.Working(), !r.Suspended && (r.requestPending() || r.Revision > 0 && r.unseen()):
		return t.end(triggerv1.TargetPending, "helm-controller is working on the release; what it runs is looked at afterwards"), true
	case r.Revision == 0 && !r.Suspended && len(t.Diff.Changed) == 0 && !t.Unpublished:
		// Its first installation will read the content by itself.
		return t.end(triggerv1.TargetPending, because("the release is not installed yet", r.ReadyMessage)), true
	case r.Revision == 0:
		// A change may be what it fails for the lack of. If it cannot be asked now, it
		// stays unknown: once it is installed, what it runs must be looked at.
		t.status.Forced = false
		return Decision{}, false
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

// due tells whether a request has to be made.
func (t *task) due() bool {
	return t.status.Digest != t.Digest || t.unrequested()
}

// unrequested tells that nothing was requested yet since the target was first seen,
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
		return t.end(triggerv1.TargetHeld, "HelmRelease is suspended; the change is delivered when spec.suspend is removed")
	case r.requestPending() && r.RequestedAt == t.status.Token:
		return t.end(triggerv1.TargetTriggered, "newer content waits for the request that is under way")
	case r.requestPending():
		return t.end(triggerv1.TargetPending, "helm-controller has not handled another request yet")
	case r.Working():
		return t.end(triggerv1.TargetPending, "waits for helm-controller to finish what it is doing with the release")
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
		return t.end(triggerv1.TargetPending, "waits for helm-controller to look at the present spec of the release")
	}
	return t.request(1)
}

// request asks helm-controller to reconcile with the present content.
func (t *task) request(attempt int32) Decision {
	r := t.Release
	unsent := t.status
	unsent.State = triggerv1.TargetPending
	reset := t.reset || t.Reset != "" || t.resetWaited()
	token := newToken(t.Digest, r.Record.Token, t.status.Token)
	sources := t.manual()
	for _, s := range t.Sources {
		sources = append(sources, RecordedSource{ID: s.ID, Digest: digest.Short(s.Full)})
	}
	if cause := t.cause(); cause != "" {
		t.status.Cause = cause
	}
	t.status.Digest = t.Digest
	t.status.Token = token
	t.status.Attempts = attempt
	t.status.TriggeredAt = t.now()
	t.status.DeliveredAt = nil
	t.status.Revision = r.Revision
	decision := t.end(triggerv1.TargetTriggered, "")
	decision.Unsent = unsent
	decision.After = t.Timeout
	decision.Request = &Request{
		Token:  token,
		Force:  t.status.Forced,
		Reset:  reset,
		Record: r.Record.next(token, t.status.Forced, r.Revision, t.Now, sources).refusing(t.Trigger, t.Refused),
		Cause:  t.status.Cause,
	}
	return decision
}

func (t *task) end(state triggerv1.TargetState, message string) Decision {
	t.status.State = state
	t.status.UnreadyBefore = t.status.UnreadyBefore && state != triggerv1.TargetDelivered
	t.status.Message = text.Line(message, maxText)
	return Decision{Status: t.status}
}
