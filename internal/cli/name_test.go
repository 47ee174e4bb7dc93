// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestName_help_shows_the_name_by_which_it_was_called(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"kubectl-vt", "kubectl-vt.exe"} {
		g := NewWithT(t)
		c := &call{name: name}
		g.Expect(c.run(t).out).To(ContainSubstring("\n  kubectl vt [command]\n"))
		for _, command := range []string{"tree", "why", "preview", "wait", "trigger", "retry", "suspend", "resume", "simulate", "lint"} {
			help := c.run(t, command, "--help").out
			g.Expect(help).To(ContainSubstring("\n  kubectl vt "+command), command)
			g.Expect(help).NotTo(ContainSubstring("valuestrigger "+command), command)
		}
		g.Expect(c.run(t, "completion", "bash").out).To(ContainSubstring("complete -o default -F __start_kubectl-vt kubectl-vt\n"))
		c.in = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nsops: {}\n"
		g.Expect(c.run(t, "preview", "-f", "-").err).To(ContainSubstring("sops -d FILE | kubectl vt preview -f -"))
	}
}

func TestName_of_another_file_is_the_usual_one(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "kubectl-", "kubectl-valuestrigger", "plugin", "kubectl-valuestrigger.exe"} {
		NewWithT(t).Expect((&call{name: name}).run(t, "tree", "--help").out).To(ContainSubstring("\n  kubectl valuestrigger tree -A\n"), name)
	}
}
