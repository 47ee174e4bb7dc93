// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Summary is the state of all targets together, in the words of kstatus.
type Summary struct {
	// Ready is the status of that condition, with its reason and message.
	Ready   metav1.ConditionStatus
	Reason  string
	Message string

	// Stalled reports that nothing goes on until someone acts.
	Stalled bool

	// Delivered is the number of delivered targets of all, "3/3".
	Delivered string

	// Outcome of the newest change.
	Outcome triggerv1.ChangeOutcome
}

// Count counts targets by state.
func Count(targets []triggerv1.TargetStatus) *triggerv1.TargetSummary {
	counts := map[triggerv1.TargetState]int32{}
	for i := range targets {
		counts[targets[i].State]++
	}
	return &triggerv1.TargetSummary{
		Total:     int32(len(targets)), //nolint:gosec // There are no more than 10,000.
		Delivered: counts[triggerv1.TargetDelivered], Triggered: counts[triggerv1.TargetTriggered], Held: counts[triggerv1.TargetHeld],
		Pending: counts[triggerv1.TargetPending], Failed: counts[triggerv1.TargetFailed], Missing: counts[triggerv1.TargetMissing],
	}
}

// Summarize returns the summary of the states of all targets.
func Summarize(targets []triggerv1.TargetStatus) Summary {
	counts := map[triggerv1.TargetState]int{}
	first := map[triggerv1.TargetState]triggerv1.TargetStatus{}
	var denied *triggerv1.TargetStatus
	for i, target := range targets {
		counts[target.State]++
		if _, found := first[target.State]; !found {
			first[target.State] = target
		}
		if denied == nil && Denied(target) {
			denied = &targets[i]
		}
	}
	delivered, total := counts[triggerv1.TargetDelivered], len(targets)
	progressing := counts[triggerv1.TargetTriggered] + counts[triggerv1.TargetPending]

	s := Summary{
		Ready:     metav1.ConditionFalse,
		Delivered: fmt.Sprintf("%d/%d", delivered, total),
		Outcome:   triggerv1.ChangeInProgress,
	}
	about := func(state triggerv1.TargetState) string {
		target := first[state]
		message := fmt.Sprintf("%s of %d delivered; %s/%s: %s", amount(delivered), total, target.Namespace, target.Name, target.Message)
		if more := counts[state] - 1; more > 0 {
			message += fmt.Sprintf(" (and %d more %s)", more, state)
		}
		return message
	}

	switch {
	case denied != nil:
		s.Reason, s.Message, s.Stalled = denied.Refused.Reason, denied.Message, true
		s.Outcome = triggerv1.ChangeFailed
	case progressing > 0:
		s.Ready, s.Reason = metav1.ConditionUnknown, meta.ProgressingReason
		s.Message = progressMessage(counts, total)
		if refused := Refused(targets); refused != "" {
			s.Message += "; " + refused
		}
	case counts[triggerv1.TargetFailed] > 0:
		s.Reason, s.Message, s.Stalled = triggerv1.DeliveryFailedReason, about(triggerv1.TargetFailed), true
		s.Outcome = triggerv1.ChangeFailed
	case counts[triggerv1.TargetMissing] > 0:
		s.Reason, s.Message = triggerv1.TargetNotFoundReason, about(triggerv1.TargetMissing)
	case counts[triggerv1.TargetHeld] > 0:
		s.Reason, s.Message = triggerv1.TargetsHeldReason, about(triggerv1.TargetHeld)
	default:
		s.Ready, s.Reason = metav1.ConditionTrue, meta.SucceededReason
		s.Message = success(targets)
		s.Outcome = triggerv1.ChangeDelivered
	}
	s.Message = text.Line(s.Message, text.MaxMessage)
	return s
}

// IsNewDelivery reports whether a target that was in one state has been delivered to since. Of two
// deliveries within a second, which times do not tell apart, the second shows by its revision.
func IsNewDelivery(was, is triggerv1.TargetStatus) bool {
	return !is.DeliveredAt.Equal(was.DeliveredAt) || is.Digest != was.Digest && is.Revision != was.Revision
}

// Denied is true for a target that stays refused until a person grants it or removes what is
// in the way, other than what admission refuses.
func Denied(target triggerv1.TargetStatus) bool {
	return target.Refused != nil && target.Refused.Reason != triggerv1.DeliveryFailedReason
}

// Refused names the first of the refused targets with its message and counts the others, or
// returns nothing if there is none.
func Refused(targets []triggerv1.TargetStatus) string {
	count, first := 0, triggerv1.TargetStatus{}
	for _, target := range targets {
		if target.Refused == nil {
			continue
		}
		if count == 0 {
			first = target
		}
		count++
	}
	if count == 0 {
		return ""
	}
	message := fmt.Sprintf("%s/%s: %s", first.Namespace, first.Name, first.Message)
	if count > 1 {
		message += fmt.Sprintf(" (and %d more refused)", count-1)
	}
	return message
}

func success(targets []triggerv1.TargetStatus) string {
	switch len(targets) {
	case 0:
		return "No HelmRelease matches the targets"
	case 1:
		return fmt.Sprintf("Delivered to HelmRelease %s/%s, revision %d", targets[0].Namespace, targets[0].Name, targets[0].Revision)
	default:
		return fmt.Sprintf("Delivered to all %d HelmReleases", len(targets))
	}
}

// progressMessage counts the targets in each state, in an order that does not change.
func progressMessage(counts map[triggerv1.TargetState]int, total int) string {
	message := fmt.Sprintf("%s of %d delivered", amount(counts[triggerv1.TargetDelivered]), total)
	for _, state := range []struct {
		state triggerv1.TargetState
		word  string
	}{
		{triggerv1.TargetTriggered, "triggered"},
		{triggerv1.TargetPending, "pending"},
		{triggerv1.TargetHeld, "held"},
		{triggerv1.TargetMissing, "missing"},
		{triggerv1.TargetFailed, "failed"},
	} {
		if n := counts[state.state]; n > 0 {
			message += fmt.Sprintf(", %d %s", n, state.word)
		}
	}
	return message
}

func amount(n int) string {
	if n == 0 {
		return "None"
	}
	return fmt.Sprint(n)
}
