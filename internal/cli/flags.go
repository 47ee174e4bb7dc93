// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Formats of the output.
const (
	formatText = "text"
	formatJSON = "json"
	formatYAML = "yaml"
	formatCSV  = "csv"
	formatName = "name"
	formatWide = "wide"
)

// formatsKey is the annotation of a command that lists its formats.
const formatsKey = "formats"

func flagNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// withOutput adds the flag for machines, with the formats that the command has besides.
func (c *cli) withOutput(cmd *cobra.Command, more ...string) {
	formats := append([]string{formatText, formatJSON, formatYAML}, more...)
	cmd.Annotations = map[string]string{formatsKey: strings.Join(formats, " ")}
	cmd.Flags().StringVarP(&c.output, "output", "o", formatText, "format of the output: "+either(formats))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

// either writes a choice.
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// withAll adds the flag for all namespaces.
func (c *cli) withAll(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.allNamespaces, "all-namespaces", "A", false, "in all namespaces")
}

// errNamesSelected reports that there is nothing to select.
var errNamesSelected = errors.New("give names or --selector, not both")

// withSelector adds the flag that chooses ValuesTriggers by their labels.
func (c *cli) withSelector(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&c.selector, "selector", "l", "", "of all ValuesTriggers those with these labels, as kubectl takes them")
}

// command completes a command: what is wrong with its arguments is a mistake of usage.
func (c *cli) command(cmd *cobra.Command, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	check := cmd.Args
	if check == nil {
		check = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if formats := strings.Fields(cmd.Annotations[formatsKey]); len(formats) > 0 && !slices.Contains(formats, c.output) {
			return usageError{fmt.Errorf("--output %q: give %s", c.output, either(formats))}
		}
		return run(cmd, args)
	}
	cmd.DisableFlagsInUseLine = true
	return cmd
}
