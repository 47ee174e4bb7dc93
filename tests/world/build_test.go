// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
)

// small is a program in one of the pinned modules that builds in a second.
var small = program{name: "tomlv", pin: "helm", pkg: "github.com/BurntSushi/toml/cmd/tomlv"}

func TestPins(t *testing.T) {
	g := NewWithT(t)
	dirs := map[string]bool{}
	for name := range pinnedModules {
		pin, err := readPin(name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(pin.version).To(HavePrefix("v"))
		dirs[pin.dir("/cache")] = true
	}
	g.Expect(dirs).To(HaveLen(len(pinnedModules)))
	crds, err := readPin("flux-crds")
	g.Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{HelmController, KustomizeController, NotificationController, SourceController} {
		pin, err := readPin(name)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(crds.mod)).To(ContainSubstring("\t"+pinnedModules[name]+" "+pin.version+"\n"), "kinds of another version")
	}
	pin, err := readPin("kubernetes")
	g.Expect(err).NotTo(HaveOccurred())
	before := pin.dir("/cache")
	pin.sum = append(pin.sum, '\n')
	g.Expect(pin.dir("/cache")).NotTo(Equal(before), "an edited pin is built again")
}

// Builders side by side share one build, and none of the caller's settings
// reaches it.
func TestBuildOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles; running with -short")
	}
	g := NewWithT(t)
	for name, value := range map[string]string{"GOFLAGS": "-mod=mod -race", "GOOS": "plan9", "GOARCH": "386", "CGO_ENABLED": "1"} {
		t.Setenv(name, value)
	}
	cache := t.TempDir()
	progress := &syncWriter{}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			path, err := (&builder{cache: cache, progress: progress}).program(t.Context(), small)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(exec.Command(path).Run()).To(Succeed())
		})
	}
	wg.Wait()
	g.Expect(strings.Count(progress.String(), "world: building tomlv v4")).To(Equal(2), "%s", progress)

	progress = &syncWriter{}
	_, err := (&builder{cache: cache, progress: progress}).program(t.Context(), small)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(progress.String()).To(BeEmpty(), "what is cached is not worth a word")
}

func TestBuildErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles; running with -short")
	}
	g := NewWithT(t)
	b := &builder{cache: t.TempDir(), progress: io.Discard}
	broken := small
	broken.pkg = "github.com/BurntSushi/toml/cmd/nonsense"
	_, err := b.program(t.Context(), broken)
	g.Expect(err).To(MatchError(And(
		HavePrefix("building tomlv v4"),                                     // what
		ContainSubstring("package github.com/BurntSushi/toml/cmd/nonsense"), // why
		ContainSubstring("go run ./tests/world/build"),                      // what to do
	)))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.program(ctx, small)
	g.Expect(err).To(MatchError(context.Canceled))

	_, err = b.find(t.Context(), "nonsense")
	g.Expect(err).To(MatchError(ContainSubstring(`no program "nonsense"`)))

	t.Setenv("PATH", t.TempDir())
	_, err = b.program(t.Context(), small)
	g.Expect(err).To(MatchError(ContainSubstring("needs the go command")))
}

func TestAssetsArePreferred(t *testing.T) {
	g := NewWithT(t)
	assets := t.TempDir()
	t.Setenv("KUBEBUILDER_ASSETS", assets)
	etcd := filepath.Join(assets, Etcd)
	g.Expect(os.WriteFile(etcd, nil, 0o755)).To(Succeed())
	b := &builder{cache: t.TempDir(), progress: io.Discard}
	g.Expect(b.find(t.Context(), Etcd)).To(Equal(etcd))
}

// syncWriter collects what several goroutines write.
type syncWriter struct {
	mu  sync.Mutex
	out strings.Builder
}

func (w *syncWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

func (w *syncWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}
