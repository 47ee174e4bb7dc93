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

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

var latencyFlag = flag.Bool("gitops.latency", false, "measure the time until commits are rendered, see make bench-commits")

// contestants are three releases that differ only in who notices a change: the operator,
// helm-controller by its label, and no one before the interval.
var contestants = []string{"ours", "watch", "plain"}

const contestant = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {namespace: %[1]s, name: %[2]s, labels: {%[3]s}}
spec:
  interval: 1h
  maxHistory: 0
  chart:
    spec: {chart: app, version: %[6]s, interval: 1h, sourceRef: {kind: HelmRepository, name: charts}}
  valuesFrom: [{kind: ConfigMap, name: %[2]s-values}]
---
apiVersion: v1
kind: ConfigMap
metadata: {namespace: %[1]s, name: %[2]s-values, labels: {%[4]s}}
data: {values.yaml: "knob: %[5]d\nsince: 0.0.0\n"}
`

// race returns what is in Git after a commit of values, and a chart if that changes too.
func (g git) race() map[string]string {
	const optOut = triggerv1.LabelReconcilerNameSourceKey + `: "false"`
	labels := map[string][2]string{"watch": {optOut, "reconcile.fluxcd.io/watch: Enabled"}, "plain": {optOut, ""}}
	files := map[string]string{}
	for _, name := range contestants {
		files[name+".yaml"] = fmt.Sprintf(contestant, g.ns, name, labels[name][0], labels[name][1], g.n, g.chart())
	}
	return files
}

// lap is how long a commit took from the push on, by the audit log of the API server.
type lap struct{ applied, rendered time.Duration }

// Nothing is asserted of times: the figures are in docs/benchmarks.md.
func TestLatency_from_commit_to_rendered(t *testing.T) {
	if !*latencyFlag {
		t.Skip("measures, by make bench-commits")
	}
	for name, fixed := range map[string]bool{"values": true, "values and chart": false} {
		t.Run(name, func(t *testing.T) { measure(aTeam(t, "latency"), fixed) })
	}
}

func measure(e *team, fixed bool) {
	e.t.Helper()
	rest := func(names []string) {
		for _, name := range names {
			e.Eventually(e.atRest(name)).Should(BeTrue(), name)
		}
		e.Eventually(e.ready("ours-auto")).Should(HavePrefix("True Succeeded: Delivered"))
	}
	e.commit(git{ns: e.ns, fixed: fixed}.race())
	rest(contestants)
	noticing := contestants
	if fixed {
		noticing = contestants[:2]
	}
	laps := map[string][]lap{}
	inGit := []string{git{fixed: fixed}.pair()}
	for n := 1; n <= *commitsFlag; n++ {
		mark, pushed := e.mark(), time.Now()
		g := git{ns: e.ns, n: n, fixed: fixed}
		e.commit(g.race())
		inGit = append(inGit, g.pair())
		for _, name := range noticing {
			e.Eventually(e.pairs(name)).Should(ContainElement(g.pair()), name)
		}
		rest(noticing)
		for _, name := range noticing {
			laps[name] = append(laps[name], lap{
				applied:  e.patched(mark, world.KustomizeControllerUser, name+"-values", 0).Sub(pushed),
				rendered: e.patched(mark, world.HelmControllerUser, name, -1).Sub(pushed),
			})
		}
	}
	if fixed {
		e.Expect(e.knob("plain")).To(Equal("0"), "at the interval only")
	}
	e.t.Log("\n" + e.table(laps, inGit))
}

// patched returns when a user has patched a ConfigMap after a mark: the first time, or from the
// end, what was there when all was done.
func (e *team) patched(since world.AuditMark, user, name string, at int) time.Time {
	e.t.Helper()
	events, err := field.AuditEvents(e.ctx, since, func(event world.AuditEvent) bool {
		return world.WritesBy(user)(event) && event.Namespace == e.ns && event.Resource == "configmaps" && event.Name == name
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(events).NotTo(BeEmpty())
	return events[(at+len(events))%len(events)].Time
}

// table returns the laps as Markdown, in seconds.
func (e *team) table(laps map[string][]lap, inGit []string) string {
	var out strings.Builder
	row := func(what string, of func(name string) string) {
		fmt.Fprintf(&out, "| %s |", what)
		for _, name := range contestants {
			fmt.Fprintf(&out, " %s |", of(name))
		}
		fmt.Fprintln(&out)
	}
	times := func(of func(lap) time.Duration) func(string) string {
		return func(name string) string {
			if len(laps[name]) == 0 {
				return "the interval"
			}
			var all []float64
			for _, one := range laps[name] {
				all = append(all, of(one).Seconds())
			}
			slices.Sort(all)
			return fmt.Sprintf("%.2f (%.2f to %.2f)", all[len(all)/2], all[0], all[len(all)-1])
		}
	}
	fmt.Fprintf(&out, "| %d commits | Ours | Flux's watch | Plain Flux |\n| --- | ---: | ---: | ---: |\n", len(laps["ours"]))
	row("push to rendered", times(func(l lap) time.Duration { return l.rendered }))
	row("ConfigMap applied to rendered", times(func(l lap) time.Duration { return l.rendered - l.applied }))
	row("revisions", func(name string) string {
		all, err := e.revisions(name)
		e.Expect(err).NotTo(HaveOccurred())
		return fmt.Sprint(len(all) - 1) // Without the installation.
	})
	row("of these, of a pair that was never in Git", func(name string) string {
		pairs, err := e.pairs(name)()
		e.Expect(err).NotTo(HaveOccurred())
		return fmt.Sprint(len(slices.DeleteFunc(pairs, func(pair string) bool { return slices.Contains(inGit, pair) })))
	})
	return out.String()
}
