// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// This file lets a change settle that a GitOps tool or Helm has applied: what belongs to it, such
// as the HelmRelease with its new chart, comes some time after the ConfigMap. Until then nothing is
// requested, no copy is written, and no gate is judged.

// noteApplied notes whether a change has to settle: one that is seen now, or one on record.
func (e *Engine) noteApplied(vt *triggerv1.ValuesTrigger, snap *snapshot) {
	if e.SettleTime <= 0 || snap.rejected != "" {
		return
	}
	snap.settle = e.SettleTime
	snap.applied = plan.Applied(snap.diff, snap.sources)
	snap.settling = snap.applied != nil || vt.Status.Rollout != nil && vt.Status.Rollout.Settling != nil
}

// rest asks which of the requests may be made now. Where that a change has settled decides, it
// asks the tool that has applied it, and looks again at what has come meanwhile.
func (e *Engine) rest(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, g *gate, cases []*targetCase) rollout.Decision {
	gated := g.decide(vt, snap, cases)
	if gated.Settled(vt.Status.Rollout) && !snap.overrides() && e.isApplying(ctx, snap) {
		snap.applying = true
		gated = g.decide(vt, snap, cases)
	}
	if !gated.Settled(vt.Status.Rollout) {
		return gated
	}
	if snap.publication != nil || vt.Spec.Rollout != nil {
		e.renew(ctx, vt, snap, cases)
		gated = g.decide(vt, snap, cases)
	}
	return gated
}

// isApplying reports whether a Kustomization that applies one of the sources is known to be
// still being applied.
func (e *Engine) isApplying(ctx context.Context, snap snapshot) bool {
	asked := map[types.NamespacedName]bool{}
	for _, s := range snap.sources {
		key := types.NamespacedName{Namespace: s.Applier.Namespace, Name: s.Applier.Name}
		if s.Applier.Kind != applier.Kustomization || asked[key] {
			continue
		}
		asked[key] = true
		if e.Kustomizations.IsApplying(ctx, key) {
			return true
		}
	}
	return false
}

// renew decides again about the targets that something is to be done for, by what the API server
// has of them now: a request is refused for an older version, but stages and copies rest on what
// the cache has, which may be behind.
func (e *Engine) renew(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, cases []*targetCase) {
	var group errgroup.Group
	group.SetLimit(max(1, e.Concurrent))
	for _, c := range cases {
		if c.live || c.err != nil || c.decision.Request == nil && c.state == publish.Current {
			continue
		}
		group.Go(func() error {
			e.decideAgain(ctx, vt, snap, c)
			return nil
		})
	}
	_ = group.Wait() // No function returns an error.
}
