// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const carefully = `apiVersion: v1
kind: ConfigMap
metadata: {name: platform-values}
---
apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {name: platform}
spec:
  sources: [{kind: ConfigMap, name: platform-values}]
  targets: [{selector: {}}]
  quietPeriod: 30s
  schedule: [{cron: "0 2 * * *", timeZone: Europe/Berlin, window: 2h}]
  rollout:
    stages:
    - {name: canary, selector: {matchLabels: {tier: canary}}, minSuccessTime: 10m}
    - {name: prod, maxConcurrency: 10%, approval: Manual}
`

func selects(key, value string) *triggerv1.Selector {
	return &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{key: triggerv1.LabelValue(value)}}
}

// staged is a cluster with a trigger in stages, and all that can be in the way.
func staged() []client.Object {
	vt := trigger("platform", "platform", []triggerv1.SourceReference{from("ConfigMap", "", "platform-values")})
	vt.Spec.Targets = []triggerv1.TargetReference{
		{Selector: &triggerv1.Selector{}, NamespaceSelector: selects("env", "prod")}, {Name: "named", Namespace: "elsewhere"}, {Name: "gone", Namespace: "elsewhere"},
	}
	canary := triggerv1.Stage{Name: "canary", Selector: selects("tier", "canary")}
	canary.MinSuccessTime.Duration = 10 * time.Minute
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		canary, {Name: "prod", Selector: selects("tier", "prod"), MaxConcurrency: new(intstr.FromString("25%"))},
	}}
	objects := []client.Object{vt}
	for namespace, env := range map[string]string{"one": "prod", "two": "prod", "test": "test", "elsewhere": "", "platform": ""} {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"env": env}}})
	}
	add := func(namespace, name, tier string, modify func(*helmv2.HelmRelease)) {
		hr := release(name)
		hr.Namespace, hr.Labels = namespace, map[string]string{"tier": tier}
		if modify != nil {
			modify(hr)
		}
		objects = append(objects, hr)
	}
	add("one", "canary", "canary", nil)
	add("two", "canary", "canary", func(hr *helmv2.HelmRelease) {
		hr.Spec.DependsOn = []helmv2.DependencyReference{{Name: "canary", Namespace: "one"}}
	})
	for i := range 8 {
		add([]string{"one", "two"}[i%2], fmt.Sprintf("app-%d", i), "prod", nil)
	}
	add("elsewhere", "named", "prod", nil)
	add("one", "asleep", "prod", func(hr *helmv2.HelmRelease) { hr.Spec.Suspend = true })
	add("two", "forgotten", "", nil)
	add("test", "other", "canary", nil)
	add("elsewhere", "unnamed", "canary", nil)
	return objects
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		golden string
		args   string
	}{
		{"simulate-cluster.txt", "simulate platform -n platform"},
		{"simulate-cluster.json", "simulate vt/platform -n platform -o json --breaks 100%"},
		{"simulate-file.txt", "simulate -f - --releases 3,117 --approval 7h --at 2026-06-01T12:00:00Z"},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			got := (&call{objects: staged(), in: carefully}).run(t, strings.Fields(c.args)...)
			NewWithT(t).Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
			golden(t, c.golden, got.out)
		})
	}
}

// The schedule and the approval of the file take the time that they take.
func TestSimulate_tells_times_and_what_a_bad_change_hits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	got := (&call{in: carefully}).run(t, "simulate", "-f", "-", "--releases", "3,100", "--at", "2026-06-01T12:00:00Z", "--breaks", "100", "-o", "json")
	g.Expect(got.code).To(BeZero())
	var answer simulated
	g.Expect(json.Unmarshal([]byte(got.out), &answer)).To(Succeed())
	g.Expect(answer.ValuesTrigger).To(Equal("default/platform"))
	g.Expect(answer.Good.Stages[0].Began.Duration).To(BeNumerically("~", 12*time.Hour, 2*time.Second), "two in the night of Berlin, in summer")
	g.Expect(answer.Good.Stages[1].Peak).To(Equal(10))
	g.Expect(answer.Bad[0].Names).To(ConsistOf("canary-1", "canary-2", "canary-3"))
	g.Expect((&call{in: carefully}).run(t, "simulate", "-f", "-", "--releases", "3,100", "--at", "2026-06-01T12:00:00Z", "--breaks", "100", "-o", "json")).To(Equal(got))
}

const measured = `apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {name: platform}
spec:
  sources: [{kind: ConfigMap, name: platform-values}]
  targets: [{selector: {}}]
  rollout:
    stages:
    - name: canary
      selector: {matchLabels: {tier: canary}}
      minSuccessTime: 10m
      analysis:
        interval: 1m
        threshold: 3
        metrics: [{name: error-rate, provider: prometheus, query: up, thresholdRange: {max: 0.05}}]
    - name: prod
      maxConcurrency: 10%
      analysis: {threshold: 5, webhooks: [{name: smoke, provider: smoke, type: check}]}
`

func TestSimulate_analysis(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	args := strings.Fields("simulate -f - --releases 3,100 --false-positives 2 --detects 50%,90 --breaks 100 --at 2026-06-01T12:00:00Z")
	got := (&call{in: measured}).run(t, args...)
	g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
	golden(t, "simulate-analysis.txt", got.out)
	g.Expect((&call{in: measured}).run(t, args...)).To(Equal(got), "equal seeds give equal answers")
}

func TestSimulate_mistakes(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"simulate":                                             "give the name of a ValuesTrigger, or a file: -f FILE",
		"simulate platform -f -":                               "give the name of a ValuesTrigger, or a file",
		"simulate cm/platform":                                 `"cm/platform": give a ValuesTrigger`,
		"simulate -f - --releases 3":                           "--releases has 1 number for 2 stages; give one for each",
		"simulate -f - --releases 3,-1":                        "--releases -1: a stage has at least 0",
		"simulate -f - --releases 0,0":                         "0 HelmReleases: between 1 and 20000 can be simulated",
		"simulate -f - --releases 1,1 --runs -1":               "--runs -1: give a number between 1 and 1000",
		"simulate -f - --releases 1,1 --detects 200":           `--detects "200": give a percentage, between 0 and 100`,
		"simulate -f - --releases 1,1 --false-positives 1,2,3": "--false-positives has 3 numbers for 2 stages; give one for all, or one for each",
		"simulate -f - --releases 1,1 --breaks x":              `--breaks "x": give a percentage`,
		"simulate -f - --releases 1,1 --breaks 0":              `--breaks "0": give a percentage, more than 0`,
		"simulate -f - --releases 1,1 --at noon":               `--at "noon": give a time such as`,
		"simulate -f - --releases 1,1 --slow 1s":               "the time of slow upgrades must not be shorter",
		"simulate -f nothing.yaml":                             "no such file",
	} {
		got := (&call{objects: staged(), in: carefully}).run(t, strings.Fields(args)...)
		g := NewWithT(t)
		g.Expect(got.code).To(Equal(2), args)
		g.Expect(got.err).To(ContainSubstring(want), args)
	}
	for in, want := range map[string]string{
		"kind: ConfigMap": "there are 0 ValuesTriggers in the file; give one",
		strings.ReplaceAll(carefully, "maxConcurrency", "maxConcurency"): `unknown field "maxConcurency"`,
		strings.ReplaceAll(carefully, "0 2 * * *", "0 25 * * *"):         "spec.schedule[0]: cron",
	} {
		got := (&call{in: in}).run(t, "simulate", "-f", "-", "--releases", "1,1")
		g := NewWithT(t)
		g.Expect(got.code).NotTo(BeZero(), in)
		g.Expect(got.err).To(ContainSubstring(want), in)
	}
}

// What the operator leaves out of a rollout, or counts once, is left out of a simulation too.
func TestSimulate_selects_as_the_operator_does(t *testing.T) {
	t.Parallel()
	objects := staged()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	vt.Spec.Targets = append(vt.Spec.Targets,
		triggerv1.TargetReference{Name: "gone", Namespace: "elsewhere"}, triggerv1.TargetReference{Name: "perhaps", Optional: true},
		triggerv1.TargetReference{Name: "ending", Namespace: "elsewhere"}, triggerv1.TargetReference{Selector: selects("tier", "db")})
	ending := release("ending")
	ending.Namespace, ending.Labels, ending.Finalizers = "elsewhere", map[string]string{"tier": "prod"}, []string{helmv2.HelmReleaseFinalizer}
	ending.DeletionTimestamp = &metav1.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	got := (&call{objects: append(objects, ending)}).run(t, "simulate", "platform", "-n", "platform", "-o", "json")
	g := NewWithT(t)
	g.Expect(got.code).To(BeZero(), got.err)
	g.Expect(got.err).To(Equal("warning: spec.targets[6].selector matches no HelmRelease in namespace platform; label one, correct selector or namespace, or set spec.targets[6].optional\n"))
	var answer simulated
	g.Expect(json.Unmarshal([]byte(got.out), &answer)).To(Succeed())
	g.Expect(answer.LeftOut.Missing).To(Equal([]string{"elsewhere/ending", "elsewhere/gone"}))
}
