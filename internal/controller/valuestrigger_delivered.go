// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// deliveredMessage says by which revision a delivery is proven, and whether that was there
// before the request, as the record on the release has it: a request that changed no values
// makes none, and must not be taken for what made the revision.
func (e triggerEvents) deliveredMessage(ctx context.Context, t triggerv1.TargetStatus) string {
	hr := &helmv2.HelmRelease{}
	before := ""
	if e.cache.Get(ctx, types.NamespacedName{Namespace: t.Namespace, Name: t.Name}, hr) == nil {
		if record := plan.RecordOf(hr); record.Token == t.Token && record.Revision == t.Revision {
			before = " as before"
		}
	}
	return fmt.Sprintf("Delivered, revision %d%s: %s", t.Revision, before, t.Cause)
}
