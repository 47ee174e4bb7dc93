// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package decision

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Approval is the approval of content for one stage.
type Approval struct {
	// Content is its digest, and Stage the one that it is approved for.
	Content string
	Stage   string

	// Value is that of the annotation trigger.nebius.ai/approve.
	Value string

	// Before are the stages that come first, and how far they are.
	Before []triggerv1.StageStatus

	// Early says what comes first while the stage is not reached, empty if it is.
	Early string

	// LetsGo are the HelmReleases that get the content, as far as they are known by name, of Count.
	// AtOnce is how many at a time, empty for all.
	LetsGo []binding.Object
	Count  int
	AtOnce string

	// Then are the stages that follow by themselves.
	Then []string

	// Suspended reports that nothing is delivered before the ValuesTrigger is resumed.
	Suspended bool

	spec int64
}

// Approve says what approving the content that is being rolled out means. Without a stage it is for the
// one that waits. The refusal says why there is nothing to approve, empty if there is.
func Approve(vt *triggerv1.ValuesTrigger, targets []triggerv1.TargetStatus, stage string) (a Approval, refusal string) {
	manual := manualStages(vt)
	if refusal = notOpen(vt, manual, stage); refusal != "" {
		return a, refusal
	}
	s := vt.Status.Rollout
	stage = cmp.Or(stage, s.Stage, firstOpen(vt, manual))
	a = Approval{Content: s.Digest, Stage: stage, Value: rollout.Approval(s.Digest, stage, vt.Status.LastHandledApproval), Suspended: vt.Spec.Suspend, spec: vt.Generation}
	if refusal = rollout.NotApproved(vt.Spec.Rollout, s, s, a.Value); refusal != "" {
		return a, refusal
	}
	if refusal = waitsFor(vt, triggerv1.ApproveAnnotation, vt.Status.LastHandledApproval); refusal != "" {
		return a, refusal
	}
	a.stages(vt)
	if s.Phase != triggerv1.RolloutAwaitingApproval || s.Stage != "" && s.Stage != stage {
		a.Early = "the rollout is " + standing(s)
	}
	a.LetsGo = releases(targets, func(t triggerv1.TargetStatus) bool {
		return t.Stage == stage && t.State != triggerv1.TargetDelivered && t.State != triggerv1.TargetMissing
	})
	a.Count = max(a.Count, len(a.LetsGo))
	return a, ""
}

// notOpen says why nothing can be approved, empty if something can.
func notOpen(vt *triggerv1.ValuesTrigger, manual []string, stage string) string {
	s := vt.Status.Rollout
	switch {
	case len(manual) == 0:
		return "no stage of spec.rollout has approval Manual"
	case s == nil || s.Phase == triggerv1.RolloutFinished:
		return "nothing waits for approval: the present content has passed all stages"
	case vt.Status.Restored == nil && s.Rollback != nil:
		return fmt.Sprintf("nothing waits for approval: content %s was rolled back and is rejected; edit the source, or 'retry' it by name", digest.Abbreviated(s.Digest))
	case s.Phase == triggerv1.RolloutHalted:
		return "nothing waits for approval: the rollout has halted; edit the source, or 'retry' it"
	case stage != "" || s.Phase == triggerv1.RolloutAwaitingApproval:
		return ""
	}
	refusal := "nothing waits for approval: the rollout is " + standing(s)
	if open := firstOpen(vt, manual); open != "" {
		refusal += fmt.Sprintf("; to approve stage %s before it is reached, name it: --stage %s", open, open)
	}
	return refusal
}

// standing says where a rollout is.
func standing(s *triggerv1.RolloutStatus) string {
	if s.Stage == "" {
		return string(s.Phase)
	}
	return string(s.Phase) + " in stage " + s.Stage
}

// stages takes in what comes before the stage, what it bounds itself, and what follows it.
func (a *Approval) stages(vt *triggerv1.ValuesTrigger) {
	of := func(name string) triggerv1.StageStatus {
		for _, st := range vt.Status.Rollout.Stages {
			if st.Name == name {
				return st
			}
		}
		return triggerv1.StageStatus{Name: name, Phase: triggerv1.StageWaiting}
	}
	at := slices.IndexFunc(vt.Spec.Rollout.Stages, func(st triggerv1.Stage) bool { return st.Name == a.Stage })
	for _, spec := range vt.Spec.Rollout.Stages[:at] {
		a.Before = append(a.Before, of(spec.Name))
	}
	st := of(a.Stage)
	a.Count = int(st.Targets - st.Delivered)
	if most := vt.Spec.Rollout.Stages[at].MaxConcurrency; most != nil {
		a.AtOnce = most.String()
	}
	for _, spec := range vt.Spec.Rollout.Stages[at+1:] {
		if spec.Approval == triggerv1.ApprovalManual && !of(spec.Name).Approved {
			break
		}
		a.Then = append(a.Then, spec.Name)
	}
}

// Facts are what the approval was judged by.
func (a Approval) Facts() []Fact {
	failed := 0
	for _, st := range a.Before {
		failed += int(st.Failed)
	}
	names := make([]string, 0, len(a.LetsGo))
	for _, r := range a.LetsGo {
		names = append(names, r.Key())
	}
	return []Fact{
		{"content", digest.Abbreviated(a.Content)}, {"the stage", a.Stage}, {"the generation of the spec", strconv.FormatInt(a.spec, 10)},
		{"the number of failures in the stages before", strconv.Itoa(failed)}, {"what it lets go", strings.Join(names, ", ")},
	}
}

// manualStages returns the stages that need an approval.
func manualStages(vt *triggerv1.ValuesTrigger) []string {
	var out []string
	if vt.Spec.Rollout != nil {
		for _, st := range vt.Spec.Rollout.Stages {
			if st.Approval == triggerv1.ApprovalManual {
				out = append(out, st.Name)
			}
		}
	}
	return out
}

// firstOpen returns the first stage that needs an approval and has none.
func firstOpen(vt *triggerv1.ValuesTrigger, manual []string) string {
	for _, name := range manual {
		approved := slices.ContainsFunc(vt.Status.Rollout.Stages, func(st triggerv1.StageStatus) bool { return st.Name == name && st.Approved })
		if !approved {
			return name
		}
	}
	return ""
}
