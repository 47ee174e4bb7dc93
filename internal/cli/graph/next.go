// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Step is something that a person can do about a trigger.
type Step struct {
	// Does says what it is good for, and Command how it is done.
	Does    string `json:"does"`
	Command string `json:"command"`
}

// Instruction is the message with the command of this plugin in the place of the one for kubectl alone.
func (t Trigger) Instruction() string {
	before, _, found := strings.Cut(t.Message, ": kubectl annotate")
	if !found || t.State != AwaitingApproval {
		return t.Message
	}
	return before + ": " + t.Steps()[0].Command
}

// Steps returns what a person can do about a trigger as it is now, the most obvious first.
func (t Trigger) Steps() []Step {
	step := func(verb, does string) Step {
		return Step{Does: does, Command: fmt.Sprintf("kubectl valuestrigger %s %s -n %s", verb, t.Name, t.Namespace)}
	}
	switch {
	case t.State == Suspended:
		return []Step{step("resume", "continue")}
	case t.State == Waiting && t.Reason == triggerv1.AwaitingGateReason:
		return []Step{step("reject", "reject it"), step("preview --pending", "see how values would change")}
	case t.State == AwaitingApproval:
		return []Step{step("approve", "see what it is, and approve it"), step("reject", "reject it"), step("preview --pending", "see how values would change")}
	case t.State == Stalled && (t.Reason == triggerv1.RolledBackReason || t.Reason == triggerv1.RollbackHaltedReason):
		return []Step{step("retry", "deliver the rejected content again; or edit the sources")}
	case t.State == Stalled && (t.Reason == triggerv1.RolloutHaltedReason || t.Reason == triggerv1.DeliveryFailedReason):
		return []Step{step("retry", "try again, once it is fixed; or edit the sources")}
	case t.State == Progressing && len(t.Stages) > 0:
		return []Step{step("reject", "reject what it delivers"), step("suspend", "stop it")}
	}
	return nil
}
