// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// tries matches the writes of a user, and the dry runs before them.
func tries(user string) func(world.AuditEvent) bool {
	return func(event world.AuditEvent) bool { return event.User == user && (event.Write() || event.DryRun) }
}

// One world for the life of a cluster: releases run before the operator comes, it is
// installed, restarted, and misses a change while it is down.
func TestSilence_installing_and_restarting_change_nothing(t *testing.T) {
	const count = 50
	w := world.ForTest(t, kit.World())
	e := in(t, w)
	ns := e.namespace("running")
	var releases []*helmv2.HelmRelease
	for i := range count {
		name := fmt.Sprintf("app-%02d", i)
		e.create(kit.ConfigMap(ns, name, map[string]string{"values.yaml": "count: 1\n"}))
		releases = append(releases, kit.Release(ns, name, kit.Reads(triggerv1.ConfigMapKind, name)))
	}
	e.releases(releases...)
	// Written by the first operator: its digest, and the force that went with it.
	legacy := kit.Source(kit.ConfigMap(ns, "legacy", map[string]string{"key": "one"}), "app-00,app-01", ns)
	legacy.Annotations[triggerv1.HashAnnotation] = "3f1a09bc"
	e.create(legacy)

	op, err := operator.Install(e.ctx, w, manager, operator.Options{})
	e.Expect(err).NotTo(HaveOccurred())
	for _, hr := range releases {
		e.Eventually(e.deliveredRevision(ns, hr.Name, hr.Name)).Should(BeEquivalentTo(1), hr.Name)
	}

	t.Run("no release was upgraded or even asked", func(t *testing.T) {
		e := in(t, w)
		for _, hr := range releases {
			e.Expect(e.c.Get(e.ctx, client.ObjectKeyFromObject(hr), hr)).To(Succeed())
			e.Expect(hr.Annotations).NotTo(HaveKey(meta.ReconcileRequestAnnotation))
			e.Expect(hr.Status.History.Latest().Version).To(Equal(1))
		}
	})

	t.Run("a digest of the first operator becomes a baseline", func(t *testing.T) {
		e := in(t, w)
		e.Eventually(e.annotation(legacy, triggerv1.HashAnnotation)).Should(MatchRegexp("^sha256:"))
		e.Eventually(e.events(legacy, triggerv1.BaselineReason)).Should(HaveLen(1))
		e.Expect(e.revision(ns, "app-00")()).To(Equal(1))
	})

	t.Run("a restart writes nothing", func(t *testing.T) {
		e := in(t, w)
		e.Expect(op.Stop(e.ctx)).To(Succeed())
		mark, err := w.AuditMark(e.ctx)
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(op.Start(e.ctx)).To(Succeed())
		// What comes after this has come behind everything that the start does.
		sentinel := e.namespace("sentinel")
		e.create(kit.ConfigMap(sentinel, "plain", map[string]string{"values.yaml": "a: 1\n"}))
		e.releases(kit.Release(sentinel, "app", kit.Reads(triggerv1.ConfigMapKind, "plain")))
		e.Eventually(e.deliveredRevision(sentinel, "app", "app")).Should(BeEquivalentTo(1))
		e.settle(op)

		writes, err := w.AuditEvents(e.ctx, mark, tries(op.User()))
		e.Expect(err).NotTo(HaveOccurred())
		for _, write := range writes {
			if write.Namespace == operator.Namespace || write.Namespace == sentinel { // Its lease, and the test.
				continue
			}
			t.Errorf("a write after the restart: %s %s %s/%s by %s", write.Verb, write.Resource, write.Namespace, write.Name, write.UserAgent)
		}
	})

	t.Run("an upgrade renames what was generated and asks no release", func(t *testing.T) {
		e := in(t, w)
		_, err := w.Kubectl(e.ctx, "patch", "vt", auto("app-04"), "-n", ns, "--type=merge", "-p", `{"spec":{"suspend":true}}`)
		e.Expect(err).NotTo(HaveOccurred())
		e.settle(op)
		e.Expect(op.Stop(e.ctx)).To(Succeed())
		was := map[string]*triggerv1.ValuesTrigger{}
		for _, hr := range releases {
			vt, err := e.trigger(ns, auto(hr.Name))
			e.Expect(err).NotTo(HaveOccurred())
			was[hr.Name] = vt
			e.asEarlierVersion(ns, hr.Name)
		}
		_, err = w.Kubectl(e.ctx, "patch", "vt", "app-04", "-n", ns, "--type=merge", "-p", `{"spec":{"suspend":true}}`)
		e.Expect(err).NotTo(HaveOccurred())
		mark, err := w.AuditMark(e.ctx)
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(op.Start(e.ctx)).To(Succeed())
		for _, hr := range releases {
			e.renamed(ns, hr.Name, was[hr.Name])
		}
		e.settle(op)
		asked, err := w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
			return world.WritesBy(op.User())(event) && event.Namespace == ns && event.Resource != "valuestriggers"
		})
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(asked).To(BeEmpty(), "neither a request nor an event")
		_, err = w.Kubectl(e.ctx, "patch", "vt", auto("app-04"), "-n", ns, "--type=merge", "-p", `{"spec":{"suspend":false}}`)
		e.Expect(err).NotTo(HaveOccurred())
	})

	t.Run("what changed while it was down is delivered once", func(t *testing.T) {
		e := in(t, w)
		e.Expect(op.Stop(e.ctx)).To(Succeed())
		cm := kit.ConfigMap(ns, "app-02", nil)
		e.setData(cm, "values.yaml", "count: 2\n")
		e.setData(cm, "values.yaml", "count: 3\n")
		e.setData(legacy, "key", "two")
		e.Expect(op.Start(e.ctx)).To(Succeed())
		e.Eventually(e.deliveredRevision(ns, "app-02", "app-02")).Should(BeEquivalentTo(2))
		e.Eventually(e.deliveredRevision(ns, "app-00", "app-00")).Should(BeEquivalentTo(2))
		e.Eventually(e.deliveredRevision(ns, "app-01", "app-01")).Should(BeEquivalentTo(2))
		e.Expect(e.rendered(ns, "app-02")()).To(ContainSubstring("count: 3"))
		e.Consistently(e.revision(ns, "app-00")).Should(Equal(2))
	})

	t.Run("a label on a source writes nothing", func(t *testing.T) {
		e := in(t, w)
		e.settle(op)
		mark, err := w.AuditMark(e.ctx)
		e.Expect(err).NotTo(HaveOccurred())
		_, err = w.Kubectl(e.ctx, "label", "configmap", "-n", ns, "app-03", "legacy", "team=blue")
		e.Expect(err).NotTo(HaveOccurred())
		e.Consistently(func() ([]string, error) {
			writes, err := w.AuditEvents(e.ctx, mark, tries(op.User()))
			var texts []string
			for _, write := range writes {
				if write.Resource != "leases" {
					texts = append(texts, write.Verb+" "+write.URI)
				}
			}
			return texts, err
		}).Should(BeEmpty())
	})
}
