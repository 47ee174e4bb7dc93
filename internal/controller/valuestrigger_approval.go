// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// noteApproval records an approval of the content that is on its way where nothing has been
// decided: the trigger is suspended, or a source cannot be read. Flux removes what kubectl has
// set at its next reconciliation, which may come before the next decision.
func noteApproval(vt *triggerv1.ValuesTrigger) {
	value := rollout.Annotation(vt.Annotations[triggerv1.ApproveAnnotation])
	if value == "" || value == vt.Status.LastHandledApproval || vt.Status.UID != vt.UID {
		return
	}
	if approved := rollout.Approve(vt.Spec.Rollout, vt.Status.Rollout, value); approved != nil {
		vt.Status.Rollout, vt.Status.LastHandledApproval = approved, value
	}
}
