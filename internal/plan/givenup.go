// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file knows what becomes of a request on a release that helm-controller has given
// up on.

// canceledReason of a HelmRelease's Ready=False says that another request came when
// helm-controller waited for what it had upgraded to become healthy.
const canceledReason = "HealthCheckCanceled"

// forgotten tells that helm-controller has given up on the release for another reason
// than the request: a failure before it, an interruption, or something that is not told
// any more, since waiting for a dependency or a source has hidden it.
func (t *task) forgotten() bool {
	r := t.Release
	switch {
	case r.ReadyReason == canceledReason:
		return true
	case t.requestForced() && r.Revision <= t.requestRevision():
		return r.Ready != "False" || t.status.TriggeredAt != nil && r.ReadySince.Before(t.status.TriggeredAt.Time)
	default:
		return r.Ready != "False" && !t.failedBefore()
	}
}

// renew repeats a request on a release that helm-controller has given up on. Without a
// reset of its failures it would do nothing.
func (t *task) renew() Decision {
	r := t.Release
	if wait := firstRetryDelay - t.Now.Sub(r.ReadySince); wait > 0 { // It may be about to go on.
		decision := t.end(triggerv1.TargetTriggered, r.ReadyMessage)
		decision.After = wait
		return decision
	}
	t.reset = true
	if r.ReadyReason == canceledReason {
		return t.lost(t.requestForced(), "upgrade", "was interrupted by another request")
	}
	return t.lost(t.requestForced(), "request", "was handled without effect")
}
