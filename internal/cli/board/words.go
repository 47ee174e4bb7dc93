// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package board

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// maxLine bounds a text of someone else's, in bytes.
const maxLine = 4096

// clean makes one line of a text that someone else wrote.
func clean(message string) string { return text.Line(message, maxLine) }

// TargetTone is the colour of a HelmRelease.
func TargetTone(state triggerv1.TargetState) layout.Tone {
	switch state {
	case triggerv1.TargetDelivered:
		return layout.Good
	case triggerv1.TargetFailed, triggerv1.TargetMissing:
		return layout.Bad
	}
	return layout.Busy
}

// TriggerTone is the colour of a ValuesTrigger.
func TriggerTone(state graph.State) layout.Tone {
	switch state {
	case graph.Ready:
		return layout.Good
	case graph.Stalled, graph.AwaitingApproval, graph.Waiting:
		return layout.Bad
	}
	return layout.Busy
}

// StageTone is the colour of a stage.
func StageTone(st graph.Stage) layout.Tone {
	switch {
	case st.Halted, st.AwaitsApproval, st.Phase == triggerv1.StageUnready, st.Failed > 0, st.Analysis != nil && st.Analysis.Failed != "":
		return layout.Bad
	case st.Phase == triggerv1.StageFinished, st.Phase == triggerv1.StageUnchanged:
		return layout.Good
	case st.Phase == triggerv1.StageWaiting, st.Phase == "":
		return layout.Dim
	}
	return layout.Busy
}

// FindingTone returns how good a result of an analysis is.
func FindingTone(result triggerv1.AnalysisResult) layout.Tone {
	switch result {
	case triggerv1.AnalysisSuccessful:
		return layout.Good
	case triggerv1.AnalysisFailed:
		return layout.Bad
	case triggerv1.AnalysisInconclusive:
		return layout.Busy
	}
	return layout.Dim
}

// StageText says what is special about a stage: what has failed, until when it soaks, who lets it
// start.
func StageText(st graph.Stage, now time.Time) string {
	var about []string
	if st.Failed > 0 {
		about = append(about, fmt.Sprintf("%d failed", st.Failed))
	}
	if st.SoaksUntil != nil {
		about = append(about, "soaks until "+Until(st.SoaksUntil.Time, now))
	}
	switch {
	case st.AwaitsApproval:
		about = append(about, "waits for your approval")
	case st.ApprovedBy != nil && cmp.Or(st.ApprovedBy.User, st.ApprovedBy.Manager) != "":
		about = append(about, "approved by "+clean(cmp.Or(st.ApprovedBy.User, st.ApprovedBy.Manager)))
	case st.Approved:
		about = append(about, "approved")
	case st.Approval == triggerv1.ApprovalManual:
		about = append(about, "needs an approval")
	}
	return strings.Join(about, "; ")
}

// Until writes a time that is ahead, on the clocks that it was given in, and how long that is.
func Until(at, now time.Time) string {
	form := "15:04:05 MST"
	if at.Format(time.DateOnly) != now.In(at.Location()).Format(time.DateOnly) {
		form = "Mon Jan 2 " + form
	}
	words := at.Format(form)
	if left := at.Sub(now); left > 0 {
		words += " (in " + graph.Duration(left.Round(time.Second)) + ")"
	}
	return words
}
