// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e proves what the README and the guarantees promise, on a real API server
// and the real helm-controller, with the operator installed by its chart.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// shared is the world, and its operator with default values, that most tests use,
// each in namespaces of its own.
var (
	shared   *world.World
	standard *operator.Operator
	manager  string

	// programs is a directory in the PATH.
	programs string
)

// allFlag has tests go through what repeats the same in other orders, too.
var allFlag = flag.Bool("e2e.all", false, "also run what repeats the same in other orders")

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		programs = dir
		err = os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	if err == nil {
		manager, err = operator.Build(ctx, dir)
	}
	if err == nil {
		shared, err = world.Start(ctx, kit.World())
	}
	if err == nil {
		defer shared.Stop()
		standard, err = operator.Install(ctx, shared, manager, operator.Options{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	SetDefaultEventuallyTimeout(2 * time.Minute)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	SetDefaultConsistentlyDuration(3 * time.Second)
	SetDefaultConsistentlyPollingInterval(100 * time.Millisecond)

	code := m.Run()
	if code != 0 {
		shared.Dump(os.Stderr, 20)
	}
	return code
}
