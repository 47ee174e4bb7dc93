// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// closed has no window open for years.
func closed(vt *triggerv1.ValuesTrigger) {
	vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 0 29 2 *", Window: metav1.Duration{Duration: time.Hour}}}
}

// comesBack deletes a trigger, as a commit that removes it does, and creates it again, as the
// revert does. Copies that change nothing are there at once, whatever holds changes back, also
// where helm-controller has failed to find them meanwhile. Content that differs waits.
func comesBack(e *env) {
	ns := e.namespace("revert")
	cm := kit.Values(ns, "values", "a: 1\n")
	other := kit.Values(ns, "other", "b: 1\n")
	e.create(cm)
	e.create(other)
	first := func() *triggerv1.ValuesTrigger {
		vt := rollout(ns, published(triggerv1.DeletionDelete), inStages("dev"), inStages("prod", manually), kit.From(cmKind, "other", func(ref *triggerv1.SourceReference) {
			ref.PublishAs = "other"
		}))
		vt.Spec.Targets = []triggerv1.TargetReference{{Name: "dev"}, {Name: "prod"}}
		return vt
	}
	e.create(first())
	names := []string{"dev", "prod"}
	for _, name := range names {
		e.Eventually(e.copied(ns, name+"-shared")).Should(Equal("a: 1\n"))
		e.Eventually(e.copied(ns, name+"-other")).Should(Equal("b: 1\n"))
		e.releases(kit.Labelled(kit.Release(ns, name, kit.Reads(cmKind, name+"-shared"), kit.Reads(cmKind, name+"-other")), stageLabel, name))
	}
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))

	remove := func() {
		e.t.Helper()
		e.delete(kit.Trigger(ns, "platform"))
		for _, name := range names {
			e.Eventually(e.gone(kit.ConfigMap(ns, name+"-shared", nil))).Should(BeTrue())
			e.Eventually(e.gone(kit.ConfigMap(ns, name+"-other", nil))).Should(BeTrue())
		}
	}
	again := first()
	closed(again)

	remove()
	annotate(e, kit.Release(ns, "prod"), map[string]string{meta.ReconcileRequestAnnotation: "meanwhile"})
	e.Eventually(e.readyConditionOf(ns, "prod")).Should(And(HavePrefix("False"), ContainSubstring("prod-shared")))
	e.create(again.DeepCopy())
	for _, name := range names {
		e.Eventually(e.copied(ns, name+"-shared")).Should(Equal("a: 1\n"), name)
		e.Eventually(e.copied(ns, name+"-other")).Should(Equal("b: 1\n"), name)
	}
	annotate(e, kit.Release(ns, "prod"), map[string]string{meta.ReconcileRequestAnnotation: "again"})
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(Equal("True Succeeded: Delivered to all 2 HelmReleases"))
	e.stay(ns, map[string]int{"dev": 1, "prod": 1})

	remove()
	e.setValues(cm, "a: 2\n")
	e.create(again.DeepCopy())
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("False AwaitingWindow"))
	e.Consistently(e.copied(ns, "prod-shared"), patience).Should(BeEmpty())
	e.Expect(e.copied(ns, "dev-shared")()).To(BeEmpty())
	e.setValues(cm, "a: 1\n")
	for _, name := range names {
		e.Eventually(e.copied(ns, name+"-shared")).Should(Equal("a: 1\n"), name)
	}
	e.stay(ns, map[string]int{"dev": 1, "prod": 1})
}
