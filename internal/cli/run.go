// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package cli is the kubectl plugin: what depends on what, why a release is as it is,
// what an edit would do. What there is to decide is decided by the packages below it;
// here the cluster is read and the answers are shown.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// completer is the name under which kubectl asks for completions.
const completer = "kubectl_complete-"

// Env is what the plugin runs in.
type Env struct {
	// Name is the file name by which it was called.
	Name string

	In  io.Reader
	Out io.Writer
	Err io.Writer

	// Terminal reports whether Out is one, and Width how wide.
	Terminal bool
	Width    int

	// Interactive reports whether a person can answer a question: In is a terminal.
	Interactive bool

	Getenv func(string) string
	Now    func() time.Time

	// Connect returns a client; nil for that of the kubeconfig.
	Connect func() (client.Client, error)
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// errFound reports that the answer, which has been given, is a bad one.
var errFound = errors.New("found")

// Run runs the plugin and returns its exit code.
func Run(ctx context.Context, args []string, env Env) int {
	if strings.HasPrefix(env.Name, completer) {
		args = append([]string{cobra.ShellCompRequestCmd}, args...)
	}
	c := &cli{Env: env, flags: genericclioptions.NewConfigFlags(true)}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)

	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitFailure
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(env.Err, "error: %s\n", clean(env.named(err.Error())))
		return exitUsage
	}
	_, _ = fmt.Fprintf(env.Err, "error: %s\n", clean(env.named(explain(err))))
	return exitFailure
}

// cli is one call.
type cli struct {
	Env
	flags         *genericclioptions.ConfigFlags
	output        string
	selector      string
	allNamespaces bool
	client        client.Client
	namespace     string
}

const long = `Ask the helmrelease-trigger-operator what depends on what, why a HelmRelease
is as it is, and what an edit of a ConfigMap or Secret would do.

Exit codes: 0 for a good answer, 1 for a bad one or a failure, 2 for a mistake
on the command line.`

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:           strings.Replace(c.calledBy(), " ", "-", 1),
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: c.calledBy()},
		Short:         "What depends on what, why, and what if",
		Version:       Version,
		Long:          long,
		SilenceErrors: true,
		// Of letters, for what was perhaps meant.
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		Args:                       noSuchCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate(versionText())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.flags.AddFlags(root.PersistentFlags())
	hideAllBut(root, "kubeconfig", "context", "namespace", "as", "request-timeout")
	_ = root.RegisterFlagCompletionFunc("namespace", c.completeNamespaces)
	root.AddCommand(
		c.treeCommand(), c.whyCommand(), c.previewCommand(), c.waitCommand(),
		c.approveCommand(), c.rejectCommand(), c.rollbackCommand(), c.historyCommand(),
		c.triggerCommand(), c.retryCommand(), c.suspendCommand(), c.resumeCommand(),
		c.watchCommand(), c.uiCommand(), c.simulateCommand(), c.lintCommand(), c.mcpCommand(), versionCommand(),
	)
	for _, command := range root.Commands() {
		command.Example = c.named(command.Example)
	}
	return root
}

// noSuchCommand tells of an argument that is not a command.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	meant := ""
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		meant = fmt.Sprintf("; did you mean %s?", strings.Join(similar, " or "))
	}
	return usageError{fmt.Errorf("there is no command %q%s", args[0], meant)}
}

// hideAllBut leaves the flags of kubectl working and shows those that are named.
func hideAllBut(root *cobra.Command, shown ...string) {
	keep := map[string]bool{}
	for _, name := range shown {
		keep[name] = true
	}
	flags := root.PersistentFlags()
	for _, name := range flagNames(flags) {
		if !keep[name] {
			_ = flags.MarkHidden(name)
		}
	}
}
