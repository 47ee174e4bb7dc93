// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package rollout decides which of the requests that are due may be made now: when the
// sources have settled, in a window, stage by stage, a few at a time, and no
// further when too many targets fail. It is a pure function of the spec, of what is
// recorded of the rollout and of the targets, and of the clock.
//
// A rollout belongs to one content of all sources together. New content begins a new
// one. What is recorded are the facts that the targets do not show: when the content
// was first seen, which stages have started and finished and since when, who was
// approved, and that the rollout has halted. A stage starts in one decision and its
// first requests are made by the next, so that nothing is requested on the strength of
// something that was never stored. What is measured of a stage is named by one decision, and
// counted by one that is given the answer.
package rollout

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

// immediately is when to decide again if only the record is missing.
const immediately = time.Millisecond

// Standing says how a target stands to the present content.
type Standing int

const (
	// Current runs the content.
	Current Standing = iota

	// Due would be triggered for it now.
	Due

	// UnderWay was triggered and has not proven it.
	UnderWay

	// Busy is worked on by helm-controller for another reason.
	Busy

	// Failed was triggered, and does not run it.
	Failed

	// Out cannot be triggered: it is suspended, missing, denied, or never got installed.
	Out
)

// Stages of targets that are in none: NoStage is selected by none, Nowhere has no labels
// to select by, since it does not exist.
const (
	NoStage = -1
	Nowhere = -2
)

// Target is a HelmRelease as a rollout sees it.
type Target struct {
	// Name is namespace/name.
	Name string

	// Stage is the index of the stage in the spec.
	Stage int

	Standing Standing

	// Wants reports that a request would be made now. Besides what is Due these are
	// repetitions of what is UnderWay and was lost, and another try of what was
	// refused and is Out.
	Wants bool

	// Ready is the condition of the release: True, False or something else.
	Ready string

	// UnreadyBefore reports that the release was not ready before the change.
	UnreadyBefore bool

	// Message says why it failed or is out.
	Message string

	// DependsOn names releases that have to be triggered before, as namespace/name.
	DependsOn []string
}

// Of returns a target as a decision about it shows it.
func Of(name string, stage int, d plan.Decision, r plan.Release) Target {
	t := Target{
		Name: name, Stage: stage, Wants: d.Request != nil, Ready: r.Ready,
		UnreadyBefore: plan.WasUnready(d.Status), Message: d.Status.Message,
	}
	if t.Ready == "False" && t.Message == "" {
		t.Message = r.ReadyMessage
	}
	if !r.Exists {
		t.Stage = Nowhere
	}
	switch {
	case t.Wants && d.Unsent.Refused != nil: // For this very content.
		t.Standing, t.Message = Out, d.Unsent.Message
	case t.Wants && d.Status.Attempts > 1:
		t.Standing = UnderWay
	case t.Wants:
		t.Standing = Due
	case d.Status.State == triggerv1.TargetFailed && d.Status.Attempts == 0:
		t.Standing = Out // It was never triggered: it cannot be installed.
	default:
		t.Standing = standingOf(d.Status.State, r)
	}
	return t
}

func standingOf(state triggerv1.TargetState, r plan.Release) Standing {
	switch state {
	case triggerv1.TargetDelivered:
		return Current
	case triggerv1.TargetTriggered:
		return UnderWay
	case triggerv1.TargetFailed:
		if r.Denied == "" {
			return Failed
		}
	case triggerv1.TargetPending:
		if r.Busy() {
			return Busy
		}
	case triggerv1.TargetHeld, triggerv1.TargetMissing:
	}
	return Out
}

// Input is everything that a decision rests on.
type Input struct {
	Now time.Time

	// Digest of all sources together.
	Digest string

	// Editors of the content, as plan.Editors returns them.
	Editors []string

	// Quiet and MaxDelay of the spec, 0 for no quiet period.
	Quiet    time.Duration
	MaxDelay time.Duration

	// Settle is how long a change settles that a GitOps tool or Helm has applied, 0 if
	// none does. Applied is such a change that is seen for the first time, nil if there is
	// none, and Applying reports that the tool is known to go on.
	Settle   time.Duration
	Applied  *triggerv1.SettlingStatus
	Applying bool

	// Schedule is always open if the spec has none.
	Schedule schedule.Schedule

	// Rollout of the spec, nil if there are no stages.
	Rollout *triggerv1.Rollout

	// Timeout after which an unready target of a soaking stage counts as failed.
	Timeout time.Duration

	// Previous is what is recorded, nil if nothing is.
	Previous *triggerv1.RolloutStatus

	// Force and Reset report that a person forces all targets, or retries.
	Force bool
	Reset bool

	// TriggerAt is a value of trigger.nebius.ai/triggerAt that has not been handled:
	// all targets are requested, and the rollout begins again with its first stage.
	TriggerAt string

	// Approval is what Annotation returns of the annotation that approves, Handled
	// the value of it that was read before, and Approver who has set it.
	Approval string
	Handled  string
	Approver triggerv1.PersonRecord

	// Reject, HandledReject and Rejecter say the same of the annotation that rejects.
	Reject        string
	HandledReject string
	Rejecter      triggerv1.PersonRecord

	// Earlier is the digest of the content that can be restored, empty if none can.
	Earlier string

	// Restored reports that the present content is rejected, and that the targets stand as
	// they do to the earlier one. Unrestorable says why that cannot be had.
	Restored     bool
	Unrestorable string

	// RejectedBy names a release on which it is recorded that the content was rolled
	// back. It counts where no rollout is recorded.
	RejectedBy string

	// Trigger by its UID, and Measured are the answers to a measurement that a decision has asked
	// for, nil if none have come.
	Trigger  types.UID
	Measured *analysis.Measurement

	// Targets in the order in which they are triggered.
	Targets []Target
}

// Turn is who may take the free places of a stage. Who is refused takes none: it goes to the
// next at once, so that targets that cannot be triggered hold up no others, however many there are.
type Turn struct {
	// Places that are free.
	Places int

	// Targets by their indexes, in the order in which they may take one. So many as there are places are
	// Admitted, and the rest are Held.
	Targets []int
}

// Admission says of a target whether its request may be made now.
type Admission struct {
	Admitted bool

	// Held says why its request may not be made, empty if it may or there is none.
	Held string
}

// Decision is the outcome.
type Decision struct {
	// Status to record.
	Status *triggerv1.RolloutStatus

	// Targets says of each target whether its request may be made now, in the order of the input.
	Targets []Admission

	// Turns are the places for which more targets wait than there are.
	Turns []Turn

	// Passed reports that the content went through all stages, and failed in no more
	// targets than may.
	Passed bool

	// RejectRefused says why a new annotation rejects nothing, empty if it does or there is none.
	RejectRefused string

	// Measure is the measurement that is due, nil if none is. Its subject has the releases alone.
	Measure *analysis.Request

	// After is when to decide again without an event, 0 for never.
	After time.Duration
}

// Admits reports whether the request of any target may be made now.
func (d Decision) Admits() bool {
	return slices.ContainsFunc(d.Targets, func(a Admission) bool { return a.Admitted })
}
