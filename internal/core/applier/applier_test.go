// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package applier

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

type keys map[string]string

func TestOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                string
		labels, annotations keys
		expected            string
	}{
		{name: "nothing"},
		{name: "labels of a person", labels: keys{"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "Helm"}},
		{
			name:     "kustomize-controller",
			labels:   keys{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
			expected: "Kustomization flux-system/apps",
		},
		{
			name:        "helm-controller, which leaves the marks of Helm as well",
			labels:      keys{"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop", "app.kubernetes.io/managed-by": "Helm"},
			annotations: keys{"meta.helm.sh/release-name": "shop-web", "meta.helm.sh/release-namespace": "shop"},
			expected:    "HelmRelease shop/web",
		},
		{
			name:        "the output of a chart, committed to Git",
			labels:      keys{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
			annotations: keys{"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
			expected:    "Kustomization flux-system/apps",
		},
		{
			name:     "a ResourceSet",
			labels:   keys{"resourceset.fluxcd.controlplane.io/name": "tenants", "resourceset.fluxcd.controlplane.io/namespace": "flux-system"},
			expected: "ResourceSet flux-system/tenants",
		},
		{
			name:     "a FluxInstance",
			labels:   keys{"fluxcd.controlplane.io/name": "flux", "fluxcd.controlplane.io/namespace": "flux-system"},
			expected: "FluxInstance flux-system/flux",
		},
		{
			name:        "Argo CD",
			annotations: keys{"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/web-values"},
			expected:    "Application shop",
		},
		{
			name:        "Argo CD, an application in another namespace",
			annotations: keys{"argocd.argoproj.io/tracking-id": "tenants_shop:/ConfigMap:shop/web-values"},
			expected:    "Application tenants/shop",
		},
		{name: "Argo CD, by a label of its own", labels: keys{"argocd.argoproj.io/instance": "shop"}, expected: "Application shop"},
		{
			name:        "what no tool writes, in one bounded line",
			annotations: keys{"meta.helm.sh/release-name": strings.Repeat("a\n,", 100), "meta.helm.sh/release-namespace": "shop"},
			expected:    "Helm release shop/" + strings.Repeat("a__", 21) + "a…",
		},
		{name: "Argo CD, malformed", annotations: keys{"argocd.argoproj.io/tracking-id": "shop"}},
		{
			name:        "Helm",
			labels:      keys{"app.kubernetes.io/managed-by": "Helm"},
			annotations: keys{"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
			expected:    "Helm release shop/web",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			a, found := Of(test.labels, test.annotations)
			g.Expect(found).To(Equal(test.expected != ""))
			if found {
				g.Expect(a.String()).To(Equal(test.expected))
			}
		})
	}
}

func TestTool(t *testing.T) {
	t.Parallel()
	NewWithT(t).Expect(Tool("argocd-controller").String()).To(Equal("argocd-controller"))
}

func TestIsManager(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, tool := range []string{
		"kustomize-controller", "helm-controller", "flux-operator", "argocd-controller", "argocd-application-controller", "helm", "Helm",
		"terraform-provider-helm_v3.0.2_x5",
	} {
		g.Expect(IsManager(tool)).To(BeTrue(), tool)
	}
	for _, other := range []string{
		"", "kubectl-edit", "kubectl", "kubectl-client-side-apply", "flux-client-side-apply", "external-secrets", "helmrelease-trigger-operator",
	} {
		g.Expect(IsManager(other)).To(BeFalse(), other)
	}
}
