// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import "runtime/debug"

const (
	envGarbage = "GOGC"

	// garbagePercent is how much garbage there may be for what is in use. Go's own 100
	// doubles the memory of the caches, to save work that the operator hardly has: its
	// heap is small, and rests most of the time.
	garbagePercent = 50
)

// limitGarbage sets the collector of garbage, unless the environment has.
func limitGarbage(getenv func(string) string) {
	if getenv(envGarbage) == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
