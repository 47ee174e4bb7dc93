// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
)

func (c *cli) lintCommand() *cobra.Command {
	var o lint.Options
	var strict bool
	cmd := &cobra.Command{
		Use:   "lint FILE|DIRECTORY|-...",
		Short: "Look in manifests for what would not work once they are applied",
		Long: `Look in manifests for references to nothing, names that do not match, malformed
or misspelt labels and annotations, keys that do not exist, and Flux's watch
label beside that of this operator. No cluster is asked.

What manifests refer to and do not hold may be elsewhere, and is a warning. With
--complete they are all there is, and it is an error. Lint what is applied, such
as the output of 'kustomize build' or 'flux build kustomization'.`,
		Example: `  kubectl valuestrigger lint clusters/prod
  kustomize build clusters/prod | kubectl valuestrigger lint --complete -`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().BoolVar(&o.Complete, "complete", false, "the manifests are all there is: a reference to anything else is an error")
	cmd.Flags().BoolVar(&o.NoCrossNamespaceRefs, "no-cross-namespace-refs", false, "the operator runs with this flag")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 for warnings, too")
	c.withOutput(cmd)
	return c.command(cmd, func(_ *cobra.Command, args []string) error {
		o.Namespace = *c.flags.Namespace
		documents, problems, err := c.read(args)
		if err != nil {
			return err
		}
		result := lint.Run(documents, problems, o)
		if err := c.show(result, func(s layout.Style) string { return lintText(s, result) }); err != nil {
			return err
		}
		if result.Errors > 0 || strict && result.Warnings > 0 {
			return errFound
		}
		return nil
	})
}

// lintText shows findings as compilers do, for editors to follow.
func lintText(s layout.Style, result lint.Result) string {
	var out strings.Builder
	for _, f := range result.Findings {
		tone := layout.Bad
		if f.Severity == lint.Warning {
			tone = layout.Busy
		}
		object := ""
		if f.Object != "" {
			object = s.Paint(layout.Bold, clean(f.Object)) + ": "
		}
		fmt.Fprintf(&out, "%s:%d: %s: %s%s %s\n", f.File, f.Line, s.Paint(tone, string(f.Severity)), object, clean(f.Message), s.Paint(layout.Dim, "["+f.Rule+"]"))
	}
	fmt.Fprintf(&out, "%s, %s in %s\n", layout.Plural(result.Errors, "error"), layout.Plural(result.Warnings, "warning"), layout.Plural(result.Objects, "manifest"))
	return out.String()
}

// manifests are what files hold, and what of them cannot be read.
type manifests struct {
	documents []lint.Document
	problems  []lint.Finding
}

// read returns the manifests in files, directories and standard input.
func (c *cli) read(args []string) ([]lint.Document, []lint.Finding, error) {
	var all manifests
	for _, arg := range args {
		if arg == "-" {
			content, err := io.ReadAll(c.In)
			if err != nil {
				return nil, nil, err
			}
			all.add("-", content, lint.Error)
			continue
		}
		if err := filepath.WalkDir(arg, func(path string, entry fs.DirEntry, err error) error { return all.visit(arg, path, entry, err) }); err != nil {
			return nil, nil, err
		}
	}
	return all.documents, all.problems, nil
}

func (m *manifests) add(path string, content []byte, severity lint.Severity) {
	documents, problems := lint.Parse(path, content)
	for i := range problems {
		problems[i].Severity = severity
	}
	m.documents, m.problems = append(m.documents, documents...), append(m.problems, problems...)
}

// visit reads a file that is named, or found below a directory that is. Directories hold
// templates and the like, too, that are no YAML.
func (m *manifests) visit(root, path string, entry fs.DirEntry, err error) error {
	severity := lint.Error
	if path != root {
		severity = lint.Warning
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usageError{err}
	case err != nil:
		return err
	case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
		return filepath.SkipDir
	case entry.IsDir() || path != root && !isManifest(path):
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m.add(path, content, severity)
	return nil
}

func isManifest(path string) bool {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return filepath.Base(path) == "Kustomization"
}
