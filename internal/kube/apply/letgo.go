// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

// LetGo gives up all that the operator owns of a trigger, as it was read from the API server:
// its labels, its owner reference and its claim to the spec. To apply nothing would delete the
// fields of the spec that another declares with the same value by an update, which gives no
// ownership.
func (a *Applier) LetGo(ctx context.Context, vt *triggerv1.ValuesTrigger) error {
	left := vt.DeepCopy()
	var ours []metav1.ManagedFieldsEntry
	left.ManagedFields = slices.DeleteFunc(left.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool {
		if entry.Manager != triggerv1.FieldManager || entry.Subresource != "" {
			return false
		}
		ours = append(ours, entry)
		return true
	})
	if len(left.ManagedFields) == 0 {
		left.ManagedFields = []metav1.ManagedFieldsEntry{{}} // None at all would mean: as they are.
	}
	maps.DeleteFunc(left.Labels, func(key, _ string) bool { return ownsLabel(ours, key) && !ownsLabel(left.ManagedFields, key) })
	left.OwnerReferences = slices.DeleteFunc(left.OwnerReferences, func(owner metav1.OwnerReference) bool {
		return owner.Kind == helmv2.HelmReleaseKind && owner.Controller != nil && *owner.Controller
	})
	return a.client.Patch(ctx, left, client.MergeFromWithOptions(vt, client.MergeFromWithOptimisticLock{}), client.FieldOwner(triggerv1.FieldManager))
}

func ownsLabel(entries []metav1.ManagedFieldsEntry, key string) bool {
	return slices.ContainsFunc(entries, func(entry metav1.ManagedFieldsEntry) bool {
		return fields.Of(entry).Has("metadata", "labels", key)
	})
}
