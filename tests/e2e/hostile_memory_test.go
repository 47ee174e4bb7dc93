// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/procfs"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// large returns as much text as a ConfigMap holds, which cannot be compressed.
func large() string {
	text := make([]byte, 740_000)
	_, _ = rand.Read(text) // Never fails.
	return base64.StdEncoding.EncodeToString(text)
}

// Many triggers that copy many large objects: each object is bounded, and so must be what
// all workers hold of them together.
func TestHostile_large_copies_of_many_triggers_take_no_more_memory_than_a_few(t *testing.T) {
	const objects, triggers = 30, 12
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})
	tenant, victim := e.namespace("hostile"), e.namespace("victim")
	good := kit.Values(victim, "values", "a: 1\n")
	e.create(good)
	e.create(kit.Trigger(victim, "platform", published(""), kit.From(cmKind, "values"), kit.To("app")))
	e.releases(kit.Release(victim, "app", kit.Reads(cmKind, "app-shared")), kit.Release(tenant, "app"))
	e.Eventually(e.deliveredRevision(victim, "platform", "app")).Should(BeEquivalentTo(1))
	before := e.peak(op)

	edit(e, kit.Release(tenant, "app"), func(hr *helmv2.HelmRelease) { hr.Spec.Suspend = true })
	for i := range objects {
		e.create(kit.ConfigMap(tenant, fmt.Sprint("large-", i), map[string]string{"values.yaml": large()}))
	}
	for i := range triggers {
		vt := kit.Trigger(tenant, fmt.Sprint("large-", i), published(""), kit.To("app"))
		for s := range objects {
			vt.Spec.Sources = append(vt.Spec.Sources, triggerv1.SourceReference{Kind: cmKind, Name: fmt.Sprint("large-", s), PublishAs: fmt.Sprintf("v%d-%d", i, s)})
		}
		e.create(vt)
	}
	// Those that are written, too: of a release that is not there yet.
	served := kit.Trigger(tenant, "served", published(""), kit.To("later"))
	for s := range 3 {
		served.Spec.Sources = append(served.Spec.Sources, triggerv1.SourceReference{Kind: cmKind, Name: fmt.Sprint("large-", s), PublishAs: fmt.Sprint("s", s)})
	}
	e.create(served)

	e.setValues(good, "a: 2\n")
	e.Eventually(e.deliveredRevision(victim, "platform", "app")).Should(BeEquivalentTo(2), "the neighbour is served")
	for i := range triggers {
		e.Eventually(e.state(tenant, fmt.Sprint("large-", i), "app")).Should(Equal(triggerv1.TargetHeld))
	}
	for s := range 3 {
		e.Eventually(e.copied(tenant, fmt.Sprint("later-s", s))).ShouldNot(BeEmpty())
	}
	// Once more with all copies in the same places, from a start on.
	after := e.peak(op)
	e.Expect(op.Stop(e.ctx)).To(Succeed())
	e.Expect(op.Start(e.ctx)).To(Succeed())
	e.setValues(good, "a: 3\n")
	e.Eventually(e.deliveredRevision(victim, "platform", "app")).Should(BeEquivalentTo(3))
	again := e.peak(op)
	t.Logf("peak: %d MiB, %d MiB with %d triggers of %d large objects, %d MiB after a start", before>>20, after>>20, triggers, objects, again>>20)
	e.Expect(max(after, again)).To(BeNumerically("<", 128<<20))
}

// peak returns the most that was resident of an operator since it started, in bytes.
func (e *env) peak(op *operator.Operator) uint64 {
	e.t.Helper()
	proc, err := procfs.NewProc(op.Process().Pid())
	e.Expect(err).NotTo(HaveOccurred())
	status, err := proc.NewStatus()
	e.Expect(err).NotTo(HaveOccurred())
	return status.VmHWM
}
