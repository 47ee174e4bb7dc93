// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/jitter"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// refusedDelay is the time after which is tried again what the API server refuses. It refuses for a moment,
	// too, what it grants: after its own start, for example. RBAC changes are not observable.
	refusedDelay = 30 * time.Second

	// minRefusedDelay and maxRefusedDelay bound that time for a trigger of which everything is refused:
	// it is tried again after as long as it has been Stalled, which makes few attempts.
	minRefusedDelay = 10 * time.Second
	maxRefusedDelay = 10 * time.Minute
)

// retryLater tries again later, and says so in the log when it is news: what is refused may be to say
// it anywhere else.
func retryLater(ctx context.Context, old, vt *triggerv1.ValuesTrigger, result ctrl.Result, err error) (ctrl.Result, error) {
	level := 1
	if !equality.Semantic.DeepEqual(old.Status, vt.Status) {
		level = 0
	}
	ctrl.LoggerFrom(ctx).V(level).Info("refused by the API server, will be retried", "error", err.Error())
	after := refusedFor(vt, time.Now())
	if result.RequeueAfter > 0 && result.RequeueAfter < after {
		return result, nil
	}
	return jitter.JitteredRequeueInterval(ctrl.Result{RequeueAfter: after, Priority: new(handler.LowPriority)}), nil
}

// refusedFor returns the time after which is tried again what is refused.
func refusedFor(vt *triggerv1.ValuesTrigger, now time.Time) time.Duration {
	if stalled := conditions.Get(vt, meta.StalledCondition); stalled != nil {
		return min(max(now.Sub(stalled.LastTransitionTime.Time), minRefusedDelay), maxRefusedDelay)
	}
	return refusedDelay
}
