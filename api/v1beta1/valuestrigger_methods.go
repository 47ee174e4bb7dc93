// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// DefaultInterval and DefaultTimeout are the defaults of the schema, used
	// where an object predates them.
	DefaultInterval = 10 * time.Minute
	DefaultTimeout  = 5 * time.Minute
)

// GetConditions returns the conditions of the status.
func (in *ValuesTrigger) GetConditions() []metav1.Condition { return in.Status.Conditions }

// SetConditions sets the conditions of the status.
func (in *ValuesTrigger) SetConditions(conditions []metav1.Condition) {
	in.Status.Conditions = conditions
}

// GetLastHandledReconcileRequest returns the last handled value of
// reconcile.fluxcd.io/requestedAt.
func (in *ValuesTrigger) GetLastHandledReconcileRequest() string {
	return in.Status.GetLastHandledReconcileRequest()
}

// GetInterval returns spec.interval or its default.
func (in *ValuesTrigger) GetInterval() time.Duration {
	if in.Spec.Interval.Duration <= 0 {
		return DefaultInterval
	}
	return in.Spec.Interval.Duration
}

// GetTimeout returns spec.timeout or its default.
func (in *ValuesTrigger) GetTimeout() time.Duration {
	if in.Spec.Timeout.Duration <= 0 {
		return DefaultTimeout
	}
	return in.Spec.Timeout.Duration
}

// CountTargets returns the number of all targets, those too that are not listed. A status of an earlier
// version lists all.
func (in *ValuesTriggerStatus) CountTargets() int {
	if in.Summary != nil {
		return int(in.Summary.Total)
	}
	return len(in.Targets)
}

// HasArrived reports whether all targets have the present content, as far as the status counts them.
func (in *ValuesTriggerStatus) HasArrived() bool {
	return in.Summary == nil || in.Summary.Delivered == in.Summary.Total
}

// IsGated reports whether the spec holds changes back: by a quiet period, windows or
// stages.
func (in *ValuesTrigger) IsGated() bool {
	return in.Spec.QuietPeriod.Duration > 0 || len(in.Spec.Schedule) > 0 || in.Spec.Rollout != nil
}

// RollsBack reports whether failed changes are rolled back.
func (in *ValuesTrigger) RollsBack() bool {
	return in.Spec.Publish != nil && in.Spec.Rollout != nil && in.Spec.Rollout.OnFailure == FailureRollback
}

// GetMaxDelay returns spec.maxDelay or its default.
func (in *ValuesTrigger) GetMaxDelay() time.Duration {
	if in.Spec.MaxDelay.Duration <= 0 {
		return 10 * in.Spec.QuietPeriod.Duration
	}
	return in.Spec.MaxDelay.Duration
}

// GetRevisionHistoryLimit returns spec.revisionHistoryLimit or its default.
func (in *ValuesTrigger) GetRevisionHistoryLimit() int {
	if limit := in.Spec.RevisionHistoryLimit; limit != nil {
		return min(max(1, int(*limit)), MaxHistory)
	}
	return DefaultHistory
}
