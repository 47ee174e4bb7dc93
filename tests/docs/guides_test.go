// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/ssa/utils"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// The guide to an installation by Flux, followed to the letter: helm-controller installs the chart of this checkout.
func TestGuides_install_with_Flux(t *testing.T) {
	w := world.ForTest(t, world.Options{AddToScheme: []func(*runtime.Scheme) error{triggerv1.AddToScheme}})
	g, c := NewWithT(t), w.Client()
	name := types.NamespacedName{Namespace: operator.Namespace, Name: operator.Release}

	text, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "guides", "install-with-flux.md"))
	g.Expect(err).NotTo(HaveOccurred())
	applied := 0
	var triggers []*unstructured.Unstructured
	for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(block[1], "apiVersion:") {
			continue // A part of something.
		}
		objects, err := utils.ReadObjects(strings.NewReader(block[1]))
		g.Expect(err).NotTo(HaveOccurred())
		for _, obj := range objects {
			switch obj.GetKind() {
			case "Kustomization":
				continue // kustomize-controller does not run here, but in tests/gitops.
			case triggerv1.ValuesTriggerKind:
				triggers = append(triggers, obj)
				continue // The chart brings the CRD.
			}
			g.Expect(c.Create(t.Context(), obj)).To(Succeed())
			applied++
		}
	}
	g.Expect(applied).To(Equal(3), "namespace, OCIRepository, HelmRelease")
	g.Expect(w.PublishChart(t.Context(), name.Namespace, name.Name, chartOf(t))).To(Succeed())

	deployment := &appsv1.Deployment{}
	g.Eventually(func() error {
		return c.Get(t.Context(), types.NamespacedName{Namespace: name.Namespace, Name: operator.Deployment}, deployment)
	}).WithTimeout(time.Minute).Should(Succeed())
	g.Expect(*deployment.Spec.Replicas).To(BeEquivalentTo(2))
	g.Expect(asIfRunning(t, c, deployment)).To(Succeed())

	hr := &helmv2.HelmRelease{}
	g.Eventually(func() (string, error) {
		err := c.Get(t.Context(), name, hr)
		return conditions.GetMessage(hr, fluxmeta.ReadyCondition), err
	}).WithTimeout(time.Minute).Should(ContainSubstring("install succeeded"))
	g.Expect(triggers).NotTo(BeEmpty())
	for _, vt := range triggers {
		g.Expect(client.IgnoreAlreadyExists(c.Create(t.Context(), newNamespace(vt.GetNamespace())))).To(Succeed())
		g.Expect(c.Create(t.Context(), vt)).To(Succeed(), "the CRD is installed")
	}
}

// asIfRunning reports a Deployment to run, since there are no nodes.
func asIfRunning(t *testing.T, c client.Client, deployment *appsv1.Deployment) error {
	t.Helper()
	before := client.MergeFrom(deployment.DeepCopy())
	replicas := *deployment.Spec.Replicas
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation,
		Replicas:           replicas, UpdatedReplicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas,
		Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue},
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
		},
	}
	return c.Status().Patch(t.Context(), deployment, before)
}

// chartOf returns the chart of this checkout.
func chartOf(t *testing.T) world.Chart {
	t.Helper()
	chart := world.Chart{Name: "helm-helmrelease-trigger-operator", Version: "0.3.0", Files: map[string]string{}}
	err := filepath.WalkDir(operator.Chart(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(operator.Chart(), path)
		chart.Files[filepath.ToSlash(name)] = string(text)
		return err
	})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return chart
}
