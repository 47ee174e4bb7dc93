// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
)

// notifyRollout emits the events about what holds changes back. That a rollout waits or
// has halted is what the Ready condition says.
func (e triggerEvents) notifyRollout(old, vt *triggerv1.ValuesTrigger) {
	e.notifyGated(old, vt)
	was, is := old.Status.Rollout, vt.Status.Rollout
	if is == nil {
		return
	}
	if value := vt.Status.LastHandledApproval; value != "" && value != old.Status.LastHandledApproval {
		if refusal := rollout.NotApproved(vt.Spec.Rollout, was, is, value); refusal != "" {
			e.recorder.Eventf(vt, corev1.EventTypeWarning, triggerv1.ApprovalRefusedReason, "Annotation %s is refused: %s", triggerv1.ApproveAnnotation, refusal)
		}
	}
	before := map[string]triggerv1.StageStatus{}
	switch {
	case was == nil, was.Digest == is.Digest && was.TriggerAt != is.TriggerAt: // It begins.
	case was.Digest == is.Digest:
		for _, st := range was.Stages {
			before[st.Name] = st
		}
	default:
		if where := rollout.Where(was); where != "" {
			e.recorder.Eventf(vt, corev1.EventTypeNormal, triggerv1.RolloutSupersededReason, "Content %s supersedes %s, which had reached: %s",
				digest.Abbreviated(is.Digest), digest.Abbreviated(was.Digest), where)
		}
	}
	for _, st := range is.Stages {
		if rollout.Outdated(vt.Spec.Rollout, before[st.Name]) && !st.Approved {
			e.recorder.Eventf(vt, corev1.EventTypeWarning, triggerv1.ApprovalRefusedReason,
				"The approval of stage %s for content %s no longer counts: the selector of the stage has changed; approve it again",
				st.Name, digest.Abbreviated(is.Digest))
		}
	}
	e.notifyRejection(vt, was)
	e.notifyMeasurements(vt, was)
	if is.Rollback != nil {
		e.notifyRollback(vt, was)
		return
	}
	for i, st := range is.Stages {
		e.notifyStage(vt, before[st.Name], st, fmt.Sprintf("Stage %d/%d %s", i+1, len(is.Stages), st.Name))
	}
}

// notifyMeasurements emits the events about measurements that have failed, and about the first that has no answer.
// That a gate is closed is what the Ready condition says.
func (e triggerEvents) notifyMeasurements(vt *triggerv1.ValuesTrigger, was *triggerv1.RolloutStatus) {
	for _, taken := range rollout.Measurements(was, vt.Status.Rollout) {
		switch {
		case taken.Result == triggerv1.AnalysisFailed && taken.Purpose == analysis.Check:
			e.recorder.Eventf(vt, corev1.EventTypeWarning, triggerv1.MeasurementFailedReason, "Stage %s: %s (%s), content %s",
				taken.Stage.Name, taken.Found(), ofThreshold(vt, taken.Stage), digest.Abbreviated(vt.Status.Rollout.Digest))
		case taken.Result == triggerv1.AnalysisInconclusive && taken.First:
			e.recorder.Eventf(vt, corev1.EventTypeWarning, triggerv1.MeasurementInconclusiveReason, "Stage %s: %s, content %s",
				taken.Stage.Name, taken.Found(), digest.Abbreviated(vt.Status.Rollout.Digest))
		}
	}
}

// ofThreshold counts the failures of a stage.
func ofThreshold(vt *triggerv1.ValuesTrigger, st triggerv1.StageStatus) string {
	for _, stage := range vt.Spec.Rollout.Stages {
		if stage.Name == st.Name && stage.Analysis != nil {
			return fmt.Sprintf("%d of %d", st.Analysis.Failures, stage.Analysis.GetThreshold())
		}
	}
	return fmt.Sprint(st.Analysis.Failures)
}

// notifyRejection emits the event about content that a person has rejected.
func (e triggerEvents) notifyRejection(vt *triggerv1.ValuesTrigger, was *triggerv1.RolloutStatus) {
	is := vt.Status.Rollout
	if is.RejectedBy == nil || was != nil && was.Digest == is.Digest && was.RejectedBy != nil {
		return
	}
	e.recorder.Eventf(vt, corev1.EventTypeWarning, triggerv1.RejectedReason, "Content %s is rejected%s: no further HelmRelease gets it",
		digest.Abbreviated(is.Digest), rollout.By(*is.RejectedBy))
}

// notifyRollback emits the event about a rollout that begins to be rolled back. What
// becomes of that is what the Ready condition says.
func (e triggerEvents) notifyRollback(vt *triggerv1.ValuesTrigger, was *triggerv1.RolloutStatus) {
	is := vt.Status.Rollout
	if was == nil || was.Rollback == nil || was.Digest != is.Digest {
		e.recorder.Eventf(vt, corev1.EventTypeWarning, triggerv1.RollbackStartedReason, "Rolling back content %s to %s: %s",
			digest.Abbreviated(is.Digest), digest.Abbreviated(is.Rollback.Digest), is.Message)
	}
}

// notifyStage emits the events about one stage.
func (e triggerEvents) notifyStage(vt *triggerv1.ValuesTrigger, was, is triggerv1.StageStatus, name string) {
	content := digest.Abbreviated(vt.Status.Rollout.Digest)
	if is.Approved && !was.Approved {
		by := ""
		if is.ApprovedBy != nil {
			by = rollout.By(*is.ApprovedBy)
		}
		e.recorder.Eventf(vt, corev1.EventTypeNormal, triggerv1.ApprovedReason, "%s is approved for content %s%s", name, content, by)
	}
	switch {
	case started(is) && !started(was) && was.Phase != triggerv1.StageFinished:
		e.recorder.Eventf(vt, corev1.EventTypeNormal, triggerv1.StageStartedReason, "%s started: %s, content %s", name, rollout.Releases(int(is.Targets)), content)
	case is.Phase == triggerv1.StageFinished && was.Phase != triggerv1.StageFinished && is.Targets == 0:
		e.recorder.Eventf(vt, corev1.EventTypeNormal, triggerv1.StageFinishedReason, "%s has no HelmReleases and is skipped, content %s", name, content)
	case is.Phase == triggerv1.StageFinished && started(was):
		e.recorder.Eventf(vt, corev1.EventTypeNormal, triggerv1.StageFinishedReason, "%s finished: %d/%d delivered, %d failed", name, is.Delivered, is.Targets, is.Failed)
	}
}

func started(st triggerv1.StageStatus) bool {
	switch st.Phase {
	case triggerv1.StageProgressing, triggerv1.StageSoaking, triggerv1.StageUnready:
		return true
	case triggerv1.StageUnchanged, triggerv1.StageWaiting, triggerv1.StageFinished, triggerv1.StageRollingBack, triggerv1.StageRolledBack:
	}
	return false
}

// notifyGated warns once of each way in which what holds changes back is passed by.
func (e triggerEvents) notifyGated(old, vt *triggerv1.ValuesTrigger) {
	reason := conditions.GetReason(vt, triggerv1.GatedCondition)
	if conditions.IsFalse(vt, triggerv1.GatedCondition) && reason != conditions.GetReason(old, triggerv1.GatedCondition) {
		e.recorder.Event(vt, corev1.EventTypeWarning, reason, conditions.GetMessage(vt, triggerv1.GatedCondition))
	}
}

// bypassed reports that a release took up by itself what was to be held back.
func bypassed(vt *triggerv1.ValuesTrigger, was, is triggerv1.TargetStatus) bool {
	return vt.IsGated() && was.Digest != "" && is.Digest != was.Digest && is.Token == was.Token &&
		(is.State == triggerv1.TargetDelivered || is.State == triggerv1.TargetTriggered) && plan.IsNewDelivery(was, is)
}

// isNews is true if the ValuesTrigger gets an event about targets that were triggered. Of a
// stage, that is the first ones: each HelmRelease has its own event, and StageFinished
// counts them. What a person asks for, whatever the stage, is always reported.
func isNews(old, vt *triggerv1.ValuesTrigger, targets []delivery.TargetChange, triggered []triggerv1.TargetStatus) bool {
	if len(triggered) == 0 {
		return false
	}
	s := vt.Status.Rollout
	if s == nil || s.Stage == "" || old.Status.LastHandledForceAt != vt.Status.LastHandledForceAt ||
		old.Status.LastHandledResetAt != vt.Status.LastHandledResetAt {
		return true
	}
	return !slices.ContainsFunc(targets, func(t delivery.TargetChange) bool { return t.Was.Stage == s.Stage && t.Was.Digest == s.Digest })
}

// notifyOverride emits the event about a request that has overridden what holds changes
// back.
func (e triggerEvents) notifyOverride(old, vt *triggerv1.ValuesTrigger) {
	if vt.Status.LastHandledForceAt == old.Status.LastHandledForceAt || len(vt.Status.History) == 0 {
		return
	}
	override := vt.Status.History[0].Override
	if override == nil || len(old.Status.History) > 0 && equality.Semantic.DeepEqual(override, old.Status.History[0].Override) {
		return // Nothing was in the way of this request.
	}
	by := rollout.By(triggerv1.PersonRecord{User: override.User, Manager: override.Manager})
	if by != "" {
		by = ", set" + by
	}
	e.recorder.Eventf(vt, corev1.EventTypeWarning, triggerv1.OverriddenReason, "%s%s, requested all HelmReleases at once and overrode %s",
		meta.ForceRequestAnnotation, by, override.Message)
}
