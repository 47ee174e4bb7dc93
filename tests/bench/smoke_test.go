// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

func TestMain(m *testing.M) {
	// The limit is the program itself, here the test.
	if len(os.Args) > 1 && os.Args[1] == limitCommand {
		os.Exit(exitCode(runLimit(os.Args[2:])))
	}
	os.Exit(m.Run())
}

// Scenarios with all that the others use, as small as they can be: not to measure
// anything, but to see that they still work.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a test world; running with -short")
	}
	manager, err := operator.Build(t.Context(), t.TempDir())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	small := sizes{
		fan: []int{2, 3}, rounds: 1, scale: []int{3}, scaleRounds: 1, staged: []int{3},
		interval: 10 * time.Second, rest: time.Second,
	}
	for name, figures := range map[string]struct {
		run    func(context.Context, *bench) (Result, error)
		growth int
	}{"fan-out": {fanOut, 5}, "copies": {copying, 2}, "rollout": {rollOut, 2}, "scale": {scale, 6}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			result, err := figures.run(t.Context(), &bench{sizes: small, manager: manager})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(result.Growth).To(HaveLen(figures.growth))
			g.Expect(result.Rows).NotTo(BeEmpty())
			for _, row := range result.Rows {
				g.Expect(math.IsNaN(*row.Ours)).To(BeFalse(), row.What)
			}
		})
	}
}
