// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// This file adds the rest of Flux: what takes charts out of a registry and objects out of Git.

// addGitOps prepares source-controller, kustomize-controller, an OCI registry and a Git server.
func (w *World) addGitOps(o Options) error {
	var addrs [4]string
	var err error
	for i := range addrs {
		if addrs[i], err = w.ReservePort(); err != nil {
			return err
		}
	}
	storage := filepath.Join(w.dir, "artifacts")
	if err := os.Mkdir(storage, 0o700); err != nil {
		return fmt.Errorf("making the storage of source-controller: %w", err)
	}
	w.services[SourceController] = &service{
		program: SourceController,
		args: []string{
			"--storage-path=" + storage,
			"--storage-addr=" + addrs[0],
			"--storage-adv-addr=" + addrs[0],
			"--health-addr=" + addrs[1],
			"--metrics-addr=0",
			"--min-retry-delay=100ms",
		},
		extra: o.SourceControllerArgs,
		env:   []string{"KUBECONFIG=" + w.userKubeconfig(SourceControllerUser), "RUNTIME_NAMESPACE=flux-system"},
		ready: func(ctx context.Context) error { return getOK(ctx, "http://"+addrs[1]+"/readyz") },
	}
	w.services[KustomizeController] = &service{
		program: KustomizeController,
		args: []string{
			"--health-addr=" + addrs[2],
			"--metrics-addr=0",
			"--kube-api-qps=1000",
			"--kube-api-burst=2000",
			"--min-retry-delay=100ms",
			"--requeue-dependency=1s",
			"--http-retry=2",
		},
		extra: o.KustomizeControllerArgs,
		env:   []string{"KUBECONFIG=" + w.userKubeconfig(KustomizeControllerUser), "RUNTIME_NAMESPACE=flux-system"},
		ready: func(ctx context.Context) error { return getOK(ctx, "http://"+addrs[2]+"/readyz") },
	}
	_, port, err := net.SplitHostPort(addrs[3])
	if err != nil {
		return err
	}
	w.registry = "localhost:" + port
	w.services[Registry] = &service{
		program: Registry,
		args:    []string{"--port=" + port},
		ready:   func(ctx context.Context) error { return getOK(ctx, "http://"+w.registry+"/v2/") },
	}
	w.git, err = startGitServer(filepath.Join(w.dir, "git"))
	return err
}

// gitOpsComponents are those that Options.GitOps starts.
var gitOpsComponents = []string{SourceController, KustomizeController, Registry}

// ChartsURL returns where PushChart puts charts: an OCIRepository, which has to be insecure,
// adds the name of a chart to it.
func (w *World) ChartsURL() string { return "oci://" + w.registry + "/charts" }

// HelmRepositoryURL returns where a HelmRepository, not of type oci, finds the charts.
func (w *World) HelmRepositoryURL() string { return w.artifacts.url + "charts" }

// PushChart packages a chart with helm and publishes it in a world with Options.GitOps: in the
// registry, and in the Helm repository. Pushing a version again replaces it.
func (w *World) PushChart(ctx context.Context, c Chart) error {
	dir, err := os.MkdirTemp(w.dir, "chart-")
	if err != nil {
		return fmt.Errorf("packaging chart %s: %w", c.Name, err)
	}
	defer os.RemoveAll(dir)
	if err := c.Write(filepath.Join(dir, c.Name)); err != nil {
		return err
	}
	w.charts.Lock() // The index is of all charts.
	defer w.charts.Unlock()
	repository, archive := filepath.Join(w.dir, "charts"), c.Name+"-"+c.Version+".tgz"
	for _, args := range [][]string{
		{"package", filepath.Join(dir, c.Name), "--destination", repository},
		{"push", filepath.Join(repository, archive), w.ChartsURL(), "--plain-http"},
		{"repo", "index", repository},
	} {
		if _, err := w.Helm(ctx, args...); err != nil {
			return err
		}
	}
	for _, name := range []string{archive, "index.yaml"} {
		data, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			return fmt.Errorf("serving chart %s: %w", c.Name, err)
		}
		w.artifacts.add("charts/"+name, data)
	}
	return nil
}
