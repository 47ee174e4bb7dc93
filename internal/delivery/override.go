// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file is about the requests for all targets: one keeps to what holds changes back
// (trigger.nebius.ai/triggerAt), the other overrides it (reconcile.fluxcd.io/forceAt) and
// is put on record.

const (
	// maxTriggerAt bounds how much of a value counts and is stored, in bytes.
	maxTriggerAt = 256

	// maxOverridden bounds what is said to be overridden, in bytes.
	maxOverridden = 500
)

// withTriggerAt acts on a request that keeps to what holds changes back. While content
// is rejected it waits: to begin again would be to deliver what is rejected.
func (snap snapshot) withTriggerAt() snapshot {
	value := text.Line(snap.vt.Annotations[triggerv1.TriggerAtAnnotation], maxTriggerAt)
	if value == "" || value == snap.vt.Status.LastHandledTriggerAt || snap.rolledBack() {
		return snap
	}
	snap.triggerAt = value
	if snap.force == "" {
		snap.force, snap.gated = value, true
	}
	return snap
}

// overrides is true if a person wants all targets requested at once.
func (snap snapshot) overrides() bool { return snap.force != "" && !snap.gated }

// begunByRequest is true if a request that keeps to what holds changes back has begun the rollout
// of the content, and nothing has overridden that since.
func begunByRequest(s *triggerv1.RolloutStatus, content string) bool {
	return s != nil && s.TriggerAt != "" && s.Digest == content && !s.Overridden
}

// overrideOf returns what a request has overridden, nil if nothing was in its way. The
// rollout in the status must be the one from before the request.
func overrideOf(snap snapshot, out outcome) *triggerv1.Override {
	if !snap.overrides() || snap.gate == nil {
		return nil
	}
	overridden := rollout.Overrides(snap.vt, out.targets, snap.gate.schedule.Open(snap.at))
	if len(overridden) == 0 {
		return nil
	}
	return &triggerv1.Override{
		Time: snap.forcedBy.Time, User: snap.forcedBy.User, Manager: snap.forcedBy.Manager,
		Message: text.Line(strings.Join(overridden, "; "), maxOverridden),
	}
}
