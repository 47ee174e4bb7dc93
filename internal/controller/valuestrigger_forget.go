// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	helmv2 "github.com/fluxcd/helm-controller/api/v2"

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
			LastHandledResetAt: old.LastHandledResetAt, LastHandledApproval: old.LastHandledApproval,
		}
	}
	vt.Status.UID = vt.UID
}

// recordedOf returns what was recorded of a release, nil if it is about another of its name.
func recordedOf(recorded *triggerv1.TargetStatus, hr *helmv2.HelmRelease) *triggerv1.TargetStatus {
	if recorded != nil && hr != nil && recorded.UID != "" && recorded.UID != hr.UID {
		return nil
	}
	return recorded
}
