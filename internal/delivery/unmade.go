// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"time"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// afterRefusal is when to decide again after a target was refused for the first time with a
// content: its stage, and what depends on it, wait for it no more.
const afterRefusal = time.Millisecond

// refusalOf returns the reason of a refusal and what is reported of it, or nothing if an error
// is none.
func (e *Engine) refusalOf(vt *triggerv1.ValuesTrigger, err error) (reason, message string) {
	switch {
	case fault.ReasonOf(err) != "":
		return fault.ReasonOf(err), refusal.Text(err)
	case refusal.IsUnauthorized(err):
		return acl.AccessDeniedReason, e.Accounts.message(vt, err)
	case refusal.Is(err):
		return triggerv1.DeliveryFailedReason, "refused by the API server, and retried: " + refusal.Words(err)
	case refusal.IsUnadmitted(err):
		return triggerv1.DeliveryFailedReason, "refused, and retried: " + refusal.Words(err)
	}
	return "", ""
}

// unmade returns the outcome for a target whose copies or request could not be written.
func (e *Engine) unmade(snap snapshot, c *targetCase, err error) effect {
	unsent := unsentOf(c.decision)
	undecided := !c.keeps(snap, unsent)
	reason, message := e.refusalOf(snap.vt, err)
	switch {
	case fault.IsOutdated(err): // Its watch is about to tell.
		return effect{status: unsent, undecided: undecided, after: ConflictDelay}
	case reason == "":
		unsent.Message = "the request could not be made and is retried: " + refusal.ReasonOf(err)
		return effect{status: unsent, undecided: undecided, err: err}
	}
	one := effect{status: unsent, undecided: undecided, free: true}
	if snap.gate != nil && c.decision.Request != nil && unsent.Refused == nil {
		one.after = afterRefusal
	}
	one.status.Message, one.status.Refused = message, &triggerv1.Refusal{Digest: digest.Short(snap.diff.To), Reason: reason}
	if refusal.IsUnadmitted(err) { // That of a webhook which restarts is over before anyone can look at it.
		one.err = err
		return one
	}
	one.status.State = triggerv1.TargetFailed
	if refusal.Is(err) {
		one.refused = err
	}
	return one
}

// unkept returns the outcome for a target of which something was found out that could not be kept on its
// release: it is found out again.
func unkept(planned effect, err error) effect {
	planned.undecided = true
	if refusal.Is(err) {
		planned.refused, planned.free = err, true
	} else {
		planned.err = err
	}
	return planned
}

// undecidable returns the outcome for a target about which nothing could be decided.
func (e *Engine) undecidable(vt *triggerv1.ValuesTrigger, c *targetCase) effect {
	one := undecided(c.shown(), nil)
	reason, message := e.refusalOf(vt, c.err)
	if reason == "" || refusal.IsUnadmitted(c.err) {
		one.err = c.err
		return one
	}
	one.free = true
	one.status.Message, one.status.Refused = message, &triggerv1.Refusal{Reason: reason}
	if refusal.Is(c.err) {
		one.refused = c.err
	} else {
		one.status.State = triggerv1.TargetFailed
	}
	return one
}
