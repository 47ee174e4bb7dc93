// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// onUpdate lets through every creation and deletion, and the updates that matter.
func onUpdate[T client.Object](matters func(before, after T) bool) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(T)
		if !ok {
			return false
		}
		after, ok := e.ObjectNew.(T)
		return ok && matters(before, after)
	}}
}

// hasNewSpec reports whether the spec of an object has changed. The generation alone does not say:
// while its CustomResourceDefinition is being replaced, the API server may show one and the same
// version of the object first without and then with the fields that are new.
func hasNewSpec(before, after client.Object, old, now any) bool {
	return before.GetGeneration() != after.GetGeneration() || !equality.Semantic.DeepEqual(old, now)
}

// specPredicate lets through what a trigger is to do.
var specPredicate = onUpdate(func(before, after *triggerv1.ValuesTrigger) bool {
	return hasNewSpec(before, after, before.Spec, after.Spec)
})

// releaseBindingPredicate lets through what decides which sources a release has, who may
// trigger it, and which triggers know of it. What they know changes with each request.
var releaseBindingPredicate = onUpdate(func(before, after *helmv2.HelmRelease) bool {
	return hasNewReleaseBinding(before, after) ||
		hasNewRecord(before, after) && !maps.Equal(plan.RecordOf(before).Knowers(before.UID), plan.RecordOf(after).Knowers(after.UID))
})

// releaseDeliveryPredicate lets through what releaseBindingPredicate does, and what has been delivered to a release.
var releaseDeliveryPredicate = onUpdate(func(before, after *helmv2.HelmRelease) bool {
	return hasNewReleaseBinding(before, after) || hasNewRecord(before, after)
})

// hasNewReleaseBinding reports whether a release has changed in what it reads, who selects it or whom it consents to.
func hasNewReleaseBinding(before, after *helmv2.HelmRelease) bool {
	return hasNewSpec(before, after, before.Spec, after.Spec) ||
		!maps.Equal(before.Labels, after.Labels) ||
		before.Annotations[triggerv1.AllowFromAnnotation] != after.Annotations[triggerv1.AllowFromAnnotation] ||
		before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero()
}

func hasNewRecord(before, after *helmv2.HelmRelease) bool {
	return before.Annotations[triggerv1.RequestAnnotation] != after.Annotations[triggerv1.RequestAnnotation]
}

// releaseProgressPredicate lets through what the planner observes of a release. The record is part of that: to
// compare its text first saves parsing it twice for each request.
var releaseProgressPredicate = onUpdate(func(before, after *helmv2.HelmRelease) bool {
	return hasNewReleaseBinding(before, after) || hasNewRecord(before, after) || !reflect.DeepEqual(target.Observe(before, nil), target.Observe(after, nil))
})

// metadataPredicate lets through what decides whom an object concerns: which selectors match it and, of a
// namespace, who may have copies made in it.
var metadataPredicate = onUpdate(func(before, after client.Object) bool {
	return !maps.Equal(before.GetLabels(), after.GetLabels()) ||
		before.GetAnnotations()[triggerv1.AllowFromAnnotation] != after.GetAnnotations()[triggerv1.AllowFromAnnotation]
})

// approvalPredicate lets through what a person asks for by annotations of our own.
var approvalPredicate = onUpdate(func(before, after *triggerv1.ValuesTrigger) bool {
	return slices.ContainsFunc(requestAnnotations, func(name string) bool { return before.Annotations[name] != after.Annotations[name] })
})

// requestAnnotations are those by which people ask for something.
var requestAnnotations = []string{
	triggerv1.ApproveAnnotation, triggerv1.TriggerAtAnnotation, triggerv1.RejectAnnotation, triggerv1.RollbackAnnotation,
}

// originPredicate lets through what makes a declared trigger a generated one or the other
// way round.
var originPredicate = onUpdate(func(before, after *triggerv1.ValuesTrigger) bool {
	return generated.For(before) != generated.For(after)
})

// triggerBindingPredicate lets through what decides whether a generated trigger is in
// line, and what a declared one has taken over.
var triggerBindingPredicate = onUpdate(func(before, after *triggerv1.ValuesTrigger) bool {
	return hasNewBinding(before, after) || !generated.Is(before) && len(moved(before, after)) > 0
})

// hasNewBinding reports whether a trigger has changed in what concerns all of its releases.
func hasNewBinding(before, after *triggerv1.ValuesTrigger) bool {
	return hasNewSpec(before, after, before.Spec, after.Spec) ||
		!maps.Equal(before.Labels, after.Labels) ||
		!equality.Semantic.DeepEqual(before.OwnerReferences, after.OwnerReferences) ||
		!equality.Semantic.DeepEqual(before.ManagedFields, after.ManagedFields) ||
		before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
		hasStatus(before) != hasStatus(after) ||
		!generated.Is(before) && takeover(before) != takeover(after)
}

// contractPredicate lets through what the labels and annotations of the contract say.
var contractPredicate = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return hasContract(e.Object) },
	DeleteFunc: func(e event.DeleteEvent) bool { return hasContract(e.Object) },
	UpdateFunc: func(e event.UpdateEvent) bool {
		for _, key := range []string{triggerv1.HRNameAnnotation, triggerv1.HRNSAnnotation} {
			if e.ObjectOld.GetAnnotations()[key] != e.ObjectNew.GetAnnotations()[key] {
				return true
			}
		}
		key := triggerv1.LabelReconcilerNameSourceKey
		return e.ObjectOld.GetLabels()[key] != e.ObjectNew.GetLabels()[key]
	},
}

// labelledPredicate lets through objects that are, or were, sources of the contract, or
// are meant to be.
var labelledPredicate = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return meantAsSource(e.Object) },
	DeleteFunc: func(e event.DeleteEvent) bool { return meantAsSource(e.Object) },
	UpdateFunc: func(e event.UpdateEvent) bool { return meantAsSource(e.ObjectOld) || meantAsSource(e.ObjectNew) },
}

func meantAsSource(obj client.Object) bool {
	return contract.IsSource(obj.GetLabels()) || contract.Unheard(obj.GetLabels(), obj.GetAnnotations()) != ""
}

func hasContract(obj client.Object) bool {
	return contract.IsSource(obj.GetLabels()) || contract.IsExcluded(obj.GetLabels())
}
