// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// inherit gives a generated trigger without a status that of the one in whose place it was
// created under another name, and reports whether there is one. Until it is written, the other
// one stays.
func (r *ValuesTriggerReconciler) inherit(ctx context.Context, vt *triggerv1.ValuesTrigger) (bool, error) {
	release := generated.For(vt)
	if release == "" || hasStatus(vt) {
		return false, nil
	}
	list := &triggerv1.ValuesTriggerList{}
	if err := r.cache.List(ctx, list, client.InNamespace(vt.Namespace), client.MatchingFields{index.TriggerTarget: vt.Namespace + "/" + release}, client.UnsafeDisableDeepCopy); err != nil {
		return false, fmt.Errorf("triggers of HelmRelease %s/%s: %w", vt.Namespace, release, err)
	}
	for i := range list.Items {
		other := &list.Items[i]
		if other.UID == vt.UID || generated.For(other) != release || !hasStatus(other) || ownerOf(other) != ownerOf(vt) {
			continue
		}
		vt.Status = *other.Status.DeepCopy()
		vt.Status.UID, vt.Status.ObservedGeneration = vt.UID, -1
		return true, nil
	}
	return false, nil
}

// ownerOf returns the UID of the release that owns a generated trigger.
func ownerOf(vt *triggerv1.ValuesTrigger) string {
	if owner := metav1.GetControllerOf(vt); owner != nil {
		return string(owner.UID)
	}
	return ""
}
