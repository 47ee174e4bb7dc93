// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestDefaults(t *testing.T) {
	needWorld(t)
	g := NewWithT(t)
	obj := trigger(g, valid)
	g.Expect(w.Client().Create(t.Context(), obj)).To(Succeed())
	g.Expect(obj.Object["spec"]).To(Equal(map[string]any{
		"force": "Auto", "revisionHistoryLimit": int64(10),
		"interval": "10m",
		"timeout":  "5m",
		"sources":  []any{map[string]any{"kind": "ConfigMap", "name": "a"}},
		"targets":  []any{map[string]any{"name": "a"}},
	}))
	g.Expect(obj.Object["status"]).To(Equal(map[string]any{"observedGeneration": int64(-1)}))
}

func TestAccepted(t *testing.T) {
	needWorld(t)
	for name, spec := range map[string]string{
		"bounds of durations":       `{interval: 10s, timeout: 1s, sources: [{kind: Secret, name: a}], targets: [{name: a}]}`,
		"upper bounds of durations": `{interval: 24h, timeout: 23h59m60s, sources: [{kind: Secret, name: a}], targets: [{name: a}]}`,
		"fractions in durations":    `{interval: 1.5h, timeout: 1500ms, sources: [{kind: Secret, name: a}], targets: [{name: a}]}`,
		"an empty selector":         `{sources: [{kind: ConfigMap, selector: {}}], targets: [{selector: {}, namespaceSelector: {}}]}`,
		"a name in many namespaces": `{sources: [{kind: ConfigMap, name: a}], targets: [{name: a, namespaceSelector: {}}]}`,
		"a selector in a namespace": `{sources: [{kind: ConfigMap, name: a}], targets: [{selector: {}, namespace: apps}]}`,
		"the same source twice":     `{sources: [{kind: ConfigMap, name: a}, {kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"a name with dots":          `{sources: [{kind: ConfigMap, name: kube-root-ca.crt}], targets: [{name: a.b}]}`,
		"a label without value":     `{sources: [{kind: ConfigMap, selector: {matchLabels: {a: ""}}}], targets: [{name: a}]}`,
		"a suspended trigger":       `{suspend: true, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"an account":                `{serviceAccountName: tenant, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"a quiet period":            `{quietPeriod: 1s, maxDelay: 1s, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"a quiet period alone":      `{quietPeriod: 24h, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"a window":                  `{schedule: [{cron: "0 2 * * *", window: 1m}], sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"windows in zones": `{sources: [{kind: ConfigMap, name: a}], targets: [{name: a}], schedule: [
			{cron: "*/5  1-3,22 1,15 JAN-mar mon-fri", timeZone: America/Argentina/Buenos_Aires, window: 168h}, {cron: "0 0 ? * *", timeZone: Etc/GMT+3, window: 1.5h}]}`,
		"a stage":                     `{rollout: {stages: [{name: all}]}, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"stages that leave something": `{rollout: {stages: [{name: a, selector: {}}, {name: b, selector: {}}]}, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"all fields of a rollout": `{sources: [{kind: ConfigMap, name: a}], targets: [{name: a}], rollout: {maxFailures: 0%, onFailure: Continue, stages: [
			{name: a, selector: {matchLabels: {a: b}}, maxConcurrency: 1, minSuccessTime: 168h, approval: Manual}, {name: b, maxConcurrency: 100%, minSuccessTime: 0s}]}}`,
		"numbers of a rollout": `{sources: [{kind: ConfigMap, name: a}], targets: [{name: a}], rollout: {maxFailures: 1000, stages: [{name: a, maxConcurrency: 1000}]}}`,
		"metrics of a stage": `{sources: [{kind: ConfigMap, name: a}], targets: [{name: a}], rollout: {stages: [{name: a, analysis: {metrics: [
			{name: errors, provider: prometheus, query: 'sum(rate(e{namespace=~"{{ .Namespaces }}", app=~"{{ .Releases }}", s="{{ .Stage }}"}[{{ .Interval }}]))', thresholdRange: {max: 0.05}},
			{name: served, provider: prometheus, query: "1", thresholdRange: {min: -1, max: 1e9}, baseline: Ratio}]}}]}}`,
		"webhooks of a stage": `{sources: [{kind: ConfigMap, name: a}], targets: [{name: a}], rollout: {stages: [{name: a, analysis: {interval: 5s, threshold: 1000, webhooks: [
			{name: opens, provider: a, type: gate}, {name: smoke, provider: a, type: check}, {name: informs, provider: a, type: event}]}}]}}`,
		"a copy for each target":  `{publish: {name: a}, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`,
		"copies that are deleted": `{publish: {name: 0-a, deletionPolicy: Delete}, sources: [{kind: ConfigMap, name: a, publishAs: b}], targets: [{name: a}]}`,
		"all fields of a source": `{force: Never, targets: [{name: a}], sources: [
			{kind: Secret, name: a, namespace: b, keys: [tls.crt, _x-Y], optional: true, force: Always}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(w.Client().Create(t.Context(), trigger(g, spec), client.DryRunAll)).To(Succeed())
		})
	}
}

// TestLargest: what the bounds allow stays within what CEL may cost.
func TestLargest(t *testing.T) {
	needWorld(t)
	g := NewWithT(t)
	selector := func() map[string]any {
		return map[string]any{
			"matchLabels": manyLabels(32),
			"matchExpressions": repeat(32, func(i int) any {
				return map[string]any{"key": fmt.Sprint("key", i), "operator": "In", "values": repeat(64, func(i int) any { return fmt.Sprint(i) })}
			}),
		}
	}
	obj := trigger(g, valid)
	edit(g, obj, "spec.sources", repeat(64, func(int) any {
		return map[string]any{
			"kind": "Secret", "namespace": strings.Repeat("n", 63), "selector": selector(),
			"keys": repeat(64, func(i int) any { return fmt.Sprintf("key%02d", i) + strings.Repeat("k", 20) }),
		}
	}))
	edit(g, obj, "spec.targets", repeat(64, func(int) any {
		return map[string]any{"selector": selector(), "namespaceSelector": selector()}
	}))
	edit(g, obj, "spec.schedule", repeat(16, func(int) any {
		return map[string]any{"cron": "* * * *" + strings.Repeat(" ", 100) + "*", "timeZone": strings.Repeat("a", 64), "window": "168h"}
	}))
	edit(g, obj, "spec.rollout", map[string]any{"maxFailures": "100%", "stages": repeat(16, func(i int) any {
		return map[string]any{"name": fmt.Sprint(strings.Repeat("s", 60), i), "selector": selector(), "maxConcurrency": "100%", "minSuccessTime": "168h", "analysis": map[string]any{
			"interval": "24h", "threshold": int64(1000), "webhooks": repeat(4, func(i int) any { return aWebhook(fmt.Sprint(strings.Repeat("w", 60), i)) }),
			"metrics": repeat(8, func(i int) any {
				metric := aMetric(fmt.Sprint(strings.Repeat("m", 60), i))
				metric["query"] = strings.Repeat("{{ .Namespaces }}{{ .Releases }}", 64)
				return metric
			}),
		}}
	})})
	g.Expect(w.Client().Create(t.Context(), obj, client.DryRunAll)).To(Succeed())
}

func TestTyposAreRejected(t *testing.T) {
	needWorld(t)
	g := NewWithT(t)
	obj := trigger(g, `{suspended: true, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`)
	err := client.WithFieldValidation(w.Client(), metav1.FieldValidationStrict).Create(t.Context(), obj)
	g.Expect(err).To(MatchError(ContainSubstring(`unknown field "spec.suspended"`)))
}

func TestColumns(t *testing.T) {
	needWorld(t)
	g := NewWithT(t)
	g.Expect(w.Client().Create(t.Context(), trigger(g, valid))).To(Succeed())
	for args, want := range map[string]string{
		"":        "NAME READY DELIVERED SUSPEND TRIGGERED AGE STATUS",
		"-o=wide": "NAME READY DELIVERED SUSPEND TRIGGERED AGE STATUS DIGEST MESSAGE",
	} {
		out, err := w.Kubectl(t.Context(), append([]string{"get", "vt", "-n=default"}, strings.Fields(args)...)...)
		g.Expect(err).NotTo(HaveOccurred())
		header, _, _ := strings.Cut(out, "\n")
		g.Expect(strings.Join(strings.Fields(header), " ")).To(Equal(want))
	}
}

// TestColumns_fit_a_terminal: a row of what has gone wrong stays on its line, whatever the message is.
func TestColumns_fit_a_terminal(t *testing.T) {
	needWorld(t)
	g := NewWithT(t)
	name := strings.Repeat("n", 20)
	g.Expect(w.Client().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	obj := trigger(g, `{suspend: true, sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`)
	obj.SetGenerateName("")
	obj.SetNamespace(name)
	obj.SetName(name)
	g.Expect(w.Client().Create(t.Context(), obj)).To(Succeed())
	message := strings.Repeat("why it is so, ", 70)
	edit(g, obj, "status", map[string]any{
		"headline": strings.Repeat("h", triggerv1.MaxHeadline), "delivered": "9998/9999", "lastTriggerTime": "2020-01-01T00:00:00Z",
		"conditions": []any{map[string]any{
			"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": message, "lastTransitionTime": "2020-01-01T00:00:00Z",
		}},
	})
	g.Expect(w.Client().Status().Update(t.Context(), obj)).To(Succeed())
	get := func(args ...string) string {
		out, err := w.Kubectl(t.Context(), append([]string{"get", "vt"}, args...)...)
		g.Expect(err).NotTo(HaveOccurred())
		return out
	}
	table := get("-A")
	for line := range strings.Lines(table) {
		g.Expect(len([]rune(strings.TrimSpace(line)))).To(BeNumerically("<=", 120), line)
	}
	g.Expect(table).To(MatchRegexp(`%[1]s +%[1]s +Unknown +9998/9999 +true +\S+ +\S+ +h+\n`, name))
	g.Expect(get("-n", name, "-o=wide")).To(ContainSubstring(strings.TrimSpace(message)))
}

// TestSamples applies the samples as the documentation says, twice: the second
// time changes nothing.
func TestSamples(t *testing.T) {
	needWorld(t)
	g := NewWithT(t)
	// The rest of what they need, they bring.
	g.Expect(w.Client().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "flux-system"}})).To(Succeed())
	out, err := w.Kubectl(t.Context(), "apply", "--validate=strict", "-k", "../../config/samples")
	g.Expect(err).NotTo(HaveOccurred())
	for _, want := range []string{
		"helmrelease.helm.toolkit.fluxcd.io/my-app created",
		"configmap/my-app-config created",
		"configmap/production-config created",
		"valuestrigger.trigger.nebius.ai/careful created",
		"valuestrigger.trigger.nebius.ai/my-app created",
		"valuestrigger.trigger.nebius.ai/platform created",
		"valuestrigger.trigger.nebius.ai/production-app created",
		"valuestrigger.trigger.nebius.ai/tenant created",
	} {
		g.Expect(out).To(ContainSubstring(want))
	}
	out, err = w.Kubectl(t.Context(), "apply", "-k", "../../config/samples")
	g.Expect(err).NotTo(HaveOccurred())
	for line := range strings.Lines(out) {
		g.Expect(line).To(HaveSuffix(" unchanged\n"))
	}

	// The documentation's own edit of the sample.
	_, err = w.Kubectl(t.Context(), "patch", "configmap", "my-app-config", "-n", "default", "--type=merge",
		`-p={"data":{"config.yaml":"database:\n  host: \"new-db.example.com\"\n  port: 5432\nfeatures:\n  enableAuth: true\n  maxConnections: 200"}}`)
	g.Expect(err).NotTo(HaveOccurred())
}

// TestEverySampleIsListed: a sample that is not in the kustomization is not
// tested above.
func TestEverySampleIsListed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(sampleFiles(g)).To(ConsistOf(listedSamples(g)))
}
