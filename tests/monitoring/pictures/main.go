// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Command pictures draws the dashboard as it looks after some minutes of work, for the
// documentation: pictures FILE. The data is real, of an operator and a Prometheus in a
// world; only the drawing is not Grafana's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/monitoring"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	step         = 3 * time.Second
	rateInterval = "20s"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: pictures FILE")
	}
	dashboard, err := monitoring.LoadDashboard()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pictures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	manager, err := operator.Build(ctx, dir)
	if err != nil {
		return err
	}
	w, err := world.Start(ctx, kit.World())
	if err != nil {
		return err
	}
	defer w.Stop()
	op, err := operator.Install(ctx, w, manager, operator.Options{Values: []string{"--set", "eventsAddr="}})
	if err != nil {
		return err
	}
	prometheus, err := monitoring.Start(ctx, w, op.Metrics())
	if err != nil {
		return err
	}

	began := time.Now()
	if err := (&story{w: w, c: w.Client(), op: op}).tell(ctx); err != nil {
		return err
	}
	drawn, err := draw(ctx, dashboard, prometheus, began, time.Now())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(args[0]), drawn, 0o644)
}
