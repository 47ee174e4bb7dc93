// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file knows what becomes of a request on a release that helm-controller has given
// up on.

// canceledReason of a HelmRelease's Ready=False says that another request came when
// helm-controller waited for what it had upgraded to become healthy.
const canceledReason = "HealthCheckCanceled"

// forgotten reports that helm-controller has given up on the release for another reason
// than the request: a failure before it, an interruption, or something that is not reported
// any more, since waiting for a dependency or a source has hidden it.
func (t *task) forgotten() bool {
	r := t.Release
	switch {
	case r.ReadyReason == canceledReason:
		return true
	case t.requestForced() && r.Revision <= t.requestRevision():
		return r.Ready != "False" || r.Record.FailedAt.Equal(r.ReadySince)
	default:
		return r.Ready != "False" && !t.failedBefore()
	}
}

// uninstalled decides about a release that is not installed and that nothing was asked of.
// Its first installation reads the content by itself, unless the pending change is what the release
// needs to install, or it has failed without its copies. If it cannot be asked then, it stays unknown:
// once it is installed, what it runs must be looked at. Before helm-controller has looked at it, there
// is nothing to ask: it finds the copies when it does.
func (t *task) uninstalled() (Decision, bool) {
	if t.Release.Suspended || len(t.own.Changed) > 0 || t.Unpublished && t.Release.Ready != "" {
		t.status.Forced = false
		return Decision{}, false
	}
	return t.awaitInstallation(), true
}

// awaitInstallation waits for the first installation of a release until helm-controller
// has given up or has failed for as long as the timeout.
func (t *task) awaitInstallation() Decision {
	r := t.Release
	if r.Ready == "False" && !slices.Contains(waitingReasons, r.ReadyReason) {
		left := t.Timeout - t.Now.Sub(r.Created)
		if r.GivenUp || left <= 0 {
			return t.failed(because(cannotInstall, because(r.ReadyReason, r.ReadyMessage)))
		}
		decision := t.end(triggerv1.TargetPending, because("the release is not installed yet", r.ReadyMessage))
		decision.After = left
		return decision
	}
	return t.end(triggerv1.TargetPending, because("the release is not installed yet", r.ReadyMessage))
}

const cannotInstall = "the release cannot be installed"

// neverInstalled is true if this was said before, of a release of which nothing was asked.
func (t *task) neverInstalled() bool {
	p := t.Previous
	return p != nil && p.State == triggerv1.TargetFailed && p.Digest == "" && strings.HasPrefix(p.Message, cannotInstall)
}

// renew repeats a request on a release that helm-controller has given up on. Without a
// reset of its failures it would do nothing.
func (t *task) renew() Decision {
	r := t.Release
	// It may be about to go on. A clock that is wrong costs no more than this pause.
	if since := t.Now.Sub(r.ReadySince); since >= 0 && since < firstRetryDelay {
		decision := t.end(triggerv1.TargetTriggered, r.ReadyMessage)
		decision.After = firstRetryDelay - since
		return decision
	}
	t.reset = true
	if r.ReadyReason == canceledReason {
		return t.lost(t.requestForced(), "upgrade", "was interrupted by another request")
	}
	return t.lost(t.requestForced(), "request", "was handled without effect")
}
