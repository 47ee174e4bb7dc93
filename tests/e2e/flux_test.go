// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"io"
	"net/http"
	"os"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// metricsOf returns what an operator that serves its metrics in the clear tells Prometheus.
func metricsOf(op *operator.Operator) func() (string, error) {
	return func() (string, error) {
		resp, err := http.Get("http://" + op.Metrics() + "/metrics")
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(resp.Body)
		return string(body), errors.Join(err, resp.Body.Close())
	}
}

// withoutAction removes what helm-controller 1.5 has added to the schema of HelmReleases.
func (e *env) withoutAction() {
	e.t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	e.Expect(e.c.Get(e.ctx, types.NamespacedName{Name: "helmreleases.helm.toolkit.fluxcd.io"}, crd)).To(Succeed())
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	e.Expect(err).NotTo(HaveOccurred())
	path := []string{"schema", "openAPIV3Schema", "properties", "status", "properties", "history", "items", "properties"}
	for _, v := range versions {
		if snapshot, found, _ := unstructured.NestedMap(v.(map[string]any), path...); found {
			delete(snapshot, "action")
			e.Expect(unstructured.SetNestedMap(v.(map[string]any), snapshot, path...)).To(Succeed())
		}
	}
	e.Expect(unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions")).To(Succeed())
	e.Expect(e.c.Update(e.ctx, crd)).To(Succeed())
	e.Eventually(func() (string, error) {
		return e.w.Kubectl(e.ctx, "get", "--raw", "/openapi/v3/apis/helm.toolkit.fluxcd.io/v2")
	}).ShouldNot(ContainSubstring("Action is the action that resulted in this snapshot"), "it takes a moment to be published")
}

// The permissions of the chart do for it, also in one namespace: the operator may not read
// CustomResourceDefinitions.
func TestFlux_one_that_is_older_than_supported_is_reported(t *testing.T) {
	t.Parallel()
	o := kit.World()
	o.NoHelmController = true
	e := in(t, world.ForTest(t, o))
	e.withoutAction()
	op, err := operator.Install(e.ctx, e.w, manager, operator.Options{
		Values: []string{"--set=watch.allNamespaces=false"}, Args: []string{"--metrics-secure=false"},
	})
	e.Expect(err).NotTo(HaveOccurred())

	e.Eventually(e.eventsAbout("CustomResourceDefinition", operator.Namespace, "helmreleases.helm.toolkit.fluxcd.io", corev1.EventTypeWarning, triggerv1.FluxOutdatedReason)).
		Should(ConsistOf(ContainSubstring("upgrade Flux")))
	e.Eventually(metricsOf(op)).Should(ContainSubstring("\ntrigger_helm_controller_outdated 1\n"))
	log, err := os.ReadFile(e.w.LogPath("manager"))
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(string(log)).To(ContainSubstring("is older than helm-controller 1.5 (Flux 2.8)"))
}
