// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// interrupted has another request come while helm-controller waits for what it has
// upgraded to become healthy. It counts as a failure, after which it does not go on by
// itself, unless a request says so.
func (h *helm) interrupted() {
	h.t.Helper()
	ns := h.namespace("interrupted")
	chart := world.TestChart()
	chart.Files["templates/pod.yaml"] = `{{- if lookup "v1" "ConfigMap" .Release.Namespace "unhealthy" }}
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}}
spec: {containers: [{name: never, image: charts.invalid/never}]}
{{- end }}
`
	h.Expect(h.w.PublishChart(h.ctx, ns, kit.ChartName, chart)).To(Succeed())
	values := kit.Values(ns, "values", "a: 1\n")
	settings := kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), "forced", ns)
	h.create(values)
	h.releases(kit.Release(ns, "forced"), kit.Release(ns, "reader", kit.Reads(cmKind, "values")),
		kit.Release(ns, "retried", kit.Reads(cmKind, "values"), func(hr *helmv2.HelmRelease) {
			hr.Spec.Upgrade = &helmv2.Upgrade{Strategy: &helmv2.UpgradeStrategy{Name: string(helmv2.ActionStrategyRetryOnFailure)}}
		}))
	h.create(settings)
	h.Eventually(h.deliveredRevision(ns, "forced", "forced")).Should(BeEquivalentTo(2))
	for _, name := range []string{"reader", "retried"} {
		h.Eventually(h.deliveredRevision(ns, name, name)).Should(BeEquivalentTo(1))
	}

	unhealthy := kit.ConfigMap(ns, "unhealthy", nil)
	h.create(unhealthy)
	h.setData(settings, "key", "two")
	h.setValues(values, "a: 2\n")
	names := []string{"forced", "reader", "retried"}
	for _, name := range names {
		h.Eventually(func() error {
			return h.c.Get(h.ctx, types.NamespacedName{Namespace: ns, Name: name}, &corev1.Pod{})
		}).Should(Succeed(), name)
	}
	h.delete(unhealthy)
	for _, name := range names {
		annotate(h.env, kit.Release(ns, name), map[string]string{meta.ReconcileRequestAnnotation: "someone else's"})
	}
	for _, name := range names {
		h.Eventually(h.interruptions(ns, name)).Should(BeNumerically(">=", 1), name)
	}
	// Each upgrade that was interrupted is a revision, and so is the one after it. The
	// event of our own request may reach the queue of helm-controller after the upgrade
	// that it asks for has begun, and interrupt that, too.
	before := map[string]int{"forced": 2, "reader": 1, "retried": 1}
	revisions := map[string]int{}
	for _, name := range names {
		h.Eventually(func(g Gomega) {
			interruptions, err := h.interruptions(ns, name)()
			g.Expect(err).NotTo(HaveOccurred())
			attempts := int32(interruptions + 1)
			if name == "retried" {
				attempts = 1 // helm-controller goes on by itself.
			}
			revisions[name] = before[name] + interruptions + 1
			g.Expect(h.deliveredRevision(ns, name, name)()).To(BeEquivalentTo(revisions[name]))
			g.Expect(h.target(ns, name, name)()).To(HaveField("Attempts", attempts))
		}).Should(Succeed(), name)
	}
	h.stay(ns, revisions)
}

// interruptions counts how often helm-controller stopped to wait for health because of
// another request.
func (h *helm) interruptions(namespace, name string) func() (int, error) {
	return func() (int, error) {
		list := &corev1.EventList{}
		err := h.c.List(h.ctx, list, client.InNamespace(namespace), client.MatchingFields{
			"involvedObject.kind": helmv2.HelmReleaseKind, "involvedObject.name": name, "reason": meta.HealthCheckCanceledReason,
		})
		count := 0
		for _, event := range list.Items {
			count += int(max(event.Count, 1))
		}
		return count, err
	}
}
