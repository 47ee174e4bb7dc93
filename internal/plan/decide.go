// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
)

// task is one decision in the making.
type task struct {
	Input

	// status becomes the recorded state.
	status triggerv1.TargetStatus

	// wanted are the sources whose content the release still has to get.
	wanted []Source
}

// Decide returns what to do about one target. It is a pure function of its input.
func Decide(in Input) Decision {
	t := &task{Input: in}
	if in.Previous != nil {
		t.status = *in.Previous
	}
	t.status.Message = ""

	switch {
	case !in.Release.Exists:
		return t.missing()
	case in.Release.Denied != "":
		return t.end(triggerv1.TargetFailed, in.Release.Denied)
	}

	if t.status.Digest == "" {
		if decision, done := t.firstSight(); done {
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
		return t.end(triggerv1.TargetDelivered, "")
	default:
		t.status.Forced = t.requestForced()
		return t.prove()
	}
}

// missing forgets what was delivered: a HelmRelease that appears is another one.
func (t *task) missing() Decision {
	t.status = triggerv1.TargetStatus{
		State:   triggerv1.TargetMissing,
		Message: "HelmRelease does not exist; create it, or remove it from spec.targets",
	}
	return Decision{Status: t.status}
}

// firstSight looks for proof that a release, of which nothing is recorded, runs
// the content already.
func (t *task) firstSight() (Decision, bool) {
	t.wanted = t.Sources
	r := t.Release
	switch {
	case t.recorded(t.Sources):
		t.adopt()
		return t.prove(), true
	case r.Working() || r.requestPending() && !r.Suspended:
		return t.end(triggerv1.TargetPending, "helm-controller is working on the release; what it runs is looked at afterwards"), true
	case r.Revision == 0 && !r.Suspended && len(t.Diff.Changed) == 0:
		// Its first installation will read the content by itself.
		return t.end(triggerv1.TargetPending, because("the release is not installed yet", r.ReadyMessage)), true
	case r.Revision == 0:
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

// recorded tells whether the record on the release shows that the content of the
// sources was requested. Without a state of our own to compare with, it must
// also be younger than the content.
func (t *task) recorded(sources []Source) bool {
	record := t.Release.Record
	return record.Token != "" && t.covered(sources) && !slices.ContainsFunc(sources, func(s Source) bool {
		return s.Modified.After(record.At.Add(clockTolerance))
	})
}

func (t *task) covered(sources []Source) bool {
	return !slices.ContainsFunc(sources, func(s Source) bool {
		return !t.Release.Record.covers(s.ID, s.Full)
	})
}

// unproven returns the sources of which there is no proof that the latest
// snapshot was made with their content, or asks for the composed values.
func (t *task) unproven(sources []Source) (unproven []Source, needValues bool) {
	r := t.Release
	for _, s := range sources {
		switch {
		case r.Reads[s.ID] && t.Values == ValuesUnknown:
			return nil, true
		case r.Reads[s.ID]:
			if !r.Deployed || t.Values != ValuesEqual {
				unproven = append(unproven, s)
			}
		case s.Recorded[t.Target] || s.Digest == "":
		case r.Deployed && !s.Modified.IsZero() && r.LastDeployed.After(s.Modified.Add(snapshotTolerance)):
			// The snapshot is younger than the content.
		default:
			unproven = append(unproven, s)
		}
	}
	return unproven, false
}

// absorbDiff brings the recorded state up to the sources as they are now: it stays
// where nothing that matters changed, and is marked due otherwise.
func (t *task) absorbDiff() (needValues bool) {
	changed, added := t.pick(t.Diff.Changed), t.pick(t.Diff.Added)
	if t.status.Digest != t.Diff.From {
		// A change waits already, of which only the need for force is known.
		t.wanted = t.Sources
		t.status.Forced = t.status.Forced || t.needsForce(append(changed, added...))
		return false
	}
	if t.Diff.From == t.Diff.To {
		return false
	}
	unproven, needValues := t.unproven(added)
	if needValues {
		return true
	}
	t.wanted = append(changed, unproven...)
	if len(t.wanted) == 0 {
		t.status.Digest = t.Digest
		return false
	}
	t.status.Forced = t.needsForce(t.wanted)
	return false
}

// absorbRequests marks the target due when a person asks for it on the
// ValuesTrigger.
func (t *task) absorbRequests() {
	if t.Input.Force != "" {
		t.status.Forced = t.status.Forced && t.due() || t.Policy != triggerv1.ForceNever
		t.status.DeliveredAt, t.status.Attempts = nil, 0
	}
	if t.Reset != "" && t.status.State == triggerv1.TargetFailed && t.status.DeliveredAt == nil {
		t.status.Attempts = 0
	}
}

// due tells whether a request has to be made.
func (t *task) due() bool {
	return t.status.Digest != t.Digest || t.status.DeliveredAt == nil && t.status.Attempts == 0
}

// deliver makes the request that is due, or says why it must wait.
func (t *task) deliver() Decision {
	r := t.Release
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
		switch t.Values {
		case ValuesUnknown:
			return Decision{NeedValues: true}
		case ValuesEqual:
			return t.delivered()
		}
	}

	if t.status.Token == r.Record.Token && r.Record.Force && t.status.DeliveredAt == nil && r.Revision <= r.Record.Revision {
		t.status.Forced = true // The force of the request before was lost.
	}
	t.status.Attempts = 0
	return t.request()
}

// requestedElsewhere tells that a request younger than the last known one carries
// what is due: made by another trigger, or before a crash.
func (t *task) requestedElsewhere() bool {
	record := t.Release.Record
	if t.status.Digest == "" || sequence(record.Token) <= sequence(t.status.Token) {
		return false
	}
	if t.status.Forced && !record.Force || !t.covered(t.wanted) {
		return false
	}
	return !slices.ContainsFunc(t.manual(), func(m RecordedSource) bool { return !slices.Contains(record.Sources, m) })
}

// adopt takes the recorded request for our own.
func (t *task) adopt() {
	record := t.Release.Record
	t.status.Digest = t.Digest
	t.status.Token = record.Token
	t.status.Forced = record.Force
	t.status.Revision = record.Revision
	t.status.TriggeredAt = timestamp(record.At)
	t.status.DeliveredAt = nil
	t.status.Attempts = max(t.status.Attempts, 1)
	t.status.Cause = t.cause()
}

// mayRunAlready tells that helm-controller has made a revision by itself since the
// last delivery and since the change, so that it may have read the change already.
func (t *task) mayRunAlready() bool {
	r := t.Release
	if t.status.DeliveredAt == nil || r.Revision <= t.status.Revision || !r.Deployed || !r.settled() || len(t.wanted) == 0 {
		return false
	}
	return !slices.ContainsFunc(t.wanted, func(s Source) bool {
		return !r.Reads[s.ID] || !r.LastDeployed.After(s.Modified)
	})
}

// request asks helm-controller to reconcile with the present content.
func (t *task) request() Decision {
	r := t.Release
	unsent := t.status
	unsent.State = triggerv1.TargetPending
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
	t.status.Attempts++
	t.status.TriggeredAt = t.now()
	t.status.DeliveredAt = nil
	t.status.Revision = r.Revision
	decision := t.end(triggerv1.TargetTriggered, "")
	decision.Unsent = unsent
	decision.After = t.Timeout
	decision.Request = &Request{
		Token:  token,
		Force:  t.status.Forced,
		Reset:  t.Reset != "",
		Record: r.Record.next(token, t.status.Forced, r.Revision, t.Now, sources),
		Cause:  t.status.Cause,
	}
	return decision
}

// manual returns the requests of a person as if they were sources, so that the
// record remembers them too.
func (t *task) manual() []RecordedSource {
	var requests []RecordedSource
	for _, m := range []struct{ kind, value string }{{"forceAt", t.Input.Force}, {"resetAt", t.Reset}} {
		if m.value != "" {
			requests = append(requests, RecordedSource{
				ID:     fmt.Sprintf("%s/%s", m.kind, t.Trigger),
				Digest: digest.Short(digest.Combine(map[string]string{m.kind: m.value})),
			})
		}
	}
	return requests
}

func (t *task) end(state triggerv1.TargetState, message string) Decision {
	t.status.State = state
	t.status.Message = truncate(message)
	return Decision{Status: t.status}
}
