// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"maps"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// What kustomize-controller says of a Kustomization.
const (
	fluxApplies = "kustomize-controller"
	argoApplies = "argocd-controller"
	building    = "Building manifests for revision main@sha1:2 with a timeout of 5m0s"
	drift       = "Detecting drift for revision main@sha1:2 with a timeout of 5m0s"
	health      = "Running health checks for revision main@sha1:2 with a timeout of 5m0s"
	done        = ""
)

// nextChart is a chart in a later version: it takes a value on which the test chart fails.
const nextChart = "next-chart"

var kustomizationKind = schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"}

// commits is a namespace whose objects are applied from Git, by a Kustomization of it. There is no
// kustomize-controller, so that a test says how far it is.
type commits struct {
	*env
	ns string
}

// commits returns a namespace with two versions of a chart: what the value next needs is only
// in the later one.
func (e *env) commits() *commits {
	e.t.Helper()
	c := &commits{env: e, ns: e.namespace("commit")}
	for name, version := range map[string]string{kit.ChartName: "0.1.0", nextChart: "0.2.0"} {
		chart := world.TestChart()
		chart.Version = version
		if name == kit.ChartName {
			chart.Files = maps.Clone(chart.Files)
			chart.Files["templates/next.yaml"] = `{{- if .Values.next }}{{ fail "this version does not take the value next" }}{{ end }}`
		}
		e.Expect(e.w.PublishChart(e.ctx, c.ns, name, chart)).To(Succeed())
	}
	kustomization := &unstructured.Unstructured{}
	kustomization.SetGroupVersionKind(kustomizationKind)
	kustomization.SetNamespace(c.ns)
	kustomization.SetName("apps")
	kustomization.Object["spec"] = map[string]any{
		"interval": "1h", "prune": true, "sourceRef": map[string]any{"kind": "GitRepository", "name": "repo"},
	}
	e.create(kustomization)
	return c
}

// progress has the Kustomization say what kustomize-controller is doing.
func (c *commits) progress(message string) {
	c.t.Helper()
	now := metav1.Now()
	conditions := []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue, Reason: "ReconciliationSucceeded", Message: "Applied", LastTransitionTime: now}}
	if message != done {
		conditions = []metav1.Condition{
			{Type: meta.ReadyCondition, Status: metav1.ConditionUnknown, Reason: meta.ProgressingReason, Message: "Reconciliation in progress", LastTransitionTime: now},
			{Type: meta.ReconcilingCondition, Status: metav1.ConditionTrue, Reason: meta.ProgressingReason, Message: message, LastTransitionTime: now},
		}
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": conditions}})
	c.Expect(err).NotTo(HaveOccurred())
	kustomization := &unstructured.Unstructured{}
	kustomization.SetGroupVersionKind(kustomizationKind)
	kustomization.SetNamespace(c.ns)
	kustomization.SetName("apps")
	c.Expect(c.c.Status().Patch(c.ctx, kustomization, client.RawPatch(types.MergePatchType, patch))).To(Succeed())
}

// apply applies objects as a tool does, one after the other.
func (c *commits) apply(manager string, objects ...client.Object) {
	c.t.Helper()
	for _, obj := range objects {
		gvk, err := apiutil.GVKForObject(obj, c.c.Scheme())
		c.Expect(err).NotTo(HaveOccurred())
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
		c.Expect(err).NotTo(HaveOccurred())
		u := &unstructured.Unstructured{Object: content}
		u.SetGroupVersionKind(gvk)
		unstructured.RemoveNestedField(u.Object, "status")
		unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
		if manager == fluxApplies {
			labels := u.GetLabels()
			if labels == nil {
				labels = map[string]string{}
			}
			labels["kustomize.toolkit.fluxcd.io/name"], labels["kustomize.toolkit.fluxcd.io/namespace"] = "apps", c.ns
			u.SetLabels(labels)
		}
		c.Expect(c.c.Apply(c.ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(manager), client.ForceOwnership)).To(Succeed())
	}
}

// values returns the ConfigMap of the commit with some values.
func (c *commits) values(values string) *corev1.ConfigMap { return kit.Values(c.ns, "values", values) }

// app returns the HelmRelease of the commit.
func (c *commits) app(modify ...func(*helmv2.HelmRelease)) *helmv2.HelmRelease {
	return kit.Release(c.ns, "app", append([]func(*helmv2.HelmRelease){kit.Reads(cmKind, "values")}, modify...)...)
}

// trigger returns the ValuesTrigger of the commit.
func (c *commits) declared(modify ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	return kit.Trigger(c.ns, "platform", append([]func(*triggerv1.ValuesTrigger){kit.From(cmKind, "values"), kit.To("app")}, modify...)...)
}

// running applies the first commit and waits until all of it runs.
func (c *commits) running(manager string, objects ...client.Object) {
	c.t.Helper()
	c.progress(drift)
	c.apply(manager, objects...)
	c.progress(done)
	c.Eventually(c.ready(c.app())).Should(BeTrue())
	c.Eventually(c.condition(c.ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
}

// settles waits until the trigger platform says that a change is in progress.
func (c *commits) settles() {
	c.t.Helper()
	const trigger = "platform"
	c.Eventually(c.condition(c.ns, trigger, meta.ReadyCondition)).Should(Equal(
		"Unknown Progressing: ConfigMap " + c.ns + "/values has changed; it settles until Kustomization " + c.ns + "/apps has applied what belongs to the change"))
	c.Expect(c.condition(c.ns, trigger, meta.ReconcilingCondition)()).To(HavePrefix("True Progressing: "))
}

// once expects that the release has made one revision since the first, without a failure.
func (c *commits) once(op *operator.Operator, since world.AuditMark) {
	c.t.Helper()
	c.stay(c.ns, map[string]int{"app": 2})
	hr := c.get(c.ns, "app")
	c.Expect(hr.Status.History).To(HaveEach(HaveField("Status", BeElementOf("deployed", "superseded"))))
	c.Expect(c.eventsAbout(helmv2.HelmReleaseKind, c.ns, "app", corev1.EventTypeWarning, helmv2.UpgradeFailedReason)()).To(BeEmpty())
	requests, err := c.asked(op, c.ns, since)()
	c.Expect(err).NotTo(HaveOccurred())
	c.Expect(len(requests)).To(BeNumerically("<=", 1))
}

// chart names the chart of a release.
func chart(name string) func(*helmv2.HelmRelease) {
	return func(hr *helmv2.HelmRelease) { hr.Spec.ChartRef.Name = name }
}

func suspended(hr *helmv2.HelmRelease) { hr.Spec.Suspend = true }
