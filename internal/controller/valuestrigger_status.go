// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/text"
)

// markOutcome records what was observed and done.
func markOutcome(vt *triggerv1.ValuesTrigger, snap snapshot, out result) {
	status := &vt.Status
	override := overrideOf(vt, snap, out)
	stamp := metav1.NewTime(snap.at.Truncate(time.Second))
	asked := out.triggered > 0 || wereAsked(status, out.targets)
	for _, t := range out.targets {
		if asked && (status.LastTriggerTime == nil || status.LastTriggerTime.Before(t.TriggeredAt)) {
			status.LastTriggerTime = t.TriggeredAt
		}
	}
	status.Targets, status.Summary = out.targets, plan.Count(out.targets)
	status.Rollout = out.rollout
	markDelivered(vt, snap, out)
	if snap.gate != nil { // Written with what it approves: it counts once.
		status.LastHandledApproval = rollout.Annotation(vt.Annotations[triggerv1.ApproveAnnotation])
	}
	summary := summarize(vt, out, snap.rejected)
	if summary.Ready == metav1.ConditionTrue && len(snap.selectNothing) > 0 {
		summary.Ready, summary.Reason, summary.Outcome = metav1.ConditionFalse, triggerv1.SelectorMatchesNothingReason, triggerv1.ChangeInProgress
		summary.Message = text.Some(snap.selectNothing, 1)
	}
	status.Delivered = summary.Delivered

	if !out.undecided || out.lasting {
		if len(snap.diff.Changed) > 0 || asked || override != nil || len(status.History) > 0 && status.History[0].Digest == snap.diff.To {
			status.History = plan.Remember(status.History, triggerv1.Change{
				Digest: snap.diff.To, Cause: causeOf(out.targets, snap.diff.To), Time: stamp,
				Outcome: summary.Outcome, Delivered: summary.Delivered,
			})
		}
		if override != nil {
			status.History[0].Override = override
		}
		markHandled(status, snap)
		markLooked(vt)
	}
	if !out.undecided {
		status.Sources = plan.Statuses(snap.sources)
		status.LastDigest = snap.diff.To
	}

	markGated(vt, snap, out.releases)
	markSummary(vt, summary, snap.disabled)
}

// wereAsked reports whether a target has been asked since the status was last written: that of a look
// which makes requests is written by the next one. Of a target that is not listed for lack of room, that is
// not known.
func wereAsked(status *triggerv1.ValuesTriggerStatus, targets []triggerv1.TargetStatus) bool {
	tokens := make(map[types.NamespacedName]string, len(status.Targets))
	for _, t := range status.Targets {
		tokens[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}] = t.Token
	}
	complete := status.Summary == nil || int(status.Summary.Total) == len(status.Targets)
	return slices.ContainsFunc(targets, func(t triggerv1.TargetStatus) bool {
		token, listed := tokens[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}]
		return (listed || complete) && t.Token != "" && t.Token != token
	})
}

// markHandled records which requests of a person have been acted on. What stays open
// overrides what holds back each later change, too.
func markHandled(status *triggerv1.ValuesTriggerStatus, snap snapshot) {
	if snap.overrides() {
		status.LastHandledForceAt = snap.force
	}
	if snap.triggerAt != "" {
		status.LastHandledTriggerAt = snap.triggerAt
	}
	if snap.reset != "" {
		status.LastHandledResetAt = snap.reset
	}
}

// markLooked records that the request to look is handled, together with what was found: who
// compares that with the annotation, as the health check of a Kustomization may, reads the
// conditions that are the answer to it. A look that found nothing out is repeated.
func markLooked(vt *triggerv1.ValuesTrigger) {
	if value, ok := meta.ReconcileAnnotationValue(vt.Annotations); ok {
		vt.Status.SetLastHandledReconcileRequest(value)
	}
}

// markDelivered records content that can be gone back to.
func markDelivered(vt *triggerv1.ValuesTrigger, snap snapshot, out result) {
	last := vt.Status.LastDelivered
	switch {
	case !vt.RollsBack() || snap.publication == nil:
		vt.Status.LastDelivered = nil
	case out.passed && snap.rejected == "" && (last == nil || last.Digest != snap.content):
		vt.Status.LastDelivered = plan.Delivered(snap.sources)
	}
}

// markSummary sets the conditions that kstatus reads.
func markSummary(vt *triggerv1.ValuesTrigger, summary plan.Summary, disabled []string) {
	switch {
	case summary.Ready == metav1.ConditionUnknown:
		markProgressing(vt, summary.Message)
	case summary.Stalled:
		markStalled(vt, summary.Reason, summary.Message)
	case summary.Ready == metav1.ConditionTrue && len(disabled) > 0:
		markNotReady(vt, triggerv1.SecretsDisabledReason, disabledMessage(summary.Message, disabled))
	case summary.Ready == metav1.ConditionTrue:
		markReady(vt, summary.Message)
	default:
		markNotReady(vt, summary.Reason, summary.Message)
	}
}

// summarize returns the state of all targets together. While a rollout goes on, that is
// the state of the rollout and who is refused, unless none of the targets may be asked.
func summarize(vt *triggerv1.ValuesTrigger, out result, rejected string) plan.Summary {
	summary := plan.Summarize(out.targets)
	underway := 0
	for _, t := range out.targets {
		if t.State == triggerv1.TargetTriggered {
			underway++
		}
	}
	rolled, goesOn := rollout.Summarize(vt, underway)
	if !goesOn || !slices.ContainsFunc(out.targets, func(t triggerv1.TargetStatus) bool { return !plan.Denied(t) }) {
		return summary
	}
	summary.Ready, summary.Reason, summary.Message, summary.Stalled = rolled.Ready, rolled.Reason, rolled.Message, rolled.Stalled
	phase := vt.Status.Rollout.Phase
	if all := plan.Refused(out.targets); all != "" && phase != triggerv1.RolloutBlocked && phase != triggerv1.RolloutRolledBack { // They name one.
		summary.Message += "; " + all
	}
	switch {
	case rejected != "": // It is about the earlier content.
	case phase == triggerv1.RolloutHalted:
		summary.Outcome = triggerv1.ChangeHalted
	case phase == triggerv1.RolloutRollingBack:
		summary.Outcome = triggerv1.ChangeRolledBack
	default:
		summary.Outcome = triggerv1.ChangeInProgress
	}
	return summary
}

// markGated reports whether what holds changes back can be passed by: helm-controller takes
// up what a release reads through valuesFrom by itself.
func markGated(vt *triggerv1.ValuesTrigger, snap snapshot, releases []plan.Release) {
	if snap.gate == nil {
		conditions.Delete(vt, triggerv1.GatedCondition)
		return
	}
	readers := 0
	watched := ""
	for _, release := range releases {
		direct := func(id string) bool { return release.Reads[id] && !release.Copied[id] }
		if slices.ContainsFunc(snap.sources, func(s plan.Source) bool { return direct(s.ID) }) {
			readers++
		}
		for _, s := range snap.sources {
			if s.Watched && direct(s.ID) && (watched == "" || s.ID < watched) {
				watched = s.ID
			}
		}
	}
	switch {
	case watched != "":
		conditions.MarkFalse(vt, triggerv1.GatedCondition, triggerv1.WatchedByFluxReason,
			"%s has the label %s: %s, so that Flux upgrades the releases that read it at once, bypassing the rollout gates; remove the label",
			strings.Replace(watched, "/", " ", 1), meta.LabelKeyWatch, meta.LabelValueWatchEnabled)
	case readers > 0:
		conditions.MarkFalse(vt, triggerv1.GatedCondition, triggerv1.ReadAtIntervalReason,
			"%d of %d HelmReleases read sources through valuesFrom: helm-controller applies changes at their interval, when their spec or chart changes, and when it restarts, bypassing the rollout gates",
			readers, len(releases))
	default:
		conditions.MarkTrue(vt, triggerv1.GatedCondition, triggerv1.NothingBypassesReason,
			"No HelmRelease reads a source through valuesFrom: changes arrive when they are requested")
	}
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

// markNotReady says what the trigger waits for. It goes on by itself.
func markNotReady(vt *triggerv1.ValuesTrigger, reason, message string) {
	observe(vt, meta.ReconcilingCondition, meta.StalledCondition)
	conditions.MarkFalse(vt, meta.ReadyCondition, reason, "%s", line(message))
}

// line bounds what is said in a condition: names and keys that users chose are in it, and
// the API server takes no status with a longer one.
func line(message string) string { return text.Line(message, text.MaxMessage) }

// disabledMessage adds to a message which Secrets are left out.
func disabledMessage(message string, disabled []string) string {
	return fmt.Sprintf("%s; not followed, because the operator runs without permission on Secrets (--secrets=false, chart value rbac.secrets): %s",
		message, text.Some(disabled, maxNamed))
}

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

// isDenied is true if a trigger may not touch a target.
func isDenied(vt *triggerv1.ValuesTrigger, namespace, name string) bool {
	stalled := conditions.GetReason(vt, meta.StalledCondition) == acl.AccessDeniedReason
	for _, t := range vt.Status.Targets {
		if t.Namespace == namespace && t.Name == name {
			return t.Refused != nil && t.Refused.Reason == acl.AccessDeniedReason || stalled && t.State == triggerv1.TargetFailed
		}
	}
	return stalled
}
