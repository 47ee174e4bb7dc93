// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// overview shows all ValuesTriggers, those that need a person first.
func overview(r request) (any, error) {
	described := make([]graph.Trigger, 0, len(r.Triggers))
	for i := range r.Triggers {
		described = append(described, graph.Directory{}.Describe(&r.Triggers[i]))
	}
	return board.OverviewOf(r.Where, described), nil
}
