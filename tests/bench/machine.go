// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// Machine describes the machine of the measurement.
type Machine struct {
	Cores     int    `json:"cores"`
	MemoryGiB int    `json:"memoryGiB"`
	Platform  string `json:"platform"`
}

// String implements fmt.Stringer.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores, %d GiB memory, %s", m.Cores, m.MemoryGiB, m.Platform)
}

func thisMachine() (Machine, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return Machine{}, err
	}
	memory, err := fs.Meminfo()
	if err != nil {
		return Machine{}, err
	}
	return Machine{
		Cores:     runtime.NumCPU(),
		MemoryGiB: int(*memory.MemTotalBytes >> 30),
		Platform:  runtime.GOOS + "/" + runtime.GOARCH,
	}, nil
}

// versions returns what is measured beside the operator.
func versions(ctx context.Context) (map[string]string, error) {
	found := map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")}
	for name, program := range map[string]string{"Kubernetes": world.APIServer, "etcd": world.Etcd, "helm-controller": world.HelmController} {
		version, err := world.Version(program)
		if err != nil {
			return nil, err
		}
		found[name] = version
	}
	return found, ctx.Err()
}

// commit returns the commit of the checkout, with a mark if there is more in it.
func commit(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--exclude=*")
	cmd.Dir = operator.Root()
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// memoryOf returns the resident set of a process and the largest that it was, in MiB.
func memoryOf(p *world.Process) (now, peak float64, err error) {
	proc, err := procfs.NewProc(p.Pid())
	if err != nil {
		return 0, 0, err
	}
	status, err := proc.NewStatus()
	return float64(status.VmRSS) / (1 << 20), float64(status.VmHWM) / (1 << 20), err
}
