// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// releaseRequests finds the HelmReleases whose generated triggers a change of another object concerns. The lists
// come from the cache; an error is logged.
type releaseRequests struct {
	cache client.Reader
}

// wakeReleases enqueues the releases of a trigger: all of them for what concerns them all, and
// otherwise those that have moved in the list of its targets.
func (r releaseRequests) wakeReleases() handler.EventHandler {
	enqueue := func(q workqueue.TypedRateLimitingInterface[reconcile.Request], priority int, keys []types.NamespacedName) {
		for _, key := range keys {
			add(q, key, priority, 0)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			priority := changePriority
			if e.IsInInitialList {
				priority = handler.LowPriority
			}
			enqueue(q, priority, r.releasesOfTrigger(ctx, e.Object))
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			before, isTrigger := e.ObjectOld.(*triggerv1.ValuesTrigger)
			after, areTriggers := e.ObjectNew.(*triggerv1.ValuesTrigger)
			if !isTrigger || !areTriggers {
				return
			}
			enqueue(q, changePriority, moved(before, after))
			if hasNewBinding(before, after) {
				enqueue(q, changePriority, r.releasesOfTrigger(ctx, before))
				enqueue(q, changePriority, r.releasesOfTrigger(ctx, after))
			}
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			enqueue(q, changePriority, r.releasesOfTrigger(ctx, e.Object))
		},
	}
}

// releasesOfTrigger returns the HelmRelease that a trigger was generated for, or those that a
// declared one names or may select.
func (r releaseRequests) releasesOfTrigger(ctx context.Context, obj client.Object) []types.NamespacedName {
	vt, ok := obj.(*triggerv1.ValuesTrigger)
	if !ok {
		return nil
	}
	var keys []types.NamespacedName
	for _, ref := range vt.Spec.Targets {
		keys = append(keys, r.releasesOfReference(ctx, vt, ref)...)
	}
	// A generated one that was edited may name others.
	for _, owner := range vt.OwnerReferences {
		keys = append(keys, types.NamespacedName{Namespace: vt.Namespace, Name: owner.Name})
	}
	// One that has the name of a generated one keeps that from having it.
	if release := generated.ReleaseOf(vt.Name); release != "" {
		keys = append(keys, types.NamespacedName{Namespace: vt.Namespace, Name: release})
	}
	return keys
}

// releasesOfReference returns the HelmRelease that a reference names, or those that it may select. Of
// namespaces that are selected it takes all: which of them are is a matter of their own events.
func (r releaseRequests) releasesOfReference(ctx context.Context, vt *triggerv1.ValuesTrigger, ref triggerv1.TargetReference) []types.NamespacedName {
	namespace := cmp.Or(ref.Namespace, vt.Namespace)
	if ref.NamespaceSelector != nil {
		namespace = ""
	} else if ref.Name != "" {
		return []types.NamespacedName{{Namespace: namespace, Name: ref.Name}}
	}
	return r.releasesIn(ctx, namespace, func(hr *helmv2.HelmRelease) bool { return ref.Name == hr.Name || matches(ref.Selector, hr) })
}

// releasesIn returns the HelmReleases of a namespace, or of all, that a filter takes.
func (r releaseRequests) releasesIn(ctx context.Context, namespace string, filter func(*helmv2.HelmRelease) bool) []types.NamespacedName {
	list := &helmv2.HelmReleaseList{}
	if err := r.cache.List(ctx, list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot find the HelmReleases that a change concerns", "namespace", namespace)
		return nil
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		if filter(&list.Items[i]) {
			keys = append(keys, client.ObjectKeyFromObject(&list.Items[i]))
		}
	}
	return keys
}

// releasesOfNamespace returns the HelmReleases of a namespace, if there are triggers that select
// namespaces: its labels may have brought it to one of them, or have taken it from one.
func (r releaseRequests) releasesOfNamespace(ctx context.Context, obj client.Object) []reconcile.Request {
	triggers := &triggerv1.ValuesTriggerList{}
	if err := r.cache.List(ctx, triggers, client.MatchingFields{index.TriggerNamespaces: index.Selected}, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot find the ValuesTriggers that select namespaces")
		return nil
	}
	if len(triggers.Items) == 0 {
		return nil
	}
	var requests []reconcile.Request
	for _, key := range r.releasesIn(ctx, obj.GetName(), func(*helmv2.HelmRelease) bool { return true }) {
		requests = append(requests, reconcile.Request{NamespacedName: key})
	}
	return requests
}

// releasesOfSource returns the HelmReleases that read a source and those that its
// contract names.
func (r releaseRequests) releasesOfSource(kind string, opts Options) handler.MapFunc {
	return func(ctx context.Context, obj client.Object) []reconcile.Request {
		list := &helmv2.HelmReleaseList{}
		key := index.Source(kind, obj.GetNamespace(), obj.GetName())
		if err := r.cache.List(ctx, list, client.InNamespace(obj.GetNamespace()), client.MatchingFields{index.ReleaseSource: key}, client.UnsafeDisableDeepCopy); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "cannot find the HelmReleases that read a source", "source", key)
			return nil
		}
		var requests []reconcile.Request
		for i := range list.Items {
			if opts.serves(&list.Items[i]) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
			}
		}
		if contract.IsSource(obj.GetLabels()) {
			for _, target := range contract.Parse(obj.GetAnnotations()).Targets {
				hr := &helmv2.HelmRelease{}
				if r.cache.Get(ctx, target, hr) == nil && opts.serves(hr) {
					requests = append(requests, reconcile.Request{NamespacedName: target})
				}
			}
		}
		return requests
	}
}
