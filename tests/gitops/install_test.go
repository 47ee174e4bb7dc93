// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// checkedKustomization is the one of the guide whose check needs no trust in timing.
const checkedKustomization = "platform-values-checked"

// The guide to an installation by Flux, followed to the letter but for the address of the
// registry: from an empty cluster to a change that is delivered, and what is promised there of an
// operator that is down or ends at the wrong time.
func TestGuide_install_with_Flux(t *testing.T) {
	t.Parallel()
	i := follow(t)
	i.Expect(unstructured.SetNestedField(i.manifests["OCIRepository "+operator.Release].Object, true, "spec", "insecure")).To(Succeed())
	i.put("operators/operator.yaml", "Namespace "+operator.Namespace, "OCIRepository "+operator.Release, "HelmRelease "+operator.Release)
	i.put("cluster/all.yaml", "Kustomization operators", "Kustomization triggers", "Kustomization "+checkedKustomization)
	i.files["triggers/shared.yaml"] = fmt.Sprintf(copied, i.w.ChartsURL())
	i.platform(1)

	// One commit, in a cluster without the CRD: everything comes in its order.
	revision := i.commit()
	i.bootstrap()
	i.applied("operators", revision)
	i.applied("triggers", revision)
	i.applied(checkedKustomization, revision)
	i.Expect(i.knob("my-app")).To(Equal("1"))

	t.Run("publish is switched on in the HelmRelease", func(t *testing.T) { i.inside(t).publish() })
	t.Run("a change in Git is delivered before its check passes", func(t *testing.T) {
		i := i.inside(t)
		i.platform(2)
		i.applied(checkedKustomization, i.commit())
		i.Expect(i.knob("my-app")).To(Equal("2"))
	})
	t.Run("the check does not pass while the operator is down", func(t *testing.T) { i.inside(t).down() })
	t.Run("an operator that is restarted while a change settles", func(t *testing.T) { i.inside(t).restarted() })
}

// inside returns the installation for a part of the test.
func (i *installation) inside(t *testing.T) *installation {
	t.Helper()
	part := *i
	part.team = in(t, i.w, i.ns)
	part.repo = i.repo
	return &part
}

// copied is what reads a copy. The operator may not make it by default.
const copied = `apiVersion: v1
kind: Namespace
metadata: {name: copies}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {namespace: copies, name: app}
spec: {interval: 1h, insecure: true, url: %s/app, ref: {tag: 0.0.0}}
---
apiVersion: v1
kind: ConfigMap
metadata: {namespace: copies, name: shared}
data: {values.yaml: "knob: copied\nsince: 0.0.0\n"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {namespace: copies, name: reader}
spec:
  interval: 1h
  chartRef: {kind: OCIRepository, name: app}
  valuesFrom: [{kind: ConfigMap, name: reader-shared}]
---
apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {namespace: copies, name: shared}
spec:
  sources: [{kind: ConfigMap, name: shared}]
  targets: [{name: reader}]
  publish: {name: shared}
`

// app is the release that the trigger of the guide is about.
const app = `apiVersion: v1
kind: Namespace
metadata: {name: apps}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {namespace: apps, name: app}
spec: {interval: 1h, insecure: true, url: %s/app, ref: {tag: 0.0.0}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {namespace: apps, name: my-app}
spec:
  interval: 1h
  maxHistory: 0
  chartRef: {kind: OCIRepository, name: app}
  valuesFrom: [{kind: ConfigMap, name: platform-values}]
`

// platform puts the n-th content into Git, and asks the trigger of the guide about it.
func (i *installation) platform(n int) {
	i.t.Helper()
	name := triggerv1.ValuesTriggerKind + " platform"
	i.manifests[name].SetAnnotations(map[string]string{meta.ReconcileRequestAnnotation: fmt.Sprintf("content-%d", n)})
	i.put("platform-values/trigger.yaml", name)
	i.files["platform-values/app.yaml"] = fmt.Sprintf(app, i.w.ChartsURL())
	i.files["platform-values/values.yaml"] = configMap(i.ns, "platform-values", map[string]string{"values.yaml": fmt.Sprintf("knob: %d\nsince: 0.0.0\n", n)})
}

func (i *installation) publish() {
	copies := in(i.t, i.w, "copies")
	copies.Eventually(copies.ready("shared")).Should(And(HavePrefix("False AccessDenied"), ContainSubstring("publish.enabled")))

	hr := i.manifests["HelmRelease "+operator.Release]
	var part map[string]any
	for _, block := range guide(i.t) {
		if strings.HasPrefix(block, "spec:\n") && strings.Contains(block, "publish:") {
			i.Expect(yaml.Unmarshal([]byte(block), &part)).To(Succeed())
		}
	}
	values, found, err := unstructured.NestedMap(part, "spec", "values")
	i.Expect(err).NotTo(HaveOccurred())
	i.Expect(found).To(BeTrue())
	i.Expect(unstructured.SetNestedMap(hr.Object, values, "spec", "values")).To(Succeed())
	i.put("operators/operator.yaml", "Namespace "+operator.Namespace, "OCIRepository "+operator.Release, "HelmRelease "+operator.Release)
	running := i.op.Process()
	i.applied("operators", i.commit())
	i.Expect(i.op.Process()).To(BeIdenticalTo(running), "only a permission has changed")
	copies.Eventually(func() (string, error) {
		knob, err := copies.knob("reader")
		return knob, client.IgnoreNotFound(err)
	}).Should(Equal("copied"))
	copies.Eventually(copies.ready("shared")).Should(HavePrefix("True Succeeded"))
}

func (i *installation) down() {
	flux := in(i.t, i.w, "flux-system")
	i.Expect(i.op.Stop(i.ctx)).To(Succeed())
	i.platform(3)
	revision := i.commit()
	passed := HaveKeyWithValue("lastAppliedRevision", revision)
	i.Eventually(func() (map[string]string, error) { return flux.status("Kustomization", checkedKustomization) }).
		Should(And(HaveKeyWithValue("lastAttemptedRevision", revision), HaveKeyWithValue(meta.ReconcilingCondition, ContainSubstring("health check"))))
	i.Consistently(func() (map[string]string, error) { return flux.status("Kustomization", checkedKustomization) }).
		ShouldNot(Or(passed, HaveKeyWithValue(meta.ReadyCondition, HavePrefix("True"))))
	i.Expect(i.knob("my-app")).To(Equal("2"))

	i.Expect(i.op.Start(i.ctx)).To(Succeed())
	i.applied(checkedKustomization, revision)
	i.Expect(i.knob("my-app")).To(Equal("3"))
}

func (i *installation) restarted() {
	before, err := i.revisions("my-app")
	i.Expect(err).NotTo(HaveOccurred())
	i.platform(4)
	revision := i.commit()
	i.Eventually(func() (*triggerv1.SettlingStatus, error) {
		vt := &triggerv1.ValuesTrigger{}
		err := i.c.Get(i.ctx, types.NamespacedName{Namespace: i.ns, Name: "platform"}, vt)
		if err != nil || vt.Status.Rollout == nil {
			return nil, err
		}
		return vt.Status.Rollout.Settling, nil
	}).WithPolling(pollOften).ShouldNot(BeNil())
	i.Expect(i.op.Stop(i.ctx)).To(Succeed())
	i.Expect(i.revisions("my-app")).To(HaveLen(len(before)), "it has ended before it asked")

	i.Expect(i.op.Start(i.ctx)).To(Succeed())
	i.applied(checkedKustomization, revision)
	i.Expect(i.knob("my-app")).To(Equal("4"))
	i.Consistently(func() ([]made, error) { return i.revisions("my-app") }).Should(HaveLen(len(before)+1), "nothing is lost, nothing doubled")
}
