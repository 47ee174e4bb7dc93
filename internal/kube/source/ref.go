// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import "github.com/nebius/helmrelease-trigger-operator/internal/core/binding"

// Ref names a ConfigMap or Secret.
type Ref = binding.Object

// RefOf returns the object that an ID names, Kind/namespace/name.
func RefOf(id string) Ref { return binding.ObjectOf(id) }
