// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

func TestProcess(t *testing.T) {
	w := shared(t)
	run := func(g Gomega, script string, env ...string) *world.Process {
		p, err := w.Run(world.Spec{Name: "script", Path: "/bin/sh", Args: []string{"-c", script}, Env: env})
		g.Expect(err).NotTo(HaveOccurred())
		t.Cleanup(p.Kill)
		return p
	}
	t.Run("ends by itself", func(t *testing.T) {
		g := NewWithT(t)
		t.Setenv("SECRET_OF_THE_CALLER", "leaked")
		p := run(g, `echo "$GREETING$SECRET_OF_THE_CALLER"; exit 3`, "GREETING=hello")
		err := p.Wait(t.Context())
		var exit *exec.ExitError
		g.Expect(err).To(BeAssignableToTypeOf(exit))
		g.Expect(err).To(MatchError("exit status 3"))
		g.Expect(p.Tail(1)).To(Equal("hello"))
		g.Expect(p.Running()).To(BeFalse())
		p.Kill()
		g.Expect(p.Stop(t.Context())).To(Succeed())
	})
	t.Run("stops when asked", func(t *testing.T) {
		g := NewWithT(t)
		p := run(g, `trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done`)
		g.Eventually(func() string { return p.Tail(1) }).Should(Equal("ready"))
		g.Expect(p.Stop(t.Context())).To(Succeed())
		g.Expect(p.Tail(1)).To(Equal("bye"))
	})
	t.Run("is killed when deaf", func(t *testing.T) {
		g := NewWithT(t)
		p := run(g, `trap '' TERM; echo deaf; while :; do sleep 0.01; done`)
		g.Eventually(func() string { return p.Tail(1) }).Should(Equal("deaf"))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		g.Expect(p.Stop(ctx)).To(MatchError(ContainSubstring("ignored SIGTERM")))
		g.Expect(p.Running()).To(BeFalse())
	})
	t.Run("must exist", func(t *testing.T) {
		g := NewWithT(t)
		_, err := w.Run(world.Spec{Name: "none", Path: "/no/such/program"})
		g.Expect(err).To(MatchError(ContainSubstring("no such program")))
	})
}
