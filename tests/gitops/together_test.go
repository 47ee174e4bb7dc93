// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// neighbours are the ConfigMaps that change in the same commit and are applied between the
// values and the HelmRelease.
const neighbours = 30

// git is what is in Git after a commit.
type git struct {
	ns string
	n  int

	// Of the releases: where they read their values, and whether they are suspended.
	values    string // a format of the release's name
	suspended bool

	// fixed leaves the chart at its first version, and contract labels the values for canary.
	fixed, contract bool

	// trigger is the spec of the ValuesTrigger doors as YAML, none if empty, and requestedAt
	// an annotation of it.
	trigger     string
	requestedAt string
}

// asking has the trigger reconciled about what the commit holds.
func (g git) asking() git {
	g.requestedAt = fmt.Sprintf("commit-%d", g.n)
	return g
}

// releases of a case with stages. Without a trigger there is only the first.
var stages = []string{"canary", "prod"}

func (g git) chart() string {
	if g.fixed {
		return chartVersion(0)
	}
	return chartVersion(g.n)
}

func (g git) files(crowded bool) map[string]string {
	manifests := []string{g.source()}
	if crowded {
		for i := range neighbours {
			manifests = append(manifests, configMap(g.ns, fmt.Sprintf("other-%d", i), map[string]string{"n": fmt.Sprint(g.n)}))
		}
	}
	for _, name := range g.releases() {
		values := g.values
		if strings.Contains(values, "%s") {
			values = fmt.Sprintf(values, name)
		}
		manifests = append(manifests, fmt.Sprintf(`apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {namespace: %[1]s, name: %[2]s, labels: {stage: %[2]s}}
spec:
  interval: 1h
  maxHistory: 0
  suspend: %[3]t
  chart:
    spec: {chart: app, version: %[4]s, interval: 1h, sourceRef: {kind: HelmRepository, name: charts}}
  valuesFrom:
  - {kind: ConfigMap, name: %[5]s}
`, g.ns, name, g.suspended, g.chart(), values))
	}
	if g.trigger != "" {
		annotations := "{}"
		if g.requestedAt != "" {
			annotations = fmt.Sprintf("{%s: %s}", meta.ReconcileRequestAnnotation, g.requestedAt)
		}
		manifests = append(manifests, fmt.Sprintf(`apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {namespace: %s, name: doors, annotations: %s}
spec:
  sources:
  - {kind: ConfigMap, name: app-values}
  targets:
  - {name: canary}
  - {name: prod}
`, g.ns, annotations)+g.trigger)
	}
	return map[string]string{"all.yaml": yamlOf(manifests...)}
}

func (g git) releases() []string {
	if g.trigger == "" {
		return stages[:1]
	}
	return stages
}

func (g git) pair() string { return fmt.Sprintf("%d with chart %s", g.n, g.chart()) }

// each runs a case alone in its Kustomization, and with neighbours.
func each(t *testing.T, name string, run func(e *team, push func(g git))) {
	t.Helper()
	t.Parallel()
	for label, crowded := range map[string]bool{"alone": false, "crowded": true} {
		t.Run(label, func(t *testing.T) {
			e := newTeam(t, name)
			var atFirst []string // While all is installed for the first time, some things are missing.
			run(e, func(g git) {
				g.ns = e.ns
				if g.n == 1 {
					var err error
					atFirst, err = e.warnings()
					e.Expect(err).NotTo(HaveOccurred())
				}
				e.commit(g.files(crowded))
			})
			for _, release := range stages {
				if _, err := e.release(release); err == nil {
					e.Eventually(e.atRest(release)).Should(BeTrue())
				}
			}
			all, err := e.warnings()
			e.Expect(err).NotTo(HaveOccurred())
			e.Expect(slices.DeleteFunc(all, func(one string) bool { return slices.Contains(atFirst, one) })).To(BeEmpty())
		})
	}
}

// delivered waits until a release runs what is in Git, and the trigger says so.
func (e *team) delivered(g git, trigger string) {
	e.t.Helper()
	for _, release := range g.releases() {
		e.Eventually(e.pairs(release)).Should(ContainElement(g.pair()), release)
	}
	if trigger != "" {
		e.Eventually(e.ready(trigger)).Should(HavePrefix("True Succeeded: Delivered"))
	}
	for _, release := range g.releases() {
		e.Eventually(e.atRest(release)).Should(BeTrue(), release)
	}
}

// commits returns what is in Git after each commit of a case. It begins with the first state,
// which each commit changes.
func commits(begin git, change func(*git)) []git {
	all := []git{begin}
	for n := 1; n <= *commitsFlag; n++ {
		next := begin
		next.n = n
		if change != nil {
			change(&next)
		}
		all = append(all, next)
	}
	return all
}

func pairsOf(all ...git) []string {
	pairs := make([]string, len(all))
	for i, g := range all {
		pairs[i] = g.pair()
	}
	return pairs
}

func TestTogether_values_and_chart_of_one_commit_are_one_revision(t *testing.T) {
	each(t, "chart", func(e *team, push func(git)) {
		all := commits(git{values: "app-values"}, nil)
		for _, g := range all {
			push(g)
			e.delivered(g, "")
		}
		e.Consistently(e.pairs("canary")).Should(Equal(pairsOf(all...)))
	})
}

const halting = `  rollout:
    maxFailures: 0
    stages:
    - {name: canary, selector: {matchLabels: {stage: canary}}}
    - {name: prod}
`

func TestTogether_values_that_only_the_new_chart_takes_halt_nothing(t *testing.T) {
	each(t, "halt", func(e *team, push func(git)) {
		all := commits(git{values: "app-values", trigger: halting}, nil)
		for _, g := range all {
			push(g)
			e.delivered(g, "doors")
		}
		for _, release := range stages {
			e.Consistently(e.pairs(release)).Should(Equal(pairsOf(all...)))
		}
	})
}

const rollingBack = halting + `    onFailure: Rollback
  publish: {name: shared}
`

func TestTogether_values_that_only_the_new_chart_takes_are_not_rolled_back(t *testing.T) {
	each(t, "back", func(e *team, push func(git)) {
		all := commits(git{values: "%s-shared", trigger: rollingBack}, nil)
		// A copy waits for its turn and the chart does not, so the new chart meets the values
		// of before. New values never meet the old chart.
		allowed := pairsOf(all...)
		for i := 1; i < len(all); i++ {
			allowed = append(allowed, fmt.Sprintf("%d with chart %s", all[i-1].n, all[i].chart()))
		}
		for _, g := range all {
			push(g)
			e.delivered(g, "doors")
		}
		for _, release := range stages {
			e.Consistently(e.pairs(release)).Should(HaveEach(BeElementOf(allowed)))
			e.Expect(e.pairs(release)()).To(ContainElements(pairsOf(all...)))
		}
		vt, err := e.trigger("doors")
		e.Expect(err).NotTo(HaveOccurred())
		for _, change := range vt.Status.History {
			e.Expect(change.Outcome).NotTo(Equal(triggerv1.ChangeRolledBack))
		}
	})
}

func TestTogether_a_release_that_the_commit_suspends_is_left_alone(t *testing.T) {
	each(t, "suspend", func(e *team, push func(git)) {
		all := commits(git{values: "app-values", fixed: true}, func(g *git) { g.suspended = g.n%2 == 1 })
		var run []git
		for _, g := range all {
			push(g)
			if !g.suspended {
				run = append(run, g)
				e.delivered(g, "")
				continue
			}
			e.Eventually(func() (triggerv1.TargetState, error) {
				list := &triggerv1.ValuesTriggerList{}
				if err := e.list(list); err != nil || len(list.Items) != 1 || len(list.Items[0].Status.Targets) != 1 {
					return "", err
				}
				return list.Items[0].Status.Targets[0].State, nil
			}).Should(Equal(triggerv1.TargetHeld))
			e.Consistently(e.pairs("canary")).Should(Equal(pairsOf(run...)))
		}
		e.Consistently(e.pairs("canary")).Should(Equal(pairsOf(run...)))
	})
}

func TestTogether_a_trigger_that_the_commit_suspends_asks_for_nothing(t *testing.T) {
	each(t, "stop", func(e *team, push func(git)) {
		const spec = "  suspend: %t\n"
		all := commits(git{values: "app-values", fixed: true, trigger: fmt.Sprintf(spec, false)},
			func(g *git) { g.trigger = fmt.Sprintf(spec, g.n%2 == 1) })
		var run []git
		for _, g := range all {
			push(g)
			if g.n%2 == 0 {
				run = append(run, g)
				e.delivered(g, "doors")
			}
			for _, release := range stages {
				e.Consistently(e.pairs(release)).Should(Equal(pairsOf(run...)))
			}
		}
	})
}

func TestTogether_stages_of_the_commit_hold_its_values_back(t *testing.T) {
	const open = "  publish: {name: shared}\n"
	const held = open + `  rollout:
    stages:
    - {name: canary, selector: {matchLabels: {stage: canary}}}
    - {name: prod, approval: Manual}
`
	each(t, "stages", func(e *team, push func(git)) {
		all := commits(git{values: "%s-shared", fixed: true, trigger: open}, func(g *git) {
			if g.n%2 == 1 {
				g.trigger = held
			}
		})
		var run []git
		for _, g := range all {
			push(g)
			if g.trigger == open {
				run = append(run, g)
				e.delivered(g, "doors")
				continue
			}
			e.Eventually(e.pairs("canary")).Should(ContainElement(g.pair()))
			e.Eventually(func() (triggerv1.RolloutPhase, error) {
				vt, err := e.trigger("doors")
				if err != nil || vt.Status.Rollout == nil {
					return "", err
				}
				return vt.Status.Rollout.Phase, nil
			}).Should(Equal(triggerv1.RolloutAwaitingApproval))
			e.Consistently(e.pairs("prod")).Should(Equal(pairsOf(run...)))
		}
		e.Expect(e.pairs("canary")()).To(Equal(pairsOf(all...)))
		e.Expect(e.pairs("prod")()).To(Equal(pairsOf(run...)))
	})
}
