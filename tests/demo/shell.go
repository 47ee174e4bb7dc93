// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// bin is a directory for programs that goes with the world, however that ends.
func (d *demo) bin() string { return filepath.Join(d.world.Dir(), "bin") }

// file returns the path of a file that commands name.
func (d *demo) file(name string) string { return filepath.Join(d.world.Dir(), name) }

// equip makes the programs and files that commands need.
func (d *demo) equip(ctx context.Context) error {
	for _, name := range []string{world.Kubectl, world.Helm} {
		path, err := world.Binary(ctx, name)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(d.bin(), name)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{triggerFile: triggerManifest, templateFile: templateManifest} {
		if err := os.WriteFile(d.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// setup is the line after which a shell runs everything that the demo prints.
func (d *demo) setup() string {
	return fmt.Sprintf("export KUBECONFIG=%s KUBECACHEDIR=%s PATH=%s:$PATH", d.world.Kubeconfig(), d.file("tmp"), d.bin())
}

// shell runs a command as its reader would.
func (d *demo) shell(ctx context.Context, command string) (string, error) {
	return d.world.Shell(ctx, d.setup()+"\n"+command)
}

func (d *demo) heading(text string) { d.out.line("\n%s", d.out.bold(text)) }

// prompt shows a command, whole: it is there to be copied.
func (d *demo) prompt(command string) {
	d.out.line("%s", d.out.dim("$ "+command))
}

// show runs a command and shows both it and its output.
func (d *demo) show(ctx context.Context, command string) error {
	d.out.line("")
	d.prompt(command)
	output, err := d.shell(ctx, command)
	if err != nil {
		return err
	}
	lines := squeeze(strings.Split(strings.TrimRight(output, "\n"), "\n"))
	d.out.line("%s", d.out.fit(strings.Join(lines, "\n")))
	return nil
}

// squeeze narrows the gaps between the columns of a table to two blanks.
func squeeze(lines []string) []string {
	rows := make([][]rune, len(lines))
	longest := 0
	for i, line := range lines {
		rows[i] = []rune(line)
		longest = max(longest, len(rows[i]))
	}
	narrow := make([][]rune, len(rows))
	for column, gap := 0, 0; column < longest; column++ {
		if slices.ContainsFunc(rows, func(row []rune) bool { return column < len(row) && row[column] != ' ' }) {
			gap = 0
		} else if gap++; gap > 2 {
			continue
		}
		for i, row := range rows {
			if column < len(row) {
				narrow[i] = append(narrow[i], row[column])
			}
		}
	}
	for i, row := range narrow {
		lines[i] = string(row)
	}
	return lines
}
