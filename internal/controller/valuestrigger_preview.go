// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
)

// preview adds to the reasons why targets are held what their requests would do, while a
// person is asked to approve that.
func (r *ValuesTriggerReconciler) preview(ctx context.Context, e evaluation, held []string, cases []*targetCase) {
	for i, c := range cases {
		if held[i] == "" || c.decision.Request == nil {
			continue
		}
		values := c.input.Values
		if values == plan.ValuesUnknown && len(c.input.Release.Reads) > 0 || c.input.Unpublished {
			given, err := e.publication.given(c)
			if err == nil {
				values, err = r.compareValues(ctx, c.hr, given)
			}
			if err != nil {
				values = plan.ValuesUnreadable
			}
		}
		held[i] += "; " + c.decision.Effect(c.input.Release, values)
	}
}

// given returns the copies of a target as they will be when its request is made: what it
// reads now is what is held back.
func (p *publication) given(c *targetCase) (map[source.Ref]client.Object, error) {
	if p == nil {
		return nil, nil
	}
	given := make(map[source.Ref]client.Object, len(c.copies))
	for _, one := range c.copies {
		content, err := p.wanted(one).Content()
		if err != nil {
			return nil, err
		}
		given[source.Ref{Kind: one.Kind, Namespace: one.Namespace, Name: one.Name}] = content.Object(one.Kind)
	}
	return given, nil
}
