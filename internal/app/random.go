// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import "math/rand"

// sharedRand returns random numbers for any number of goroutines. One made by
// rand.NewSource, as Flux's jitter makes when it is given none, breaks under the
// reconcilers that share it.
func sharedRand() *rand.Rand {
	return rand.New(sharedSource{}) //nolint:gosec // Spreads load, keeps no secret.
}

// sharedSource draws from Go's own source, which is safe for concurrent use.
type sharedSource struct{}

// Int63 implements rand.Source.
func (sharedSource) Int63() int64 {
	return rand.Int63() //nolint:gosec // Spreads load, keeps no secret.
}

// Seed implements rand.Source.
func (sharedSource) Seed(int64) {}
