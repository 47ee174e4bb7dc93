// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/ui"
)

func (c *cli) uiCommand() *cobra.Command {
	port, open := 0, false
	cmd := &cobra.Command{
		Use:   "ui [-n NAMESPACE | -A] [--port PORT] [--open]",
		Short: "Serve a page on this machine that shows rollouts, and lets you decide about them",
		Long: `Serve pages about ValuesTriggers for the browser on this machine, and print their address:
what needs a person first, and for each rollout its stages with a cell for each
HelmRelease, clocks, cause and differences, with the decisions that the commands of
this plugin make. They follow the cluster until Ctrl-C ends it.

They have your rights: what you may not read is not shown, what you may not do is greyed
out. They are served on 127.0.0.1 only, to the browser that opens the address, which
holds a token.

All namespaces are shown, or with -n one.`,
		Example: `  kubectl valuestrigger ui --open
  kubectl valuestrigger ui -n platform --port 8089`,
		Args: cobra.NoArgs,
	}
	c.withAll(cmd)
	cmd.Flags().IntVar(&port, "port", 0, "the port to listen on; without, a free one")
	cmd.Flags().BoolVar(&open, "open", false, "open the address in the browser")
	return c.command(cmd, func(cmd *cobra.Command, _ []string) error {
		if port < 0 || port > 65535 {
			return usageError{errors.New("--port: give a number from 1 to 65535")}
		}
		if err := c.connect(); err != nil {
			return err
		}
		return c.ui(cmd.Context(), port, open)
	})
}

// ui serves the pages until ctx ends.
func (c *cli) ui(ctx context.Context, port int, open bool) error {
	follows, ok := c.client.(client.WithWatch)
	if !ok {
		return errors.New("this client cannot watch")
	}
	listener, err := ui.Listen(ctx, port)
	if err != nil {
		return err
	}
	namespace := *c.flags.Namespace
	if c.allNamespaces {
		namespace = ""
	}
	o := ui.Options{Client: follows, Namespace: namespace, Fallback: c.namespace, Commands: pageCommands{c}, Answers: pageAnswers{c}, Now: c.Now, Log: c.Err}
	server, err := ui.New(o, listener.Addr().String())
	if err != nil {
		return err
	}
	c.said("%s", server.Address())
	if open {
		openBrowser(ctx, server.Address(), c.Err)
	}
	return server.Serve(ctx, listener)
}

// openBrowser opens an address in the browser of the person.
func openBrowser(ctx context.Context, address string, log io.Writer) {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	if err := exec.CommandContext(ctx, name, args...).Start(); err != nil {
		_, _ = io.WriteString(log, "warning: no browser can be opened: "+err.Error()+"\n")
	}
}
