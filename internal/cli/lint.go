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

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/build"
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
label beside that of this operator. No cluster is read.

Of a directory, what is applied is checked: kustomizations are built, from the
roots that the Flux Kustomizations in it name, with the variables of postBuild.
Nothing is fetched. A file is checked as it is.

What manifests refer to and do not hold may be elsewhere, and is a warning. With
--complete they are all there is, and it is an error.`,
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
		read, err := c.read(args)
		if err != nil {
			return err
		}
		result := lint.Run(read.sets, read.findings, o)
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
		switch f.Severity {
		case lint.Warning:
			tone = layout.Busy
		case lint.Note:
			tone = layout.Dim
		}
		object := ""
		if f.Object != "" {
			object = s.Paint(layout.Bold, clean(f.Object)) + ": "
		}
		fmt.Fprintf(&out, "%s:%d: %s: %s%s %s\n", f.File, f.Line, s.Paint(tone, string(f.Severity)), object, clean(f.Message), s.Paint(layout.Dim, "["+f.Rule+"]"))
	}
	fmt.Fprintf(&out, "%s, %s", layout.Plural(result.Errors, "error"), layout.Plural(result.Warnings, "warning"))
	if result.Notes > 0 {
		fmt.Fprintf(&out, ", %s", layout.Plural(result.Notes, "note"))
	}
	fmt.Fprintf(&out, " in %s\n", layout.Plural(result.Objects, "manifest"))
	return out.String()
}

// manifests are what files hold, and what is to say about them.
type manifests struct {
	// sets are applied to a cluster each.
	sets     [][]lint.Document
	findings []lint.Finding

	// built is true if a directory was among them.
	built bool
}

// read returns the manifests in files and standard input as they are, and those of
// directories as they are applied.
func (c *cli) read(args []string) (manifests, error) {
	var out manifests
	var files []lint.Document
	var dirs []string
	for _, arg := range args {
		var content []byte
		info, err := os.Stat(arg)
		switch {
		case arg == "-":
			content, err = io.ReadAll(c.In)
		case errors.Is(err, fs.ErrNotExist):
			return out, usageError{err}
		case err == nil && info.IsDir():
			dirs = append(dirs, arg)
			continue
		case err == nil && build.IsKustomization(arg):
			dirs = append(dirs, filepath.Dir(arg))
			continue
		case err == nil:
			content, err = os.ReadFile(arg)
		}
		if err != nil {
			return out, err
		}
		documents, problems := lint.Parse(arg, content)
		files, out.findings = append(files, documents...), append(out.findings, problems...)
	}
	if len(dirs) > 0 {
		tree, err := build.Directories(dirs)
		if err != nil {
			return out, err
		}
		out.sets, out.findings, out.built = tree.Clusters, append(out.findings, tree.Findings...), true
	}
	for i := range out.sets {
		out.sets[i] = append(out.sets[i], files...)
	}
	if len(out.sets) == 0 {
		out.sets = [][]lint.Document{files}
	}
	return out, nil
}

// all returns what the files and directories hold, or why it cannot be used.
func (c *cli) all(args []string) (documents []lint.Document, built bool, err error) {
	read, err := c.read(args)
	if err != nil {
		return nil, false, err
	}
	for _, f := range read.findings {
		if f.Severity == lint.Error {
			return nil, false, fmt.Errorf("%s:%d: %s", f.File, f.Line, f.Message)
		}
		c.warn("%s:%d: %s", f.File, f.Line, f.Message)
	}
	if len(read.sets) > 1 {
		return nil, false, usageError{errors.New("there are several clusters in the directories; give that of one")}
	}
	return read.sets[0], read.built, nil
}
