// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// krewVersion is not in go.mod: krew needs a client-go that Helm cannot be built with.
// renovate: sigs.k8s.io/krew
const krewVersion = "v0.4.3"

// krewTool compiles a program of krew.
func krewTool(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", "sigs.k8s.io/krew/cmd/"+name+"@"+krewVersion)
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	output, err := install.CombinedOutput()
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), string(output))
	return filepath.Join(dir, name)
}

// krew validates the manifest as its index does, and installs the plugin from the archive.
func TestKrew(t *testing.T) {
	out := makeRelease(t, "v1.2.3")
	manifest := filepath.Join(out, "valuestrigger.yaml")
	validator := krewTool(t, "validate-krew-manifest")
	validate := func(path string) (string, error) {
		output, err := exec.CommandContext(t.Context(), validator, "-skip-install", "-manifest", path).CombinedOutput()
		return string(output), err
	}

	t.Run("accepts the manifest", func(t *testing.T) {
		g := NewWithT(t)
		output, err := validate(manifest)
		g.Expect(err).NotTo(HaveOccurred(), output)
		text := string(read(t, manifest))
		g.Expect(text).To(ContainSubstring("version: v1.2.3\n"))
		g.Expect(text).To(ContainSubstring("uri: https://" + module + "/releases/download/v1.2.3/kubectl-valuestrigger_windows_amd64.zip\n"))
		g.Expect(text).To(ContainSubstring("bin: kubectl-valuestrigger.exe\n"))
	})

	t.Run("accepts that of a build between releases", func(t *testing.T) {
		output, err := validate(filepath.Join(makeRelease(t, "0123456-dirty"), "valuestrigger.yaml"))
		NewWithT(t).Expect(err).NotTo(HaveOccurred(), output)
	})

	t.Run("refuses one that is not right", func(t *testing.T) {
		g := NewWithT(t)
		other := filepath.Join(t.TempDir(), "valuestrigger.yaml")
		for _, change := range []string{"version: v1.2.3", "sha256: ", "bin: "} {
			text := strings.ReplaceAll(string(read(t, manifest)), change, "x"+change)
			g.Expect(os.WriteFile(other, []byte(text), 0o600)).To(Succeed())
			output, err := validate(other)
			g.Expect(err).To(HaveOccurred(), change+output)
		}
	})

	t.Run("installs the plugin of the archive", func(t *testing.T) {
		g := NewWithT(t)
		home := t.TempDir()
		install := exec.CommandContext(t.Context(), krewTool(t, "krew"), "install", "--manifest", manifest,
			"--archive", filepath.Join(out, "kubectl-valuestrigger_"+runtime.GOOS+"_"+runtime.GOARCH+".tar.gz"))
		install.Env = append(os.Environ(), "KREW_ROOT="+home, "KREW_NO_UPGRADE_CHECK=1")
		output, err := install.CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(output))
		plugin, err := exec.CommandContext(t.Context(), filepath.Join(home, "bin", plugin)).CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(plugin)).To(Equal("small\n"))
	})
}
