// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/fluxcd/cli-utils/pkg/flowcontrol"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/outage"
)

// RESTConfig returns how to reach the API server: the file that KUBECONFIG names,
// else the Pod's service account, else the user's kubeconfig. It waits until the API
// server answers, as all requests do later: to end would only make the kubelet start
// the operator again, at ever longer intervals.
//
// Requests are limited on this side when the user asked for it or when the API
// server has no priority and fairness of its own.
func RESTConfig(ctx context.Context, opts Options, getenv func(string) string) (*rest.Config, error) {
	cfg, err := loadConfig(getenv(clientcmd.RecommendedConfigPathEnvVar))
	if err != nil {
		return nil, fmt.Errorf("cannot load the Kubernetes client configuration: %w", err)
	}
	cfg.UserAgent = triggerv1.FieldManager + "/" + Version

	cfg.Wrap(outage.New(ctrl.Log.WithName("api")).Wrap)

	stop, err := stayAlive(opts.HealthAddr)
	if err != nil {
		return nil, err
	}
	defer stop()
	fair, err := flowcontrol.IsEnabled(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the Kubernetes API at %s: %w", cfg.Host, err)
	}
	limitClient(cfg, opts, fair)
	return cfg, nil
}

// limitClient sets the rate limit of the client.
func limitClient(cfg *rest.Config, opts Options, fair bool) {
	if fair && !opts.ClientLimited {
		cfg.QPS, cfg.Burst = -1, -1 // no limit
		return
	}
	cfg.QPS, cfg.Burst = opts.QPS, opts.Burst
}

func loadConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		// Not being in a cluster is not an error yet.
		if cfg, err := rest.InClusterConfig(); !errors.Is(err, rest.ErrNotInCluster) {
			return cfg, err
		}
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if paths := filepath.SplitList(kubeconfig); len(paths) > 0 {
		rules.Precedence = paths
	}
	if len(rules.Precedence) == 1 {
		// An explicit path must exist; the default rules skip missing files and end
		// with an error that does not name them.
		rules.ExplicitPath = rules.Precedence[0]
	}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).ClientConfig()
}
