// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package gitops proves what the guarantees promise where all objects come from Git: on the
// whole of Flux, with charts from a registry and commits that kustomize-controller applies.
package gitops

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

// commitsFlag is the number of commits of each case.
var commitsFlag = flag.Int("gitops.commits", 2, "commits of each case")

// field is the world, and its operator, that the tests use, each in a
// namespace of its own.
var (
	field   *world.World
	manager *operator.Operator
	binary  string // the manager's program
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "gitops-")
	if err == nil {
		defer os.RemoveAll(dir)
		binary, err = operator.Build(ctx, dir)
	}
	if err == nil {
		field, err = world.Start(ctx, onGitOps())
	}
	if err == nil {
		defer field.Stop()
		manager, err = operator.Install(ctx, field, binary, operator.Options{Values: []string{"--set", "publish.enabled=true"}})
	}
	for n := 0; n <= *commitsFlag && err == nil; n++ {
		err = field.PushChart(ctx, chart(n))
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
		field.Dump(os.Stderr, 20)
	}
	return code
}

// onGitOps returns the options of a world with the whole of Flux.
func onGitOps() world.Options {
	options := kit.World()
	options.GitOps = true
	return options
}

// chart returns the version of the chart that comes with the n-th commit. It takes values that
// are for it or for an earlier one.
func chart(n int) world.Chart {
	return world.Chart{Name: "app", Version: chartVersion(n), Files: map[string]string{
		"templates/configmap.yaml": `{{- if semverCompare (printf "<%s" (toString .Values.since)) .Chart.Version }}{{ fail "these values are for a later version" }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  knob: {{ .Values.knob | quote }}
  chart: {{ .Chart.Version }}
`,
	}}
}

func chartVersion(n int) string { return fmt.Sprintf("0.%d.0", n) }
