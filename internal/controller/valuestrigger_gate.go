// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/schedule"
)

// gate is what holds the changes of a trigger back, as its spec has it.
type gate struct {
	schedule  schedule.Schedule
	selectors []labels.Selector
}

// newGate reads the windows and stages of a trigger, nil if nothing is held back.
func newGate(vt *triggerv1.ValuesTrigger) (*gate, error) {
	if !vt.IsGated() {
		return nil, nil
	}
	g := &gate{}
	windows := make([]schedule.Window, 0, len(vt.Spec.Schedule))
	for _, w := range vt.Spec.Schedule {
		windows = append(windows, schedule.Window{Cron: w.Cron, TimeZone: w.TimeZone, Duration: w.Window.Duration})
	}
	var err error
	if g.schedule, err = schedule.Parse(windows); err != nil {
		return nil, fault.Invalid("invalid spec: spec.schedule%w", err)
	}
	if vt.Spec.Rollout == nil {
		return g, nil
	}
	for i, stage := range vt.Spec.Rollout.Stages {
		selector := labels.Everything()
		if stage.Selector != nil {
			if selector, err = stage.Selector.AsSelector(); err != nil {
				return nil, fault.Invalid("invalid spec: spec.rollout.stages[%d].selector: %w", i, err)
			}
		}
		g.selectors = append(g.selectors, selector)
	}
	return g, nil
}

// stage returns the index of the stage that a release belongs to.
func (g *gate) stage(hr *helmv2.HelmRelease) int {
	if hr == nil {
		return rollout.Nowhere
	}
	for i, selector := range g.selectors {
		if selector.Matches(labels.Set(hr.Labels)) {
			return i
		}
	}
	return rollout.NoStage
}

// stageOf returns the name of the stage that a release belongs to, if there are any.
func stageOf(vt *triggerv1.ValuesTrigger, g *gate, hr *helmv2.HelmRelease) string {
	if g == nil || vt.Spec.Rollout == nil {
		return ""
	}
	if i := g.stage(hr); i >= 0 {
		return vt.Spec.Rollout.Stages[i].Name
	}
	return ""
}

// decide asks which of the requests that are due may be made now.
func (g *gate) decide(vt *triggerv1.ValuesTrigger, e evaluation, cases []*targetCase) rollout.Decision {
	in := rollout.Input{
		Now: e.at, Digest: e.content, Quiet: vt.Spec.QuietPeriod.Duration, MaxDelay: vt.GetMaxDelay(),
		Settle: e.settle, Applied: e.applied, Applying: e.applying,
		Schedule: g.schedule, Rollout: vt.Spec.Rollout, Timeout: vt.GetTimeout(), Previous: vt.Status.Rollout,
		Force: e.overrides(), Reset: e.reset != "", TriggerAt: e.triggerAt, Approval: rollout.Annotation(vt.Annotations[triggerv1.ApproveAnnotation]),
		Handled: vt.Status.LastHandledApproval,
		Earlier: e.earlier, Restored: e.refused != "", Unrestorable: e.unrestorable,
		Targets: make([]rollout.Target, 0, len(cases)),
	}
	formerly := plan.Formerly(e.sources)
	for _, c := range cases {
		t := rollout.Of(c.String(), g.stage(c.hr), c.decision, c.input.Release)
		switch {
		case isRefused(c.err), fault.ReasonOf(c.err) != "": // It must not hold up the others.
			t.Standing, t.Wants, t.Message = rollout.Out, false, textOf(c.err)
		case c.err != nil: // Perhaps it has just been asked: let it keep its place.
			t.Standing, t.Wants, t.Stage = rollout.UnderWay, false, g.stage(c.Release)
		case c.leftAlone(e):
			t.Standing, t.Wants, t.Message = rollout.Out, false, notRestorable
		}
		if in.RefusedBy == "" && vt.RollsBack() && t.Standing != rollout.Current && c.input.Release.Record.Refuses(c.input.Trigger, e.content, formerly...) {
			in.RefusedBy = c.String()
		}
		if vt.Spec.Rollout != nil && c.hr != nil {
			t.DependsOn = dependencies(c.hr)
		}
		in.Targets = append(in.Targets, t)
	}
	return rollout.Decide(in)
}

// hold says for each target why its request must not be made now, or nothing. Requests of
// a trigger that holds changes back are made only on its newest version.
func (r *ValuesTriggerReconciler) hold(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation, cases []*targetCase, out *outcome) (rollout.Decision, error) {
	if e.gate == nil && !e.settling {
		return rollout.Decision{Held: make([]string, len(cases))}, nil
	}
	for _, c := range cases {
		if c.input.Release.Exists {
			out.releases = append(out.releases, c.input.Release)
		}
	}
	g := e.gate
	if g == nil {
		g = &gate{} // It holds nothing back but what settles.
	}
	gated := r.rest(ctx, vt, e, g, cases)
	if isVerdict(vt.Status.Rollout, gated.Status) {
		changed, err := r.doubt(ctx, vt, e, cases)
		if err != nil {
			return rollout.Decision{}, err
		}
		if changed {
			gated = g.decide(vt, e, cases)
		}
	}
	for i, c := range cases {
		if c.leftAlone(e) {
			gated.Held[i] = notRestorable
		}
	}
	out.rollout, out.after, out.passed = gated.Status, gated.After, gated.Passed
	if out.admitted = slices.Contains(gated.Admitted, true); out.admitted {
		current, err := r.isCurrent(ctx, vt)
		if err != nil || !current {
			out.outdated = true
			return gated, err
		}
	}
	if gated.Status.Phase == triggerv1.RolloutAwaitingApproval {
		r.preview(ctx, e, gated.Held, cases)
	}
	return gated, nil
}

// dependencies returns the releases that a release depends on.
func dependencies(hr *helmv2.HelmRelease) []string {
	names := make([]string, 0, len(hr.Spec.DependsOn))
	for _, d := range hr.Spec.DependsOn {
		namespace := d.Namespace
		if namespace == "" {
			namespace = hr.Namespace
		}
		names = append(names, namespace+"/"+d.Name)
	}
	return names
}

// isCurrent reports whether a trigger is the newest version of it: what holds changes back
// must not be judged by a status that has been written over.
func (r *ValuesTriggerReconciler) isCurrent(ctx context.Context, vt *triggerv1.ValuesTrigger) (bool, error) {
	newest, err := r.newest(ctx, vt)
	if err != nil {
		return false, client.IgnoreNotFound(err)
	}
	return newest.ResourceVersion == vt.ResourceVersion, nil
}

// newest returns the metadata of a trigger as the API server has it now.
func (r *ValuesTriggerReconciler) newest(ctx context.Context, vt *triggerv1.ValuesTrigger) (*metav1.PartialObjectMetadata, error) {
	newest := &metav1.PartialObjectMetadata{}
	newest.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind))
	return newest, r.live.Get(ctx, client.ObjectKeyFromObject(vt), newest)
}

// sentRequests remembers the requests of this process until they are seen in the cache,
// so that they are counted from the moment on at which they are made.
type sentRequests struct {
	mu     sync.Mutex
	tokens map[types.NamespacedName]sentRequest
}

type sentRequest struct {
	token string
	at    time.Time
}

func newSentRequests() *sentRequests {
	return &sentRequests{tokens: map[types.NamespacedName]sentRequest{}}
}

func (s *sentRequests) note(release types.NamespacedName, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[release] = sentRequest{token: token, at: time.Now()}
}

// missing reports whether what was last sent to a release is not in a version of it.
func (s *sentRequests) missing(release types.NamespacedName, r plan.Release) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, found := s.tokens[release]
	if !found {
		return false
	}
	// One that is deleted and made again never had it.
	if !r.Record.Before(last.token) || time.Since(last.at) > time.Minute {
		delete(s.tokens, release)
		return false
	}
	return true
}
