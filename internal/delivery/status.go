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
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// statusOf returns the status in which is written down what was observed and done, and what to report
// of it.
func statusOf(snap snapshot, out outcome) (triggerv1.ValuesTriggerStatus, plan.Summary) {
	vt := snap.vt.DeepCopy()
	status := &vt.Status
	override := overrideOf(snap, out)
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
	summary := withRestored(withLacks(withAnalysis(summarize(vt, out, snap.rolledBack()), status.Rollout), snap), snap)
	status.Delivered = summary.Delivered

	if !out.undecided || out.lasting {
		remember(vt, snap, out, triggerv1.Change{
			Digest: snap.diff.To, Cause: causeOf(out.targets, snap.diff.To), GitRevision: plan.GitRevision(snap.diff, snap.sources),
			Time: stamp, Outcome: summary.Outcome, Delivered: summary.Delivered, Override: override,
		}, asked)
		markHandled(status, snap)
		markLooked(status, vt.Annotations)
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
	return *status, summary
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

// withAnalysis adds to a summary that all is well which stage was passed over though its analysis has failed.
func withAnalysis(summary plan.Summary, s *triggerv1.RolloutStatus) plan.Summary {
	if failed := rollout.FailedAnalysis(s); failed != "" && summary.Ready == metav1.ConditionTrue {
		summary.Message += "; " + failed
	}
	return summary
}

// leftOut reports that a change has come to its end, though targets do not have it: no stage selects them.
func leftOut(vt *triggerv1.ValuesTrigger, out outcome, summary plan.Summary) bool {
	s := vt.Status.Rollout
	return s != nil && s.Unmatched > 0 && s.Phase == triggerv1.RolloutFinished && summary.Reason == triggerv1.TargetsHeldReason &&
		!slices.ContainsFunc(out.targets, func(t triggerv1.TargetStatus) bool { return t.State == triggerv1.TargetHeld && t.Stage != "" })
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

// maxNamed bounds how many objects a message names.
const maxNamed = 5

// disabledMessage adds to a message which Secrets are left out.
func disabledMessage(message string, disabled []string) string {
	return fmt.Sprintf("%s; not followed, because the operator runs without permission on Secrets (--secrets=false, chart value rbac.secrets): %s",
		message, text.Some(disabled, maxNamed))
}

// withRestored adds to a summary what a person has gone back to. The trigger is not ready when that is
// delivered: its sources hold something else.
func withRestored(summary plan.Summary, snap snapshot) plan.Summary {
	r := snap.restores
	switch {
	case r == nil:
	case summary.Ready == metav1.ConditionTrue:
		summary.Ready, summary.Reason, summary.Stalled = metav1.ConditionFalse, triggerv1.RolledBackReason, true
		summary.Message = fmt.Sprintf("Rolled back to revision %d, content %s%s; content %s of the sources is rejected until they change; to deliver it all the same: %s",
			r.Revision, digest.Abbreviated(r.Digest), rollout.By(r.PersonRecord), digest.Abbreviated(r.Rejects), rollout.Retry(snap.vt))
	default:
		summary.Message = text.Line(summary.Message+"; "+snap.restoring(), text.MaxMessage)
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

// latestRequest returns when a target was triggered last, if not before a time that may be nil.
func latestRequest(latest *metav1.Time, targets []triggerv1.TargetStatus) *metav1.Time {
	for _, t := range targets {
		if latest == nil || latest.Before(t.TriggeredAt) {
			latest = t.TriggeredAt
		}
	}
	return latest
}

// causeOf returns why the targets were triggered to run the content.
func causeOf(targets []triggerv1.TargetStatus, content string) string {
	for _, t := range targets {
		if t.Digest == content && t.Cause != "" {
			return t.Cause
		}
	}
	return ""
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
func markLooked(status *triggerv1.ValuesTriggerStatus, annotations map[string]string) {
	if value, ok := meta.ReconcileAnnotationValue(annotations); ok {
		status.SetLastHandledReconcileRequest(value)
	}
}

// remember notes a change in the history, if there is one. Content that passes is noted even if nothing
// was requested for it where it can be gone back to: that with which a trigger begins.
func remember(vt *triggerv1.ValuesTrigger, snap snapshot, out outcome, change triggerv1.Change, asked bool) {
	status := &vt.Status
	isNoted := func() bool { return len(status.History) > 0 && status.History[0].Digest == change.Digest }
	byPerson := asked || change.Override != nil || out.rejects(change.Digest)
	if isNoted() || len(snap.diff.Changed) > 0 || byPerson || out.passed && snap.publication != nil {
		status.History = plan.Remember(status.History, change, vt.GetRevisionHistoryLimit())
	}
	if change.Override != nil {
		status.History[0].Override = change.Override
	}
	if out.passed && isNoted() {
		plan.Pass(status.History)
		if out.kept && len(status.History[0].Kept) == 0 {
			status.History[0].Kept = plan.Kept(snap.sources)
		}
	}
	if snap.publication == nil {
		keepNothing(status.History)
	}
}

// keepNothing notes that without copies nothing is kept.
func keepNothing(history []triggerv1.Change) {
	for i := range history {
		history[i].Kept = nil
	}
}

// maxOverridden bounds what is said to be overridden, in bytes.
const maxOverridden = 500

// overrideOf returns what a request has overridden, nil if nothing was in its way. The
// rollout in the status must be the one from before the request.
func overrideOf(snap snapshot, out outcome) *triggerv1.Override {
	if !snap.overrides() || snap.gate == nil {
		return nil
	}
	overridden := rollout.Overrides(snap.vt, out.targets, snap.gate.schedule.Open(snap.at))
	if len(overridden) == 0 {
		return nil
	}
	return &triggerv1.Override{
		Time: snap.forcedBy.Time, User: snap.forcedBy.User, Manager: snap.forcedBy.Manager,
		Message: text.Line(strings.Join(overridden, "; "), maxOverridden),
	}
}
