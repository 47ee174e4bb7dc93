// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Command release builds what a release consists of, into one directory, on any machine and
// without a container engine: see docs/internal/release.md. Built twice from one commit, each file is
// the same to the byte.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// release is what to build, and where.
type release struct {
	root     string // of the checkout
	out      string
	version  string // v1.2.3, or what git describe says
	revision string
	epoch    time.Time // time of the commit, for all files that carry one
	image    string    // repository of the image, without a tag
	jobs     []job
}

func main() {
	var r release
	var epoch int64
	flag.StringVar(&r.root, "root", ".", "directory of the checkout")
	flag.StringVar(&r.out, "out", "dist", "directory to write to; what is in it is removed")
	flag.StringVar(&r.version, "version", "", "version, such as v1.2.3")
	flag.StringVar(&r.revision, "revision", "", "commit")
	flag.Int64Var(&epoch, "epoch", 0, "time of the commit, in seconds since 1970")
	flag.StringVar(&r.image, "image", "", "repository of the image, without a tag")
	flag.Parse()
	r.epoch = time.Unix(epoch, 0).UTC()
	r.jobs = jobs

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run makes everything, the checksums last.
func (r *release) run(ctx context.Context) error {
	if r.version == "" || r.revision == "" || r.image == "" {
		return fmt.Errorf("version, revision and image are required")
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(r.out, "bin"), 0o750); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"binaries and their SBOMs", r.binaries},
		{"krew manifest", r.krew},
		{"image", r.writeImage},
		{"chart", r.chart},
		{"install.yaml", r.manifests},
		{"schemas", r.schemas},
		{"checksums", r.checksums},
	} {
		fmt.Fprintln(os.Stderr, "release:", step.name)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}
