// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nebius/helmrelease-trigger-operator/internal/features"
)

// Exit codes of the process.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Run is the whole program: it returns the exit code when the context ends or
// something fails. A failure is one line on stderr.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	opts, err := ParseOptions(args, getenv)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		_, _ = fmt.Fprint(stdout, "Delivers changes of ConfigMaps and Secrets to Flux HelmReleases.\n\nFlags:\n", Usage())
		return exitOK
	case err != nil:
		return fail(stderr, err, exitUsage)
	case opts.ShowVersion:
		_, _ = fmt.Fprintln(stdout, versionLine())
		return exitOK
	}

	limitGarbage(getenv)
	setLogger(opts.Log)
	log := ctrl.Log.WithName("setup")
	if err := opts.FeatureGates.WithLogger(log).SupportedFeatures(features.FeatureGates(), nil); err != nil {
		return fail(stderr, fmt.Errorf("invalid value for --%s: %w", flagFeatureGates, err), exitUsage)
	}
	if err := opts.Jitter.SetGlobalJitter(sharedRand()); err != nil {
		return fail(stderr, fmt.Errorf("invalid value for --%s: %w", flagJitter, err), exitUsage)
	}

	cfg, err := RESTConfig(ctx, opts, getenv)
	switch {
	case err != nil && ctx.Err() != nil:
		return exitOK // Stopped while it waited.
	case err != nil:
		return fail(stderr, err, exitFailure)
	}
	mgr, err := New(ctx, cfg, opts)
	if err != nil {
		return fail(stderr, err, exitFailure)
	}
	log.Info("starting", "version", Version, "revision", revision())
	if err := mgr.Start(ctx); err != nil {
		return fail(stderr, err, exitFailure)
	}
	return exitOK
}

// fail writes the error as one line.
func fail(stderr io.Writer, err error, code int) int {
	line := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	_, _ = fmt.Fprintln(stderr, "manager: "+line)
	return code
}
