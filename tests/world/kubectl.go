// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// Kubectl runs kubectl as the cluster admin and returns its standard output.
// The error holds what it wrote to standard error.
func (w *World) Kubectl(ctx context.Context, args ...string) (string, error) {
	return w.tool(ctx, Kubectl, "", args...)
}

// KubectlInput is Kubectl with a standard input, for apply -f - and the like.
func (w *World) KubectlInput(ctx context.Context, input string, args ...string) (string, error) {
	return w.tool(ctx, Kubectl, input, args...)
}

// Helm runs helm as the cluster admin, with a home of its own, and returns its
// standard output. The error holds what it wrote to standard error.
func (w *World) Helm(ctx context.Context, args ...string) (string, error) {
	return w.tool(ctx, Helm, "", args...)
}

// tool runs a program in the caller's working directory to its end. When ctx
// ends first, the program is killed.
func (w *World) tool(ctx context.Context, name, input string, args ...string) (string, error) {
	path, err := w.builder.find(ctx, name)
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	cmd := w.reaper.command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	home := filepath.Join(w.dir, "home", "helm")
	cmd.Env = append(w.environ(),
		"HELM_CACHE_HOME="+filepath.Join(home, "cache"),
		"HELM_CONFIG_HOME="+filepath.Join(home, "config"),
		"HELM_DATA_HOME="+filepath.Join(home, "data"),
	)
	command := name + " " + strings.Join(args, " ")
	p, err := w.launch(name, cmd)
	if err != nil {
		return "", err
	}
	err = p.Wait(ctx)
	if ctx.Err() != nil {
		p.Kill()
	}
	if err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s", command, err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
