// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the operator at work: edits of ConfigMaps on a real API server,
// with the real helm-controller and the operator as its chart installs it. It shows how
// long an edit takes to arrive, a canary that breaks and is rolled back, and an approval.
// KEEP=1 leaves everything running for a try by hand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// interrupted is the exit code of a program that Ctrl-C ended.
const interrupted = 130

// kept is the command that leaves everything running.
const kept = "make demo KEEP=1"

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	err := show(ctx, newScreen(os.Stdout))
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "demo: interrupted")
		return interrupted
	default:
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
}

// show plays all acts and cleans up behind them.
func show(ctx context.Context, out *screen) error {
	out.line("%s\n", out.bold("ConfigMap changes, delivered to Flux HelmReleases: real API server, real helm-controller"))
	d, err := open(ctx, out)
	if err != nil {
		return err
	}
	defer d.close()

	for _, act := range []func(context.Context) error{d.play, d.rollout} {
		if err := act(ctx); err != nil {
			if ctx.Err() == nil {
				d.explain(ctx)
			}
			return err
		}
	}
	if keep := os.Getenv("KEEP"); keep != "" && keep != "0" {
		return d.keep(ctx)
	}
	out.line("\nTo look around by yourself: %s", out.bold(kept))
	return nil
}
