// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// StageNews is what has become of a stage.
type StageNews struct {
	Stage string
	Event analysis.Event

	// Message says why, empty if there is nothing to say. It quotes nothing.
	Message string
}

// News returns what has become of the stages from one stored state of a rollout to the next.
func News(was, is *triggerv1.RolloutStatus) []StageNews {
	if is == nil {
		return nil
	}
	if was != nil && (was.Digest != is.Digest || was.TriggerAt != is.TriggerAt) {
		was = nil
	}
	var news []StageNews
	for _, st := range is.Stages {
		if event := became(recordedStage(was, st.Name).Phase, st.Phase); event != "" {
			news = append(news, StageNews{Stage: st.Name, Event: event})
		}
	}
	if fails(is) && !fails(was) && is.Stage != "" {
		news = append(news, StageNews{Stage: is.Stage, Event: analysis.Failed, Message: failureOf(is, recordedStage(is, is.Stage))})
	}
	return news
}

// failureOf says why a rollout has failed. Unlike its message it quotes nothing that helm-controller says of a
// release: that may hold values, and news leave the cluster.
func failureOf(s *triggerv1.RolloutStatus, st triggerv1.StageStatus) string {
	why := "the rollout has halted"
	switch {
	case s.RejectedBy != nil:
		return "rejected" + By(*s.RejectedBy)
	case st.Analysis != nil && st.Analysis.Failed != "":
		return fmt.Sprintf("analysis of stage %s failed: %s", st.Name, st.Analysis.Failed)
	case st.Failed > 0:
		why = fmt.Sprintf("%d of %s failed", st.Failed, Releases(int(st.Targets)))
	case st.Phase == triggerv1.StageUnready:
		why = "a HelmRelease has not been ready for too long"
	}
	return why + "; the status of the ValuesTrigger says more"
}

// became says what the step from one phase to another is, empty if that is nothing to speak of.
func became(was, is triggerv1.StagePhase) analysis.Event {
	switch {
	case begun(is) && !begun(was) && was != triggerv1.StageFinished:
		return analysis.Started
	case is == triggerv1.StageFinished && begun(was):
		return analysis.Finished
	case is == triggerv1.StageRolledBack && was != is:
		return analysis.RolledBack
	}
	return ""
}

// fails reports that a rollout has halted, or is rolled back.
func fails(s *triggerv1.RolloutStatus) bool {
	return s != nil && (s.Phase == triggerv1.RolloutHalted || s.Rollback != nil)
}

func recordedStage(s *triggerv1.RolloutStatus, name string) triggerv1.StageStatus {
	if s != nil {
		for _, st := range s.Stages {
			if st.Name == name {
				return st
			}
		}
	}
	return triggerv1.StageStatus{}
}

// Taken is a measurement that has been recorded.
type Taken struct {
	Stage   triggerv1.StageStatus
	Purpose analysis.Purpose
	Result  triggerv1.AnalysisResult

	// First reports that the one before had an answer, or that there was none.
	First bool
}

// Measurements returns those that were recorded from one stored state of a rollout to the next: of a stage one,
// since each is stored before the next is due.
func Measurements(was, is *triggerv1.RolloutStatus) []Taken {
	if is == nil {
		return nil
	}
	if was != nil && (was.Digest != is.Digest || was.TriggerAt != is.TriggerAt) {
		was = nil
	}
	var taken []Taken
	for _, st := range is.Stages {
		before := recordedStage(was, st.Name)
		if st.Analysis == nil || before.Analysis != nil && before.Analysis.Measurements >= st.Analysis.Measurements || st.Analysis.Measurements == 0 {
			continue
		}
		t := Taken{Stage: st, Purpose: analysis.Check, Result: st.Analysis.Result, First: before.Analysis == nil || before.Analysis.InconclusiveSince == nil}
		if !begun(before.Phase) {
			t.Purpose = analysis.Start
		}
		if t.Result == "" { // A stage that starts begins to count again.
			t.Result = triggerv1.AnalysisSuccessful
		}
		taken = append(taken, t)
	}
	return taken
}

// Found says what a measurement has found that was not successful, as in "error-rate 0.31 is above 0.05".
func (t Taken) Found() string {
	var found []string
	for _, m := range t.Stage.Analysis.Metrics {
		if m.Result == t.Result {
			found = append(found, m.Name+separator(t.Result)+m.Message)
		}
	}
	for _, w := range t.Stage.Analysis.Webhooks {
		if w.Result == t.Result {
			found = append(found, "webhook "+w.Name+separator(t.Result)+w.Message)
		}
	}
	return text.Some(found, maxMeasured)
}

// separator is between a name and what is said of it: a value, or a reason.
func separator(result triggerv1.AnalysisResult) string {
	if result == triggerv1.AnalysisFailed {
		return " "
	}
	return ": "
}
