// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

var (
	pasted = regexp.MustCompile(`(?m)^  (export .*)$`)
	tried  = regexp.MustCompile(`(?m)^   (\S.*)$`)
	dollar = regexp.MustCompile(`(?m)^\$ .*$`)
)

// What the demo shows is printed first and run then, by the shell. The rest is for its reader to
// run: that is done here, with nothing but the line that it says to paste.
func TestDemo_every_command_that_it_prints_works(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a test world; running with -short")
	}
	g := NewWithT(t)
	var printed bytes.Buffer
	d, err := open(t.Context(), &screen{Writer: &printed, width: maxWidth})
	g.Expect(err).NotTo(HaveOccurred(), "%s", &printed)
	t.Cleanup(d.close)
	d.world.DumpOnFailure(t)
	g.Expect(d.play(t.Context())).To(Succeed(), "%s", &printed)
	g.Expect(d.rollout(t.Context())).To(Succeed(), "%s", &printed)

	shown := dollar.FindAllString(printed.String(), -1)
	g.Expect(len(shown)).To(BeNumerically(">", 10))
	g.Expect(shown).To(HaveEach(Not(ContainSubstring("…"))), "whole, to be copied")
	g.Expect(printed.String()).To(And(
		ContainSubstring("Rolled back to sha256:"), ContainSubstring("upgraded: canary; untouched: eu-1, eu-2, us-1, us-2"),
		ContainSubstring("waits for approval"), ContainSubstring("upgraded: us-1, us-2; untouched: canary, eu-1, eu-2")))

	printed.Reset()
	d.usage()
	setup := pasted.FindStringSubmatch(printed.String())
	g.Expect(setup).NotTo(BeNil(), "%s", &printed)
	run := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", setup[1]+"\n"+command)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "KUBE") })
		out, err := cmd.CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), "%s\n%s", command, out)
		return string(out)
	}
	commands := tried.FindAllStringSubmatch(printed.String(), -1)
	g.Expect(len(commands)).To(BeNumerically(">", 6))
	var answers strings.Builder
	for _, command := range commands {
		answers.WriteString(run(command[1]))
	}
	g.Expect(answers.String()).To(And(
		ContainSubstring("shop/eu-3 "), ContainSubstring("~ discount: 30 → 40"), ContainSubstring("[present content]\n"),
		ContainSubstring("error-rate 0.5 is above 0.05"), HaveSuffix("condition met\n")))
	g.Expect(printed.String()).To(ContainSubstring("kubectl valuestrigger ui"))
}

// The demo ends with a command, too.
func TestDemo_make_knows_the_command_that_keeps_it(t *testing.T) {
	g := NewWithT(t)
	arguments := strings.Fields(kept)
	cmd := exec.CommandContext(t.Context(), arguments[0], append(arguments[1:], "--dry-run")...)
	cmd.Dir = operator.Root()
	out, err := cmd.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)
	g.Expect(string(out)).To(ContainSubstring("KEEP=1 go run ./tests/demo"))
}
