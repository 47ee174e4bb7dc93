// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// keep says how to use what runs, and returns when it is no longer wanted.
func (d *demo) keep(ctx context.Context) error {
	for _, name := range []string{world.Kubectl, world.Helm} {
		path, err := world.Binary(ctx, name)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(d.bin(), name)); err != nil {
			return err
		}
	}
	d.usage()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.operator.Process().Done():
		}
		err := d.out.step("The manager has ended; start it again, as the kubelet would", func() (string, error) {
			if err := d.operator.Start(ctx); err != nil {
				return "", err
			}
			return fmt.Sprintf("The manager has ended and was started again, pid %d", d.operator.Process().Pid()), nil
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (d *demo) usage() {
	d.out.line("\n%s\n", d.out.bold("Everything keeps running. In another terminal:"))
	d.out.line("  export KUBECONFIG=%s KUBECACHEDIR=%s", d.world.Kubeconfig(), filepath.Join(d.world.Dir(), "tmp"))
	d.out.line("  export PATH=%s:$PATH  # kubectl and helm\n", d.bin())
	for _, try := range [][2]string{
		{"kubectl edit configmap my-app-values -n flux-system", "change a value"},
		{"kubectl get vt -A -w", "and see it arrive"},
		{"kubectl describe vt my-app-auto -n flux-system", "sources, cause, history"},
	} {
		d.out.line("  %-53s %s", try[0], d.out.dim("# "+try[1]))
	}
	process := d.operator.Process()
	d.out.line("\nThere are no nodes here: the manager is not a pod but process %d and logs to\n%s", process.Pid(), process.LogPath())
	d.out.line("%s ends all of it and leaves nothing behind.", d.out.bold("Ctrl-C"))
}
