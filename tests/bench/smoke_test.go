// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"

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

// One scenario with all that the others use, as small as it can be: not to measure
// anything, but to see that it still works.
func TestScenario(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a test world; running with -short")
	}
	g := NewWithT(t)
	manager, err := operator.Build(t.Context(), t.TempDir())
	g.Expect(err).NotTo(HaveOccurred())
	result, err := fanOut(t.Context(), &bench{sizes: sizes{fan: []int{2, 3}, rounds: 1}, manager: manager})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.Growth).To(HaveLen(5))
	for _, row := range result.Rows {
		g.Expect(*row.Ours).To(BeNumerically(">", 0), row.What)
	}
}
