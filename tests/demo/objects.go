// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// sources is the number of objects that my-app depends on.
const sources = 2

var (
	release = types.NamespacedName{Namespace: fluxNamespace, Name: app}
	trigger = types.NamespacedName{Namespace: fluxNamespace, Name: app + "-auto"}
	values  = types.NamespacedName{Namespace: fluxNamespace, Name: valuesName}
	config  = types.NamespacedName{Namespace: appNamespace, Name: configName}

	// rendered is the object that the chart makes.
	rendered = types.NamespacedName{Namespace: appNamespace, Name: app}
)

func (d *demo) onConfigMap(ctx context.Context, key types.NamespacedName, what string, condition func(*corev1.ConfigMap) bool) (*sighting[*corev1.ConfigMap], error) {
	return lookout(ctx, d.client, &corev1.ConfigMapList{}, key, what, condition)
}

func (d *demo) onRelease(ctx context.Context, what string, condition func(*helmv2.HelmRelease) bool) (*sighting[*helmv2.HelmRelease], error) {
	return lookout(ctx, d.client, &helmv2.HelmReleaseList{}, release, what, condition)
}

func (d *demo) onTrigger(ctx context.Context, what string, condition func(*triggerv1.ValuesTrigger) bool) (*sighting[*triggerv1.ValuesTrigger], error) {
	return lookout(ctx, d.client, &triggerv1.ValuesTriggerList{}, trigger, what, condition)
}

// atRest waits until everything has arrived and no one is about to do anything.
func (d *demo) atRest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	onTrigger, err := d.onTrigger(ctx, "ValuesTrigger my-app-auto with both sources delivered", func(vt *triggerv1.ValuesTrigger) bool {
		return len(vt.Status.Sources) == sources && isReady(vt.Status.Conditions) && isDelivered(vt)
	})
	if err != nil {
		return err
	}
	vt, _, err := onTrigger.wait(ctx)
	if err != nil {
		return err
	}
	onConfig, err := d.onConfigMap(ctx, config, "the delivered digest on ConfigMap my-app-config", func(cm *corev1.ConfigMap) bool {
		return cm.Annotations[triggerv1.HashAnnotation] == digestOf(vt, configName)
	})
	if err != nil {
		return err
	}
	if _, _, err := onConfig.wait(ctx); err != nil {
		return err
	}
	onRelease, err := d.onRelease(ctx, "HelmRelease my-app ready and idle", func(hr *helmv2.HelmRelease) bool {
		return isReady(hr.Status.Conditions) && hr.Status.ObservedGeneration == hr.Generation &&
			hr.Status.LastHandledReconcileAt == hr.Annotations[meta.ReconcileRequestAnnotation]
	})
	if err != nil {
		return err
	}
	_, _, err = onRelease.wait(ctx)
	return err
}

// isDelivered reports whether the only target is proven to run what was last read.
func isDelivered(vt *triggerv1.ValuesTrigger) bool {
	return len(vt.Status.Targets) == 1 && vt.Status.Targets[0].State == triggerv1.TargetDelivered &&
		vt.Status.Targets[0].Digest == vt.Status.LastDigest
}

func isReady(conditions []metav1.Condition) bool {
	for _, c := range conditions {
		if c.Type == meta.ReadyCondition {
			return c.Status == metav1.ConditionTrue
		}
	}
	return false
}

// digestOf returns the digest of a source as last read.
func digestOf(vt *triggerv1.ValuesTrigger, name string) string {
	for _, s := range vt.Status.Sources {
		if s.Name == name {
			return s.Digest
		}
	}
	return ""
}
