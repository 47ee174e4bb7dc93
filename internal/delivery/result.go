// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

const (
	// ConflictDelay is the time after which is looked again where the cache was behind.
	ConflictDelay = 20 * time.Millisecond

	// TidyDelay is the time after which content that cannot be restored any more is deleted: not
	// before the status says so.
	TidyDelay = time.Second
)

// Again says when a trigger is evaluated again without an event.
type Again int

const (
	// Never is for a trigger that has nothing to do, and for errors that are retried.
	Never Again = iota

	// AtInterval is for a trigger that expects nothing.
	AtInterval

	// Soon is for a trigger that waits for the time in Result.After.
	Soon

	// AfterRequests is for a trigger that has made requests. Their event leads to another look, which finds
	// them on the releases and writes the status, after the requests of others.
	AfterRequests
)

// Result is what came of one pass.
type Result struct {
	// Status is what the status of the trigger becomes, apart from its generation and conditions.
	Status triggerv1.ValuesTriggerStatus

	// Targets are what the pass has found out about each target. There are none if that is nothing.
	Targets []TargetChange

	// Translation says what of the former status is only written differently now.
	Translation plan.Translation

	// Summary is what the trigger is to report, nil if nothing was found out.
	Summary *plan.Summary

	// Gated says how what holds changes back is bypassed, nil if nothing was found out.
	Gated *Gated

	// Again says when to look again, and After after how long if that is soon.
	Again Again
	After time.Duration

	// Notes are to be reported, whatever becomes of the status, and Said once it is stored.
	Notes []Note
	Said  []Note
}

// TargetChange is what was known of a target before a pass, and what is known after it.
type TargetChange struct {
	Was, Is triggerv1.TargetStatus
}

// Note is what is reported of a trigger beside its status.
type Note struct {
	Type, Reason, Message string
}

// Swept is what became of copies that are not wanted any more.
type Swept struct {
	// More reports that there are more of them.
	More  bool
	Notes []Note
}

// Gated is the condition of that name, without a status if nothing holds changes back.
type Gated struct {
	Status          metav1.ConditionStatus
	Reason, Message string
}
