// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Stamped by the linker, see the Makefile.
var (
	// Version is the version of the operator; of a build without stamp "dev".
	Version = "dev"

	// Revision is the commit that the binary was built from.
	Revision = ""
)

// revision returns the stamped commit, or what the Go tool recorded, or "unknown".
func revision() string {
	if Revision != "" {
		return Revision
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

// versionLine is what --version prints.
func versionLine() string {
	return fmt.Sprintf("helmrelease-trigger-operator %s (revision %s, %s)", Version, revision(), runtime.Version())
}

// registerBuildInfo adds the build info gauge to the metrics, once per process:
// the registry is global, managers need not be.
var registerBuildInfo = sync.OnceFunc(func() {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "trigger_build_info",
		Help: "Version, revision and Go version of the running operator; the value is always 1.",
	}, []string{"version", "revision", "go_version"})
	gauge.WithLabelValues(Version, revision(), runtime.Version()).Set(1)
	ctrlmetrics.Registry.MustRegister(gauge)
})
