// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
)

// mark sets the conditions to what came of a pass.
func mark(vt *triggerv1.ValuesTrigger, result delivery.Result) {
	if gated := result.Gated; gated != nil {
		markGated(vt, *gated)
	}
	switch summary := result.Summary; {
	case summary == nil: // Nothing was found out.
	case summary.Ready == metav1.ConditionUnknown:
		markProgressing(vt, summary.Message)
	case summary.Stalled:
		markStalled(vt, summary.Reason, summary.Message)
	case summary.Ready == metav1.ConditionTrue:
		markReady(vt, summary.Message)
	default:
		markNotReady(vt, summary.Reason, summary.Message)
	}
}

// markGated sets the condition that says how what holds changes back is bypassed.
func markGated(vt *triggerv1.ValuesTrigger, gated delivery.Gated) {
	switch gated.Status {
	case metav1.ConditionTrue:
		conditions.MarkTrue(vt, triggerv1.GatedCondition, gated.Reason, "%s", gated.Message)
	case metav1.ConditionFalse:
		conditions.MarkFalse(vt, triggerv1.GatedCondition, gated.Reason, "%s", gated.Message)
	default:
		conditions.Delete(vt, triggerv1.GatedCondition)
	}
}

func markReady(vt *triggerv1.ValuesTrigger, message string) {
	observe(vt, meta.ReconcilingCondition, meta.StalledCondition)
	conditions.MarkTrue(vt, meta.ReadyCondition, meta.SucceededReason, "%s", line(message))
}

func markProgressing(vt *triggerv1.ValuesTrigger, message string) {
	observe(vt, meta.StalledCondition)
	conditions.MarkReconciling(vt, meta.ProgressingReason, "%s", line(message))
	conditions.MarkUnknown(vt, meta.ReadyCondition, meta.ProgressingReason, "%s", line(message))
}

// markNotReady says what the trigger waits for. It goes on by itself.
func markNotReady(vt *triggerv1.ValuesTrigger, reason, message string) {
	observe(vt, meta.ReconcilingCondition, meta.StalledCondition)
	conditions.MarkFalse(vt, meta.ReadyCondition, reason, "%s", line(message))
}

// line bounds what is said in a condition: names and keys that users chose are in it, and
// the API server takes no status with a longer one.
func line(message string) string { return text.Line(message, text.MaxMessage) }

// markStalled says what someone has to do before the trigger goes on.
func markStalled(vt *triggerv1.ValuesTrigger, reason, message string) {
	observe(vt, meta.ReconcilingCondition)
	conditions.MarkStalled(vt, reason, "%s", line(message))
	conditions.MarkFalse(vt, meta.ReadyCondition, reason, "%s", line(message))
}

// observe notes that the status is about the present generation, and drops the
// conditions that hold no more.
func observe(vt *triggerv1.ValuesTrigger, obsolete ...string) {
	vt.Status.ObservedGeneration = vt.Generation
	for _, condition := range obsolete {
		conditions.Delete(vt, condition)
	}
}
