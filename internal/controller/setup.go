// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/apply"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/keyring"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/kustomization"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// SetupWithManager adds the indexes and reconcilers to the manager.
func SetupWithManager(ctx context.Context, mgr ctrl.Manager, opts Options) error {
	if err := index.Setup(ctx, mgr.GetFieldIndexer(), opts.Secrets); err != nil {
		return err
	}
	// Reads go to the cache itself: the manager's client would read the metadata of
	// ConfigMaps and Secrets from the API server, as it must their content.
	writer, cached, live := mgr.GetClient(), mgr.GetCache(), mgr.GetAPIReader()
	opts.Meter.Serve(cached, opts.serves, mgr.Elected())
	store := source.NewStore(cached, opts.Meter.Reader(live), keyring.New(live, writer, opts.RuntimeNamespace))
	kustomizations := kustomization.NewReader(live)
	store.Kustomizations = kustomizations
	policy := access.Policy{NoCrossNamespaceRefs: opts.NoCrossNamespaceRefs}
	var namespaces client.Reader
	if opts.AllNamespaces {
		namespaces = cached
	}
	derive := deriver{cache: cached, policy: policy, autodiscovery: opts.Autodiscovery, secrets: opts.Secrets, namespaces: namespaces}

	if err := (&HelmReleaseReconciler{
		cache:         cached,
		writer:        writer,
		live:          live,
		applier:       apply.New(writer),
		derive:        derive,
		events:        opts.Events,
		reported:      newReported(),
		serves:        opts.serves,
		autodiscovery: opts.Autodiscovery,
		inheritLabels: keysOfSelector(opts.WatchSelector),
	}).setup(mgr, opts); err != nil {
		return fmt.Errorf("controller of HelmReleases: %w", err)
	}

	engine := delivery.New(delivery.Config{
		Cache: cached, Live: live, Namespaces: namespaces,
		Accounts:       delivery.NewAccounts(writer, mgr.GetConfig(), opts.DefaultServiceAccount, opts.Meter),
		Sources:        source.Resolver{Store: store, Metadata: cached, Secrets: opts.Secrets},
		Copies:         copies.NewKeeper(cached, store.Budget()),
		Retained:       budget.New(delivery.MaxRetained),
		Policy:         policy,
		Meter:          opts.Meter,
		Measurer:       opts.Measurer,
		Derive:         derive.undeclared,
		Concurrent:     opts.Concurrent,
		SettleTime:     opts.SettleTime,
		Kustomizations: kustomizations,
	})
	if err := (&ValuesTriggerReconciler{
		cache: cached, writer: writer, engine: engine, events: triggerEvents{cache: cached, recorder: opts.Events}, metrics: opts.Metrics, meter: opts.Meter,
		serves: opts.serves,
	}).setup(mgr, opts); err != nil {
		return fmt.Errorf("controller of ValuesTriggers: %w", err)
	}

	for _, kind := range index.Kinds(opts.Secrets) {
		if err := (&ContractReconciler{
			kind: kind, cache: cached, writer: writer, store: store, policy: policy, events: opts.Events,
			reported: newReported(),
		}).setup(mgr, opts); err != nil {
			return fmt.Errorf("controller of labelled %ss: %w", kind, err)
		}
	}
	return nil
}

// controllerOptions are what all controllers share.
func controllerOptions(opts Options) controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: opts.Concurrent,
		CacheSyncTimeout:        opts.CacheSyncTimeout,
		RateLimiter:             opts.NewRateLimiter(),
	}
}

// serves reports whether this instance is responsible for an object.
func (o Options) serves(obj client.Object) bool {
	return o.WatchSelector == nil || o.WatchSelector.Matches(labels.Set(obj.GetLabels()))
}

// keysOfSelector returns the label keys that a selector looks at.
func keysOfSelector(selector labels.Selector) []string {
	if selector == nil {
		return nil
	}
	requirements, _ := selector.Requirements()
	var keys []string
	for _, requirement := range requirements {
		keys = append(keys, requirement.Key())
	}
	return keys
}

// controllerName returns the name of the controller of a kind of labelled object.
func controllerName(kind string) string {
	return strings.ToLower(kind) + "-contract"
}
