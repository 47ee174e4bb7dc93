// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import "strings"

// usual is the name of the plugin in all texts; named puts in its place the one by which it was
// called, such as kubectl vt.
const usual = "kubectl valuestrigger"

// calledBy returns what a person types to call the plugin. kubectl looks for a program of that name.
func (e Env) calledBy() string {
	name := strings.TrimSuffix(e.Name, ".exe")
	for _, prefix := range []string{"kubectl-", completer} {
		if plugin, is := strings.CutPrefix(name, prefix); is && plugin != "" {
			return "kubectl " + plugin
		}
	}
	return usual
}

func (e Env) named(text string) string { return strings.ReplaceAll(text, usual, e.calledBy()) }
