// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// The commands of docs/plugin.md install the plugin of a release, and nothing that has another checksum.
func TestDownload(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the commands are those for Linux")
	}
	out := makeRelease(t, "v1.2.3")
	server := httptest.NewServer(http.StripPrefix("/v1.2.3/", http.FileServerFS(os.DirFS(out))))
	t.Cleanup(server.Close)

	const address = "https://" + module + "/releases/download"
	_, commands, _ := strings.Cut(string(read(t, root, "docs", "plugin.md")), "```sh\nVERSION=")
	commands, _, found := strings.Cut("VERSION="+commands, "```")
	NewWithT(t).Expect(found).To(BeTrue())
	NewWithT(t).Expect(commands).To(ContainSubstring(address))

	download := func(t *testing.T) (string, string, error) {
		t.Helper()
		bin := t.TempDir()
		script := strings.NewReplacer(address, server.URL, "sudo ", "", "/usr/local/bin/", bin+"/").Replace(commands)
		cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
		cmd.Dir = t.TempDir()
		output, err := cmd.CombinedOutput()
		return filepath.Join(bin, plugin), string(output), err
	}

	t.Run("installs the plugin", func(t *testing.T) {
		g := NewWithT(t)
		path, output, err := download(t)
		g.Expect(err).NotTo(HaveOccurred(), output)
		said, err := exec.CommandContext(t.Context(), path).CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(said)).To(Equal("small\n"))
	})

	t.Run("installs nothing else", func(t *testing.T) {
		g := NewWithT(t)
		archive := "kubectl-valuestrigger_linux_" + runtime.GOARCH + ".tar.gz"
		other := read(t, out, "manager_linux_"+runtime.GOARCH+".tar.gz")
		g.Expect(os.WriteFile(filepath.Join(out, archive), other, 0o600)).To(Succeed())
		path, output, err := download(t)
		g.Expect(err).To(HaveOccurred())
		g.Expect(output).To(ContainSubstring(archive + ": FAILED"))
		g.Expect(path).NotTo(BeAnExistingFile())
	})
}
