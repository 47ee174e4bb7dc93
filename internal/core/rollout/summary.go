// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"math"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// maxMessage bounds the message of a rollout, in bytes.
const maxMessage = 500

// Summary is the state of a rollout in the words of kstatus.
type Summary struct {
	Ready   metav1.ConditionStatus
	Reason  string
	Message string

	// Stalled reports that nothing goes on until someone acts.
	Stalled bool
}

// Summarize returns what the Ready condition says of a rollout, and false if there is
// nothing to say: there is none, or it is finished. Underway is the number of targets
// that were triggered and have not proven the content.
func Summarize(vt *triggerv1.ValuesTrigger, underway int) (Summary, bool) {
	s := vt.Status.Rollout
	if s == nil || s.Phase == triggerv1.RolloutFinished {
		return Summary{}, false
	}
	where := Where(s)
	if where == "" && s.Phase == triggerv1.RolloutProgressing {
		return Summary{}, false // All stages are finished, or there are none.
	}
	join := func(message string) string { return strings.TrimPrefix(where+"; "+message, "; ") }
	progressing := func(message string) (Summary, bool) {
		return Summary{Ready: metav1.ConditionUnknown, Reason: meta.ProgressingReason, Message: message}, true
	}
	waiting := func(reason, message string) (Summary, bool) {
		return Summary{Ready: metav1.ConditionFalse, Reason: reason, Message: message}, true
	}

	switch s.Phase {
	case triggerv1.RolloutSettling:
		if s.Settling != nil {
			return progressing(settles(s.Settling))
		}
		return progressing("Waits until the sources have not changed for " + vt.Spec.QuietPeriod.Duration.String())
	case triggerv1.RolloutSoaking:
		return progressing(join(soaking(vt)))
	case triggerv1.RolloutAwaitingWindow:
		return waiting(triggerv1.AwaitingWindowReason, join("waits for the window that opens at "+opens(vt)))
	case triggerv1.RolloutAwaitingApproval:
		return waiting(triggerv1.AwaitingApprovalReason, join(fmt.Sprintf(
			"waits for approval: kubectl annotate --field-manager=%s --overwrite vt/%s -n %s %s=%s",
			triggerv1.ManualFieldManager, vt.Name, vt.Namespace, triggerv1.ApproveAnnotation, Approval(s.Digest, s.Stage, vt.Status.LastHandledApproval))))
	case triggerv1.RolloutAwaitingGate:
		return waiting(triggerv1.AwaitingGateReason, join("waits for "+s.Message))
	case triggerv1.RolloutBlocked:
		return waiting(triggerv1.TargetsHeldReason, join(s.Message+goOnWithout(vt)))
	case triggerv1.RolloutHalted:
		return Summary{
			Ready: metav1.ConditionFalse, Reason: triggerv1.RolloutHaltedReason, Stalled: true,
			Message: join("halted: " + s.Message + goOn(vt)),
		}, true
	case triggerv1.RolloutRollingBack, triggerv1.RolloutRolledBack, triggerv1.RolloutRollbackHalted:
		return rolledBack(vt), true
	case triggerv1.RolloutProgressing, triggerv1.RolloutFinished:
	}
	return progressing(fmt.Sprintf("%s, %d triggered%s", where, underway, measuredIn(s)))
}

// goOn says what to do about a rollout that has halted. It stays so when what failed proves
// the content after all: to go on is for a person to decide.
func goOn(vt *triggerv1.ValuesTrigger) string {
	if Recovered(vt) {
		return "; it has recovered since, to continue: " + Retry(vt)
	}
	return "; change the sources, or try the same again: " + Retry(vt)
}

// Retry is the command of the plugin that retries what has failed of a trigger.
func Retry(vt *triggerv1.ValuesTrigger) string { return plan.Retry(vt.Namespace + "/" + vt.Name) }

// Recovered reports that nothing of what halted a rollout is wrong any more.
func Recovered(vt *triggerv1.ValuesTrigger) bool {
	s := vt.Status.Rollout
	if s == nil || s.RejectedBy != nil || vt.Spec.Rollout == nil {
		return false
	}
	for _, st := range s.Stages {
		if st.Phase == triggerv1.StageUnready || st.Analysis != nil && st.Analysis.Failed != "" ||
			int(st.Failed) > scaled(vt.Spec.Rollout.MaxFailures, int(st.Targets), 0) {
			return false // It may be a target of an earlier stage that came later and has failed.
		}
		if st.Name == s.Stage && st.Phase == triggerv1.StageProgressing {
			return true
		}
	}
	return false
}

// goOnWithout says what to do about a rollout that waits for a stage whose targets are gone.
func goOnWithout(vt *triggerv1.ValuesTrigger) string {
	if !Emptied(vt.Status.Rollout) {
		return ""
	}
	return "; create or label a HelmRelease for it, or continue without it: " + Retry(vt)
}

// Emptied reports whether a rollout waits for a stage whose targets are gone.
func Emptied(s *triggerv1.RolloutStatus) bool {
	return s != nil && s.Phase == triggerv1.RolloutBlocked &&
		slices.ContainsFunc(s.Stages, func(st triggerv1.StageStatus) bool { return st.Name == s.Stage && st.Targets == 0 })
}

// rolledBack says how far the rollback is.
func rolledBack(vt *triggerv1.ValuesTrigger) Summary {
	s := vt.Status.Rollout
	if s.Rollback == nil {
		return Summary{Ready: metav1.ConditionUnknown, Reason: meta.ProgressingReason, Message: s.Message}
	}
	earlier, rejected := digest.Abbreviated(s.Rollback.Digest), digest.Abbreviated(s.Digest)
	why := rejected + " failed: " + s.Message
	if s.RejectedBy != nil {
		why = rejected + " was " + s.Message
	}
	switch s.Phase {
	case triggerv1.RolloutRolledBack:
		rest := ""
		if s.Rollback.Message != "" {
			rest = " (" + s.Rollback.Message + ")"
		}
		return Summary{Ready: metav1.ConditionFalse, Reason: triggerv1.RolledBackReason, Stalled: true, Message: fmt.Sprintf(
			"Rolled back to %s%s, since %s; it is rejected until the sources change; to deliver it all the same: %s",
			earlier, rest, why, Retry(vt))}
	case triggerv1.RolloutRollbackHalted:
		return Summary{Ready: metav1.ConditionFalse, Reason: triggerv1.RollbackHaltedReason, Stalled: true, Message: fmt.Sprintf(
			"Rollback to %s has halted: %s; fix that, and try again: %s; it began because %s",
			earlier, s.Rollback.Message, Retry(vt), why)}
	}
	where := ""
	for _, st := range s.Stages {
		if st.Name == s.Stage {
			where = fmt.Sprintf(", stage %s, %d/%d", st.Name, st.Delivered, st.Targets)
		}
	}
	return Summary{Ready: metav1.ConditionUnknown, Reason: meta.ProgressingReason, Message: "Rolling back to " + earlier + where + ": " + why}
}

// Where says in which stage a rollout is, from which one it came, and how far it got in
// it, as in "Stage 2/3 canary→prod, 40/120, 0 failed".
func Where(s *triggerv1.RolloutStatus) string {
	for i, st := range s.Stages {
		if st.Name == s.Stage {
			name := st.Name
			if i > 0 {
				name = s.Stages[i-1].Name + "→" + name
			}
			return fmt.Sprintf("Stage %d/%d %s, %d/%d, %d failed", i+1, len(s.Stages), name, st.Delivered, st.Targets, st.Failed)
		}
	}
	return ""
}

// soaking says until when the targets of a stage must stay ready, or which is not, and what is measured.
func soaking(vt *triggerv1.ValuesTrigger) string {
	s := vt.Status.Rollout
	for i, st := range s.Stages {
		switch {
		case st.Name != s.Stage || st.Since == nil || vt.Spec.Rollout == nil || i >= len(vt.Spec.Rollout.Stages):
			continue
		case st.Phase == triggerv1.StageUnready:
			return fmt.Sprintf("%s; may last until %s", s.Message, stamp(vt, st.Since.Add(vt.GetTimeout())))
		}
		spec := vt.Spec.Rollout.Stages[i]
		waits := "must stay ready until " + stamp(vt, st.Since.Add(spec.MinSuccessTime.Duration))
		if spec.Analysis == nil || st.Analysis == nil {
			return waits
		}
		if spec.MinSuccessTime.Duration <= 0 {
			waits = "must pass a measurement"
		}
		return waits + Measured(st.Analysis)
	}
	return "must stay ready for some time"
}

// measuredIn says what was measured last of the present stage.
func measuredIn(s *triggerv1.RolloutStatus) string {
	for _, st := range s.Stages {
		if st.Name == s.Stage && st.Analysis != nil {
			return Measured(st.Analysis)
		}
	}
	return ""
}

// FailedAnalysis says which stage has failed by its analysis, and why, empty if none has.
func FailedAnalysis(s *triggerv1.RolloutStatus) string {
	if s != nil {
		for _, st := range s.Stages {
			if st.Analysis != nil && st.Analysis.Failed != "" {
				return fmt.Sprintf("analysis of stage %s failed: %s", st.Name, st.Analysis.Failed)
			}
		}
	}
	return ""
}

// maxMeasured bounds how many metrics and webhooks a message names.
const maxMeasured = 3

// Measured says what the last measurement of a stage has found, as in ", error-rate 0.02", empty if there was none.
func Measured(s *triggerv1.AnalysisStatus) string {
	var found []string
	for _, m := range s.Metrics {
		switch m.Result {
		case triggerv1.AnalysisSuccessful:
			found = append(found, m.Name+" "+m.Value)
		case triggerv1.AnalysisFailed, triggerv1.AnalysisInconclusive:
			found = append(found, m.Name+separator(m.Result)+m.Message)
		}
	}
	for _, w := range s.Webhooks {
		if w.Result != triggerv1.AnalysisSuccessful && w.Result != "" {
			found = append(found, "webhook "+w.Name+separator(w.Result)+w.Message)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return ", " + text.Some(found, maxMeasured)
}

func opens(vt *triggerv1.ValuesTrigger) string {
	next := vt.Status.Rollout.NextWindow
	if next == nil {
		return "a later time"
	}
	return stamp(vt, next.Opens.Time)
}

// count returns a number as the API has it.
func count(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // Bounded.
}
