// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// What a GitOps tool applies together is delivered together: ConfigMaps come first, and what
// belongs to them some time later.
func TestSettle(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})
	together := func(name string, test func(*commits, *operator.Operator)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(e.again(t).commits(), op)
		})
	}
	together("new values and the chart that takes them make one revision", newChart)
	together("so they do where nothing says how far the tool is", newChartByTime)
	together("so they do where the release looks the ConfigMap up", newChartByForce)
	together("a release that is suspended with the change is left alone", suspendedRelease)
	together("a trigger that is suspended with the change does nothing", suspendedTrigger)
	together("stages that come with the change hold it back", newStages)
	together("copies are written when the change has settled", settledCopies)
	together("an edit by hand goes at once", byHand)
	together("a person's request goes at once", forced)
}

func newChart(c *commits, op *operator.Operator) {
	c.running(fluxApplies, c.values("a: 1\n"), c.app(), c.declared())
	since := c.mark()
	c.progress(drift)
	c.apply(fluxApplies, c.values("a: 2\nnext: true\n"))
	c.settles()
	c.Expect(c.target(c.ns, "platform", "app")()).To(And(HaveField("State", triggerv1.TargetPending), HaveField("Message", HavePrefix("waits for a change to settle: "))))
	c.Consistently(c.asked(op, c.ns, since), patience).Should(BeEmpty(), "the Kustomization is still being applied")

	c.apply(fluxApplies, c.app(chart(nextChart)))
	c.progress(health)
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(2))
	c.Expect(c.rendered(c.ns, "app")()).To(ContainSubstring("a: 2"))
	c.once(op, since)
}

// Argo CD leaves nothing to look at here but its field manager.
func newChartByTime(c *commits, op *operator.Operator) {
	c.running(argoApplies, c.values("a: 1\n"), c.app(), c.declared())
	since := c.mark()
	c.apply(argoApplies, c.values("a: 2\nnext: true\n"), c.app(chart(nextChart)))
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(2))
	c.once(op, since)
}

// A contract source forces. The revision that helm-controller makes of the new chart began when
// the content was there, and is not forced again.
func newChartByForce(c *commits, op *operator.Operator) {
	looked := kit.Source(kit.ConfigMap(c.ns, "looked-up", map[string]string{"key": "one"}), "app", c.ns)
	c.running(fluxApplies, c.values("a: 1\nlookup: looked-up\n"), looked, c.app(), c.declared(kit.From(cmKind, "looked-up")))
	before, err := c.revision(c.ns, "app")()
	c.Expect(err).NotTo(HaveOccurred())

	since := c.mark()
	c.progress(drift)
	changed := kit.Source(kit.ConfigMap(c.ns, "looked-up", map[string]string{"key": "two"}), "app", c.ns)
	c.apply(fluxApplies, changed)
	c.Eventually(c.target(c.ns, "platform", "app")).Should(HaveField("Seen.Revision", BeEquivalentTo(before)))
	c.apply(fluxApplies, c.app(chart(nextChart)))
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(before + 1))
	c.progress(done)
	c.stay(c.ns, map[string]int{"app": before + 1})
	c.Expect(c.asked(op, c.ns, since)()).To(BeEmpty())
	rendered := &corev1.ConfigMap{}
	c.Expect(c.c.Get(c.ctx, client.ObjectKey{Namespace: c.ns, Name: "app"}, rendered)).To(Succeed())
	c.Expect(rendered.Data["lookup"]).To(ContainSubstring("two"))
}

func suspendedRelease(c *commits, op *operator.Operator) {
	c.running(fluxApplies, c.values("a: 1\n"), c.app(), c.declared())
	since := c.mark()
	c.progress(drift)
	c.apply(fluxApplies, c.values("a: 2\n"))
	c.settles()
	c.apply(fluxApplies, c.app(suspended))
	c.progress(done)
	c.Eventually(c.condition(c.ns, "platform", meta.ReadyCondition)).Should(HavePrefix("False TargetsHeld"))
	c.stay(c.ns, map[string]int{"app": 1})
	c.Expect(c.asked(op, c.ns, since)()).To(BeEmpty())
	c.Expect(c.rendered(c.ns, "app")()).To(ContainSubstring("a: 1"))

	c.apply(fluxApplies, c.app())
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(2))
	c.once(op, since)
}

func suspendedTrigger(c *commits, op *operator.Operator) {
	c.running(fluxApplies, c.values("a: 1\n"), c.app(), c.declared())
	since := c.mark()
	c.progress(drift)
	c.apply(fluxApplies, c.values("a: 2\n"))
	c.settles()
	c.apply(fluxApplies, c.declared(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true }))
	c.progress(done)
	c.Consistently(c.asked(op, c.ns, since), 2*patience).Should(BeEmpty(), "the change has settled meanwhile")
	c.Expect(c.revision(c.ns, "app")()).To(Equal(1))

	c.apply(fluxApplies, c.declared())
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(2))
	c.once(op, since)
}

func newStages(c *commits, op *operator.Operator) {
	all := kit.To("", func(ref *triggerv1.TargetReference) { ref.Selector = &triggerv1.Selector{} })
	platform := func(modify ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
		return kit.Trigger(c.ns, "platform", append([]func(*triggerv1.ValuesTrigger){kit.From(cmKind, "values"), all}, modify...)...)
	}
	prod := kit.Labelled(kit.Release(c.ns, "prod", kit.Reads(cmKind, "values")), stageLabel, "prod")
	c.running(fluxApplies, c.values("a: 1\n"), kit.Labelled(c.app(), stageLabel, "canary"), prod, platform())
	c.Eventually(c.ready(prod)).Should(BeTrue())
	c.Eventually(c.condition(c.ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))

	since := c.mark()
	c.progress(drift)
	c.apply(fluxApplies, c.values("a: 2\n"))
	c.settles()
	c.apply(fluxApplies, platform(inStages("canary"), inStages("prod", manually)))
	c.Consistently(c.asked(op, c.ns, since), patience).Should(BeEmpty())
	c.progress(done)
	c.Eventually(c.phase(c.ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))
	c.Expect(c.target(c.ns, "platform", "prod")()).To(HaveField("State", triggerv1.TargetHeld))
	c.stay(c.ns, map[string]int{"app": 2, "prod": 1})
}

func settledCopies(c *commits, op *operator.Operator) {
	app := func(modify ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
		return c.declared(append(modify, published(""))...)
	}
	reader := kit.Release(c.ns, "app", kit.Reads(cmKind, "app-shared"))
	c.running(fluxApplies, c.values("a: 1\n"), app(), reader)
	since := c.mark()
	c.progress(drift)
	c.apply(fluxApplies, c.values("a: 2\n"))
	c.settles()
	c.Consistently(c.copied(c.ns, "app-shared"), patience).Should(Equal("a: 1\n"))
	c.apply(fluxApplies, kit.Release(c.ns, "app", kit.Reads(cmKind, "app-shared"), suspended))
	c.progress(done)
	c.Eventually(c.condition(c.ns, "platform", meta.ReadyCondition)).Should(HavePrefix("False TargetsHeld"))
	c.Consistently(c.copied(c.ns, "app-shared"), patience).Should(Equal("a: 1\n"), "nothing that is suspended is touched")

	c.apply(fluxApplies, reader)
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(2))
	c.once(op, since)
}

// While a change of Git settles in one trigger, an edit by hand of what Git applies goes
// through another one.
func byHand(c *commits, _ *operator.Operator) {
	other := kit.Values(c.ns, "by-hand", "b: 1\n")
	edited := kit.Release(c.ns, "edited", kit.Reads(cmKind, "by-hand"))
	c.running(fluxApplies, c.values("a: 1\n"), other, c.app(), edited, c.declared(), kit.Trigger(c.ns, "hand", kit.From(cmKind, "by-hand"), kit.To("edited")))
	c.Eventually(c.deliveredRevision(c.ns, "hand", "edited")).Should(BeEquivalentTo(1))
	c.progress(drift)
	c.apply(fluxApplies, c.values("a: 2\n"))
	c.settles()

	_, err := c.w.Kubectl(c.ctx, "patch", "configmap", "by-hand", "-n", c.ns, "--type=merge", "-p", `{"data":{"values.yaml":"b: 2\n"}}`)
	c.Expect(err).NotTo(HaveOccurred())
	c.Eventually(c.deliveredRevision(c.ns, "hand", "edited")).Should(BeEquivalentTo(2))
	c.settles()
	c.Expect(c.revision(c.ns, "app")()).To(Equal(1))
	c.progress(done)
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(2))
}

func forced(c *commits, op *operator.Operator) {
	c.running(fluxApplies, c.values("a: 1\n"), c.app(), c.declared())
	since := c.mark()
	c.progress(building)
	c.apply(fluxApplies, c.values("a: 2\n"))
	c.settles()
	c.request(c.ns, "platform", "now", meta.ForceRequestAnnotation)
	c.Eventually(c.deliveredRevision(c.ns, "platform", "app")).Should(BeEquivalentTo(2))
	c.once(op, since)
}
