// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
)

// preview adds to the reasons why targets are held what their requests would do, while a
// person is asked to approve that.
func (r *ValuesTriggerReconciler) preview(ctx context.Context, snap snapshot, cases []*targetCase) {
	for _, c := range cases {
		if c.held == "" || c.decision.Request == nil {
			continue
		}
		values := c.input.Values
		if values == plan.ValuesUnknown && len(c.input.Release.Reads) > 0 || c.input.Unpublished {
			var err error
			if values, err = r.compareValues(ctx, c.hr, snap.publication.given(c)); err != nil {
				values = plan.ValuesUnreadable
			}
		}
		c.held += "; " + c.decision.Effect(c.input.Release, values)
	}
}
