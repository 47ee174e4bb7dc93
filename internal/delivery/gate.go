// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// gate is what holds the changes of a trigger back, as its spec has it.
type gate struct {
	schedule schedule.Schedule
	stages   binding.Stages
}

// newGate reads the windows and stages of a trigger, nil if nothing is held back.
func newGate(vt *triggerv1.ValuesTrigger) (*gate, error) {
	if !vt.IsGated() {
		return nil, nil
	}
	g := &gate{}
	var err error
	if g.schedule, err = rollout.ScheduleOf(vt); err != nil {
		return nil, fault.Invalid("invalid spec: spec.schedule%w", err)
	}
	if g.stages, err = binding.StagesOf(vt); err != nil {
		return nil, fault.Invalid("invalid spec: %w", err)
	}
	return g, nil
}

// stageOf returns the name of the stage that a release belongs to, if there are any.
func stageOf(vt *triggerv1.ValuesTrigger, g *gate, hr *helmv2.HelmRelease) string {
	if g == nil || vt.Spec.Rollout == nil {
		return ""
	}
	if i := g.stages.Of(hr); i >= 0 {
		return vt.Spec.Rollout.Stages[i].Name
	}
	return ""
}

// findings are what is found out about a rollout while it is decided about.
type findings struct {
	// applying reports that the tool that has applied a change is known to go on.
	applying bool

	// measured are the answers about the stage that have come in this pass, nil if none have.
	measured *analysis.Measurement
}

// decide asks which of the requests that are due may be made now.
func (g *gate) decide(snap snapshot, cases []*targetCase, found findings) rollout.Decision {
	in := rollout.Input{
		Now: snap.at, Digest: snap.content, Editors: plan.Editors(snap.sources, snap.diff), Quiet: snap.vt.Spec.QuietPeriod.Duration, MaxDelay: snap.vt.GetMaxDelay(),
		Settle: snap.settle, Applied: snap.applied, Applying: found.applying,
		Schedule: g.schedule, Rollout: rolloutOf(snap), Timeout: snap.vt.GetTimeout(), Previous: snap.vt.Status.Rollout,
		Force: snap.overrides(), Reset: snap.reset != "", TriggerAt: snap.triggerAt, Approval: rollout.Annotation(snap.vt.Annotations[triggerv1.ApproveAnnotation]),
		Handled: snap.vt.Status.LastHandledApproval,
		Trigger: snap.vt.UID, Measured: found.measured,
		Earlier: snap.earlier, Restored: snap.rolledBack(), Unrestorable: snap.unrestorable,
		Targets: make([]rollout.Target, 0, len(cases)),
	}
	if snap.gate != nil {
		in.Reject, in.HandledReject = rollout.Annotation(snap.vt.Annotations[triggerv1.RejectAnnotation]), snap.vt.Status.LastHandledReject
		in.Approver, in.Rejecter = snap.approver, snap.rejecter
	}
	if snap.restores != nil { // A person has decided: there is nothing to wait for, and who did may not approve it alone.
		in.Quiet, in.Editors = 0, []string{snap.restores.User}
	}
	formerly := plan.Formerly(snap.sources)
	for _, c := range cases {
		t := rollout.Of(c.String(), g.stages.Of(c.hr), c.decision, c.input.Release)
		switch {
		case refusal.Is(c.err), fault.ReasonOf(c.err) != "": // It must not hold up the others.
			t.Standing, t.Wants, t.Message = rollout.Out, false, refusal.Text(c.err)
		case c.err != nil: // Perhaps it has just been triggered: let it keep its place.
			t.Standing, t.Wants, t.Stage = rollout.UnderWay, false, g.stages.Of(c.Release)
		case c.leftAlone(snap):
			t.Standing, t.Wants, t.Message = rollout.Out, false, notRestorable
		}
		if in.RejectedBy == "" && snap.vt.Spec.Publish != nil && t.Standing != rollout.Current && c.input.Release.Record.Rejects(c.input.Trigger, snap.content, formerly...) {
			in.RejectedBy = c.String()
		}
		if snap.vt.Spec.Rollout != nil && c.hr != nil {
			t.DependsOn = binding.DependsOn(c.hr)
		}
		in.Targets = append(in.Targets, t)
	}
	return rollout.Decide(in)
}

// rolloutOf returns the stages of a trigger. What a person has gone back to is not rolled back
// automatically: that would be to what the person wants to leave.
func rolloutOf(snap snapshot) *triggerv1.Rollout {
	if snap.restores == nil || !snap.vt.RollsBack() {
		return snap.vt.Spec.Rollout
	}
	halts := snap.vt.Spec.Rollout.DeepCopy()
	halts.OnFailure = triggerv1.FailureHalt
	return halts
}

// begunByRequest is true if a request that keeps to what holds changes back has begun the rollout
// of the content, and nothing has overridden that since.
func begunByRequest(s *triggerv1.RolloutStatus, content string) bool {
	return s != nil && s.TriggerAt != "" && s.Digest == content && !s.Overridden
}

// verdict is what holds changes back, as it is now.
type verdict struct {
	rollout *triggerv1.RolloutStatus // nil if nothing does
	turns   []rollout.Turn

	// admitted reports that the request of some target may be made, and passed that the
	// content went through all stages.
	admitted, passed bool

	// rejectRefused says why an annotation that is new rejects nothing.
	rejectRefused string

	// after is when to judge again without an event, 0 for never.
	after time.Duration
}

// settling reports whether nothing may be done yet.
func (v verdict) settling() bool { return v.rollout != nil && v.rollout.Settling != nil }

// isVerdict reports whether a rollout ends, or begins to go back, since targets have
// failed.
func isVerdict(was, is *triggerv1.RolloutStatus) bool {
	switch is.Phase {
	case triggerv1.RolloutHalted, triggerv1.RolloutRollingBack, triggerv1.RolloutRollbackHalted:
		return was == nil || was.Digest != is.Digest || was.Phase != is.Phase
	default:
		return false
	}
}
