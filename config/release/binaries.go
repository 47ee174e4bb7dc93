// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/generate/bin"
	"github.com/rs/zerolog"
)

const module = "github.com/nebius/helmrelease-trigger-operator"

// job is one program for one platform.
type job struct {
	program  string
	pkg      string
	os, arch string
}

const (
	manager = "manager" // the program of the image
	plugin  = "kubectl-valuestrigger"
)

// jobs are what a release offers: the operator where clusters run, the plugin where people work.
var jobs = []job{
	{manager, "./cmd", "linux", "amd64"},
	{manager, "./cmd", "linux", "arm64"},
	{plugin, "./cmd/kubectl-valuestrigger", "linux", "amd64"},
	{plugin, "./cmd/kubectl-valuestrigger", "linux", "arm64"},
	{plugin, "./cmd/kubectl-valuestrigger", "darwin", "amd64"},
	{plugin, "./cmd/kubectl-valuestrigger", "darwin", "arm64"},
	{plugin, "./cmd/kubectl-valuestrigger", "windows", "amd64"},
	{plugin, "./cmd/kubectl-valuestrigger", "windows", "arm64"},
}

// name is the file name of what a job makes, without an ending.
func (j job) name() string { return strings.Join([]string{j.program, j.os, j.arch}, "_") }

// executable is the program in the archive, archive that of the job. Windows unpacks a zip by itself.
func (j job) executable() string {
	if j.os == "windows" {
		return j.program + ".exe"
	}
	return j.program
}

func (j job) archive() string {
	if j.os == "windows" {
		return j.name() + ".zip"
	}
	return j.name() + ".tar.gz"
}

// binary is where a job's program is while the release is made.
func (r *release) binary(j job) string { return filepath.Join(r.out, "bin", j.name()) }

// binaries compiles the programs, packs each with the licence, and lists what is in it.
func (r *release) binaries(ctx context.Context) error {
	for _, j := range r.jobs {
		if err := r.compile(ctx, j); err != nil {
			return err
		}
		if err := r.pack(j); err != nil {
			return err
		}
		if err := r.list(j); err != nil {
			return err
		}
	}
	return nil
}

// compile builds a static binary that does not depend on where, when and by whom.
func (r *release) compile(ctx context.Context, j job) error {
	out, err := filepath.Abs(r.binary(j))
	if err != nil {
		return err
	}
	stamps := "-s -w -buildid="
	for _, wiring := range []string{"app", "cli"} { // Of the one that the program does not have, the linker takes no notice.
		stamps += fmt.Sprintf(" -X %[1]s/internal/%[2]s.Version=%[3]s -X %[1]s/internal/%[2]s.Revision=%[4]s", module, wiring, r.version, r.revision)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", stamps, "-o", out, j.pkg)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+j.os, "GOARCH="+j.arch)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w", j.name(), err)
	}
	return nil
}

// pack writes the archive of a program.
func (r *release) pack(j job) error {
	program, err := os.ReadFile(r.binary(j))
	if err != nil {
		return err
	}
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return err
	}
	// Nothing but files: krew refuses an archive with a link, such as the short name of the plugin would be.
	pack := packed
	if j.os == "windows" {
		pack = zipped
	}
	archive, err := pack(r.epoch, []file{{j.executable(), program, 0o755}, {"LICENSE", licence, 0o644}})
	if err != nil {
		return err
	}
	return r.write(j.archive(), archive)
}

// list writes the bill of materials of a program, in CycloneDX JSON.
func (r *release) list(j job) error {
	generator, err := bin.NewGenerator(r.binary(j), bin.WithIncludeStdlib(true), bin.WithVersionOverride(r.version),
		bin.WithLogger(zerolog.Nop())) // It would tell of each module, twice.
	if err != nil {
		return err
	}
	bom, err := generator.Generate()
	if err != nil {
		return fmt.Errorf("bill of materials of %s: %w", j.name(), err)
	}
	var text bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return r.write(j.name()+".cdx.json", text.Bytes())
}

// write writes one file of the release.
func (r *release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644) //nolint:gosec // For everyone to read.
}
