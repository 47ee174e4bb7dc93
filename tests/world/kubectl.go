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

// Shell runs commands in the shell, with KUBECONFIG of the cluster admin, and returns their
// standard output. The error holds what they wrote to standard error.
func (w *World) Shell(ctx context.Context, commands string) (string, error) {
	return w.execute(ctx, "/bin/sh", "", "-c", commands)
}

// tool runs one of the world's programs.
func (w *World) tool(ctx context.Context, name, input string, args ...string) (string, error) {
	path, err := w.builder.find(ctx, name)
	if err != nil {
		return "", err
	}
	return w.execute(ctx, path, input, args...)
}

// execute runs a program in the caller's working directory to its end. When ctx
// ends first, the program is killed.
func (w *World) execute(ctx context.Context, path, input string, args ...string) (string, error) {
	name := filepath.Base(path)
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
