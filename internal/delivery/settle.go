// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// This file lets a change settle that a GitOps tool or Helm has applied: what belongs to it, such
// as the HelmRelease with its new chart, comes some time after the ConfigMap. Until then nothing is
// requested, no copy is written, and no gate is judged.

// withSettling has a change settle that a tool has applied: one that is seen now, or one on record.
func (snap snapshot) withSettling(settleTime time.Duration) snapshot {
	if settleTime <= 0 || snap.rejected != "" {
		return snap
	}
	snap.settle = settleTime
	snap.applied = plan.Applied(snap.diff, snap.sources)
	snap.settling = snap.applied != nil || snap.vt.Status.Rollout != nil && snap.vt.Status.Rollout.Settling != nil
	return snap
}

// rest asks which of the requests may be made now. Where that a change has settled decides, it
// asks the tool that has applied it, and looks again at what has come meanwhile.
func (e *Engine) rest(ctx context.Context, snap snapshot, g *gate, cases []*targetCase) rollout.Decision {
	gated := g.decide(snap, cases)
	if gated.Settled(snap.vt.Status.Rollout) && !snap.overrides() && e.isApplying(ctx, snap) {
		snap.applying = true
		gated = g.decide(snap, cases)
	}
	if !gated.Settled(snap.vt.Status.Rollout) {
		return gated
	}
	if snap.publication != nil || snap.vt.Spec.Rollout != nil {
		e.renew(ctx, snap, cases)
		gated = g.decide(snap, cases)
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
func (e *Engine) renew(ctx context.Context, snap snapshot, cases []*targetCase) {
	var group errgroup.Group
	group.SetLimit(max(1, e.Concurrent))
	for _, c := range cases {
		if c.live || c.err != nil || c.decision.Request == nil && c.state == publish.Current {
			continue
		}
		group.Go(func() error {
			e.decideAgain(ctx, snap, c)
			return nil
		})
	}
	_ = group.Wait() // No function returns an error.
}
