// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// headline returns the condition Ready in so few characters that a row of kubectl get stays on its
// line: the reason or, where a rollout says more, its phase, and then where or how many.
func headline(vt *triggerv1.ValuesTrigger) string {
	ready := conditions.Get(vt, meta.ReadyCondition)
	if ready == nil {
		return ""
	}
	if ready.Status == metav1.ConditionTrue {
		if vt.Status.CountTargets() == 0 {
			return "No targets"
		}
		return "Delivered"
	}
	what, about := ready.Reason, ""
	if s := vt.Status.Rollout; s != nil && ofRollout(ready.Reason) {
		about = s.Stage
		if ready.Reason == meta.ProgressingReason && s.Phase != triggerv1.RolloutFinished {
			what = string(s.Phase)
		}
	}
	if count := vt.Status.Summary; about == "" && count != nil {
		about = amount(map[string]int32{
			triggerv1.DeliveryFailedReason: count.Failed, triggerv1.TargetNotFoundReason: count.Missing, triggerv1.TargetsHeldReason: count.Held,
		}[what])
	}
	if about != "" {
		what += ": " + about
	}
	if long := []rune(what); len(long) > triggerv1.MaxHeadline {
		return string(long[:triggerv1.MaxHeadline-1]) + "…"
	}
	return what
}

// ofRollout reports whether a reason can be about the present stage.
func ofRollout(reason string) bool {
	switch reason {
	case meta.ProgressingReason, triggerv1.TargetsHeldReason, triggerv1.AwaitingWindowReason, triggerv1.AwaitingApprovalReason, triggerv1.AwaitingGateReason,
		triggerv1.RolloutHaltedReason, triggerv1.RollbackHaltedReason:
		return true
	}
	return false
}

func amount(n int32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
