// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

var latencyFlag = flag.Int("gitops.latency", 0, "commits of which TestLatency measures the time until they are rendered; 0 skips it")

// contestants are three releases that differ only in who notices a change: the operator,
// helm-controller by its label, and no one before the interval.
var contestants = []string{"ours", "watch", "plain"}

const contestant = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {namespace: %[1]s, name: %[2]s, labels: {%[3]s}}
spec:
  interval: 1h
  maxHistory: 0
  chartRef: {kind: OCIRepository, name: app}
  valuesFrom: [{kind: ConfigMap, name: %[2]s-values}]
---
apiVersion: v1
kind: ConfigMap
metadata: {namespace: %[1]s, name: %[2]s-values, labels: {%[4]s}}
data: {values.yaml: "knob: %[5]d\nsince: 0.0.0\n"}
`

// race returns what is in Git after a commit.
func race(ns string, n int) map[string]string {
	const optOut = triggerv1.LabelReconcilerNameSourceKey + `: "false"`
	files := map[string]string{"chart.yaml": fmt.Sprintf(`apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {namespace: %s, name: app}
spec: {interval: 1h, insecure: true, url: %s/app, ref: {tag: %s}}
`, ns, field.ChartsURL(), chartVersion(0))}
	labels := map[string][2]string{"watch": {optOut, "reconcile.fluxcd.io/watch: Enabled"}, "plain": {optOut, ""}}
	for _, name := range contestants {
		files[name+".yaml"] = fmt.Sprintf(contestant, ns, name, labels[name][0], labels[name][1], n)
	}
	return files
}

// lap is how long a commit took from the push on, by the audit log of the API server.
type lap struct{ applied, rendered time.Duration }

// Nothing is asserted of times: the figures are in docs/benchmarks.md.
func TestLatency_from_commit_to_rendered(t *testing.T) {
	if *latencyFlag == 0 {
		t.Skip("measures, with -gitops.latency=N")
	}
	e := newTeam(t, "latency")
	e.commit(race(e.ns, 0))
	e.Eventually(e.ready("ours-auto")).Should(HavePrefix("True Succeeded: Delivered"))
	for _, name := range contestants {
		e.Eventually(e.atRest(name)).Should(BeTrue(), name)
	}
	laps := map[string][]lap{}
	for n := 1; n <= *latencyFlag; n++ {
		mark, pushed := e.mark(), time.Now()
		e.commit(race(e.ns, n))
		for _, name := range contestants[:2] {
			e.Eventually(func() (string, error) { return e.knob(name) }).Should(Equal(fmt.Sprint(n)), name)
			e.Eventually(e.atRest(name)).Should(BeTrue(), name)
			one := lap{
				applied:  e.patched(mark, world.KustomizeControllerUser, name+"-values").Sub(pushed),
				rendered: e.patched(mark, world.HelmControllerUser, name).Sub(pushed),
			}
			laps[name] = append(laps[name], one)
		}
		e.Eventually(e.ready("ours-auto")).Should(HavePrefix("True Succeeded: Delivered"))
	}
	e.Expect(e.knob("plain")).To(Equal("0"), "at the interval only")
	hr, err := e.release("plain")
	e.Expect(err).NotTo(HaveOccurred())
	t.Log("\n" + table(laps, hr))
}

// patched returns when a user has first patched a ConfigMap after a mark.
func (e *team) patched(since world.AuditMark, user, name string) time.Time {
	e.t.Helper()
	events, err := field.AuditEvents(e.ctx, since, func(event world.AuditEvent) bool {
		return world.WritesBy(user)(event) && event.Namespace == e.ns && event.Resource == "configmaps" && event.Name == name
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(events).NotTo(BeEmpty())
	return events[0].Time
}

// table returns the laps as Markdown, in seconds.
func table(laps map[string][]lap, plain *helmv2.HelmRelease) string {
	var out strings.Builder
	row := func(what string, of func(lap) time.Duration) {
		fmt.Fprintf(&out, "| %s |", what)
		for _, name := range contestants[:2] {
			var all []float64
			for _, one := range laps[name] {
				all = append(all, of(one).Seconds())
			}
			slices.Sort(all)
			fmt.Fprintf(&out, " %.2f (%.2f to %.2f) |", all[len(all)/2], all[0], all[len(all)-1])
		}
		fmt.Fprintf(&out, " the interval, %s |\n", plain.Spec.Interval.Duration)
	}
	fmt.Fprintf(&out, "%d commits\n| Median, and range, s | Ours | Flux's watch | Plain Flux |\n| --- | ---: | ---: | ---: |\n", len(laps["ours"]))
	row("push to rendered", func(l lap) time.Duration { return l.rendered })
	row("ConfigMap applied to rendered", func(l lap) time.Duration { return l.rendered - l.applied })
	return out.String()
}
