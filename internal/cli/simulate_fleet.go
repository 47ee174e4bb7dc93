// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/simulate"
)

// leftOut are HelmReleases that a change would not reach.
type leftOut struct {
	Missing   []string `json:"missing,omitempty"`
	Suspended []string `json:"suspended,omitempty"`
	Unmatched []string `json:"inNoStage,omitempty"`
}

// fleet finds the HelmReleases of a trigger in the cluster, and their stages.
func (c *cli) fleet(ctx context.Context, f *simulate.Fleet) (leftOut, error) {
	var out leftOut
	selected, err := c.selected(ctx, f.Trigger)
	if err != nil {
		return out, err
	}
	stages, err := binding.StagesOf(f.Trigger)
	if err != nil {
		return out, err
	}
	for _, target := range selected {
		hr, name := target.Release, target.String()
		if hr == nil || !hr.DeletionTimestamp.IsZero() {
			out.Missing = append(out.Missing, name)
			continue
		}
		t := simulate.Target{Name: name, DependsOn: binding.DependsOn(hr)}
		if f.Trigger.Spec.Rollout != nil {
			t.Stage = stages.Of(hr)
		}
		switch {
		case hr.Spec.Suspend:
			out.Suspended = append(out.Suspended, name)
			continue
		case t.Stage == rollout.NoStage:
			out.Unmatched = append(out.Unmatched, name)
			continue
		}
		f.Targets = append(f.Targets, t)
	}
	return out, nil
}

// selected returns what the targets of a trigger name or select, in the order in which they
// are triggered.
func (c *cli) selected(ctx context.Context, vt *triggerv1.ValuesTrigger) ([]binding.Target, error) {
	directory, err := c.allReleases(ctx, vt.Namespace)
	if err != nil {
		return nil, err
	}
	if graph.SelectsNamespaces(vt) {
		if directory.Namespaces, err = c.namespaces(ctx); err != nil {
			return nil, fmt.Errorf("spec.targets[].namespaceSelector: %w", err)
		}
	}
	targets, selectNothing, err := directory.Select(vt)
	for _, reason := range selectNothing {
		c.warn("%s", reason)
	}
	return targets, err
}
