// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// builder makes programs and manifests in a cache shared by all checkouts.
type builder struct {
	cache    string
	progress io.Writer
}

func newBuilder(progress io.Writer) (*builder, error) {
	cache := os.Getenv("TESTWORLD_CACHE")
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no cache directory, set TESTWORLD_CACHE: %w", err)
		}
		cache = filepath.Join(base, "helmrelease-trigger-operator")
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, fmt.Errorf("resolving the cache directory: %w", err)
	}
	return &builder{cache: cache, progress: progress}, nil
}

// Build makes whatever is missing in the cache of the named programs, all of
// them by default, and the manifests of Flux's kinds. It reports its progress
// to stderr and is silent when there is nothing to do. About fifteen minutes with
// a cold compiler cache on two cores.
func Build(ctx context.Context, names ...string) error {
	b, err := newBuilder(os.Stderr)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		for _, p := range programs {
			names = append(names, p.name)
		}
	}
	for _, name := range names {
		if _, err := b.find(ctx, name); err != nil {
			return err
		}
	}
	_, err = b.fluxCRDs(ctx)
	return err
}

// Binary returns the path of a program, building it if need be. A program that
// lies in the directory KUBEBUILDER_ASSETS is preferred to building one.
func Binary(ctx context.Context, name string) (string, error) {
	b, err := newBuilder(os.Stderr)
	if err != nil {
		return "", err
	}
	return b.find(ctx, name)
}

// Version returns the version of a program that Binary builds.
func Version(name string) (string, error) {
	p, err := find(name)
	if err != nil {
		return "", err
	}
	pin, err := readPin(p.pin)
	return pin.version, err
}

func (b *builder) find(ctx context.Context, name string) (string, error) {
	p, err := find(name)
	if err != nil {
		return "", err
	}
	return b.program(ctx, p)
}

func (b *builder) program(ctx context.Context, p program) (string, error) {
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" && !p.isChosen() {
		if path := filepath.Join(assets, p.name); isFile(path) {
			return filepath.Abs(path)
		}
	}
	pin, err := readPin(p.pin)
	if err != nil {
		return "", err
	}
	dir := pin.dir(b.cache)
	path := filepath.Join(dir, "bin", p.name)
	if isFile(path) {
		return path, nil
	}
	unlock, err := b.lock(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	defer unlock()
	if isFile(path) { // built by the process that held the lock
		return path, nil
	}
	if err := b.compile(ctx, p, pin, dir, path); err != nil {
		return "", err
	}
	return path, nil
}

// compile builds p inside dir, whose lock is held, and renames it to path.
func (b *builder) compile(ctx context.Context, p program, pin pin, dir, path string) error {
	if err := pin.write(dir); err != nil {
		return err
	}
	// What a killed build left behind goes first: only the lock's holder builds.
	tmp := filepath.Join(dir, "tmp")
	if err := errors.Join(os.RemoveAll(tmp), os.Mkdir(tmp, 0o755)); err != nil {
		return fmt.Errorf("clearing a former build: %w", err)
	}
	defer os.RemoveAll(tmp)

	done := b.report(fmt.Sprintf("building %s %s", p.name, pin.version), p.took)
	args := append([]string{"build"}, pin.flags()...)
	_, err := runGo(ctx, dir, append(args, "-o", filepath.Join(tmp, p.name), p.pkg)...)
	done(err)
	if err != nil {
		return fmt.Errorf("building %s %s: %w", p.name, pin.version, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the cache: %w", err)
	}
	if err := os.Rename(filepath.Join(tmp, p.name), path); err != nil {
		return fmt.Errorf("moving %s into the cache: %w", p.name, err)
	}
	return nil
}

func (p pin) write(dir string) error {
	for name, data := range map[string][]byte{"go.mod": p.mod, "go.sum": p.sum} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("writing the pinned module: %w", err)
		}
	}
	return nil
}

const goTrouble = `the components of the test world are compiled from Go modules, which needs the go command,
a module proxy within reach (go env GOPROXY) and about 6 GB for the module and build caches;
fix what go reports above and run "go run ./tests/world/build" again, it resumes where it stopped`

// runGo runs the go command in dir, shielded from the settings of anyone who
// called: go test -race, GOFLAGS=-mod=mod or a cross-compilation must not
// reach binaries that run here and are cached for everyone.
func runGo(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return name == "GOEXPERIMENT" || name == "GODEBUG" || strings.HasPrefix(name, "CGO_")
	}),
		// Never empty: an empty variable lets the user's go env file decide.
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH,
	)
	if tmp := filepath.Join(dir, "tmp"); isDir(tmp) {
		// Where an interrupted build leaves nothing that the next does not clear.
		cmd.Env = append(cmd.Env, "GOTMPDIR="+tmp)
	}
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("interrupted: %w", context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%w\n%s", err, goTrouble)
	}
	out := tail(stderr.String()+stdout.String(), 30)
	return nil, fmt.Errorf("go %s: %w\n%s\n%s", args[0], err, out, goTrouble)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
