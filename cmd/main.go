// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// The manager delivers changes of ConfigMaps and Secrets to Flux HelmReleases.
package main

import (
	"os"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nebius/helmrelease-trigger-operator/internal/app"
)

func main() {
	os.Exit(app.Run(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}
