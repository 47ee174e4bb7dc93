// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
)

// Object names a ConfigMap, a Secret or a HelmRelease.
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

// ID returns kind/namespace/name, by which a plan tells sources apart.
func (o Object) ID() string { return plan.ID(o.Kind, o.Namespace, o.Name) }

// Key returns namespace/name.
func (o Object) Key() string { return o.Namespace + "/" + o.Name }

// String returns kind and namespace/name.
func (o Object) String() string { return o.Kind + " " + o.Key() }
