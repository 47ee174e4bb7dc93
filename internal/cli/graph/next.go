// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Step is something that a person can do about a trigger.
type Step struct {
	// Does says what it is good for, and Command how it is done, unset for what no command of the plugin does.
	Does    string `json:"does"`
	Command string `json:"command,omitempty"`

	// Verb is the command of the plugin.
	Verb string `json:"-"`
}

// Text is the command of a step, or what it does where there is none.
func (s Step) Text() string { return cmp.Or(s.Command, s.Does) }

// Instruction is the message with the command of this plugin in the place of the one for kubectl alone.
func (t Trigger) Instruction() string {
	before, _, found := strings.Cut(t.Message, ": kubectl annotate")
	if !found || t.State != AwaitingApproval {
		return t.Message
	}
	return before + ": " + t.Steps()[0].Command
}

// Expects reports whether a command is what a person is expected to use now. Where content is at fault, to deliver the
// same again is not.
func (t Trigger) Expects(verb string) bool {
	steps := t.Steps()
	return len(steps) > 0 && steps[0].Verb == verb && t.State != Progressing && verb != "reject"
}

// Steps returns what a person can do about a trigger as it is now, the most helpful first.
func (t Trigger) Steps() []Step {
	switch {
	case t.State == Suspended:
		return []Step{t.step("resume", "", "continue")}
	case t.State == Waiting && t.Reason == triggerv1.AwaitingGateReason:
		return []Step{t.step("reject", "", "reject it"), t.step("preview", " --pending", "see how values would change")}
	case t.State == AwaitingApproval:
		return []Step{t.step("approve", "", "see what it is, and approve it"), t.step("reject", "", "reject it"), t.step("preview", " --pending", "see how values would change")}
	case t.State == Progressing && len(t.Stages) > 0:
		return []Step{t.step("reject", "", "reject what it delivers"), t.step("suspend", "", "stop it")}
	case t.State != Stalled:
		return nil
	}
	switch t.Reason {
	case triggerv1.RollbackHaltedReason:
		return []Step{t.step("retry", "", "restore the earlier content again, once the HelmRelease is fixed")}
	case triggerv1.RolledBackReason:
		return []Step{t.edit(), t.step("retry", "", "deliver the rejected content all the same")}
	case triggerv1.DeliveryFailedReason:
		return []Step{t.step("retry", "", "try again, once it is fixed; or edit the sources")}
	case triggerv1.RolloutHaltedReason:
		return t.stepsAfterHalt()
	case triggerv1.TargetsHeldReason:
		return t.stepsForStages()
	}
	return nil
}

// stepsAfterHalt puts last to try the same content again: it helps only where that is not at fault.
func (t Trigger) stepsAfterHalt() []Step {
	if t.halt.recovered {
		return []Step{t.step("retry", "", "continue, since it has recovered")}
	}
	again := "try again, once the HelmRelease is fixed"
	switch {
	case t.halt.rejected:
		again = "deliver the rejected content all the same"
	case slices.ContainsFunc(t.Stages, func(st Stage) bool { return st.Analysis != nil && st.Analysis.Failed != "" }):
		again = "measure again, if the metric was wrong"
	}
	steps := []Step{t.edit(), t.step("retry", "", again)}
	if t.halt.restorable {
		steps = append([]Step{t.step("rollback", "", "restore the content of before")}, steps...)
	}
	return steps
}

// stepsForStages is for stages that do not select what they should.
func (t Trigger) stepsForStages() []Step {
	if t.leavesOut != "" {
		return []Step{{Does: "select HelmRelease " + t.leavesOut + " by a stage, or by no target of the ValuesTrigger"}}
	}
	return []Step{{Does: "create or label a HelmRelease for the stage"}, t.step("retry", "", "continue without the stage")}
}

func (t Trigger) step(verb, flags, does string) Step {
	return Step{Does: does, Command: fmt.Sprintf("kubectl valuestrigger %s%s %s -n %s", verb, flags, t.Name, t.Namespace), Verb: verb}
}

// edit is to correct what is delivered.
func (t Trigger) edit() Step {
	if len(t.Sources) == 1 && t.Sources[0].Name != "" {
		return Step{Does: "fix or revert " + t.Sources[0].String() + ", in Git if it is there"}
	}
	return Step{Does: "fix or revert the sources, in Git if they are there"}
}

// halt is what is known of a rollout that has halted.
type halt struct {
	// recovered reports that what failed is well by now, rejected that a person has rejected the content, and
	// restorable that HelmReleases have it and there is a revision to go back to.
	recovered, rejected, restorable bool
}

func haltOf(vt *triggerv1.ValuesTrigger) halt {
	s := vt.Status.Rollout
	if s == nil || s.Phase != triggerv1.RolloutHalted {
		return halt{}
	}
	_, refusal := decision.RollBack(vt, 0)
	reached := slices.ContainsFunc(s.Stages, func(st triggerv1.StageStatus) bool {
		return st.Phase != "" && st.Phase != triggerv1.StageWaiting && st.Phase != triggerv1.StageUnchanged
	})
	return halt{
		recovered: rollout.Recovered(vt), rejected: s.RejectedBy != nil, restorable: vt.Spec.Publish != nil && refusal == "" && reached,
	}
}
