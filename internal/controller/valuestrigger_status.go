// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/text"
)

// markOutcome records what was observed and done.
func markOutcome(vt *triggerv1.ValuesTrigger, e evaluation, out outcome) {
	status := &vt.Status
	status.Targets = out.targets
	stamp := metav1.NewTime(e.at.Truncate(time.Second))
	if out.triggered > 0 {
		status.LastTriggerTime = &stamp
	}
	summary := plan.Summarize(out.targets, out.denied)
	status.Delivered = summary.Delivered

	if !out.undecided {
		if len(e.diff.Changed) > 0 || out.triggered > 0 || len(status.History) > 0 && status.History[0].Digest == e.diff.To {
			status.History = plan.Remember(status.History, triggerv1.Change{
				Digest: e.diff.To, Cause: causeOf(out.targets, e.diff.To), Time: stamp,
				Outcome: summary.Outcome, Delivered: summary.Delivered,
			})
		}
		status.Sources = sourceStatuses(e.sources)
		status.LastDigest = e.diff.To
		if e.force != "" {
			status.LastHandledForceAt = e.force
		}
		if e.reset != "" {
			status.LastHandledResetAt = e.reset
		}
	}

	switch {
	case summary.Ready == metav1.ConditionUnknown:
		markProgressing(vt, summary.Message)
	case summary.Stalled:
		markStalled(vt, summary.Reason, summary.Message)
	case summary.Ready == metav1.ConditionTrue && len(e.disabled) > 0:
		markDisabled(vt, summary.Message, e.disabled)
	case summary.Ready == metav1.ConditionTrue:
		markReady(vt, summary.Message)
	default:
		markNotReady(vt, summary.Reason, summary.Message)
	}
}

func sourceStatuses(sources []plan.Source) []triggerv1.SourceStatus {
	statuses := make([]triggerv1.SourceStatus, 0, len(sources))
	for _, s := range sources {
		parts := strings.SplitN(s.ID, "/", 3)
		statuses = append(statuses, triggerv1.SourceStatus{Kind: parts[0], Namespace: parts[1], Name: parts[2], Digest: s.Digest})
	}
	return statuses
}

// causeOf returns why the targets were asked to run the content.
func causeOf(targets []triggerv1.TargetStatus, digest string) string {
	for _, t := range targets {
		if t.Digest == digest && t.Cause != "" {
			return t.Cause
		}
	}
	return ""
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

// markNotReady tells what the trigger waits for. It goes on by itself.
func markNotReady(vt *triggerv1.ValuesTrigger, reason, message string) {
	observe(vt, meta.ReconcilingCondition, meta.StalledCondition)
	conditions.MarkFalse(vt, meta.ReadyCondition, reason, "%s", line(message))
}

// line bounds what is said in a condition: names and keys that users chose are in it, and
// the API server takes no status with a longer one.
func line(message string) string { return text.Line(message, text.MaxMessage) }

// markDisabled tells which Secrets are left out.
func markDisabled(vt *triggerv1.ValuesTrigger, message string, disabled []string) {
	markNotReady(vt, triggerv1.SecretsDisabledReason, fmt.Sprintf(
		"%s; not followed, because the operator runs without permission on Secrets (--secrets=false, chart value rbac.secrets): %s",
		message, text.Some(disabled, maxNamed)))
}

// markStalled tells what somebody has to do before the trigger goes on.
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

// isDenied tells whether a trigger was refused a target.
func isDenied(vt *triggerv1.ValuesTrigger, namespace, name string) bool {
	if conditions.GetReason(vt, meta.StalledCondition) != acl.AccessDeniedReason {
		return false
	}
	for _, t := range vt.Status.Targets {
		if t.Namespace == namespace && t.Name == name {
			return t.State == triggerv1.TargetFailed
		}
	}
	return true
}
