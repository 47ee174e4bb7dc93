// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// InstallChart installs the chart, or upgrades it with other values, and starts nothing.
func InstallChart(ctx context.Context, w *world.World, values ...string) error {
	return install(ctx, w, Release, values)
}

func install(ctx context.Context, w *world.World, release string, values []string) error {
	if _, err := w.Helm(ctx, append([]string{"upgrade", "--install", release, Chart(), "--namespace", Namespace, "--create-namespace"}, values...)...); err != nil {
		return err
	}
	// A manager that starts before the API server serves its definition ends. The kubelet would start it again.
	triggers := &unstructured.UnstructuredList{}
	triggers.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind + "List"))
	var lastErr error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		lastErr = w.Client().List(ctx, triggers, client.Limit(1))
		return lastErr == nil, nil
	})
	if err != nil {
		return fmt.Errorf("wait for ValuesTriggers to be served: %w: %w", err, lastErr)
	}
	return nil
}
