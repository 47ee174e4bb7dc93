// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	fluxmetrics "github.com/fluxcd/pkg/runtime/metrics"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/controller"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/measure"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/notify"
)

// The metrics of Flux (gotk_*) and our own are registered once per process: the
// registry is global, managers need not be.
var (
	metricsRecorder = sync.OnceValue(fluxmetrics.MustMakeRecorder)
	meter           = sync.OnceValue(func() *metrics.Metrics { return metrics.New(ctrlmetrics.Registry) })
	outdatedGauge   = sync.OnceValue(func() prometheus.Gauge { return newOutdatedGauge(ctrlmetrics.Registry) })
)

// New returns the operator's manager with everything in it, ready to be started.
// It reads from the API server which kinds exist, and writes nothing. The context
// is only used during the call.
func New(ctx context.Context, cfg *rest.Config, opts Options) (*Manager, error) {
	mgrOpts, err := managerOptions(opts)
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(cfg, mgrOpts)
	if err != nil {
		return nil, fmt.Errorf("cannot create the manager: %w", err)
	}
	registerBuildInfo()

	ready := &readiness{cache: mgr.GetCache(), live: mgr.GetAPIReader()}
	if !opts.Watch.AllNamespaces {
		ready.namespace = opts.RuntimeNamespace
	}
	if err := setupProbes(mgr, ready); err != nil {
		return nil, fmt.Errorf("cannot set up the probes: %w", err)
	}

	store := notify.NewStore(mgr.GetScheme(), mgr.GetClient(), triggerv1.FieldManager, ctrl.Log.WithName("events"))
	recorder, err := notify.New(mgr.GetScheme(), store, ctrl.Log, opts.EventsAddr, triggerv1.FieldManager)
	if err != nil {
		return nil, err
	}
	flux, err := newFluxCheck(mgr.GetConfig(), opts.RuntimeNamespace, recorder, outdatedGauge(), ctrl.Log.WithName("flux"))
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(flux); err != nil {
		return nil, fmt.Errorf("cannot add the check of Flux: %w", err)
	}
	ctrlOpts, err := controllerOptions(opts)
	if err != nil {
		return nil, err
	}
	ctrlOpts.Events = recorder
	ctrlOpts.Metrics = runtimectrl.NewMetrics(mgr, metricsRecorder())
	ctrlOpts.Meter = meter()
	self, err := operatorPod(opts.RuntimeNamespace)
	if err != nil {
		return nil, err
	}
	measurer := measure.New(opts.AnalysisProviders, mgr.GetCache(), meter(), recorder, self, ctrl.Log.WithName("analysis"))
	if err := mgr.Add(measurer); err != nil {
		return nil, fmt.Errorf("cannot add the providers of analysis: %w", err)
	}
	ctrlOpts.Measurer, ctrlOpts.Measured = measurer, measurer.Measured()
	if err := controller.SetupWithManager(ctx, mgr, ctrlOpts); err != nil {
		if meta.IsNoMatchError(err) {
			return nil, fmt.Errorf("a CustomResourceDefinition is not installed: %w", err)
		}
		return nil, fmt.Errorf("cannot set up the controllers: %w", err)
	}

	return &Manager{
		Manager:          mgr,
		cacheSyncTimeout: opts.CacheSyncTimeout,
		store:            store,
		events:           recorder,
	}, nil
}

// controllerOptions translates the options into those of the controllers, without
// what only a manager can give them.
func controllerOptions(opts Options) (controller.Options, error) {
	var selector labels.Selector
	if opts.Watch.LabelSelector != "" {
		var err error
		if selector, err = runtimectrl.GetWatchSelector(opts.Watch); err != nil {
			return controller.Options{}, fmt.Errorf("invalid value %q for --%s: %w",
				opts.Watch.LabelSelector, flagLabelSelector, err)
		}
	}
	return controller.Options{
		Concurrent:       opts.Concurrent,
		CacheSyncTimeout: opts.CacheSyncTimeout,
		NewRateLimiter: func() workqueue.TypedRateLimiter[ctrl.Request] {
			return runtimectrl.GetRateLimiter(opts.RateLimiter)
		},
		RuntimeNamespace:      opts.RuntimeNamespace,
		Autodiscovery:         opts.Autodiscovery,
		Secrets:               opts.Secrets,
		SettleTime:            opts.SettleTime,
		AllNamespaces:         opts.Watch.AllNamespaces,
		NoCrossNamespaceRefs:  opts.ACL.NoCrossNamespaceRefs,
		DefaultServiceAccount: opts.DefaultServiceAccount,
		WatchSelector:         selector,
	}, nil
}

// operatorPod is the Pod that the operator runs in, which has the name of its host.
func operatorPod(namespace string) (*metav1.PartialObjectMetadata, error) {
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("cannot name this instance in events: %w", err)
	}
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
	}, nil
}

func setupProbes(mgr ctrl.Manager, ready *readiness) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("caches", ready.Check); err != nil {
		return err
	}
	return mgr.Add(ready)
}
