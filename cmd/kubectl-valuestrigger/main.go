// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// kubectl-valuestrigger is a plugin of kubectl: kubectl valuestrigger.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)

	out := int(os.Stdout.Fd())
	width, _, err := term.GetSize(out)
	if err != nil {
		width = 0
	}
	code := cli.Run(ctx, os.Args[1:], cli.Env{
		Name: filepath.Base(os.Args[0]),
		In:   os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Terminal: term.IsTerminal(out), Width: width, Interactive: term.IsTerminal(int(os.Stdin.Fd())),
		Getenv: os.Getenv, Now: time.Now,
	})
	stop()
	os.Exit(code)
}
