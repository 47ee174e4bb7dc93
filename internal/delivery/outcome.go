// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// recordOutcome writes down in the status what was observed and done, and returns what to report of it.
func recordOutcome(vt *triggerv1.ValuesTrigger, snap snapshot, out outcome) plan.Summary {
	status := &vt.Status
	override := overrideOf(vt, snap, out)
	stamp := metav1.NewTime(snap.at.Truncate(time.Second))
	asked := out.triggered > 0 || wereAsked(status, out.targets)
	if asked {
		status.LastTriggerTime = latestRequest(status.LastTriggerTime, out.targets)
	}
	status.Rollout = out.rollout
	markDelivered(vt, snap, out)
	if snap.gate != nil { // Written with what it approves: it counts once.
		status.LastHandledApproval = rollout.Annotation(vt.Annotations[triggerv1.ApproveAnnotation])
	}
	status.LastHandledReject = rollout.Annotation(vt.Annotations[triggerv1.RejectAnnotation])
	summary := withRestored(vt, withLacks(withAnalysis(summarize(vt, out, snap.rolledBack()), status.Rollout), snap), snap)
	status.Delivered = summary.Delivered

	if !out.undecided || out.lasting {
		remember(vt, snap, out, triggerv1.Change{
			Digest: snap.diff.To, Cause: causeOf(out.targets, snap.diff.To), GitRevision: plan.GitRevision(snap.diff, snap.sources),
			Time: stamp, Outcome: summary.Outcome, Delivered: summary.Delivered, Override: override,
		}, asked)
		markHandled(status, snap)
		markLooked(vt)
	}
	if !out.undecided {
		status.Sources = plan.Statuses(snap.sources)
		status.LastDigest = snap.diff.To
	}
	plan.NoteDecisions(status)
	var stages []triggerv1.StageStatus
	if status.Rollout != nil {
		stages = status.Rollout.Stages
	}
	status.Targets, status.Summary = plan.Project(out.targets, status.History, stages)
	return summary
}

// withAnalysis adds to a summary that all is well which stage was passed over though its analysis has failed.
func withAnalysis(summary plan.Summary, s *triggerv1.RolloutStatus) plan.Summary {
	if failed := rollout.FailedAnalysis(s); failed != "" && summary.Ready == metav1.ConditionTrue {
		summary.Message += "; " + failed
	}
	return summary
}

// latestRequest returns when a target was triggered last, if not before a time that may be nil.
func latestRequest(latest *metav1.Time, targets []triggerv1.TargetStatus) *metav1.Time {
	for _, t := range targets {
		if latest == nil || latest.Before(t.TriggeredAt) {
			latest = t.TriggeredAt
		}
	}
	return latest
}

// withLacks adds to a summary that all is well what the trigger lacks: targets that a selector must
// match, and sources that are not followed.
func withLacks(summary plan.Summary, snap snapshot) plan.Summary {
	switch {
	case summary.Ready != metav1.ConditionTrue:
	case len(snap.selectNothing) > 0:
		summary.Ready, summary.Reason, summary.Outcome = metav1.ConditionFalse, triggerv1.SelectorMatchesNothingReason, triggerv1.ChangeInProgress
		summary.Message = text.Some(snap.selectNothing, 1)
	case len(snap.disabled) > 0:
		summary.Ready, summary.Reason, summary.Message = metav1.ConditionFalse, triggerv1.SecretsDisabledReason, disabledMessage(summary.Message, snap.disabled)
	}
	return summary
}

// wereAsked reports whether a target has been triggered since the status was last written: that of a look
// which makes requests is written by the next one. Of a target that is not listed for lack of room, that is
// not known.
func wereAsked(status *triggerv1.ValuesTriggerStatus, targets []triggerv1.TargetStatus) bool {
	tokens := make(map[types.NamespacedName]string, len(status.Targets))
	for _, t := range status.Targets {
		tokens[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}] = t.Token
	}
	complete := status.CountTargets() == len(status.Targets)
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

// markDelivered records content that can be restored.
func markDelivered(vt *triggerv1.ValuesTrigger, snap snapshot, out outcome) {
	last := vt.Status.LastDelivered
	switch {
	case !vt.RollsBack() || snap.publication == nil:
		vt.Status.LastDelivered = nil
	case out.passed && !snap.rolledBack() && (last == nil || last.Digest != snap.content):
		vt.Status.LastDelivered = plan.Delivered(snap.sources)
	}
}

// summarize returns the state of all targets together. While a rollout goes on, that is
// the state of the rollout and who is refused, unless none of the targets may be triggered.
func summarize(vt *triggerv1.ValuesTrigger, out outcome, rolledBack bool) plan.Summary {
	summary := plan.Summarize(out.targets)
	underway := 0
	for _, t := range out.targets {
		if t.State == triggerv1.TargetTriggered {
			underway++
		}
	}
	rolled, goesOn := rollout.Summarize(vt, underway)
	if !goesOn || !slices.ContainsFunc(out.targets, func(t triggerv1.TargetStatus) bool { return !plan.Denied(t) }) {
		if leftOut(vt, out, summary) {
			summary.Outcome = triggerv1.ChangeDelivered
		}
		return summary
	}
	summary.Ready, summary.Reason, summary.Message, summary.Stalled = rolled.Ready, rolled.Reason, rolled.Message, rolled.Stalled
	phase := vt.Status.Rollout.Phase
	if all := plan.Refused(out.targets); all != "" && phase != triggerv1.RolloutBlocked && phase != triggerv1.RolloutRolledBack { // They name one.
		summary.Message += "; " + all
	}
	switch {
	case rolledBack: // It is about the earlier content.
	case phase == triggerv1.RolloutHalted:
		summary.Outcome = triggerv1.ChangeHalted
	case phase == triggerv1.RolloutRollingBack:
		summary.Outcome = triggerv1.ChangeRolledBack
	default:
		summary.Outcome = triggerv1.ChangeInProgress
	}
	return summary
}

// leftOut reports that a change has come to its end, though targets do not have it: no stage selects them.
func leftOut(vt *triggerv1.ValuesTrigger, out outcome, summary plan.Summary) bool {
	s := vt.Status.Rollout
	return s != nil && s.Unmatched > 0 && s.Phase == triggerv1.RolloutFinished && summary.Reason == triggerv1.TargetsHeldReason &&
		!slices.ContainsFunc(out.targets, func(t triggerv1.TargetStatus) bool { return t.State == triggerv1.TargetHeld && t.Stage != "" })
}

// Gated is the condition of that name, without a status if nothing holds changes back.
type Gated struct {
	Status          metav1.ConditionStatus
	Reason, Message string
}

// gatedOf reports whether what holds changes back can be bypassed: helm-controller takes
// up what a release reads through valuesFrom by itself.
func gatedOf(snap snapshot, releases []plan.Release) *Gated {
	if snap.gate == nil {
		return &Gated{}
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
		return &Gated{metav1.ConditionFalse, triggerv1.WatchedByFluxReason, fmt.Sprintf(
			"%s has the label %s: %s, so that Flux upgrades the releases that read it at once, bypassing the rollout gates; remove the label",
			strings.Replace(watched, "/", " ", 1), meta.LabelKeyWatch, meta.LabelValueWatchEnabled)}
	case readers > 0:
		return &Gated{metav1.ConditionFalse, triggerv1.ReadAtIntervalReason, fmt.Sprintf(
			"%d of %d HelmReleases read sources through valuesFrom: helm-controller applies changes at their interval, when their spec or chart changes, and when it restarts, bypassing the rollout gates",
			readers, len(releases))}
	}
	return &Gated{metav1.ConditionTrue, triggerv1.NothingBypassesReason, "No HelmRelease reads a source through valuesFrom: changes arrive when they are requested"}
}

// causeOf returns why the targets were triggered to run the content.
func causeOf(targets []triggerv1.TargetStatus, digest string) string {
	for _, t := range targets {
		if t.Digest == digest && t.Cause != "" {
			return t.Cause
		}
	}
	return ""
}

// maxNamed bounds how many objects a message names.
const maxNamed = 5

// disabledMessage adds to a message which Secrets are left out.
func disabledMessage(message string, disabled []string) string {
	return fmt.Sprintf("%s; not followed, because the operator runs without permission on Secrets (--secrets=false, chart value rbac.secrets): %s",
		message, text.Some(disabled, maxNamed))
}
