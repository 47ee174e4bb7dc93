// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// pendingTrigger is a ValuesTrigger with content that it has not delivered everywhere.
type pendingTrigger struct {
	binding.Object

	// Digest of the content, and what the trigger says about it.
	Digest  string `json:"digest"`
	Message string `json:"message,omitempty"`

	// Waiting is the number of HelmReleases that have not got it, of Total.
	Waiting int `json:"waiting"`
	Total   int `json:"total"`

	// Rejected is true if the content has failed, and earlier content is back, or if a person went back to
	// the revision Restores.
	Rejected bool  `json:"rejected,omitempty"`
	Restores int64 `json:"restoresRevision,omitempty"`

	// Stages are those whose analysis matters now.
	Stages []graph.Stage `json:"stages,omitempty"`

	// RejectedBy is the person who rejected the content, nil if it has failed.
	RejectedBy *triggerv1.PersonRecord `json:"rejectedBy,omitempty"`
}

// pending previews what a trigger has not delivered yet: what its sources hold, against
// what is in the copies or, without copies, in what the HelmRelease runs.
func (c *cli) pending(ctx context.Context, name string) (previewed, error) {
	vt, err := c.trigger(ctx, client.ObjectKey{Namespace: c.namespace, Name: name})
	if err != nil {
		return previewed{}, err
	}
	return c.pendingOf(ctx, vt)
}

func (c *cli) pendingOf(ctx context.Context, vt *triggerv1.ValuesTrigger) (previewed, error) {
	cluster, err := c.clusterOf(ctx, c.namespace, []triggerv1.ValuesTrigger{*vt})
	if err != nil {
		return previewed{}, err
	}
	described := cluster.Describe(vt)
	var edits []*edit
	values := newComposer(c.client, nil, cluster)
	for _, s := range described.Sources {
		if s.Name == "" {
			continue
		}
		e := &edit{Object: s.Object, ChangedKeys: []string{}, subject: graph.Subject{Object: s.Object}}
		live, err := readLive(ctx, c.client, s.Object)
		switch {
		case apierrors.IsForbidden(err):
			values.hidden[s.Object] = true
		case err != nil:
			return previewed{}, err
		default:
			e.before, e.after = live, live
			values.live[s.Object], values.edited[s.Object] = read{object: live}, live
		}
		if live != nil {
			e.subject.Labels, e.subject.Annotations = live.GetLabels(), live.GetAnnotations()
		}
		edits = append(edits, e)
	}
	out, err := c.outcomes(ctx, cluster, edits, nil, values)
	if err != nil {
		return out, err
	}
	out.keepWaiting(vt, described)
	out.Pending.Message = c.named(described.Instruction())
	return out, nil
}

// keepWaiting leaves the releases that have not got the content, by stage.
func (p *previewed) keepWaiting(vt *triggerv1.ValuesTrigger, described graph.Trigger) {
	p.Pending = &pendingTrigger{
		Object: described.Object, Digest: vt.Status.LastDigest, Total: int(described.Summary.Total),
	}
	if present := decision.Present(vt); rejected(vt) != "" {
		p.Pending.Digest, p.Pending.Rejected = present, true
		if vt.Status.Rollout != nil {
			p.Pending.RejectedBy = vt.Status.Rollout.RejectedBy
		}
	}
	if r := vt.Status.Restored; r != nil {
		p.Pending.Restores = r.Revision
	}
	for _, st := range described.Stages {
		if st.Matters() {
			p.Pending.Stages = append(p.Pending.Stages, st)
		}
	}
	waiting := map[binding.Object]bool{}
	for _, t := range described.Targets {
		if p.Pending.Rejected || t.State != triggerv1.TargetDelivered {
			waiting[t.Object] = true
		}
	}
	p.Releases = slices.DeleteFunc(p.Releases, func(r *releasePreview) bool { return !waiting[r.Object] })
	p.Summary, p.Later = map[compare.Outcome]int{}, map[string]int{}
	for _, r := range p.Releases {
		p.Summary[r.Outcome]++
		if r.Outcome == compare.Later {
			p.Later[r.Message]++
		}
	}
	p.Pending.Waiting = len(p.Releases)
	for state, n := range described.Unnamed() {
		if p.Pending.Rejected || state != triggerv1.TargetDelivered {
			p.Pending.Waiting += n
		}
	}
	if vt.Spec.Rollout != nil {
		order := func(r *releasePreview) int {
			return slices.IndexFunc(vt.Spec.Rollout.Stages, func(s triggerv1.Stage) bool { return s.Name == r.Stage })
		}
		slices.SortStableFunc(p.Releases, func(a, b *releasePreview) int { return order(a) - order(b) })
	}
}
