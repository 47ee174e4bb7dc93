// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

const (
	// canceledReason of a HelmRelease's Ready=False says that another request came when
	// helm-controller waited for what it had upgraded to become healthy.
	canceledReason = "HealthCheckCanceled"

	// retries begins the message of a target whose upgrade has failed and is about to be
	// repeated, as its owner has configured.
	retries = "helm-controller tries again: "
)

// waitingReasons say that helm-controller waits for something else and goes on by itself.
var waitingReasons = []string{"DependencyNotReady", "SourceNotReady", canceledReason}

// prover looks for proof that the release runs what was requested, and repeats a request that had no effect.
type prover struct{ *facts }

// prove looks for the proof step by step. That the token was handled is none: helm-controller notes it at the end
// of every reconciliation, also of one that did nothing.
func (p prover) prove(known progress, want wanted) Decision {
	if v := p.await(known); v.given() {
		return p.conclude(known, v)
	}
	if p.Release.GivenUp && p.staleFailure(known) {
		return p.retryWithReset(known, want)
	}
	if v := p.judge(known); v.given() {
		return p.conclude(known, v)
	}
	return p.checkEvidence(known, want)
}

// await waits until helm-controller has handled the request and is done with the release.
func (p prover) await(known progress) verdict {
	r := &p.Release
	switch {
	case r.Suspended:
		return held("HelmRelease was suspended before it proved the change; it is delivered when spec.suspend is removed")
	case r.Record.Before(known.Token) && known.age(p.Now) < firstRetryDelay:
		return inProgress("", firstRetryDelay) // The observation is older than the request.
	case r.requestPending():
		return p.awaitHandling(known)
	case r.Working() && r.Current && known.failedBefore():
		// helm-controller tries again by itself. What it said holds until it says
		// something else: its tries are no news.
		return failed(known.before.Message)
	case r.Working(), r.unseen():
		return p.working(known)
	}
	return verdict{}
}

// awaitHandling waits until helm-controller has handled a request.
func (p prover) awaitHandling(known progress) verdict {
	r := &p.Release
	switch {
	case known.failedBefore():
		return failed(known.before.Message) // Until it has come to an end, that holds.
	case r.Working(): // It notes a request at the end of its work.
		return p.working(known)
	case r.RequestedAt == known.Token:
		return p.wait(known, "", "helm-controller has not handled the request; check that it is running and serves this HelmRelease")
	}
	return p.wait(known, waitsForRequest, "helm-controller has not handled a request; check that it is running and serves this HelmRelease")
}

// working waits for helm-controller to finish. What it said of an attempt that has failed
// holds until it says something else: its tries are no news.
func (p prover) working(known progress) verdict {
	message := ""
	if known.was(triggerv1.TargetTriggered) && strings.HasPrefix(known.before.Message, retries) {
		message = known.before.Message
	}
	return p.wait(known, message, because("helm-controller is still working on the release", p.Release.ReadyMessage))
}

// wait keeps the target Triggered until the timeout, and Failed after it. A failed
// target goes on being watched: proof that comes late is proof.
func (p prover) wait(known progress, message, timedOut string) verdict {
	if left := p.Timeout - known.age(p.Now); left > 0 {
		return inProgress(message, left)
	}
	return failed(fmt.Sprintf("not delivered within %s: %s", p.Timeout, timedOut))
}

// judge waits until helm-controller is content with the release.
func (p prover) judge(known progress) verdict {
	r := &p.Release
	switch {
	case r.Ready == "False" && slices.Contains(waitingReasons, r.ReadyReason):
		return p.wait(known, r.ReadyMessage, "the release is still not ready: "+r.ReadyMessage)
	case r.Ready == "False" && (r.Retrying || p.announced(known)):
		return p.wait(known, p.tries(), "helm-controller still tries: "+because(r.ReadyReason, r.ReadyMessage))
	case r.Ready == "False":
		return failed(because(r.ReadyReason, r.ReadyMessage))
	case r.Ready != "True":
		return p.wait(known, "", "the release has no Ready condition; check that helm-controller is running")
	}
	return verdict{}
}

// tries is the message while helm-controller tries again.
func (p prover) tries() string {
	return text.Line(retries+because(p.Release.ReadyReason, p.Release.ReadyMessage), maxText)
}

// announced is true if helm-controller has said of this very failure that it tries again,
// and has begun to.
func (p prover) announced(known progress) bool {
	return p.Release.Reconciling && known.was(triggerv1.TargetTriggered) && known.before.Message == p.tries()
}

// staleFailure reports that helm-controller has given up on the release for another reason
// than the request: a failure before it, an interruption, or something that is not reported
// any more, since waiting for a dependency or a source has hidden it.
func (p prover) staleFailure(known progress) bool {
	r := &p.Release
	switch {
	case r.ReadyReason == canceledReason:
		return true
	case known.requestForced(r) && r.Revision <= known.requestRevision(r):
		return r.Ready != "False" || r.Record.FailedAt.Equal(r.ReadySince)
	default:
		return r.Ready != "False" && !known.failedBefore()
	}
}

// retryWithReset repeats a request on a release that helm-controller has given up on. Without a
// reset of its failures it would do nothing.
func (p prover) retryWithReset(known progress, want wanted) Decision {
	r := &p.Release
	// It may be about to go on. A clock that is wrong costs no more than this pause.
	if since := p.Now.Sub(r.ReadySince); since >= 0 && since < firstRetryDelay {
		return p.conclude(known, inProgress(r.ReadyMessage, firstRetryDelay-since))
	}
	lost := loss{what: "request", happened: "was handled without effect", force: known.requestForced(r), reset: true}
	if r.ReadyReason == canceledReason {
		lost.what, lost.happened = "upgrade", "was interrupted by another request"
	}
	return p.repeat(known, want, lost)
}

// checkEvidence looks for the evidence in a release that is ready.
func (p prover) checkEvidence(known progress, want wanted) Decision {
	r, evidence := &p.Release, p.evidence(known)
	forced, before := known.requestForced(r), known.requestRevision(r)
	if forced && r.RolledBack && r.Revision > before {
		// Of equal values, helm-controller takes the old revision for the new one.
		return p.conclude(known, failed("the upgrade failed and helm-controller rolled it back; fix what failed, then "+Retry(p.Trigger)))
	}
	if evidence.doubtedSince(before) {
		return p.repeat(known, want, loss{what: "request", happened: "was handled while there was other content", force: true})
	}
	forceProven := !forced || r.upgradedSince(before) && !evidence.missed(p.Sources)
	valuesProven := true
	if r.readsAny(p.Sources) {
		switch p.Values {
		case ValuesUnknown:
			return p.conclude(known, verdict{needValues: true})
		case ValuesDiffer:
			valuesProven = false
		case ValuesEqual, ValuesUnreadable:
		}
	}
	if forceProven && valuesProven {
		return p.delivered(known)
	}
	return p.repeat(known, want, loss{what: "request", happened: "was handled without effect", force: !forceProven})
}

// delivered records the proof.
func (p prover) delivered(known progress) Decision {
	known = known.trusted()
	known.Digest, known.Forced, known.Revision = p.Digest, known.requestForced(&p.Release), p.Release.Revision
	known.DeliveredAt = timestamp(p.Now)
	message := ""
	if p.Values == ValuesUnreadable && p.Release.readsAny(p.Sources) {
		message = "the request was handled and the release is ready; its values could not be compared, since the operator cannot read all of them, does not know the algorithm of their digest, or they are too large"
	}
	return p.conclude(known, verdict{state: triggerv1.TargetDelivered, message: message})
}

// stay leaves a target Delivered and notes what a later decision needs to know of the
// time before a change: the latest revision that was there while the content was, and
// whether the release was ready.
func (p prover) stay(known progress) Decision {
	message := ""
	if known.before != nil && known.before.State == triggerv1.TargetDelivered {
		message = known.before.Message // It holds as long as the proof.
	}
	if slices.ContainsFunc(p.Sources, p.Release.looksUp) {
		known.Revision = max(known.Revision, p.Release.Revision)
	}
	decision := p.conclude(known, verdict{state: triggerv1.TargetDelivered, message: message})
	if p.Gated && p.Release.unwell() {
		decision.Status.UnreadyBefore = new(true)
	}
	return decision
}

// loss is a request that did not have the effect that it should have had.
type loss struct {
	// what was lost, and what happened to it.
	what, happened string

	// force and reset are what its repetition is made with.
	force, reset bool
}

// repeat repeats a request that was lost, not too often and not too soon.
func (p prover) repeat(known progress, want wanted, lost loss) Decision {
	attempts := known.Attempts
	if attempts >= MaxAttempts {
		return p.conclude(known, failed(fmt.Sprintf("helm-controller handled %d requests and the release still does not run the change; to request it again: %s", attempts, Retry(p.Trigger))))
	}
	delay := firstRetryDelay << max(0, attempts-1)
	if wait := delay - known.age(p.Now); wait > 0 {
		return p.conclude(known, inProgress(fmt.Sprintf("the %s %s and will be repeated", lost.what, lost.happened), wait))
	}
	known.Forced = lost.force
	decision := requester(p).send(known, want, attempts+1, lost.reset)
	decision.Status.Message = fmt.Sprintf("the %s before %s", lost.what, lost.happened)
	return decision
}
