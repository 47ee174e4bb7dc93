// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

func TestContract_two_names_with_a_blank_between_them_get_one_forced_revision_per_edit(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("contract")
	e.releases(kit.Release(ns, "a"), kit.Release(ns, "b"))

	cm := kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), "a, b", ns)
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
		e.Expect(hr.Annotations[triggerv1.CauseAnnotation]).To(MatchRegexp("^ConfigMap %s/settings sha256:[0-9a-f]+ \\(key\\) by .+ via ValuesTrigger %s/%s$", ns, ns, auto(hr.Name)))
	}
	e.Eventually(e.annotation(cm, triggerv1.HashAnnotation)).ShouldNot(Equal(first))
	e.Consistently(e.revision(ns, "a")).Should(Equal(3))
	e.Expect(e.revision(ns, "b")()).To(Equal(3))

	table, err := e.w.Kubectl(e.ctx, "get", "vt", "-n", ns)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(table).To(MatchRegexp("a-auto +True +1/1 .+ Delivered\n"))
}

func TestContract_a_ConfigMap_older_than_its_50_releases_reaches_all_of_them(t *testing.T) {
	const count = 50
	e := parallel(t)
	ns := e.namespace("early")
	names, releases := "", []*helmv2.HelmRelease{}
	for i := range count {
		name := fmt.Sprintf("app-%02d", i)
		names += name + ","
		releases = append(releases, kit.Release(ns, name))
	}
	cm := kit.Source(kit.ConfigMap(ns, "early", map[string]string{"key": "one"}), names, ns)
	e.create(cm)
	e.Eventually(e.events(cm, triggerv1.TargetNotFoundReason)).Should(ContainElement(ContainSubstring("app-00")))
	e.releases(releases...)
	for _, hr := range releases {
		e.Eventually(e.state(ns, hr.Name, hr.Name)).Should(Equal(triggerv1.TargetDelivered))
	}
	before := map[string]int64{}
	for _, hr := range releases {
		revision, err := e.deliveredRevision(ns, hr.Name, hr.Name)()
		e.Expect(err).NotTo(HaveOccurred())
		before[hr.Name] = revision
	}
	e.Expect(e.annotation(cm, triggerv1.HRNameAnnotation)()).To(Equal(names), "the user's annotation stays as it is")

	e.setData(cm, "key", "two")
	for _, hr := range releases {
		e.Eventually(e.deliveredRevision(ns, hr.Name, hr.Name)).Should(Equal(before[hr.Name]+1), hr.Name)
	}
}

// The manifests are those of the first operator's description.
func TestContract_the_examples_of_the_first_operator_work(t *testing.T) {
	e := parallel(t)
	e.ensureNamespace("flux-system")
	e.ensureNamespace("production")
	e.ensureNamespace("app-configs")
	e.create(kit.ConfigMap("flux-system", "prod-env-values", map[string]string{"values.yaml": "env: prod\n"}))
	myApp := kit.Release("flux-system", "my-app", kit.Reads(triggerv1.ConfigMapKind, "prod-env-values"),
		func(hr *helmv2.HelmRelease) {
			hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, meta.ValuesReference{
				Kind: triggerv1.SecretKind, Name: "prod-tls-values", ValuesKey: "crt", TargetPath: "tls.crt", Optional: true,
			})
		})
	e.releases(myApp, kit.Release("production", "production-app"))

	_, err := e.w.KubectlInput(e.ctx, firstOperatorExamples, "apply", "-f", "-")
	e.Expect(err).NotTo(HaveOccurred())
	e.Eventually(e.deliveredRevision("flux-system", "my-app", "my-app")).Should(BeEquivalentTo(2))
	e.Eventually(e.deliveredRevision("production", "production-app", "production-app")).Should(BeEquivalentTo(2))

	_, err = e.w.Kubectl(e.ctx, "patch", "configmap", "my-app-config", "-n", "default", "--type=merge",
		"-p={\"data\":{\"config.yaml\":\"database:\\n host: \\\"new-db.example.com\\\"\\n port: 5432\\nfeatures:\\n enableAuth: true\\n maxConnections: 200\"}}")
	e.Expect(err).NotTo(HaveOccurred())
	e.Eventually(e.deliveredRevision("flux-system", "my-app", "my-app")).Should(BeEquivalentTo(3))
	e.Expect(e.revision("production", "production-app")()).To(Equal(2), "another ConfigMap's release is left alone")
}

func TestContract_without_a_namespace_annotation_the_target_is_in_flux_system(t *testing.T) {
	e := parallel(t)
	e.ensureNamespace("flux-system")
	ns := e.namespace("default-ns")
	e.releases(kit.Release("flux-system", ns))
	e.create(kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), ns, ""))
	e.Eventually(e.deliveredRevision("flux-system", ns, ns)).Should(BeEquivalentTo(2))
}

func TestContract_binary_data_counts(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("binary")
	e.releases(kit.Release(ns, "app"))
	cm := kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), "app", ns)
	e.create(cm)
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	edit(e, cm, func(cm *corev1.ConfigMap) { cm.BinaryData = map[string][]byte{"blob": {0xff, 0x00}} })
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
}

func TestContract_a_name_added_later_takes_effect_and_one_removed_ends(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("names")
	e.releases(kit.Release(ns, "a"), kit.Release(ns, "b"))
	cm := kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), "a", ns)
	e.create(cm)
	e.Eventually(e.deliveredRevision(ns, "a", "a")).Should(BeEquivalentTo(2))

	edit(e, cm, func(cm *corev1.ConfigMap) { cm.Annotations[triggerv1.HRNameAnnotation] = "b" })
	vt := &triggerv1.ValuesTrigger{}
	vt.Namespace, vt.Name = ns, auto("a")
	e.Eventually(e.gone(vt)).Should(BeTrue())
	e.Eventually(e.state(ns, "b", "b")).Should(Equal(triggerv1.TargetDelivered))
	revision, err := e.revision(ns, "b")()
	e.Expect(err).NotTo(HaveOccurred())

	e.setData(cm, "key", "two")
	e.Eventually(e.deliveredRevision(ns, "b", "b")).Should(BeEquivalentTo(revision + 1))
	e.Expect(e.revision(ns, "a")()).To(Equal(2))
}

func TestContract_bad_input_is_answered_by_an_event_and_the_rest_works(t *testing.T) {
	long := fmt.Sprintf("%0253d", 0)
	for _, tc := range []struct {
		name, names, namespace string
		says                   []string
		delivers               bool
	}{
		{"an empty list", " , ", "", []string{triggerv1.HRNameAnnotation, "missing or empty"}, false},
		{"a malformed name beside a good one", "app,Not_A_Name", "", []string{triggerv1.HRNameAnnotation, "Not_A_Name", "lower-case"}, true},
		{"a name of 253 characters that does not exist", long + ",app", "", []string{"not found", "0000"}, true},
		{"a name beyond 253 characters", long + "0,app", "", []string{triggerv1.HRNameAnnotation}, true},
		{"a malformed namespace", "app", "No Namespace!", []string{triggerv1.HRNSAnnotation, "No Namespace!"}, false},
		{"control characters", "app,\x01\x02bad\nname", "", []string{triggerv1.HRNameAnnotation, "x01"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := parallel(t)
			ns := e.namespace("bad")
			namespace := tc.namespace
			if namespace == "" {
				namespace = ns
			}
			e.releases(kit.Release(ns, "app"))
			cm := kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), tc.names, namespace)
			e.create(cm)
			for _, text := range tc.says {
				e.Eventually(e.events(cm, "")).Should(ContainElement(ContainSubstring(text)))
			}
			if tc.delivers {
				e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
			}
		})
	}
}

func TestContract_a_ConfigMap_of_one_MiB_is_delivered(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("large")
	e.releases(kit.Release(ns, "app"))
	cm := kit.Source(kit.ConfigMap(ns, "large", map[string]string{}), "app", ns)
	cm.Data["blob"] = fmt.Sprintf("%01000000d", 0)
	e.create(cm)
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	e.setData(cm, "blob", fmt.Sprintf("%01000000d", 1))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
}

const firstOperatorExamples = `apiVersion: v1
kind: ConfigMap
metadata:
  name: my-app-config
  namespace: default
  labels:
    nebius.ai/helmrelease-trigger-operator: "true"
  annotations:
    nebius.ai/helmreleases-name: "my-app"
    nebius.ai/helmreleases-namespace: "flux-system"
data:
  config.yaml: |
    database:
      host: "db.example.com"
      port: 5432
    features:
      enableAuth: true
      maxConnections: 100
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: production-config
  namespace: app-configs
  labels:
    nebius.ai/helmrelease-trigger-operator: "true"
  annotations:
    nebius.ai/helmreleases-name: "production-app"
    nebius.ai/helmreleases-namespace: "production"
data:
  values.yaml: |
    environment=production
    replica.count=3
    resources.limits.memory=2Gi
`
