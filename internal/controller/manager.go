// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/runtime/predicates"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// setup watches HelmReleases, what the contract says on ConfigMaps and Secrets, the
// generated triggers, and what declared triggers have taken over.
func (r *HelmReleaseReconciler) setup(mgr ctrl.Manager, opts Options) error {
	serves, requests := predicate.NewPredicateFuncs(opts.serves), releaseRequests{cache: r.cache}
	b := ctrl.NewControllerManagedBy(mgr).
		Named("helmrelease").
		For(&helmv2.HelmRelease{}, builder.WithPredicates(serves, releaseBindingPredicate)).
		Watches(&triggerv1.ValuesTrigger{}, requests.wakeReleases(), builder.WithPredicates(triggerBindingPredicate)).
		WithOptions(controllerOptions(opts))
	for _, kind := range index.Kinds(opts.Secrets) {
		b = b.WatchesMetadata(index.Metadata(kind), handler.EnqueueRequestsFromMapFunc(requests.releasesOfSource(kind, opts)),
			builder.WithPredicates(contractPredicate))
	}
	if opts.AllNamespaces {
		b = b.WatchesMetadata(index.Metadata("Namespace"), handler.EnqueueRequestsFromMapFunc(requests.releasesOfNamespace),
			builder.WithPredicates(metadataPredicate))
	}
	return b.Complete(r)
}

// setup watches ValuesTriggers, their sources and their targets.
func (r *ValuesTriggerReconciler) setup(mgr ctrl.Manager, opts Options) error {
	requests := triggerRequests{cache: r.cache, serves: opts.serves}
	b := ctrl.NewControllerManagedBy(mgr).
		Named("valuestrigger").
		For(&triggerv1.ValuesTrigger{}, builder.WithPredicates(predicate.NewPredicateFuncs(opts.serves),
			predicate.Or(specPredicate, predicates.ReconcileRequestedPredicate{}, approvalPredicate, originPredicate))).
		Watches(&helmv2.HelmRelease{}, wake(requests.ofTarget, settled), builder.WithPredicates(releaseProgressPredicate)).
		WithOptions(controllerOptions(opts))
	for _, kind := range index.Kinds(opts.Secrets) {
		b = b.WatchesMetadata(index.Metadata(kind), wake(requests.ofSource(kind), atOnce),
			builder.WithPredicates(predicate.ResourceVersionChangedPredicate{}))
		b = b.WatchesMetadata(index.Metadata(kind), orphans(wake(requests.ofCopy, settled)),
			builder.WithPredicates(predicate.ResourceVersionChangedPredicate{}))
	}
	if opts.AllNamespaces {
		b = b.WatchesMetadata(index.Metadata("Namespace"), wake(requests.ofNamespace, atOnce),
			builder.WithPredicates(metadataPredicate))
	}
	if opts.Measured != nil {
		b = b.WatchesRawSource(source.TypedChannel(opts.Measured, answered()))
	}
	return b.Complete(r)
}

// setup watches labelled objects of one kind, and the triggers and HelmReleases that
// tell what became of their content.
func (r *ContractReconciler) setup(mgr ctrl.Manager, opts Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named(controllerName(r.kind)).
		WatchesMetadata(index.Metadata(r.kind), &handler.EnqueueRequestForObject{}, builder.WithPredicates(labelledPredicate)).
		Watches(&triggerv1.ValuesTrigger{}, delayed(predicate.Funcs{}, r.sourcesOfTrigger)).
		Watches(&helmv2.HelmRelease{}, delayed(metadataPredicate, r.sourcesOfRelease), builder.WithPredicates(releaseDeliveryPredicate)).
		WithOptions(controllerOptions(opts)).
		Complete(r)
}
