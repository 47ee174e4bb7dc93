// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package features lists the feature gates of the operator. There is none yet;
// the flag exists so that a gate can come and go without a new flag.
package features

import (
	feathelper "github.com/fluxcd/pkg/runtime/features"
)

// FeatureGates returns each gate with its default. The caller owns the map.
func FeatureGates() map[string]bool {
	return map[string]bool{}
}

// Enabled reports whether a gate is on. It fails for a gate that is not in
// FeatureGates, and before the command line was read.
func Enabled(feature string) (bool, error) {
	return feathelper.Enabled(feature)
}
