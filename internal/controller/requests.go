// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// triggerRequests finds the ValuesTriggers that something concerns. The lists come
// from the cache; an error is logged, and the interval makes up for it.
type triggerRequests struct {
	cache  client.Reader
	serves func(client.Object) bool
}

// ofSource returns the triggers that name a source or whose selector matches it.
func (t triggerRequests) ofSource(kind string) func(context.Context, client.Object) []*triggerv1.ValuesTrigger {
	return func(ctx context.Context, obj client.Object) []*triggerv1.ValuesTrigger {
		triggers := t.matching(ctx, index.TriggerSource, index.Source(kind, obj.GetNamespace(), obj.GetName()), all)
		return append(triggers, t.matching(ctx, index.TriggerSource, index.AnySource(kind, obj.GetNamespace()), func(vt *triggerv1.ValuesTrigger) bool {
			return slices.ContainsFunc(vt.Spec.Sources, func(s triggerv1.SourceReference) bool {
				return s.Kind == kind && matches(s.Selector, obj)
			})
		})...)
	}
}

// ofCopy returns the trigger that an object is a copy of.
func (t triggerRequests) ofCopy(ctx context.Context, obj client.Object) []*triggerv1.ValuesTrigger {
	by, ok := publish.Trigger(obj.GetLabels())
	if !ok {
		return nil
	}
	vt := &triggerv1.ValuesTrigger{}
	if t.cache.Get(ctx, by, vt) == nil && t.serves(vt) {
		return []*triggerv1.ValuesTrigger{vt}
	}
	// A long name is not a value of a label.
	list := &triggerv1.ValuesTriggerList{}
	if err := t.cache.List(ctx, list, client.InNamespace(by.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot find the ValuesTrigger of a copy", "trigger", by)
		return nil
	}
	var triggers []*triggerv1.ValuesTrigger
	for i := range list.Items {
		if name := list.Items[i].Name; name != by.Name && publish.LabelValue(name) == by.Name && t.serves(&list.Items[i]) {
			triggers = append(triggers, &list.Items[i])
		}
	}
	return triggers
}

// ofTarget returns the triggers that name a HelmRelease or whose selector matches it.
func (t triggerRequests) ofTarget(ctx context.Context, obj client.Object) []*triggerv1.ValuesTrigger {
	var triggers []*triggerv1.ValuesTrigger
	for _, key := range index.Target(obj.GetNamespace(), obj.GetName()) {
		triggers = append(triggers, t.matching(ctx, index.TriggerTarget, key, func(vt *triggerv1.ValuesTrigger) bool { return names(vt, obj) })...)
	}
	return triggers
}

// ofNamespace returns the triggers that select namespaces: which of them a change of
// labels concerns depends on both the old and the new labels. If the namespace says who may
// have copies made in it, those that publish there are among them.
func (t triggerRequests) ofNamespace(ctx context.Context, obj client.Object) []*triggerv1.ValuesTrigger {
	triggers := t.matching(ctx, index.TriggerNamespaces, index.Selected, all)
	if _, consents := obj.GetAnnotations()[triggerv1.AllowFromAnnotation]; !consents {
		return triggers
	}
	return append(triggers, t.publishing(ctx, obj.GetName())...)
}

// publishing returns the triggers of other namespaces that name one and publish there.
func (t triggerRequests) publishing(ctx context.Context, namespace string) []*triggerv1.ValuesTrigger {
	list := &triggerv1.ValuesTriggerList{}
	if err := t.cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot find the ValuesTriggers that a Namespace consents to", "namespace", namespace)
		return nil
	}
	var triggers []*triggerv1.ValuesTrigger
	for i := range list.Items {
		vt := &list.Items[i]
		if vt.Spec.Publish != nil && vt.Namespace != namespace && t.serves(vt) && slices.ContainsFunc(vt.Spec.Targets, func(ref triggerv1.TargetReference) bool {
			return ref.Namespace == namespace
		}) {
			triggers = append(triggers, vt)
		}
	}
	return triggers
}

// matching returns triggers of the cache, which no one may change.
func (t triggerRequests) matching(ctx context.Context, field, key string, filter func(*triggerv1.ValuesTrigger) bool) []*triggerv1.ValuesTrigger {
	list := &triggerv1.ValuesTriggerList{}
	if err := t.cache.List(ctx, list, client.MatchingFields{field: key}, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot find the ValuesTriggers that a change concerns", "index", field, "key", key)
		return nil
	}
	var triggers []*triggerv1.ValuesTrigger
	for i := range list.Items {
		if t.serves(&list.Items[i]) && filter(&list.Items[i]) {
			triggers = append(triggers, &list.Items[i])
		}
	}
	return triggers
}

func all(*triggerv1.ValuesTrigger) bool { return true }

// names reports whether a trigger names a HelmRelease or selects it by its labels.
func names(vt *triggerv1.ValuesTrigger, hr client.Object) bool {
	return slices.ContainsFunc(vt.Spec.Targets, func(ref triggerv1.TargetReference) bool {
		return ref.Name == hr.GetName() || matches(ref.Selector, hr)
	})
}

// matches reports whether a selector selects an object. One that is malformed selects
// everything: its trigger says so when it is reconciled.
func matches(selector *triggerv1.Selector, obj client.Object) bool {
	if selector == nil {
		return false
	}
	s, err := selector.AsSelector()
	return err != nil || s.Matches(labels.Set(obj.GetLabels()))
}

// sourcesOfTrigger returns the labelled objects of this kind that a trigger delivers.
func (r *ContractReconciler) sourcesOfTrigger(ctx context.Context, obj client.Object) []reconcile.Request {
	vt, ok := obj.(*triggerv1.ValuesTrigger)
	if !ok {
		return nil
	}
	var requests []reconcile.Request
	for _, s := range vt.Status.Sources {
		if s.Kind != r.kind {
			continue
		}
		meta := index.Metadata(r.kind)
		key := types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
		if r.cache.Get(ctx, key, meta) == nil && contract.IsSource(meta.Labels) {
			requests = append(requests, reconcile.Request{NamespacedName: key})
		}
	}
	return requests
}

// sourcesOfRelease returns the labelled objects of this kind that name a HelmRelease.
func (r *ContractReconciler) sourcesOfRelease(ctx context.Context, obj client.Object) []reconcile.Request {
	objects, err := index.Labelled(ctx, r.cache, r.kind, client.ObjectKeyFromObject(obj), func(string) bool { return true })
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot find the labelled objects that name a HelmRelease")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(objects))
	for _, object := range objects {
		requests = append(requests, reconcile.Request{NamespacedName: object})
	}
	return requests
}

// takeover describes what a declared trigger delivers to any of its targets, to notice a change.
func takeover(vt *triggerv1.ValuesTrigger) string {
	var b strings.Builder
	for _, s := range vt.Status.Sources {
		fmt.Fprintf(&b, "%s/%s/%s,", s.Kind, s.Namespace, s.Name)
	}
	if isStalledAsDenied(vt) { // Which may concern targets that are not listed.
		b.WriteString(acl.AccessDeniedReason)
	}
	return b.String()
}
