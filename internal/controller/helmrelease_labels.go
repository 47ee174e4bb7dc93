// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
)

// contractLabels are the labels of autodiscovery on a HelmRelease.
var contractLabels = []string{triggerv1.LabelReconcilerNameSourceKey, triggerv1.HRNSAnnotation, triggerv1.HRNameAnnotation}

// reconcileLabels applies the labels of autodiscovery, and withdraws those that it
// applied before. By server-side apply a label that someone else has set too stays.
func (r *HelmReleaseReconciler) reconcileLabels(ctx context.Context, hr *helmv2.HelmRelease) (problem string, err error) {
	desired, problem := discovery.Labels(hr)
	if labelled(hr, desired) {
		return problem, nil
	}
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
	obj.Namespace, obj.Name = hr.Namespace, hr.Name
	obj.UID = hr.UID // Never creates one that is gone.
	obj.Labels = desired
	if err := r.applier.ApplyMetadata(ctx, obj); err != nil {
		return problem, fmt.Errorf("label HelmRelease %s/%s: %w", hr.Namespace, hr.Name, err)
	}
	return problem, nil
}

// labelled reports whether the labels are there, and none of ours beyond them.
func labelled(hr *helmv2.HelmRelease, desired map[string]string) bool {
	for _, key := range contractLabels {
		value, wanted := desired[key]
		switch {
		case wanted && hr.Labels[key] != value:
			return false
		case !wanted && ownsLabel(hr, key):
			return false
		}
	}
	return true
}
