// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package binding holds the rules by which ValuesTriggers, sources and HelmReleases belong
// together. The operator and the kubectl plugin both ask it.
package binding

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Stages are the selectors of the stages of a ValuesTrigger, in order.
type Stages []labels.Selector

// StagesOf returns the stages of a trigger, none without spec.rollout. The error names the
// field.
func StagesOf(vt *triggerv1.ValuesTrigger) (Stages, error) {
	if vt.Spec.Rollout == nil {
		return nil, nil
	}
	stages := make(Stages, 0, len(vt.Spec.Rollout.Stages))
	for i, stage := range vt.Spec.Rollout.Stages {
		selector := labels.Everything()
		if stage.Selector != nil {
			var err error
			if selector, err = stage.Selector.AsSelector(); err != nil {
				return nil, fmt.Errorf("spec.rollout.stages[%d].selector: %w", i, err)
			}
		}
		stages = append(stages, selector)
	}
	return stages, nil
}

// Of returns the index of the stage that a HelmRelease belongs to, the first that selects it:
// rollout.NoStage if none does, rollout.Nowhere if the release is nil since it does not exist.
func (s Stages) Of(hr *helmv2.HelmRelease) int {
	if hr == nil {
		return rollout.Nowhere
	}
	i := slices.IndexFunc(s, func(stage labels.Selector) bool { return stage.Matches(labels.Set(hr.Labels)) })
	if i < 0 {
		return rollout.NoStage
	}
	return i
}
