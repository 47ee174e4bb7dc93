// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestKustomizeIsTheChart: both ways to install give the same objects.
func TestKustomizeIsTheChart(t *testing.T) {
	g := NewWithT(t)
	g.Expect(essence(g, kustomize(t, "../../config/default"))).To(
		Equal(essence(g, render(t, "crds: {keep: false}"))))
}

func TestKustomizeComponentsAreTheChart(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(os.CopyFS(dir, os.DirFS("../../config"))).To(Succeed())
	file := filepath.Join(dir, "default", "kustomization.yaml")
	data, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	// As its comment asks.
	data = []byte(strings.NewReplacer("# components:", "components:", "# - ", "- ").Replace(string(data)))
	g.Expect(os.WriteFile(file, data, 0o600)).To(Succeed())

	g.Expect(essence(g, kustomize(t, filepath.Join(dir, "default")))).To(Equal(essence(g, render(t,
		"{crds: {keep: false}, analysis: {providers: [{name: prometheus, type: Prometheus, "+
			"address: \"http://prometheus-operated.monitoring.svc.cluster.local.:9090\"}]}, approvals: {enforce: true, fourEyes: true}, impersonation: {enabled: true}, publish: {enabled: true}, networkPolicy: {enabled: true}, serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}, grafanaDashboard: {enabled: true}}"))))
}

func TestKustomizeNamespaceIsRestricted(t *testing.T) {
	g := NewWithT(t)
	ns := kustomize(t, "../../config/default").find("Namespace", namespace)
	g.Expect(ns).NotTo(BeNil())
	g.Expect(ns.GetLabels()).To(HaveKeyWithValue("pod-security.kubernetes.io/enforce", "restricted"))
}

// essence returns the objects by kind and name, without what may differ:
// labels, their selectors and the order of rules. The Namespace is kustomize's
// alone, since helm install --create-namespace makes it.
func essence(g Gomega, all objects) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, obj := range all {
		if obj.GetKind() == "Namespace" {
			continue
		}
		if obj.GroupVersionKind().Group == "admissionregistration.k8s.io" {
			obj.SetNamespace("") // kustomize takes the policies for namespaced. The API server ignores it.
		}
		key := obj.GetKind() + "/" + obj.GetNamespace() + "/" + obj.GetName()
		g.Expect(out).NotTo(HaveKey(key))
		aggregation := map[string]string{}
		for label, value := range obj.GetLabels() {
			if strings.HasPrefix(label, "rbac.authorization.k8s.io/") {
				aggregation[label] = value
			}
		}
		obj.SetLabels(aggregation)
		for _, path := range [][]string{
			{"spec", "selector"},
			{"spec", "podSelector"},
			{"spec", "template", "metadata", "labels"},
		} {
			if obj.GetKind() != "CustomResourceDefinition" {
				unstructured.RemoveNestedField(obj.Object, path...)
			}
		}
		if obj.GetKind() == "Role" || obj.GetKind() == "ClusterRole" {
			normalizeRules(g, obj)
		}
		out[key] = obj.Object
	}
	return out
}

func normalizeRules(g Gomega, role *unstructured.Unstructured) {
	rules, err := runtime.DefaultUnstructuredConverter.ToUnstructured(
		&rbacv1.Role{Rules: sortedRules(convert[rbacv1.Role](g, role).Rules)})
	g.Expect(err).NotTo(HaveOccurred())
	role.Object["rules"] = rules["rules"]
}

// TestCopiesAreCurrent: the chart has its own copy of what it shares with the
// kustomization.
func TestCopiesAreCurrent(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(contents(g, filepath.Join(chartDir, "files", "crds"), "*.yaml")).To(Equal(contents(g, "../../config/crd/bases", "*.yaml")),
		"run config/chart/generate.sh")
	for _, policies := range []string{"approvals", "four-eyes"} {
		for name, text := range contents(g, filepath.Join(chartDir, "files", policies), "*.yaml") {
			g.Expect(contents(g, filepath.Join("../../config", policies), name)).To(HaveKeyWithValue(name, text))
		}
	}
	g.Expect(contents(g, filepath.Join(chartDir, "files"), "*.json")).To(Equal(contents(g, "../../config/grafana", "*.json")))
	g.Expect(contents(g, "../../config/prometheus", "rules.yaml")["rules.yaml"]).To(
		HaveSuffix("\n" + contents(g, filepath.Join(chartDir, "files"), "rules.yaml")["rules.yaml"]))
}

func contents(g Gomega, dir, pattern string) map[string]string {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	g.Expect(err).NotTo(HaveOccurred())
	out := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		out[filepath.Base(file)] = string(data)
	}
	return out
}
