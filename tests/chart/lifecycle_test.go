// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	crdName = "valuestriggers.trigger.nebius.ai"
	timeout = time.Minute
)

func newCRD() *unstructured.Unstructured {
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	crd.SetName(crdName)
	return crd
}

func newTrigger() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "trigger.nebius.ai/v1beta1",
		"kind":       "ValuesTrigger",
		"metadata":   map[string]any{"namespace": "default", "name": "kept"},
		"spec": map[string]any{
			"sources": []any{map[string]any{"kind": "ConfigMap", "name": "a"}},
			"targets": []any{map[string]any{"name": "a"}},
		},
	}}
}

// gone deletes the object and waits until it no longer exists.
func gone(t *testing.T, obj client.Object) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	g := NewWithT(t)
	err := client.IgnoreNotFound(w.Client().Delete(ctx, obj, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	if !meta.IsNoMatchError(err) {
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Eventually(func() bool {
		err := w.Client().Get(ctx, client.ObjectKeyFromObject(obj), obj)
		return apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
	}, timeout).Should(BeTrue(), "%s is still there", obj.GetName())
}

func removeNamespace(t *testing.T, name string) {
	t.Helper()
	gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// cleanUp removes, after the test, all that a release may leave.
func cleanUp(t *testing.T) {
	t.Helper()
	needWorld(t)
	t.Cleanup(func() {
		_, _ = w.Helm(context.WithoutCancel(t.Context()), "uninstall", release, "--namespace", namespace, "--ignore-not-found", "--wait")
		gone(t, newCRD())
		removeNamespace(t, namespace)
	})
}

func install(t *testing.T, chart string, args ...string) {
	t.Helper()
	out, err := helm(t, append([]string{"install", release, chart, "--namespace", namespace, "--create-namespace"}, args...)...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred(), out)
}

func upgrade(t *testing.T, args ...string) error {
	t.Helper()
	_, err := helm(t, append([]string{"upgrade", release, chartDir, "--namespace", namespace}, args...)...)
	return err
}

func uninstall(t *testing.T) string {
	t.Helper()
	out, err := helm(t, "uninstall", release, "--namespace", namespace, "--wait")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return out
}

// TestLife: install, use, uninstall, install again, and nothing is lost.
func TestLife(t *testing.T) {
	cleanUp(t)
	g := NewWithT(t)
	ctx := t.Context()
	install(t, chartDir)
	g.Expect(w.Client().Get(ctx, client.ObjectKey{Namespace: namespace, Name: manager}, &appsv1.Deployment{})).To(Succeed())
	g.Eventually(func() error { return w.Client().Create(ctx, newTrigger()) }, timeout).Should(Succeed())

	uninstall(t)
	err := w.Client().Get(ctx, client.ObjectKey{Namespace: namespace, Name: manager}, &appsv1.Deployment{})
	g.Expect(apierrors.IsNotFound(err)).To(BeTrue())
	kept := newTrigger()
	g.Expect(w.Client().Get(ctx, client.ObjectKeyFromObject(kept), kept)).To(Succeed())

	install(t, chartDir)
	g.Expect(w.Client().Get(ctx, client.ObjectKeyFromObject(kept), kept)).To(Succeed())

	g.Expect(upgrade(t, "--set", "crds.keep=false")).To(Succeed())
	uninstall(t)
	g.Eventually(func() bool {
		return apierrors.IsNotFound(w.Client().Get(ctx, client.ObjectKey{Name: crdName}, newCRD()))
	}, timeout).Should(BeTrue(), "crds.keep=false removes the CRD")
}

// TestUpgradeOfTheCRD: an upgrade of the release upgrades the CRD with it.
func TestUpgradeOfTheCRD(t *testing.T) {
	cleanUp(t)
	g := NewWithT(t)
	older := t.TempDir()
	g.Expect(os.CopyFS(older, os.DirFS(chartDir))).To(Succeed())
	files, err := filepath.Glob(filepath.Join(older, "files", "crds", "*.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(HaveLen(1))
	data, err := os.ReadFile(files[0])
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(data)).To(ContainSubstring("    - vt\n"))
	g.Expect(os.WriteFile(files[0], []byte(strings.Replace(string(data), "    - vt\n", "    - old\n", 1)), 0o600)).To(Succeed())
	shortNames := func() []string {
		crd := newCRD()
		g.Expect(w.Client().Get(t.Context(), client.ObjectKey{Name: crdName}, crd)).To(Succeed())
		names, _, err := unstructured.NestedStringSlice(crd.Object, "spec", "names", "shortNames")
		g.Expect(err).NotTo(HaveOccurred())
		return names
	}

	install(t, older)
	g.Expect(shortNames()).To(Equal([]string{"old"}))
	g.Expect(upgrade(t)).To(Succeed())
	g.Expect(shortNames()).To(Equal([]string{"vt"}))

	// Anyone who manages the CRD elsewhere takes it out of the release, and keeps it.
	g.Expect(upgrade(t, "--set", "crds.install=false")).To(Succeed())
	g.Expect(shortNames()).To(Equal([]string{"vt"}))
}

// firstChart is a chart with the name, values and Deployment of the first
// operator's, as far as an upgrade meets them.
var firstChart = map[string]string{
	"Chart.yaml":  "apiVersion: v2\nname: helm-helmrelease-trigger-operator\nversion: 0.0.1\nappVersion: 0.0.1\n",
	"values.yaml": firstDefaults,
	"templates/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Values.fullnameOverride }}-controller-manager
spec:
  selector:
    matchLabels: &labels
      app.kubernetes.io/name: {{ .Chart.Name }}
      app.kubernetes.io/instance: {{ .Release.Name }}
  template:
    metadata:
      labels: *labels
    spec:
      containers:
      - name: manager
        command: [/manager]
        image: first
`,
}

// TestUpgradeFromTheFirstOperator: its release becomes ours, by the command of
// its documentation, with the values that its user gave.
func TestUpgradeFromTheFirstOperator(t *testing.T) {
	const first = "helmrelease-trigger-controller-manager"
	for name, tt := range map[string]struct {
		values, deployment string
		replicas           int
	}{
		"the example":                {exampleValues, manager, 2},
		"a copy of all its defaults": {firstDefaults, first, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cleanUp(t)
			g := NewWithT(t)
			dir := t.TempDir()
			for file, content := range firstChart {
				g.Expect(os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700)).To(Succeed())
				g.Expect(os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600)).To(Succeed())
			}
			install(t, dir, "--values", valuesFile(t, tt.values))

			g.Expect(upgrade(t, "--reuse-values")).To(MatchError(ContainSubstring("missing properties")),
				"the values of the older chart alone are not enough, and Helm says which are missing")
			g.Expect(upgrade(t, "--reset-then-reuse-values")).To(Succeed())

			list := &appsv1.DeploymentList{}
			g.Expect(w.Client().List(t.Context(), list, client.InNamespace(namespace))).To(Succeed())
			g.Expect(list.Items).To(HaveExactElements(HaveField("Name", tt.deployment)))
			g.Expect(list.Items[0].Spec.Replicas).To(HaveValue(BeEquivalentTo(tt.replicas)))
			g.Expect(list.Items[0].Spec.Template.Spec.Containers[0].Command).To(BeEmpty())
		})
	}
}

// TestUpgradeOfTheStrategy: turning leader election off and on is an upgrade like
// any other, both for Helm 4, which applies server-side, and for Helm 3.
func TestUpgradeOfTheStrategy(t *testing.T) {
	cleanUp(t)
	g := NewWithT(t)
	surge := func() int32 {
		deployment := &appsv1.Deployment{}
		g.Expect(w.Client().Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: manager}, deployment)).To(Succeed())
		return deployment.Spec.Strategy.RollingUpdate.MaxSurge.IntVal
	}
	install(t, chartDir)
	g.Expect(surge()).To(BeEquivalentTo(1))
	for _, apply := range []string{"--server-side=true", "--server-side=false"} {
		g.Expect(upgrade(t, apply, "--values", valuesFile(t, combinations["no leader election"]))).To(Succeed())
		g.Expect(surge()).To(BeZero())
		g.Expect(upgrade(t, apply, "--reset-values")).To(Succeed())
		g.Expect(surge()).To(BeEquivalentTo(1))
	}
}
