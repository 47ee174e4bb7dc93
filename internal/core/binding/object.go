// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// Object names a ConfigMap, a Secret, a HelmRelease or a ValuesTrigger.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// ObjectOf returns the object that an ID names.
func ObjectOf(id string) Object {
	parts := strings.SplitN(id, "/", 3)
	return Object{Kind: parts[0], Namespace: parts[1], Name: parts[2]}
}

// TriggerObject names a ValuesTrigger.
func TriggerObject(vt *triggerv1.ValuesTrigger) Object {
	return Object{Kind: triggerv1.ValuesTriggerKind, Namespace: vt.Namespace, Name: vt.Name}
}

// ReleaseObject names a HelmRelease.
func ReleaseObject(hr *helmv2.HelmRelease) Object {
	return Object{Kind: helmv2.HelmReleaseKind, Namespace: hr.Namespace, Name: hr.Name}
}

// ID returns kind/namespace/name, by which a plan tells sources apart.
func (o Object) ID() string { return plan.ID(o.Kind, o.Namespace, o.Name) }

// Key returns namespace/name.
func (o Object) Key() string { return o.Namespace + "/" + o.Name }

// NamespacedName returns namespace and name.
func (o Object) NamespacedName() types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
}

// String returns kind and namespace/name.
func (o Object) String() string { return o.Kind + " " + o.Key() }
