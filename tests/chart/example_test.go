// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// exampleValues are those of the first operator's documentation, to the letter.
const exampleValues = `controllerManager:
  manager:
    args:
    - --metrics-bind-address=:8443
    - --leader-elect
    - --health-probe-bind-address=:8081
    - --enable-hr-autodiscovery=true
    - --log-format=json
    - --log-level=debug
    resources:
      limits:
        memory: 256Mi
      requests:
        cpu: 200m
        memory: 128Mi
  replicas: 2
`

// firstDefaults are the values that the first operator's chart had by default,
// which users copied as a whole.
const firstDefaults = `controllerManager:
  manager:
    args:
    - --metrics-bind-address=:8443
    - --leader-elect
    - --health-probe-bind-address=:8081
    - --enable-hr-autodiscovery=false
    - --log-format=json
    - --log-level=info
    containerSecurityContext:
      allowPrivilegeEscalation: false
      capabilities:
        drop:
        - ALL
      runAsNonRoot: true
      runAsUser: 65534
      runAsGroup: 65534
    image:
      repository: registry.example.com/helmrelease-trigger-operator
      tag: 0.2.0
    resources:
      limits:
        memory: 128Mi
      requests:
        cpu: 100m
        memory: 128Mi
  replicas: 1
  serviceAccount:
    annotations: {}
fullnameOverride: helmrelease-trigger
metricsService:
  ports:
  - name: https
    port: 8443
    protocol: TCP
    targetPort: 8443
  type: ClusterIP
kubernetesClusterDomain: cluster.local
`

func TestExampleOfTheFirstOperator(t *testing.T) {
	g := NewWithT(t)
	out := render(t, exampleValues)

	deployment := out.deployment(g)
	g.Expect(deployment.Name).To(Equal(manager))
	g.Expect(deployment.Spec.Replicas).To(HaveValue(BeEquivalentTo(2)))
	c := out.container(g)
	g.Expect(c.Args).To(HaveExactElements(
		"--events-addr=http://notification-controller.flux-system.svc.cluster.local./",
		"--settle-time=2s",
		"--metrics-bind-address=:8443",
		"--leader-elect",
		"--health-probe-bind-address=:8081",
		"--enable-hr-autodiscovery=true",
		"--log-format=json",
		"--log-level=debug",
	))
	g.Expect(c.Resources).To(Equal(corev1.ResourceRequirements{
		Limits: corev1.ResourceList{"memory": resource.MustParse("256Mi")},
		Requests: corev1.ResourceList{
			"cpu":    resource.MustParse("200m"),
			"memory": resource.MustParse("128Mi"),
		},
	}))
	g.Expect(out.kind("PodDisruptionBudget")).To(HaveLen(1), "two replicas shall not be drained at once")
}

func TestDefaultValuesOfTheFirstOperator(t *testing.T) {
	g := NewWithT(t)
	out := render(t, firstDefaults)

	g.Expect(out.deployment(g).Name).To(Equal("helmrelease-trigger-controller-manager"))
	c := out.container(g)
	g.Expect(c.Image).To(Equal("registry.example.com/helmrelease-trigger-operator:0.2.0"))
	g.Expect(c.Args).To(ContainElement("--enable-hr-autodiscovery=false"))
	g.Expect(c.SecurityContext.RunAsUser).To(HaveValue(BeEquivalentTo(65534)))
	service := out.find("Service", "helmrelease-trigger-controller-manager-metrics-service")
	g.Expect(convert[corev1.Service](g, service).Spec.Ports).To(HaveExactElements(
		HaveField("TargetPort.IntVal", BeEquivalentTo(8443))))
}
