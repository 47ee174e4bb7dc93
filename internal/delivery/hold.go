// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/kustomization"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// gatekeeper takes the cases, and notes in each why its request must not be made now. It gives a verdict: the state
// of the rollout, and whose turn it is.
type gatekeeper struct {
	live, namespaces client.Reader

	kustomizations *kustomization.Reader
	measurer       Measurer
	values         *comparer
	decider        *decider
}

// hold notes for each target why its request must not be made now, and returns the state of what holds
// them back.
func (k *gatekeeper) hold(ctx context.Context, snap snapshot, cases []*targetCase) (verdict, error) {
	if snap.gate == nil && !snap.settling {
		for _, c := range cases {
			if c.leftAlone(snap) {
				c.held = notRestorable
			}
		}
		return verdict{}, nil
	}
	gated, err := k.judge(ctx, snap, cases)
	if err != nil {
		return verdict{}, err
	}
	judged := verdict{
		rollout: gated.Status, turns: gated.Turns, after: gated.After,
		admitted: gated.Admits(), passed: gated.Passed, rejectRefused: gated.RejectRefused,
	}
	for i, c := range cases {
		c.held, c.settling = gated.Targets[i].Held, judged.settling()
		if c.leftAlone(snap) {
			c.held = notRestorable
		}
	}
	if gated.Status.Phase == triggerv1.RolloutAwaitingApproval {
		k.preview(ctx, snap, cases)
	}
	return judged, nil
}

// judge decides which requests may be made now. What it rests on is found out where it matters: whether a
// change has settled, what is measured of a stage, and whether what fails goes with its namespace.
func (k *gatekeeper) judge(ctx context.Context, snap snapshot, cases []*targetCase) (rollout.Decision, error) {
	g := snap.gate
	if g == nil {
		g = &gate{} // It holds nothing back but what settles.
	}
	gated, found := k.settle(ctx, snap, g, cases)
	if found.measured = k.measured(snap, cases, gated.Measure); found.measured != nil {
		gated = g.decide(snap, cases, found)
	}
	if !isVerdict(snap.vt.Status.Rollout, gated.Status) {
		return gated, nil
	}
	changed, err := k.doubt(ctx, snap, cases)
	if err == nil && changed {
		gated = g.decide(snap, cases, found)
	}
	return gated, err
}

// settle decides which of the requests may be made now. Where that a change has settled decides, it
// asks the tool that has applied it, and looks again at what has come meanwhile.
func (k *gatekeeper) settle(ctx context.Context, snap snapshot, g *gate, cases []*targetCase) (rollout.Decision, findings) {
	var found findings
	previous := snap.vt.Status.Rollout
	gated := g.decide(snap, cases, found)
	if gated.Settled(previous) && !snap.overrides() && k.isApplying(ctx, snap) {
		found.applying = true
		gated = g.decide(snap, cases, found)
	}
	if gated.Settled(previous) && (snap.publication != nil || snap.vt.Spec.Rollout != nil) {
		k.decider.renew(ctx, snap, cases)
		gated = g.decide(snap, cases, found)
	}
	return gated, found
}

// isApplying reports whether a Kustomization that applies one of the sources is known to be
// still being applied.
func (k *gatekeeper) isApplying(ctx context.Context, snap snapshot) bool {
	asked := map[types.NamespacedName]bool{}
	for _, s := range snap.sources {
		key := types.NamespacedName{Namespace: s.Applier.Namespace, Name: s.Applier.Name}
		if s.Applier.Kind != applier.Kustomization || asked[key] {
			continue
		}
		asked[key] = true
		if k.kustomizations.IsApplying(ctx, key) {
			return true
		}
	}
	return false
}

// measured returns the answers to the measurement that is due, nil if none is or they are not there yet:
// another pass waits for them.
func (k *gatekeeper) measured(snap snapshot, cases []*targetCase, due *analysis.Request) *analysis.Measurement {
	if due == nil {
		return nil
	}
	request := *due
	request.Subject = subjectOf(snap, cases)
	request.Subject.Releases = due.Subject.Releases
	if answers, found := k.measurer.Measure(request); found {
		return &answers
	}
	return nil
}

// doubt looks again, before a verdict, at the namespaces of the targets that it rests on:
// the cache may know of a release that fails before it knows why. It reports whether any
// of them has to be left out.
func (k *gatekeeper) doubt(ctx context.Context, snap snapshot, cases []*targetCase) (bool, error) {
	if k.namespaces == nil {
		return false, nil
	}
	var failing []target.Target
	for _, c := range cases {
		if release := c.input.Release; release.Exists && (release.Ready == "False" || c.decision.Status.State == triggerv1.TargetFailed) {
			failing = append(failing, c.Target)
		}
	}
	ending, err := endingNamespaces(ctx, k.live, failing)
	if err != nil || len(ending) == 0 {
		return false, err
	}
	changed := false
	for _, c := range cases {
		if c.ending = c.ending || ending[c.Namespace]; ending[c.Namespace] && c.input.Release.Exists {
			k.decider.decide(ctx, snap, c, target.Observe(c.hr, snap.sources))
			changed = true
		}
	}
	return changed, nil
}

// preview adds to the reasons why targets are held what their requests would do, while a
// person has to approve that.
func (k *gatekeeper) preview(ctx context.Context, snap snapshot, cases []*targetCase) {
	for _, c := range cases {
		if c.held == "" || c.decision.Request == nil {
			continue
		}
		values := c.input.Values
		if values == plan.ValuesUnknown && len(c.input.Release.Reads) > 0 || c.input.Unpublished {
			var err error
			if values, err = k.values.compare(ctx, c.hr, snap.publication.given(c)); err != nil {
				values = plan.ValuesUnreadable
			}
		}
		c.held += "; " + c.decision.Effect(c.input.Release, values)
	}
}

// checkCurrent returns an outdated fault if something is about to be done on the word of a trigger
// that is not the newest version of it. What holds changes back must not be judged by a status that
// has been written over; and an operator that does not lead any more, and has not noticed, must not
// put back copies that the one which leads has written.
func (k *gatekeeper) checkCurrent(ctx context.Context, snap snapshot, judged verdict, cases []*targetCase) error {
	writes := func(c *targetCase) bool {
		return c.looked && c.held == "" && (c.state == publish.Outdated || c.state == publish.Absent)
	}
	if !judged.admitted && !slices.ContainsFunc(cases, writes) {
		return nil
	}
	newest, err := newest(ctx, k.live, snap.vt)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err != nil || newest.ResourceVersion != snap.vt.ResourceVersion {
		return fault.Outdated("there is a newer version of the trigger")
	}
	return nil
}
