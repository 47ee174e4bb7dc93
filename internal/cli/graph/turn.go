// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Turn is when a trigger would deliver a new content to a HelmRelease.
type Turn struct {
	// Stage of spec.rollout that the HelmRelease belongs to, "" without stages.
	Stage string

	// After says what comes first, "" if nothing does.
	After string

	// Never reports that the trigger does not deliver to it at all, and After why.
	Never bool
}

// turnsOf returns when a change that is made now would be delivered to a HelmRelease, by the spec.
func turnsOf(vt *triggerv1.ValuesTrigger, now time.Time) func(*helmv2.HelmRelease) Turn {
	trigger := binding.TriggerObject(vt).String()
	stages, err := binding.StagesOf(vt)
	if err != nil {
		return func(*helmv2.HelmRelease) Turn {
			return Turn{After: trigger + " is invalid and delivers nothing: " + err.Error()}
		}
	}
	later := window(vt, now)
	if quiet := vt.Spec.QuietPeriod.Duration; later == "" && quiet > 0 {
		later = "after a quiet period of " + Duration(quiet)
	}
	return func(hr *helmv2.HelmRelease) Turn {
		if vt.Spec.Rollout == nil {
			return Turn{After: later}
		}
		i := stages.Of(hr)
		if i == rollout.NoStage {
			return Turn{After: "no stage of " + trigger + " selects it: it is never triggered", Never: true}
		}
		return Turn{Stage: vt.Spec.Rollout.Stages[i].Name, After: cmp.Or(before(vt.Spec.Rollout.Stages[:i+1]), later)}
	}
}

// before says what the last of some stages comes after: the approval that a person gives
// last, else the stage before it.
func before(stages []triggerv1.Stage) string {
	last := len(stages) - 1
	for i := last; i >= 0; i-- {
		if stages[i].Approval == triggerv1.ApprovalManual {
			return "after the approval of stage " + stages[i].Name
		}
	}
	for i := last - 1; i >= 0; i-- {
		soak, measured := stages[i].MinSuccessTime.Duration, stages[i].Analysis != nil
		switch {
		case soak > 0 && measured:
			return fmt.Sprintf("after stage %s has succeeded for %s and passed its analysis", stages[i].Name, Duration(soak))
		case soak > 0:
			return fmt.Sprintf("after stage %s has succeeded for %s", stages[i].Name, Duration(soak))
		case measured:
			return fmt.Sprintf("after stage %s has passed its analysis", stages[i].Name)
		}
	}
	if last > 0 {
		return "after stage " + stages[last-1].Name
	}
	return ""
}

// window says when spec.schedule lets a change through, "" if it does so now.
func window(vt *triggerv1.ValuesTrigger, now time.Time) string {
	windows, err := rollout.ScheduleOf(vt)
	if err != nil || windows.Open(now) {
		return ""
	}
	opens, _ := windows.Next(now)
	if opens.IsZero() {
		return "when a window of spec.schedule opens"
	}
	return "when the window opens at " + windows.Local(opens).Format(time.RFC3339)
}

// Duration writes a duration without zeros at its end.
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// waits says what the content waits for that a target is due to get, "" if it has it. What the
// status does not say follows from the spec.
func waits(vt *triggerv1.ValuesTrigger, t Target, turn Turn) string {
	status := vt.Status.Rollout
	switch {
	case status != nil && status.Rollback != nil && status.RejectedBy != nil:
		return "was rejected by a person and is not delivered: edit it, or retry it by name"
	case status != nil && status.Rollback != nil:
		return "has failed and is not delivered: edit it, or retry it by name"
	}
	reason, _, _ := strings.Cut(t.Message, ";")
	switch t.State {
	case triggerv1.TargetHeld:
		return cmp.Or(reason, turn.After, "is held back")
	case triggerv1.TargetPending, triggerv1.TargetTriggered:
		return cmp.Or(reason, "is in progress")
	case triggerv1.TargetFailed:
		return "has failed: " + reason
	}
	return ""
}
