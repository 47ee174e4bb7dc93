// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import "strings"

// Ref names a ConfigMap or Secret.
type Ref struct {
	Kind      string
	Namespace string
	Name      string
}

// RefOf returns the object that an ID names, Kind/namespace/name.
func RefOf(id string) Ref {
	parts := strings.SplitN(id, "/", 3)
	return Ref{Kind: parts[0], Namespace: parts[1], Name: parts[2]}
}

// String returns kind and namespace/name.
func (r Ref) String() string {
	return r.Kind + " " + r.Namespace + "/" + r.Name
}
