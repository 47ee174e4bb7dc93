// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// krewPlugin is a manifest of krew, the plugin manager of kubectl.
type krewPlugin struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Spec       krewSpec          `json:"spec"`
}

type krewSpec struct {
	Version          string         `json:"version"`
	Homepage         string         `json:"homepage"`
	ShortDescription string         `json:"shortDescription"`
	Description      string         `json:"description"`
	Caveats          string         `json:"caveats"`
	Platforms        []krewPlatform `json:"platforms"`
}

type krewPlatform struct {
	Selector map[string]map[string]string `json:"selector"`
	URI      string                       `json:"uri"`
	SHA256   string                       `json:"sha256"`
	Bin      string                       `json:"bin"`
}

// krewName is what krew calls the plugin: without kubectl-, as its file must be called.
const krewName = "valuestrigger"

// krew writes the manifest by which krew installs the plugin of this release.
func (r *release) krew(context.Context) error {
	p := krewPlugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin",
		Metadata: map[string]string{"name": krewName},
		Spec: krewSpec{
			Version:          "v" + r.chartVersion(),
			Homepage:         "https://" + module,
			ShortDescription: "See and steer what ValuesTriggers deliver to HelmReleases",
			Description: "Shows which Flux HelmReleases depend on which ConfigMaps and Secrets, whether a change has\n" +
				"arrived, why a release has its revisions, and what an edit would do. Retries, suspends and\n" +
				"resumes deliveries of the helmrelease-trigger-operator.\n",
			Caveats: "The cluster needs the helmrelease-trigger-operator. For the short name, kubectl vt:\n" +
				"  ln -s kubectl-valuestrigger \"${KREW_ROOT:-$HOME/.krew}/bin/kubectl-vt\"\n",
		},
	}
	for _, j := range r.jobs {
		if j.program != plugin {
			continue
		}
		archive, err := os.ReadFile(filepath.Join(r.out, j.archive()))
		if err != nil {
			return err
		}
		p.Spec.Platforms = append(p.Spec.Platforms, krewPlatform{
			Selector: map[string]map[string]string{"matchLabels": {"os": j.os, "arch": j.arch}},
			URI:      fmt.Sprintf("https://%s/releases/download/%s/%s", module, r.version, j.archive()),
			SHA256:   fmt.Sprintf("%x", sha256.Sum256(archive)),
			Bin:      j.executable(),
		})
	}
	text, err := yaml.Marshal(p)
	if err != nil {
		return err
	}
	return r.write(krewName+".yaml", text)
}
