// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/nebius/helmrelease-trigger-operator/internal/app"
)

func TestLint(t *testing.T) {
	for name, values := range combinations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			_, err := helm(t, "lint", "--strict", chartDir, "--values", valuesFile(t, values))
			g.Expect(err).NotTo(HaveOccurred())
		})
	}
}

func TestRejectedValues(t *testing.T) {
	for name, tt := range rejected {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			_, err := template(t, tt.values)
			g.Expect(err).To(MatchError(ContainSubstring(tt.message)))
		})
	}
}

// TestOperatorUnderstandsTheChart has the operator's own parser read what the
// chart passes to it, and compares its view with the objects around it.
func TestOperatorUnderstandsTheChart(t *testing.T) {
	for name, values := range combinations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			out := render(t, values)
			c := out.container(g)
			env := map[string]string{"RUNTIME_NAMESPACE": namespace}
			for _, e := range c.Env {
				if e.ValueFrom == nil {
					env[e.Name] = e.Value
				}
			}
			opts, err := app.ParseOptions(c.Args, func(key string) string { return env[key] })
			g.Expect(err).NotTo(HaveOccurred())

			expectPorts(g, out, c, opts)
			expectPermissions(g, out, opts)
			if replicas := out.deployment(g).Spec.Replicas; *replicas > 1 {
				g.Expect(opts.LeaderElection.Enable).To(BeTrue())
			}
			surge := out.deployment(g).Spec.Strategy.RollingUpdate.MaxSurge.IntVal
			g.Expect(surge > 0).To(Equal(opts.LeaderElection.Enable), "two operators overlap only if one leads")
		})
	}
}

// expectPorts expects probes, ports and Service where the operator listens.
func expectPorts(g Gomega, out objects, c corev1.Container, opts app.Options) {
	ports := map[string]string{}
	for _, port := range c.Ports {
		ports[port.Name] = fmt.Sprintf(":%d", port.ContainerPort)
	}
	want := map[string]string{}
	for name, addr := range map[string]string{"healthz": opts.HealthAddr, "metrics": opts.MetricsAddr} {
		if addr != "0" {
			want[name] = addr[strings.LastIndex(addr, ":"):]
		}
	}
	g.Expect(ports).To(Equal(want))

	if opts.HealthAddr == "0" {
		g.Expect(c.LivenessProbe).To(BeNil())
		g.Expect(c.ReadinessProbe).To(BeNil())
	} else {
		g.Expect(c.LivenessProbe.HTTPGet.Path).To(Equal("/healthz"))
		g.Expect(c.LivenessProbe.HTTPGet.Port.StrVal).To(Equal("healthz"))
		g.Expect(c.ReadinessProbe.HTTPGet.Path).To(Equal("/readyz"))
		g.Expect(c.ReadinessProbe.HTTPGet.Port.StrVal).To(Equal("healthz"))
	}

	services := out.kind("Service")
	g.Expect(services).To(HaveLen(min(1, len(want["metrics"]))))
	if policies := out.kind("NetworkPolicy"); len(policies) > 0 {
		open := map[string]bool{}
		for _, rule := range convert[networkingv1.NetworkPolicy](g, policies[0]).Spec.Ingress {
			for _, port := range rule.Ports {
				open[":"+port.Port.String()] = true
			}
		}
		for _, addr := range want {
			g.Expect(open).To(HaveKey(addr))
		}
		g.Expect(open).To(HaveLen(len(want)))
	}
	for _, monitor := range out.kind("ServiceMonitor") {
		endpoint := monitor.Object["spec"].(map[string]any)["endpoints"].([]any)[0].(map[string]any)
		g.Expect(endpoint["scheme"]).To(Equal(map[bool]string{true: "https", false: "http"}[opts.MetricsSecure]))
		var names []any
		for _, port := range convert[corev1.Service](g, services[0]).Spec.Ports {
			names = append(names, port.Name)
		}
		g.Expect(names).To(ContainElement(endpoint["port"]))
	}
}

// expectPermissions expects those that the operator's options need, no others.
func expectPermissions(g Gomega, out objects, opts app.Options) {
	granted := grants(g, out)
	if len(granted) == 0 {
		return // rbac.create is false
	}
	on := func(resource string) bool {
		return slices.ContainsFunc(granted, func(r grant) bool { return r.resource == resource })
	}
	g.Expect(on("secrets")).To(Equal(opts.Secrets))
	g.Expect(on("tokenreviews")).To(Equal(opts.MetricsSecure && opts.MetricsAddr != "0"))
	if opts.DefaultServiceAccount != "" {
		g.Expect(slices.ContainsFunc(granted, func(r grant) bool {
			return r.verb == "impersonate" && (r.names == "" || r.names == opts.DefaultServiceAccount)
		})).To(BeTrue(), "permission to impersonate %s", opts.DefaultServiceAccount)
	}
	for _, r := range granted {
		if r.group == "helm.toolkit.fluxcd.io" {
			g.Expect(r.cluster).To(Equal(opts.Watch.AllNamespaces), "%+v", r)
		}
	}
}

// grant is one verb on one resource that the operator's account has.
type grant struct {
	group, resource, verb, names string
	cluster                      bool
}

// grants returns all that is bound to the operator's account. Nothing is bound to
// another, except for the readers of metrics.
func grants(g Gomega, out objects) []grant {
	var all []grant
	account := out.deployment(g).Spec.Template.Spec.ServiceAccountName
	for _, obj := range append(out.kind("ClusterRoleBinding"), out.kind("RoleBinding")...) {
		binding := convert[rbacv1.RoleBinding](g, obj)
		if strings.HasSuffix(binding.Name, "-metrics-reader-rolebinding") {
			continue
		}
		g.Expect(binding.Subjects).To(HaveExactElements(
			rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: account}))

		role := out.find(binding.RoleRef.Kind, binding.RoleRef.Name)
		g.Expect(role).NotTo(BeNil(), "%s %s is bound and missing", binding.RoleRef.Kind, binding.RoleRef.Name)
		for _, rule := range convert[rbacv1.Role](g, role).Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						all = append(all, grant{
							group: group, resource: resource, verb: verb, names: strings.Join(rule.ResourceNames, ","),
							cluster: obj.GetKind() == "ClusterRoleBinding"})
					}
				}
			}
		}
	}
	return all
}

func TestEnvironment(t *testing.T) {
	g := NewWithT(t)
	c := render(t, combinations["an environment"]).container(g)
	g.Expect(c.Env).To(ContainElements(
		corev1.EnvVar{Name: "MAX_CONCURRENCY", Value: "7"},
		corev1.EnvVar{Name: "CACHE_SYNC_TIMEOUT", Value: "3m30s"},
		corev1.EnvVar{Name: "LOG_LEVEL", Value: "debug"},
		// After the limit it refers to: 256 MiB make 256000000 bytes, 95%.
		corev1.EnvVar{Name: "GOMEMLIMIT", Value: "$(MEMORY_LIMIT_MIB)000000"},
	))

	c = render(t, "").container(g)
	names := make([]string, 0, len(c.Env))
	for _, e := range c.Env {
		names = append(names, e.Name)
	}
	g.Expect(names).To(HaveExactElements("RUNTIME_NAMESPACE", "MEMORY_LIMIT_MIB", "GOMEMLIMIT"))

	c = render(t, combinations["everything about the pod"]).container(g)
	g.Expect(c.Env).To(ContainElement(corev1.EnvVar{Name: "GOMEMLIMIT", Value: "100MiB"}))
	g.Expect(c.Env).NotTo(ContainElement(HaveField("Name", "MEMORY_LIMIT_MIB")), "GOMEMLIMIT would be there twice")
}

func TestPodValues(t *testing.T) {
	g := NewWithT(t)
	out := render(t, combinations["everything about the pod"])
	pod := out.deployment(g).Spec.Template
	g.Expect(out.deployment(g).Annotations).To(HaveKeyWithValue("reloader.stakater.com/auto", "true"))
	g.Expect(pod.Labels).To(HaveKeyWithValue("example.com/team", "platform"))
	g.Expect(pod.Annotations).To(HaveKeyWithValue("example.com/a", "b"))
	g.Expect(pod.Spec.PriorityClassName).To(Equal("system-cluster-critical"))
	g.Expect(pod.Spec.ImagePullSecrets).To(HaveLen(1))
	g.Expect(pod.Spec.NodeSelector).To(Equal(map[string]string{"disk": "ssd", "kubernetes.io/os": "linux"}))
	g.Expect(pod.Spec.Tolerations).To(HaveLen(1))
	g.Expect(pod.Spec.Affinity.NodeAffinity).NotTo(BeNil())
	g.Expect(pod.Spec.TopologySpreadConstraints).To(HaveLen(1))
	g.Expect(pod.Spec.Volumes).To(HaveLen(1))

	c := out.container(g)
	g.Expect(c.Image).To(HaveSuffix("/helmrelease-trigger-operator@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
	g.Expect(c.ImagePullPolicy).To(Equal(corev1.PullAlways))
	g.Expect(c.VolumeMounts).To(HaveLen(1))
	g.Expect(c.Env).To(ContainElement(HaveField("Name", "HTTPS_PROXY")))
	account := out.find("ServiceAccount", manager)
	g.Expect(account.GetAnnotations()).To(HaveKeyWithValue("example.com/role", "trigger"))
}

func TestNetworkValues(t *testing.T) {
	g := NewWithT(t)
	out := render(t, combinations["everything about the network"])
	service := convert[corev1.Service](g, out.kind("Service")[0])
	g.Expect(service.Spec.Type).To(Equal(corev1.ServiceTypeNodePort))
	g.Expect(service.Spec.Ports).To(HaveExactElements(HaveField("NodePort", BeEquivalentTo(30080))))
	budget := convert[policyv1.PodDisruptionBudget](g, out.kind("PodDisruptionBudget")[0])
	g.Expect(budget.Spec.MaxUnavailable.StrVal).To(Equal("50%"))
	policy := convert[networkingv1.NetworkPolicy](g, out.kind("NetworkPolicy")[0])
	g.Expect(policy.Spec.Ingress[1].From).To(HaveLen(1))
	g.Expect(policy.Spec.Egress[1].Ports).To(HaveExactElements(HaveField("Port.IntVal", BeEquivalentTo(16443))))
	g.Expect(policy.Spec.Egress).To(HaveLen(4))
	monitor := out.kind("ServiceMonitor")[0]
	g.Expect(monitor.GetNamespace()).To(Equal("default"))
	g.Expect(monitor.GetLabels()).To(HaveKeyWithValue("release", "prometheus"))
	g.Expect(monitor.GetAnnotations()).To(HaveKeyWithValue("example.com/a", "b"))
	g.Expect(monitor.Object["spec"]).To(HaveKeyWithValue("namespaceSelector", HaveKeyWithValue("matchNames", ConsistOf(namespace))))
	g.Expect(monitor.Object["spec"]).To(HaveKeyWithValue("endpoints", ConsistOf(SatisfyAll(
		HaveKeyWithValue("interval", "1m"),
		HaveKeyWithValue("scrapeTimeout", "20s"),
		HaveKeyWithValue("relabelings", ConsistOf(HaveKeyWithValue("action", "labeldrop"))),
		HaveKeyWithValue("metricRelabelings", ConsistOf(HaveKeyWithValue("regex", "controller_runtime_.*"))),
		HaveKeyWithValue("port", "metrics"),
		HaveKeyWithValue("tlsConfig", HaveKeyWithValue("serverName", "metrics"))))))

	rule := out.kind("PrometheusRule")[0]
	g.Expect(rule.GetNamespace()).To(Equal("default"))
	g.Expect(rule.GetAnnotations()).To(HaveKeyWithValue("example.com/a", "b"))
	g.Expect(rule.GetLabels()).To(And(HaveKeyWithValue("release", "prometheus"), HaveKey("app.kubernetes.io/name")))
	g.Expect(rule.Object["spec"]).To(Equal(decode(g, contents(g, "../../config/prometheus", "rules.yaml")["rules.yaml"])[0].Object["spec"]),
		"the templates in it are Prometheus's")
	dashboard := convert[corev1.ConfigMap](g, out.kind("ConfigMap")[0])
	g.Expect(dashboard.Namespace).To(Equal("default"))
	g.Expect(dashboard.Labels).To(And(HaveKeyWithValue("dashboards", "yes"), HaveKeyWithValue("grafana_dashboard", "1")))
	g.Expect(dashboard.Annotations).To(HaveKeyWithValue("grafana_folder", "Flux"))
	g.Expect(dashboard.Data).To(HaveKeyWithValue("helmrelease-trigger-operator.json",
		contents(g, "../../config/grafana", "dashboard.json")["dashboard.json"]))

	g.Expect(render(t, "").kind("PodDisruptionBudget")).To(BeEmpty())
	off := render(t, "{controllerManager: {replicas: 2}, podDisruptionBudget: {enabled: false}}")
	g.Expect(off.kind("PodDisruptionBudget")).To(BeEmpty())
}

func TestEventsAddress(t *testing.T) {
	g := NewWithT(t)
	g.Expect(render(t, combinations["another domain"]).container(g).Args).To(ContainElement(
		"--events-addr=http://notification-controller.flux-system.svc.example.org./"))
	g.Expect(render(t, combinations["no events"]).container(g).Args).NotTo(ContainElement(HavePrefix("--events-addr")))
	own := render(t, `controllerManager: {manager: {args: ["--events-addr=http://mine/"]}}`).container(g)
	opts, err := app.ParseOptions(own.Args, func(string) string { return "" })
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(opts.EventsAddr).To(Equal("http://mine/"), "args win over the value")
}

func TestSettleTime(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"by default":       2 * time.Second,
		"a settle time":    time.Minute,
		"no settle time":   0,
		"an older release": 2 * time.Second,
	} {
		g := NewWithT(t)
		opts, err := app.ParseOptions(render(t, combinations[name]).container(g).Args, func(name string) string {
			return map[string]string{"RUNTIME_NAMESPACE": namespace}[name]
		})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(opts.SettleTime).To(Equal(want), name)
	}
}

func TestNames(t *testing.T) {
	g := NewWithT(t)
	for _, obj := range render(t, "").kind("Deployment") {
		g.Expect(obj.GetName()).To(Equal(manager), "whatever the release is called")
	}
	out, err := helm(t, "template", "blue", chartDir, "--set", "fullnameOverride=")
	g.Expect(err).NotTo(HaveOccurred())
	for _, obj := range decode(g, out) {
		if obj.GetKind() != "CustomResourceDefinition" {
			g.Expect(obj.GetName()).To(HavePrefix("blue-helmrelease-trigger-ope"), "a long name is cut for the Service")
		}
	}
	g.Expect(decode(g, out).deployment(g).Spec.Selector.MatchLabels).To(HaveKeyWithValue("app.kubernetes.io/instance", "blue"))

	other := render(t, combinations["other names"]).deployment(g)
	g.Expect(other.Name).To(Equal("trigger-controller-manager"))
	g.Expect(other.Labels).To(HaveKeyWithValue("app.kubernetes.io/name", "hrto"))
}
