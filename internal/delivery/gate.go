// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// gate is what holds the changes of a trigger back, as its spec has it.
type gate struct {
	schedule schedule.Schedule
	stages   binding.Stages

	// measured are the answers about the stage that have come in this pass, nil if none have.
	measured *analysis.Measurement
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

// decide asks which of the requests that are due may be made now.
func (g *gate) decide(snap snapshot, cases []*targetCase) rollout.Decision {
	in := rollout.Input{
		Now: snap.at, Digest: snap.content, Editors: plan.Editors(snap.sources, snap.diff), Quiet: snap.vt.Spec.QuietPeriod.Duration, MaxDelay: snap.vt.GetMaxDelay(),
		Settle: snap.settle, Applied: snap.applied, Applying: snap.applying,
		Schedule: g.schedule, Rollout: rolloutOf(snap), Timeout: snap.vt.GetTimeout(), Previous: snap.vt.Status.Rollout,
		Force: snap.overrides(), Reset: snap.reset != "", TriggerAt: snap.triggerAt, Approval: rollout.Annotation(snap.vt.Annotations[triggerv1.ApproveAnnotation]),
		Handled: snap.vt.Status.LastHandledApproval,
		Trigger: snap.vt.UID, Measured: g.measured,
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

// hold notes for each target why its request must not be made now.
func (e *Engine) hold(ctx context.Context, snap snapshot, cases []*targetCase) (verdict, error) {
	if snap.gate == nil && !snap.settling {
		for _, c := range cases {
			if c.leftAlone(snap) {
				c.held = notRestorable
			}
		}
		return verdict{}, nil
	}
	g := snap.gate
	if g == nil {
		g = &gate{} // It holds nothing back but what settles.
	}
	gated := e.measure(snap, g, cases, e.rest(ctx, snap, g, cases))
	if isVerdict(snap.vt.Status.Rollout, gated.Status) {
		changed, err := e.doubt(ctx, snap, cases)
		if err != nil {
			return verdict{}, err
		}
		if changed {
			gated = g.decide(snap, cases)
		}
	}
	judged := verdict{
		rollout: gated.Status, turns: gated.Turns, after: gated.After,
		admitted: slices.Contains(gated.Admitted, true), passed: gated.Passed, rejectRefused: gated.RejectRefused,
	}
	for i, c := range cases {
		c.held, c.settling = gated.Held[i], judged.settling()
		if c.leftAlone(snap) {
			c.held = notRestorable
		}
	}
	if gated.Status.Phase == triggerv1.RolloutAwaitingApproval {
		e.preview(ctx, snap, cases)
	}
	return judged, nil
}

// checkCurrent returns an outdated fault if something is about to be done on the word of a trigger
// that is not the newest version of it. What holds changes back must not be judged by a status that
// has been written over; and an operator that does not lead any more, and has not noticed, must not
// put back copies that the one which leads has written.
func (e *Engine) checkCurrent(ctx context.Context, vt *triggerv1.ValuesTrigger, judged verdict, cases []*targetCase) error {
	writes := func(c *targetCase) bool {
		return c.looked && c.held == "" && (c.state == publish.Outdated || c.state == publish.Absent)
	}
	if !judged.admitted && !slices.ContainsFunc(cases, writes) {
		return nil
	}
	newest, err := e.newest(ctx, vt)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err != nil || newest.ResourceVersion != vt.ResourceVersion {
		return fault.Outdated("there is a newer version of the trigger")
	}
	return nil
}

// newest returns the metadata of a trigger as the API server has it now.
func (e *Engine) newest(ctx context.Context, vt *triggerv1.ValuesTrigger) (*metav1.PartialObjectMetadata, error) {
	newest := &metav1.PartialObjectMetadata{}
	newest.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind))
	return newest, e.Live.Get(ctx, client.ObjectKeyFromObject(vt), newest)
}

// preview adds to the reasons why targets are held what their requests would do, while a
// person has to approve that.
func (e *Engine) preview(ctx context.Context, snap snapshot, cases []*targetCase) {
	for _, c := range cases {
		if c.held == "" || c.decision.Request == nil {
			continue
		}
		values := c.input.Values
		if values == plan.ValuesUnknown && len(c.input.Release.Reads) > 0 || c.input.Unpublished {
			var err error
			if values, err = e.compareValues(ctx, c.hr, snap.publication.given(c)); err != nil {
				values = plan.ValuesUnreadable
			}
		}
		c.held += "; " + c.decision.Effect(c.input.Release, values)
	}
}
