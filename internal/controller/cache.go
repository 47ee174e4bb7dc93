// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fieldselector "k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// CacheOptions returns how the manager's cache stores each kind: ConfigMaps and
// Secrets as metadata only, without Helm's own release Secrets, everything
// without what the reconcilers do not read, and equal parts of objects once.
func CacheOptions(secrets bool) cache.Options {
	var s shared
	byObject := map[client.Object]cache.ByObject{
		&corev1.ConfigMap{}:        {Transform: s.after(stripSource)},
		&corev1.Namespace{}:        {Transform: stripNamespace},
		&helmv2.HelmRelease{}:      {Transform: s.after(stripRelease)},
		&triggerv1.ValuesTrigger{}: {Transform: s.after(stripTrigger)},
	}
	if secrets {
		byObject[&corev1.Secret{}] = cache.ByObject{
			// The API server leaves them out, so that they are not even received.
			Field:     fieldselector.OneTermNotEqualSelector("type", source.HelmReleaseType),
			Transform: s.after(stripSource),
		}
	}
	return cache.Options{ByObject: byObject}
}

// stripSource keeps what says which object this is, in which version, and what its
// labels and the contract say.
func stripSource(in any) (any, error) {
	obj, ok := in.(*metav1.PartialObjectMetadata)
	if !ok {
		return in, nil
	}
	kept := metav1.ObjectMeta{
		Namespace:       obj.Namespace,
		Name:            obj.Name,
		ResourceVersion: obj.ResourceVersion,
		Labels:          boundedLabels(obj.Labels),
	}
	switch {
	case obj.Labels[triggerv1.KeptLabel] != "":
		kept.DeletionTimestamp = obj.DeletionTimestamp
		kept.OwnerReferences = obj.OwnerReferences[:min(len(obj.OwnerReferences), maxOwners)]
	case isCopy(obj.Labels):
		kept.DeletionTimestamp = obj.DeletionTimestamp
		if ownLabels(obj.ManagedFields) != nil {
			kept.ManagedFields = madeByUs
		}
		if account, found := obj.Annotations[triggerv1.AccountAnnotation]; found {
			kept.Annotations = map[string]string{triggerv1.AccountAnnotation: account}
		}
	case contract.IsSource(obj.Labels):
		kept.UID = obj.UID
		kept.Annotations = contract.Annotations(obj.Annotations)
	case contract.Unheard(obj.Labels, obj.Annotations) != "":
		kept.UID = obj.UID // For the event that tells its owner.
		if _, names := obj.Annotations[triggerv1.HRNameAnnotation]; names {
			kept.Annotations = map[string]string{triggerv1.HRNameAnnotation: ""}
		}
	}
	obj.ObjectMeta = kept
	return obj, nil
}

// madeByUs is all that is remembered of the managed fields of a copy.
var madeByUs = []metav1.ManagedFieldsEntry{{Manager: triggerv1.FieldManager, Operation: metav1.ManagedFieldsOperationApply}}

func isCopy(labels map[string]string) bool {
	_, ok := publish.Trigger(labels)
	return ok
}

// maxOwners bounds the owners that are remembered of what is kept to be restored: its
// trigger is the only one.
const maxOwners = 4

// maxLabels bounds the labels of an object that are kept, in bytes. No label is longer
// than 63 characters, but an object may have as many as fit into it.
const maxLabels = 64 << 10

// boundedLabels returns the labels, and of an absurd number of them only the one of the
// contract: selectors do not find such an object.
func boundedLabels(labels map[string]string) map[string]string {
	size := 0
	for key, value := range labels {
		size += len(key) + len(value)
	}
	if size <= maxLabels {
		return labels
	}
	return contract.Labels(labels)
}

func stripNamespace(in any) (any, error) {
	if obj, ok := in.(*metav1.PartialObjectMetadata); ok {
		kept := metav1.ObjectMeta{Name: obj.Name, ResourceVersion: obj.ResourceVersion, Labels: obj.Labels, DeletionTimestamp: obj.DeletionTimestamp}
		if from, found := obj.Annotations[triggerv1.AllowFromAnnotation]; found {
			kept.Annotations = map[string]string{triggerv1.AllowFromAnnotation: from}
		}
		obj.ObjectMeta = kept
	}
	return in, nil
}

// stripRelease keeps of a HelmRelease what the planner observes and what its values
// are composed of. The reconcilers never write a whole HelmRelease.
func stripRelease(in any) (any, error) {
	hr, ok := in.(*helmv2.HelmRelease)
	if !ok {
		return in, nil
	}
	hr.ManagedFields = ownLabels(hr.ManagedFields)
	delete(hr.Annotations, corev1.LastAppliedConfigAnnotation)
	hr.Spec = helmv2.HelmReleaseSpec{
		Suspend:    hr.Spec.Suspend,
		DependsOn:  hr.Spec.DependsOn,
		Values:     hr.Spec.Values,
		ValuesFrom: hr.Spec.ValuesFrom,
		Timeout:    &metav1.Duration{Duration: target.Takes(hr)},
	}
	status := helmv2.HelmReleaseStatus{
		ObservedGeneration:     hr.Status.ObservedGeneration,
		Failures:               min(hr.Status.Failures, 1), // Their number does not matter.
		ReconcileRequestStatus: hr.Status.ReconcileRequestStatus,
		LastHandledForceAt:     hr.Status.LastHandledForceAt,
	}
	for _, condition := range hr.Status.Conditions {
		switch condition.Type {
		case meta.ReadyCondition, meta.ReconcilingCondition, meta.StalledCondition:
			status.Conditions = append(status.Conditions, condition)
		}
	}
	if latest := hr.Status.History.Latest(); latest != nil {
		status.History = helmv2.Snapshots{{
			Name: latest.Name, Namespace: latest.Namespace, Version: latest.Version,
			Status: latest.Status, Action: latest.Action, ConfigDigest: latest.ConfigDigest, LastDeployed: latest.LastDeployed,
		}}
	}
	hr.Status = status
	return hr, nil
}

// ownLabels keeps the entry that says which labels this operator applied.
func ownLabels(managed []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	return fields.Applied(managed, triggerv1.FieldManager)
}

// ownsLabel reports whether this operator applied a label of an object in the cache.
func ownsLabel(obj client.Object, key string) bool {
	for _, entry := range ownLabels(obj.GetManagedFields()) {
		if fields.Of(entry).Has("metadata", "labels", key) {
			return true
		}
	}
	return false
}

func stripTrigger(in any) (any, error) {
	if obj, ok := in.(*triggerv1.ValuesTrigger); ok {
		obj.ManagedFields = generated.Origin(obj)
		delete(obj.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	return in, nil
}
