// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// This file writes the history, and keeps the content of the revisions in it.

// remember notes a change in the history, if there is one. Content that passes is noted even if nothing
// was requested for it where it can be gone back to: that with which a trigger begins.
func remember(vt *triggerv1.ValuesTrigger, snap snapshot, out outcome, change triggerv1.Change, asked bool) {
	status := &vt.Status
	isNoted := func() bool { return len(status.History) > 0 && status.History[0].Digest == change.Digest }
	byPerson := asked || change.Override != nil || out.rejects(change.Digest)
	if isNoted() || len(snap.diff.Changed) > 0 || byPerson || out.passed && snap.publication != nil {
		status.History = plan.Remember(status.History, change, vt.GetRevisionHistoryLimit())
	}
	if change.Override != nil {
		status.History[0].Override = change.Override
	}
	if out.passed && isNoted() {
		plan.Pass(status.History)
		if out.kept && len(status.History[0].Kept) == 0 {
			status.History[0].Kept = plan.Kept(snap.sources)
		}
	}
	if snap.publication == nil {
		keepNothing(status.History)
	}
}

// keepNothing notes that without copies nothing is kept.
func keepNothing(history []triggerv1.Change) {
	for i := range history {
		history[i].Kept = nil
	}
}

// rejects reports whether a person has rejected the content.
func (o *outcome) rejects(content string) bool {
	return o.rollout != nil && o.rollout.Digest == content && o.rollout.RejectedBy != nil
}

// deliveredToAll reports whether all targets run the content: without stages, it has passed then.
func (o *outcome) deliveredToAll() bool {
	return !o.undecided && len(o.targets) > 0 && !slices.ContainsFunc(o.targets, func(t triggerv1.TargetStatus) bool {
		return t.State != triggerv1.TargetDelivered
	})
}

// keepRevision stores content that has passed, and reports whether it is kept. With onFailure Rollback it
// has been stored before any target got it. Otherwise, that it may not be stored keeps no one from
// getting it.
func (e *Engine) keepRevision(ctx context.Context, snap snapshot, out outcome) (bool, error) {
	switch {
	case snap.publication == nil || !out.passed || snap.rejected != "" || plan.Kept(snap.sources) == nil:
		return false, nil
	case snap.vt.RollsBack(), len(snap.vt.Status.History) > 0 && snap.vt.Status.History[0].Digest == snap.diff.To && len(snap.vt.Status.History[0].Kept) > 0:
		return true, nil
	}
	if denied := snap.publication.mayKeep(); denied != nil {
		return false, nil //nolint:nilerr // It is said when someone asks for the content.
	}
	err := e.store(ctx, snap)
	refused := refusal.Is(err) || fault.ReasonOf(err) != "" || fault.IsOutdated(err)
	if refused {
		err = nil
	}
	return err == nil && !refused, err
}
