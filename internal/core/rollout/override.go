// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file is about what a person overrides who triggers all targets at once, and about what a request keeps to
// that begins the rollout again.

// Overrides returns what a request of all targets at once overrides, empty if nothing is
// in its way: as the spec, the state of the targets and the rollout of the content say.
// Open is true if a window is open, or if there are none.
func Overrides(vt *triggerv1.ValuesTrigger, targets []triggerv1.TargetStatus, open bool) []string {
	return overrides(vt, members(targets), open)
}

// OverridesByStatus is like Overrides, by what the status counts: it may list fewer targets.
func OverridesByStatus(vt *triggerv1.ValuesTrigger, open bool) []string {
	summary, s := vt.Status.Summary, vt.Status.Rollout
	if summary == nil || int(summary.Total) <= len(vt.Status.Targets) || s == nil {
		return Overrides(vt, vt.Status.Targets, open)
	}
	counts := map[string]int{"": int(summary.Total - summary.Missing)}
	for _, stage := range s.Stages {
		counts[stage.Name] = int(stage.Targets)
		counts[""] -= int(stage.Targets)
	}
	return overrides(vt, counts, open)
}

// members counts the targets in each stage, and those in none under "".
func members(targets []triggerv1.TargetStatus) map[string]int {
	counts := map[string]int{}
	for _, t := range targets {
		if t.State != triggerv1.TargetMissing {
			counts[t.Stage]++
		}
	}
	return counts
}

func overrides(vt *triggerv1.ValuesTrigger, members map[string]int, open bool) []string {
	var out []string
	if s := vt.Status.Rollout; s != nil {
		switch {
		case s.Rollback != nil, s.RejectedBy != nil:
			out = append(out, "the rejection of content "+digest.Abbreviated(s.Digest))
		case s.Phase == triggerv1.RolloutHalted:
			out = append(out, "the halt of the rollout")
		}
	}
	if quiet := vt.Spec.QuietPeriod.Duration; quiet > 0 {
		out = append(out, "the quiet period of "+quiet.String())
	}
	if len(vt.Spec.Schedule) > 0 && !open {
		out = append(out, "the windows of spec.schedule, none of which is open")
	}
	if vt.Spec.Rollout == nil {
		return out
	}
	return append(out, overriddenStages(vt.Spec.Rollout.Stages, members)...)
}

// overriddenStages returns what of the stages a request of all targets at once overrides.
func overriddenStages(stages []triggerv1.Stage, members map[string]int) []string {
	var out []string
	for _, stage := range stages {
		if stage.Approval == triggerv1.ApprovalManual {
			out = append(out, fmt.Sprintf("the approval of stage %s: %s", stage.Name, Releases(members[stage.Name])))
		}
	}
	if len(stages) > 1 {
		out = append(out, fmt.Sprintf("the order of the stages %s to %s", stages[0].Name, stages[len(stages)-1].Name))
	}
	if names := analyzed(stages); len(names) > 0 {
		out = append(out, "the analysis of "+text.Some(names, len(names)))
	}
	for _, stage := range stages {
		if stage.MaxConcurrency != nil {
			out = append(out, fmt.Sprintf("maxConcurrency %s of stage %s: %s", stage.MaxConcurrency.String(), stage.Name, Releases(members[stage.Name])))
		}
	}
	if n := members[""]; n > 0 {
		out = append(out, fmt.Sprintf("that no stage selects %s", Releases(n)))
	}
	return out
}

// Gates returns what a request of all targets waits for if it keeps to what holds changes
// back, empty if that is nothing. A halt is not among it: that holds back its content until a
// person retries it, and nothing else.
func Gates(vt *triggerv1.ValuesTrigger) []string {
	var out []string
	if quiet := vt.Spec.QuietPeriod.Duration; quiet > 0 {
		out = append(out, "the quiet period of "+quiet.String())
	}
	if len(vt.Spec.Schedule) > 0 {
		out = append(out, "the windows of spec.schedule")
	}
	if vt.Spec.Rollout != nil {
		names := make([]string, 0, len(vt.Spec.Rollout.Stages))
		for _, stage := range vt.Spec.Rollout.Stages {
			names = append(names, stage.Name+conditionsOf(stage))
		}
		out = append(out, "the stages "+text.Some(names, len(names)))
	}
	return out
}

// analyzed returns the names of the stages with an analysis that decides about them.
func analyzed(stages []triggerv1.Stage) []string {
	var names []string
	for _, stage := range stages {
		if decidesBy(stage.Analysis) {
			names = append(names, stage.Name)
		}
	}
	return names
}

// decidesBy reports whether there is more to an analysis than webhooks that are informed.
func decidesBy(a *triggerv1.Analysis) bool {
	return a != nil && len(a.Metrics)+len(webhooksOf(a, triggerv1.WebhookGate))+len(webhooksOf(a, triggerv1.WebhookCheck)) > 0
}

// conditionsOf says in brackets what a stage asks for, empty if that is nothing.
func conditionsOf(stage triggerv1.Stage) string {
	manual, analyzed := stage.Approval == triggerv1.ApprovalManual, decidesBy(stage.Analysis)
	switch {
	case manual && analyzed:
		return " (approval, analysis)"
	case manual:
		return " (approval)"
	case analyzed:
		return " (analysis)"
	}
	return ""
}

// Releases counts HelmReleases in words.
func Releases(n int) string {
	if n == 1 {
		return "1 HelmRelease"
	}
	return fmt.Sprintf("%d HelmReleases", n)
}
