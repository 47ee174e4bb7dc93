// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"maps"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

const (
	readers = `metricsReader: {subjects: [
		{kind: ServiceAccount, name: prometheus, namespace: monitoring}, {kind: Group, name: sre}]}`

	objectsToApply = `extraObjects:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: '{{ .Release.Name }}-more'
- |
  apiVersion: v1
  kind: ConfigMap
  metadata:
    name: {{ include "helmrelease-trigger-operator.fullname" . }}-text
`
)

func TestExtraArgsAddToTheDefaults(t *testing.T) {
	g := NewWithT(t)
	g.Expect(render(t, "extraArgs: [--concurrent=20]").container(g).Args).To(Equal(
		append(render(t, "").container(g).Args, "--concurrent=20")))
	args := render(t, combinations["more args that agree with values"]).container(g).Args
	g.Expect(args[len(args)-3:]).To(HaveExactElements("--secrets=false", "--leader-elect=false", "--secrets=false"))
}

func TestServiceAccount(t *testing.T) {
	g := NewWithT(t)
	out := render(t, combinations["an account that exists"])
	g.Expect(out.kind("ServiceAccount")).To(BeEmpty())
	g.Expect(out.deployment(g).Spec.Template.Spec.ServiceAccountName).To(Equal("trigger"))
	g.Expect(grants(g, out)).To(ConsistOf(defaultGrants()))

	out = render(t, combinations["an account by another name"])
	g.Expect(out.find("ServiceAccount", "trigger")).NotTo(BeNil())
	g.Expect(out.deployment(g).Spec.Template.Spec.ServiceAccountName).To(Equal("trigger"))
	g.Expect(render(t, combinations["an older release"]).find("ServiceAccount", manager)).NotTo(BeNil())
}

func TestImageRegistry(t *testing.T) {
	image := func(registry, repository string) string {
		return "controllerManager: {manager: {image: {registry: \"" + registry + "\", repository: \"" + repository + "\", tag: v1}}}"
	}
	for values, want := range map[string]string{
		image("", "registry.example.com/team/operator"):                          "registry.example.com/team/operator:v1",
		image("mirror.example.com", "registry.example.com/team/operator"):        "mirror.example.com/team/operator:v1",
		image("mirror.example.com/a/b", "localhost:5000/operator"):               "mirror.example.com/a/b/operator:v1",
		image("mirror.example.com", "localhost/operator"):                        "mirror.example.com/operator:v1",
		image("localhost:5000", "team/operator"):                                 "localhost:5000/team/operator:v1",
		image("localhost:5000", "operator"):                                      "localhost:5000/operator:v1",
		image("", "team/operator") + "\nglobal: {imageRegistry: all.example}":    "all.example/team/operator:v1",
		image("own", "team/operator") + "\nglobal: {imageRegistry: all.example}": "own/team/operator:v1",
	} {
		g := NewWithT(t)
		g.Expect(render(t, values).container(g).Image).To(Equal(want), values)
	}
	g := NewWithT(t)
	out := render(t, combinations["a mirror for all charts"], "imagePullSecrets: [{name: own}]")
	g.Expect(out.container(g).Image).To(HavePrefix("registry.example.com/mirror/soperator/helmrelease-trigger-operator:v"))
	g.Expect(out.deployment(g).Spec.Template.Spec.ImagePullSecrets).To(ConsistOf(
		HaveField("Name", "own"), HaveField("Name", "pull"), HaveField("Name", "more")))
}

func TestCommonLabels(t *testing.T) {
	g := NewWithT(t)
	// Everything that the chart can make, in few installations.
	for _, more := range []string{combinations["everything about the network"], "impersonation: {enabled: true}", readers} {
		out := render(t, "commonLabels: {example.com/team: platform, release: all}", more)
		for _, obj := range out {
			g.Expect(obj.GetLabels()).To(HaveKeyWithValue("example.com/team", "platform"), "%s %s", obj.GetKind(), obj.GetName())
			g.Expect(obj.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/instance", release))
		}
		for _, monitor := range out.kind("ServiceMonitor") {
			g.Expect(monitor.GetLabels()).To(HaveKeyWithValue("release", "prometheus"), "what is set for one object wins")
		}
	}
	plain, labelled := render(t, "").deployment(g), render(t, combinations["labels for all"]).deployment(g)
	g.Expect(labelled.Spec.Selector).To(Equal(plain.Spec.Selector), "the selector cannot be changed by an upgrade")
	want := map[string]string{"example.com/team": "platform", "app.kubernetes.io/part-of": "flux"}
	maps.Copy(want, plain.Spec.Template.Labels)
	g.Expect(labelled.Spec.Template.Labels).To(Equal(want))
}

func TestExtraObjects(t *testing.T) {
	g := NewWithT(t)
	out := render(t, combinations["objects to apply"])
	g.Expect(out.find("ConfigMap", release+"-more")).NotTo(BeNil())
	g.Expect(out.find("ConfigMap", "helmrelease-trigger-operator-text")).NotTo(BeNil())
}

func TestMetricsReaders(t *testing.T) {
	g := NewWithT(t)
	const name = "helmrelease-trigger-operator-metrics-reader"
	out := render(t, combinations["readers"])
	binding := convert[rbacv1.ClusterRoleBinding](g, out.find("ClusterRoleBinding", name+"-rolebinding"))
	g.Expect(binding.RoleRef.Name).To(Equal(name))
	g.Expect(out.find("ClusterRole", name)).NotTo(BeNil())
	g.Expect(binding.Subjects).To(HaveExactElements(
		HaveField("Namespace", "monitoring"), HaveField("Name", "sre")))
	g.Expect(render(t, "").find("ClusterRoleBinding", name+"-rolebinding")).To(BeNil())
	inTheClear := render(t, combinations["scraped in the clear"], readers)
	g.Expect(inTheClear.find("ClusterRoleBinding", name+"-rolebinding")).To(BeNil(), "everyone may read")
}

// What the operator reads is what the chart is given, with a path for each Secret.
func TestProviders(t *testing.T) {
	g := NewWithT(t)
	out := render(t, combinations["providers"])
	config := convert[corev1.ConfigMap](g, out.find("ConfigMap", "helmrelease-trigger-operator-analysis-providers"))
	g.Expect(config.Data["providers.yaml"]).To(Equal(`providers:
- address: https://prometheus:9090/p
  credentials: /etc/analysis-secrets/prometheus.credentials
  headers:
    X-Scope-OrgID: platform
  name: prometheus
  namespaces:
  - team-*
  - apps
  timeout: 20s
  type: Prometheus
- address: http://board.example.com
  credentials: /etc/analysis-secrets/prometheus.credentials
  insecureSkipVerify: true
  name: board
  proxyURL: http://proxy:3128
  type: HTTP
`))
	container := out.container(g)
	g.Expect(container.Args).To(ContainElement("--analysis-providers=/etc/analysis/providers.yaml"))
	g.Expect(container.VolumeMounts).To(HaveExactElements(HaveField("MountPath", "/etc/analysis"),
		HaveField("MountPath", "/etc/analysis-secrets/prometheus.credentials")), "each Secret once")
	volumes := out.deployment(g).Spec.Template.Spec.Volumes
	g.Expect(volumes).To(HaveLen(2))
	g.Expect(*volumes[0].ConfigMap.Optional && *volumes[1].Secret.Optional).To(BeTrue(), "without them, changes are delivered")
	g.Expect(volumes[1].Secret.SecretName).To(Equal("prometheus.credentials"))

	_, err := helm(t, "template", chartDir, "--values", valuesFile(t, "analysis: {providers: [{name: a, type: HTTP, address: \"http://a\"}, {name: a, type: HTTP, address: \"http://b\"}]}"))
	g.Expect(err).To(MatchError(ContainSubstring("analysis.providers has a twice")))
	for _, wrong := range []string{"{name: a, type: HTTP}", `{name: a, type: HTTP, address: "http://me:pw@a"}`, `{name: a, type: HTTP, address: "http://a?b"}`,
		`{name: a, type: HTTP, address: "http://a", headers: {authorization: b}}`, `{name: A, type: HTTP, address: "http://a"}`} {
		_, err := helm(t, "template", chartDir, "--values", valuesFile(t, "analysis: {providers: ["+wrong+"]}"))
		g.Expect(err).To(HaveOccurred(), wrong)
	}
}
