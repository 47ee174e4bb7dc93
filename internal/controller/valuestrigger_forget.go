// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file drops from a status what was recorded of other objects. Backups bring statuses
// back, and names are used again; UIDs are not.

// forgetOther drops the status of another trigger of that name. The requests of people that
// were handled stay handled: their annotations come with the same backup.
func forgetOther(vt *triggerv1.ValuesTrigger) {
	old := vt.Status
	if old.UID != "" && old.UID != vt.UID {
		vt.Status = triggerv1.ValuesTriggerStatus{
			ReconcileRequestStatus: old.ReconcileRequestStatus, ForceRequestStatus: old.ForceRequestStatus,
			LastHandledResetAt: old.LastHandledResetAt, LastHandledTriggerAt: old.LastHandledTriggerAt,
			LastHandledApproval: old.LastHandledApproval,
		}
	}
	vt.Status.UID = vt.UID
}
