// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestContract_two_names_with_a_blank_between_them_get_one_forced_revision_per_edit(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("contract")
	e.releases(release(ns, "a"), release(ns, "b"))

	cm := label(configMap(ns, "settings", map[string]string{"key": "one"}), "a, b", ns)
	e.create(cm)
	e.Eventually(e.deliveredRevision(ns, "a", "a")).Should(BeEquivalentTo(2), "creation counts as a change")
	e.Eventually(e.deliveredRevision(ns, "b", "b")).Should(BeEquivalentTo(2))
	e.Eventually(e.annotation(cm, triggerv1.HashAnnotation)).Should(MatchRegexp("^sha256:[0-9a-f]{64}$"))
	first := cm.Annotations[triggerv1.HashAnnotation]

	e.setData(cm, "key", "two")
	for _, hr := range []string{"a", "b"} {
		e.Eventually(e.deliveredRevision(ns, hr, hr)).Should(BeEquivalentTo(3))
	}
	for _, hr := range releasesOf(e, ns, "a", "b") {
		requested := hr.Annotations[meta.ReconcileRequestAnnotation]
		e.Expect(requested).NotTo(BeEmpty())
		e.Expect(hr.Annotations[meta.ForceRequestAnnotation]).To(Equal(requested))
		e.Expect(hr.Annotations[triggerv1.CauseAnnotation]).To(MatchRegexp("^ConfigMap %s/settings sha256:[0-9a-f]+ \\(key\\) by .+ via ValuesTrigger %s/%s$", ns, ns, hr.Name))
	}
	e.Eventually(e.annotation(cm, triggerv1.HashAnnotation)).ShouldNot(Equal(first))
	e.Consistently(e.revision(ns, "a")).Should(Equal(3))
	e.Expect(e.revision(ns, "b")()).To(Equal(3))

	table, err := e.w.Kubectl(e.ctx, "get", "vt", "-n", ns)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(table).To(MatchRegexp("a +True +Delivered to HelmRelease %s/a, revision 3 +1/1", ns))
}
