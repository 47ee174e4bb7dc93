// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

func TestPages_say_that_they_are_stale(t *testing.T) {
	e := in(t, shared)
	ns := e.namespace("outage")
	e.create(kit.Values(ns, "values", "a: 1\n"), kit.Release(ns, "app", kit.Reads("ConfigMap", "values")))
	s := e.serve(e.w.Kubeconfig())
	tb := e.open(s)
	tb.visit("/board/" + ns + "/app-auto")
	tb.shows(".head", "outage/app-auto Ready 1/1 delivered")

	e.Expect(e.w.StopComponent(e.ctx, world.APIServer)).To(Succeed())
	tb.shows("#stale", "No answer from the cluster for")
	tb.shows(".head", "outage/app-auto Ready 1/1 delivered")
	e.Expect(e.w.StartComponent(e.ctx, world.APIServer)).To(Succeed())
	tb.Eventually(func() string { return tb.text("#stale") }).Should(BeEmpty())
	e.edit(ns, "values", "fail: true\n")
	tb.shows("#lanes", "app Failed")
	tb.Expect(tb.errors()).To(BeEmpty())

	s.Kill()
	tb.shows("#gone", "No answer from kubectl valuestrigger ui for")
	tb.forgive("ERR_CONNECTION_REFUSED")
	tb.forgive("ERR_INCOMPLETE_CHUNKED_ENCODING")
}
