// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// Stamped by the linker, see the Makefile.
var (
	// Version is the version of the plugin; of a build without stamp "dev".
	Version = "dev"

	// Revision is the commit that the binary was built from.
	Revision = "unknown"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the plugin",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), versionText())
			return err
		},
	}
}

// versionText is the answer of the command, and of --version.
func versionText() string {
	return fmt.Sprintf("kubectl-valuestrigger %s (revision %s, %s)\n", Version, Revision, runtime.Version())
}
