// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/fluxcd/pkg/runtime/jitter"
)

// Under the race detector, and without it by a panic now and then, a source that is
// not safe for concurrent use fails here.
func TestJitterIsSafeForManyReconcilers(t *testing.T) {
	g := NewWithT(t)
	jittered := jitter.Percent(0.05, sharedRand())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10_000 {
				g.Expect(jittered(time.Minute)).To(BeNumerically("~", time.Minute, 3*time.Second))
			}
		})
	}
	group.Wait()
}
