// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// waitingReasons say that helm-controller waits for something else and goes on by itself.
var waitingReasons = []string{"DependencyNotReady", "SourceNotReady", canceledReason}

// prove looks for proof that the release runs what was requested. That the token was
// handled is none: helm-controller notes it at the end of every reconciliation,
// also of one that did nothing.
func (t *task) prove() Decision {
	if decision, unfinished := t.await(); unfinished {
		return decision
	}
	if decision, unfinished := t.judge(); unfinished {
		return decision
	}
	return t.checkEvidence()
}

// await looks whether helm-controller has handled the request.
func (t *task) await() (Decision, bool) {
	r := t.Release
	switch {
	case r.Suspended:
		return t.end(triggerv1.TargetHeld, "HelmRelease was suspended before it proved the change; it is delivered when spec.suspend is removed"), true
	case sequence(r.Record.Token) < sequence(t.status.Token) && t.age() < firstRetryDelay:
		// The observation is older than the request.
		decision := t.end(triggerv1.TargetTriggered, "")
		decision.After = firstRetryDelay
		return decision, true
	case r.requestPending() && t.failedBefore():
		return t.failed(t.Previous.Message), true // Until it has come to an end, that holds.
	case r.requestPending() && r.Working(): // It notes a request at the end of its work.
		return t.underWay(), true
	case r.requestPending() && r.RequestedAt == t.status.Token:
		return t.wait("", "helm-controller has not handled the request; check that it is running and serves this HelmRelease"), true
	case r.requestPending():
		return t.wait("helm-controller has not handled another request yet", "helm-controller has not handled a request; check that it is running and serves this HelmRelease"), true
	}
	return Decision{}, false
}

// judge looks whether helm-controller is done with the release, and content with it.
func (t *task) judge() (Decision, bool) {
	r := t.Release
	switch {
	case r.Working() && r.Current && t.failedBefore():
		// helm-controller tries again by itself. What it said holds until it says
		// something else: its tries are no news.
		return t.failed(t.Previous.Message), true
	case r.Working(), r.unseen():
		return t.underWay(), true
	case r.GivenUp && t.forgotten():
		return t.renew(), true
	case r.Ready == "False" && slices.Contains(waitingReasons, r.ReadyReason):
		return t.wait(r.ReadyMessage, "the release is still not ready: "+r.ReadyMessage), true
	case r.Ready == "False" && (r.Retrying || t.announced()):
		return t.wait(t.attempt(), "helm-controller still tries: "+because(r.ReadyReason, r.ReadyMessage)), true
	case r.Ready == "False":
		return t.failed(because(r.ReadyReason, r.ReadyMessage)), true
	case r.Ready != "True":
		return t.wait("", "the release has no Ready condition; check that helm-controller is running"), true
	}
	return Decision{}, false
}

// retries begins the message of a target whose upgrade has failed and is about to be
// repeated, as its owner has configured.
const retries = "helm-controller tries again: "

func (t *task) attempt() string {
	return text.Line(retries+because(t.Release.ReadyReason, t.Release.ReadyMessage), maxText)
}

// announced is true if helm-controller has said of this very failure that it tries again,
// and has begun to.
func (t *task) announced() bool {
	return t.Release.Reconciling && t.previously(triggerv1.TargetTriggered) && t.Previous.Message == t.attempt()
}

// underWay waits for helm-controller to finish. What it said of an attempt that has failed
// holds until it says something else: its tries are no news.
func (t *task) underWay() Decision {
	message := ""
	if t.previously(triggerv1.TargetTriggered) && strings.HasPrefix(t.Previous.Message, retries) {
		message = t.Previous.Message
	}
	return t.wait(message, because("helm-controller is still working on the release", t.Release.ReadyMessage))
}

// checkEvidence looks for the evidence in a release that is ready.
func (t *task) checkEvidence() Decision {
	r := t.Release
	forced := t.requestForced()
	if forced && r.RolledBack && r.Revision > t.requestRevision() {
		// Of equal values, helm-controller takes the old revision for the new one.
		return t.failed("the upgrade failed and helm-controller rolled it back; fix what failed, then " + Retry(t.Trigger))
	}
	if t.doubted() {
		return t.lost(true, "request", "was handled while there was other content")
	}
	forceProven := !forced || t.upgraded() && !t.missed()
	valuesProven := true
	if t.readsAny() {
		switch t.Values {
		case ValuesUnknown:
			return Decision{NeedValues: true}
		case ValuesDiffer:
			valuesProven = false
		case ValuesEqual, ValuesUnreadable:
		}
	}
	if forceProven && valuesProven {
		return t.delivered()
	}
	return t.lost(forced && !forceProven, "request", "was handled without effect")
}

// delivered records the proof.
func (t *task) delivered() Decision {
	t.status.Digest = t.Digest
	t.status.Forced = t.requestForced()
	t.status.Revision = t.Release.Revision
	t.status.DeliveredAt = t.now()
	t.trust()
	message := ""
	if t.readsAny() && t.Values == ValuesUnreadable {
		message = "the request was handled and the release is ready; its values could not be compared, since the operator cannot read all of them, does not know the algorithm of their digest, or they are too large"
	}
	return t.end(triggerv1.TargetDelivered, message)
}

// lost repeats a request that did not have the effect it should have had.
func (t *task) lost(force bool, what, happened string) Decision {
	if t.status.Attempts >= MaxAttempts {
		return t.failed(fmt.Sprintf("helm-controller handled %d requests and the release still does not run the change; to request it again: %s", t.status.Attempts, Retry(t.Trigger)))
	}
	delay := firstRetryDelay << max(0, t.status.Attempts-1)
	if wait := delay - t.age(); wait > 0 {
		decision := t.end(triggerv1.TargetTriggered, fmt.Sprintf("the %s %s and will be repeated", what, happened))
		decision.After = wait
		return decision
	}
	t.status.Forced = force
	decision := t.request(t.status.Attempts + 1)
	decision.Status.Message = fmt.Sprintf("the %s before %s", what, happened)
	return decision
}

// wait keeps the target Triggered until the timeout, and Failed after it. A failed
// target goes on being watched: proof that comes late is proof.
func (t *task) wait(message, timedOut string) Decision {
	if left := t.Timeout - t.age(); left > 0 {
		decision := t.end(triggerv1.TargetTriggered, message)
		decision.After = left
		return decision
	}
	return t.failed(fmt.Sprintf("not delivered within %s: %s", t.Timeout, timedOut))
}

func (t *task) failed(message string) Decision {
	return t.end(triggerv1.TargetFailed, message)
}

// failedBefore reports that the last request has already been found to have failed.
func (t *task) failedBefore() bool { return t.previously(triggerv1.TargetFailed) }

// previously is true if the last request was found in a state before.
func (t *task) previously(state triggerv1.TargetState) bool {
	p := t.Previous
	return p != nil && p.State == state && p.Token == t.status.Token
}

// owesForce reports that a forced upgrade is due or was requested already, and that
// there is no revision of it yet.
func (t *task) owesForce() bool {
	switch {
	case t.status.DeliveredAt != nil:
		return false
	case t.unrequested():
		return t.status.Forced
	default:
		return t.requestForced() && !t.upgraded()
	}
}

// upgraded reports that there is an upgrade since the last request.
func (t *task) upgraded() bool {
	return t.Release.Revision > t.requestRevision() && !t.Release.RolledBack
}

// requestForced reports whether the last request asked for a forced upgrade.
func (t *task) requestForced() bool {
	if record := t.Release.Record; record.Token != "" && record.Token == t.status.Token {
		return record.Force
	}
	return t.status.Forced
}

// requestRevision is the revision that the release had at the last request.
func (t *task) requestRevision() int64 {
	if record := t.Release.Record; record.Token != "" && record.Token == t.status.Token {
		return record.Revision
	}
	return t.status.Revision
}

// age is the time since the last request.
func (t *task) age() time.Duration {
	if t.status.TriggeredAt == nil {
		return 0
	}
	return t.Now.Sub(t.status.TriggeredAt.Time)
}

func (t *task) readsAny() bool {
	return slices.ContainsFunc(t.Sources, func(s Source) bool { return t.Release.Reads[s.ID] })
}

// needsForce reports whether a change of these sources takes a forced upgrade.
func (in Input) needsForce(sources []Source) bool {
	return slices.ContainsFunc(sources, func(s Source) bool {
		return s.Force == triggerv1.ForceAlways || s.Force != triggerv1.ForceNever && !in.Release.Reads[s.ID]
	})
}

// pick returns the sources of these IDs.
func (t *task) pick(ids []string) []Source {
	var picked []Source
	for _, s := range t.Sources {
		if slices.Contains(ids, s.ID) {
			picked = append(picked, s)
		}
	}
	return picked
}
