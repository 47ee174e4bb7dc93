// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Measured is what the analysis of a stage has found about the content that is rolled out.
type Measured struct {
	Trigger string `json:"valuesTrigger"`
	Stage   string `json:"stage"`
	graph.Analysis
}

// measured returns that of the stage that a rollout is in, and of those that have failed by it.
func measured(vt *triggerv1.ValuesTrigger) []Measured {
	var out []Measured
	for _, st := range graph.StagesOf(vt) {
		if st.Matters() {
			out = append(out, Measured{Trigger: binding.TriggerObject(vt).Key(), Stage: st.Name, Analysis: *st.Analysis})
		}
	}
	return out
}
