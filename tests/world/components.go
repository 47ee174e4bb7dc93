// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Names of the programs that this package builds and runs.
const (
	Etcd                   = "etcd"
	APIServer              = "kube-apiserver"
	ControllerManager      = "kube-controller-manager"
	Kubectl                = "kubectl"
	HelmController         = "helm-controller"
	NotificationController = "notification-controller"
	SourceController       = "source-controller"
	KustomizeController    = "kustomize-controller"
	Registry               = "registry"
	Helm                   = "helm"
	Prometheus             = "prometheus"
	Promtool               = "promtool"
	KubeStateMetrics       = "kube-state-metrics"
)

//go:embed components/*.mod components/*.sum
var pins embed.FS

// program is one executable and the pinned module it is built from.
type program struct {
	name string
	pin  string // base name of the mod and sum file
	pkg  string
	// took is a cold build on two cores, to tell people how long to wait.
	took time.Duration
}

// programs are listed in the order that lets each build reuse most of the
// packages compiled by those before it.
var programs = []program{
	{Etcd, "etcd", "go.etcd.io/etcd/server/v3", 80 * time.Second},
	{APIServer, "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 3 * time.Minute},
	{ControllerManager, "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", 45 * time.Second},
	{Kubectl, "kubernetes", "k8s.io/kubernetes/cmd/kubectl", 15 * time.Second},
	{HelmController, "helm-controller", "github.com/fluxcd/helm-controller", 105 * time.Second},
	{NotificationController, "notification-controller", "github.com/fluxcd/notification-controller", 90 * time.Second},
	{KustomizeController, "kustomize-controller", "github.com/fluxcd/kustomize-controller", 60 * time.Second},
	{SourceController, "source-controller", "github.com/fluxcd/source-controller", 2 * time.Minute},
	{Registry, "registry", "github.com/google/go-containerregistry/cmd/registry", 5 * time.Second},
	{Helm, "helm", "helm.sh/helm/v4/cmd/helm", 75 * time.Second},
	{Promtool, "prometheus", "github.com/prometheus/prometheus/cmd/promtool", 75 * time.Second},
	{Prometheus, "prometheus", "github.com/prometheus/prometheus/cmd/prometheus", 50 * time.Second},
	{KubeStateMetrics, "kube-state-metrics", "k8s.io/kube-state-metrics/v2", 40 * time.Second},
}

// kubernetesVariable in the environment chooses another version of the API server than
// the one of the tests: "oldest" or "newest". The other programs stay as they are.
const kubernetesVariable = "TESTWORLD_KUBERNETES"

// find returns the program of a name, and of the API server the version that is chosen.
func find(name string) (program, error) {
	i := slices.IndexFunc(programs, func(p program) bool { return p.name == name })
	if i < 0 {
		return program{}, fmt.Errorf("the test world has no program %q", name)
	}
	p := programs[i]
	if chosen := os.Getenv(kubernetesVariable); chosen != "" && name == APIServer {
		p.pin += "-" + chosen
	}
	return p, nil
}

// isChosen reports whether no other version will do.
func (p program) isChosen() bool { return p.name == APIServer && p.pin != "kubernetes" }

// pinnedModules names the module that gives each pin its version.
var pinnedModules = map[string]string{
	"etcd":                    "go.etcd.io/etcd/server/v3",
	"kubernetes":              "k8s.io/kubernetes",
	"kubernetes-oldest":       "k8s.io/kubernetes",
	"kubernetes-newest":       "k8s.io/kubernetes",
	"helm-controller":         "github.com/fluxcd/helm-controller",
	"notification-controller": "github.com/fluxcd/notification-controller",
	"source-controller":       "github.com/fluxcd/source-controller",
	"kustomize-controller":    "github.com/fluxcd/kustomize-controller",
	"registry":                "github.com/google/go-containerregistry",
	"helm":                    "helm.sh/helm/v4",
	"kube-state-metrics":      "k8s.io/kube-state-metrics/v2",
	"prometheus":              "github.com/prometheus/prometheus",
	"flux-crds":               "github.com/fluxcd/source-controller",
}

// pin is a committed mod and sum file pair.
type pin struct {
	name     string
	version  string
	mod, sum []byte
}

func readPin(name string) (pin, error) {
	p := pin{name: name}
	var err error
	if p.mod, err = pins.ReadFile("components/" + name + ".mod"); err != nil {
		return pin{}, fmt.Errorf("reading the pinned module: %w", err)
	}
	if p.sum, err = pins.ReadFile("components/" + name + ".sum"); err != nil {
		return pin{}, fmt.Errorf("reading the pinned checksums: %w", err)
	}
	module := regexp.QuoteMeta(pinnedModules[name])
	m := regexp.MustCompile(`(?m)^(?:require)?\s+` + module + ` (v\S+)`).FindSubmatch(p.mod)
	if m == nil {
		return pin{}, fmt.Errorf("components/%s.mod does not require %s", name, pinnedModules[name])
	}
	p.version = string(m[1])
	return p, nil
}

// dir is where the pin is built. It changes with everything that changes the
// binaries, so that an edit of a pin never meets a stale build.
func (p pin) dir(cache string) string {
	h := sha256.New()
	for _, b := range [][]byte{p.mod, p.sum, []byte(strings.Join(p.flags(), " "))} {
		fmt.Fprintf(h, "%d:", len(b))
		h.Write(b)
	}
	return filepath.Join(cache, p.name+"-"+p.version+"-"+hex.EncodeToString(h.Sum(nil))[:8])
}

// flags are the arguments of go build.
func (p pin) flags() []string {
	ld := "-s -w"
	if pinnedModules[p.name] == "k8s.io/kubernetes" {
		// Without these the API server calls itself v0.0.0-master, and Helm
		// charts with a kubeVersion constraint refuse to install.
		packages := []string{"k8s.io/component-base/version"}
		if p.name == "kubernetes-oldest" {
			packages = append(packages, "k8s.io/client-go/pkg/version") // Of the aggregator, then.
		}
		v := strings.SplitN(strings.TrimPrefix(p.version, "v"), ".", 3)
		for _, pkg := range packages {
			ld += fmt.Sprintf(" -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s"+
				" -X %[1]s.gitTreeState=clean", pkg, p.version, v[0], v[1])
		}
	}
	flags := []string{"-buildvcs=false", "-trimpath", "-ldflags=" + ld}
	if p.name == "prometheus" {
		// The clients of all clouds, to find targets in them, would take minutes.
		flags = append(flags, "-tags=remove_all_sd")
	}
	return flags
}
