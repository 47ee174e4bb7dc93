// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/follow"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// directoryAge is how old the list of HelmReleases may be by which a status is completed.
const directoryAge = 15 * time.Second

// follower follows ValuesTriggers, and completes the statuses that do not list all targets, not too often.
type follower struct {
	follow.Follower[*triggerv1.ValuesTrigger]

	// complete reads what completes statuses that do not list all targets.
	complete func(context.Context, []triggerv1.ValuesTrigger) (graph.Directory, error)

	directory graph.Directory
	completed time.Time
}

// newFollower follows one ValuesTrigger, or all of the namespace, "" for all namespaces.
func (c *cli) newFollower(follows client.WithWatch, name string) *follower {
	silent := *c
	silent.Err = io.Discard // A warning would be written across the board, which counts what was not found.
	f := &follower{complete: func(ctx context.Context, triggers []triggerv1.ValuesTrigger) (graph.Directory, error) {
		return silent.directory(ctx, c.namespace, triggers)
	}}
	f.Follower = follow.Follower[*triggerv1.ValuesTrigger]{
		Client: follows, List: func() client.ObjectList { return &triggerv1.ValuesTriggerList{} },
		Namespace: c.scope(), Name: name, Now: c.Now, Patience: follow.RetryAfter, Look: f.look,
		Again: func(triggers []*triggerv1.ValuesTrigger) time.Duration {
			if slices.ContainsFunc(triggers, graph.IsBounded) {
				return directoryAge // What is on record on HelmReleases makes no event here.
			}
			return 0
		},
	}
	return f
}

// follow calls show with what is seen, as Follow does.
func (f *follower) follow(ctx context.Context, show func(scene)) error {
	return f.Follow(ctx, func(seen follow.Seen[*triggerv1.ValuesTrigger]) {
		show(scene{triggers: values(seen.Objects), Directory: f.directory, stale: seen.Stale, why: seen.Why})
	})
}

// look completes the statuses that do not list all targets, not too often.
func (f *follower) look(ctx context.Context, triggers []*triggerv1.ValuesTrigger) error {
	if !f.completed.IsZero() && f.Now().Sub(f.completed) < directoryAge {
		return nil
	}
	d, err := f.complete(ctx, values(triggers))
	if err != nil {
		return err
	}
	f.directory, f.completed = d, f.Now()
	return nil
}

func values(triggers []*triggerv1.ValuesTrigger) []triggerv1.ValuesTrigger {
	out := make([]triggerv1.ValuesTrigger, 0, len(triggers))
	for _, vt := range triggers {
		out = append(out, *vt)
	}
	return out
}
