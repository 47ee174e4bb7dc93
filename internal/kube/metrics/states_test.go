// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// cached is a cache that holds some triggers.
type cached struct {
	client.Reader
	triggers []triggerv1.ValuesTrigger
	err      error
}

func (c cached) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*triggerv1.ValuesTriggerList).Items = append([]triggerv1.ValuesTrigger{}, c.triggers...)
	return c.err
}

func trigger(ready metav1.ConditionStatus, reason string, states ...triggerv1.TargetState) triggerv1.ValuesTrigger {
	vt := triggerv1.ValuesTrigger{}
	if reason != "" {
		vt.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: ready, Reason: reason}}
	}
	for _, state := range states {
		vt.Status.Targets = append(vt.Status.Targets, triggerv1.TargetStatus{State: state})
	}
	return vt
}

// since gives a trigger a change that is as old.
func since(vt triggerv1.ValuesTrigger, outcome triggerv1.ChangeOutcome, age time.Duration) triggerv1.ValuesTrigger {
	vt.Status.History = []triggerv1.Change{{Outcome: outcome, Time: metav1.NewTime(time.Now().Add(-age))}}
	return vt
}

// rolling puts a trigger into a phase of a rollout.
func rolling(vt triggerv1.ValuesTrigger, phase triggerv1.RolloutPhase) triggerv1.ValuesTrigger {
	vt.Status.Rollout = &triggerv1.RolloutStatus{Phase: phase}
	return vt
}

var (
	everything = func(client.Object) bool { return true }
	leading    = func() <-chan struct{} {
		elected := make(chan struct{})
		close(elected)
		return elected
	}()
)

func TestStates(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	suspended := since(trigger(metav1.ConditionUnknown, "Progressing", triggerv1.TargetTriggered), triggerv1.ChangeInProgress, 24*time.Hour)
	suspended.Spec.Suspend = true
	suspended = rolling(suspended, triggerv1.RolloutProgressing)
	triggers := []triggerv1.ValuesTrigger{
		trigger("", ""),
		trigger(metav1.ConditionTrue, "Succeeded", triggerv1.TargetDelivered, triggerv1.TargetDelivered),
		trigger(metav1.ConditionTrue, "Succeeded", triggerv1.TargetDelivered),
		since(trigger(metav1.ConditionUnknown, "Progressing", triggerv1.TargetTriggered, triggerv1.TargetPending), triggerv1.ChangeInProgress, time.Hour),
		since(trigger(metav1.ConditionUnknown, "Progressing", triggerv1.TargetPending), triggerv1.ChangeInProgress, time.Minute),
		since(trigger(metav1.ConditionUnknown, "Progressing", triggerv1.TargetPending), triggerv1.ChangeDelivered, 8*time.Hour),
		since(trigger(metav1.ConditionFalse, "TargetsHeld", triggerv1.TargetHeld), triggerv1.ChangeInProgress, 9*time.Hour),
		trigger(metav1.ConditionFalse, "DeliveryFailed", triggerv1.TargetFailed, triggerv1.TargetMissing),
		trigger(metav1.ConditionFalse, "OfALaterVersion"),
		rolling(since(trigger(metav1.ConditionUnknown, "Progressing", triggerv1.TargetPending), triggerv1.ChangeInProgress, 8*time.Hour), triggerv1.RolloutSoaking),
		rolling(trigger(metav1.ConditionFalse, "RolloutHalted"), triggerv1.RolloutHalted),
		suspended,
	}
	registry := prometheus.NewPedanticRegistry()
	m := New(registry)
	m.Serve(cached{triggers: triggers}, everything, leading)
	values := gather(g, registry)
	g.Expect(values).To(And(
		HaveKeyWithValue("targets{state=Pending}", 4.0), HaveKeyWithValue("targets{state=Held}", 1.0),
		HaveKeyWithValue("targets{state=Triggered}", 1.0), HaveKeyWithValue("targets{state=Delivered}", 3.0),
		HaveKeyWithValue("targets{state=Failed}", 1.0), HaveKeyWithValue("targets{state=Missing}", 1.0),
		HaveKeyWithValue("valuestriggers{ready=True,reason=Succeeded,suspended=false}", 2.0),
		HaveKeyWithValue("valuestriggers{ready=Unknown,reason=Progressing,suspended=false}", 5.0),
		HaveKeyWithValue("valuestriggers{ready=Unknown,reason=Progressing,suspended=true}", 1.0),
		HaveKeyWithValue("valuestriggers{ready=False,reason=TargetsHeld,suspended=false}", 1.0),
		HaveKeyWithValue("valuestriggers{ready=False,reason=DeliveryFailed,suspended=false}", 1.0),
		HaveKeyWithValue("valuestriggers{ready=False,reason=Other,suspended=false}", 1.0),
		HaveKeyWithValue("valuestriggers{ready=False,reason=RolloutHalted,suspended=false}", 1.0),
		HaveKeyWithValue("rollouts{phase=Soaking}", 1.0), HaveKeyWithValue("rollouts{phase=Halted}", 1.0), HaveKeyWithValue("rollouts{phase=Progressing}", 0.0),
		HaveKeyWithValue("oldest_change_seconds", BeNumerically("~", 3600, 10)),
	))

	m.Serve(cached{}, everything, leading)
	values = gather(g, registry)
	g.Expect(values).To(HaveKeyWithValue("targets{state=Failed}", 0.0), "a state that nothing is in is there, too")
	g.Expect(values).To(HaveKeyWithValue("oldest_change_seconds", 0.0))
}

// A status lists some of its targets, and counts all.
func TestStates_count_what_is_not_listed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := trigger(metav1.ConditionUnknown, "Progressing", triggerv1.TargetFailed, triggerv1.TargetHeld)
	vt.Status.Summary = &triggerv1.TargetSummary{Total: 10_000, Delivered: 9000, Triggered: 500, Pending: 300, Held: 190, Failed: 9, Missing: 1}
	earlier := trigger(metav1.ConditionTrue, "Succeeded", triggerv1.TargetDelivered)
	registry := prometheus.NewPedanticRegistry()
	New(registry).Serve(cached{triggers: []triggerv1.ValuesTrigger{vt, earlier}}, everything, leading)
	g.Expect(gather(g, registry)).To(And(
		HaveKeyWithValue("targets{state=Delivered}", 9001.0), HaveKeyWithValue("targets{state=Triggered}", 500.0),
		HaveKeyWithValue("targets{state=Pending}", 300.0), HaveKeyWithValue("targets{state=Held}", 190.0),
		HaveKeyWithValue("targets{state=Failed}", 9.0), HaveKeyWithValue("targets{state=Missing}", 1.0),
	))
}

func TestStates_are_told_by_the_leader_about_what_it_serves(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	m := New(registry)
	g.Expect(gather(g, registry)).NotTo(HaveKey("targets{state=Delivered}"), "no manager runs")

	other := trigger(metav1.ConditionTrue, "Succeeded", triggerv1.TargetDelivered)
	own := other
	own.Labels = map[string]string{"shard": "one"}
	cache := cached{triggers: []triggerv1.ValuesTrigger{other, own, other}}
	serves := func(obj client.Object) bool { return obj.GetLabels()["shard"] == "one" }
	elected := make(chan struct{})
	m.Serve(cache, serves, elected)
	g.Expect(gather(g, registry)).NotTo(HaveKey("targets{state=Delivered}"), "another one leads")
	close(elected)
	g.Expect(gather(g, registry)).To(HaveKeyWithValue("targets{state=Delivered}", 1.0))

	cache.err = errors.New("not synced")
	m.Serve(cache, serves, leading)
	g.Expect(gather(g, registry)).NotTo(HaveKey("targets{state=Delivered}"), "nothing is known")
	g.Expect(gather(g, registry)).To(HaveKey("requests_lost_total"), "the scrape goes on")
}

// A reason that is not known here would be shown as Other.
func TestStates_know_every_reason(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	text, err := os.ReadFile("../../../api/v1beta1/condition_types.go")
	g.Expect(err).NotTo(HaveOccurred())
	conditions, _, found := strings.Cut(string(text), "// GatedCondition")
	g.Expect(found).To(BeTrue())
	constants := regexp.MustCompile(`(?m)^\t\w+Reason\s+= "(\w+)"$`).FindAllStringSubmatch(conditions, -1)
	g.Expect(len(constants)).To(BeNumerically(">", 5))
	for _, constant := range constants {
		g.Expect(reasons).To(ContainElement(constant[1]))
	}
}

// What a scrape costs with as many triggers, of as many targets each.
func BenchmarkStates(b *testing.B) {
	for _, size := range []struct{ triggers, targets int }{{5000, 1}, {5000, 10_000}} {
		b.Run(fmt.Sprintf("%d_triggers_of_%d_targets", size.triggers, size.targets), func(b *testing.B) {
			triggers := make([]triggerv1.ValuesTrigger, size.triggers)
			targets := make([]triggerv1.TargetStatus, size.targets)
			for i := range targets {
				targets[i].State = triggerv1.TargetDelivered
			}
			listed, summary := plan.Project(targets, nil, nil)
			for i := range triggers {
				triggers[i] = trigger(metav1.ConditionTrue, "Succeeded")
				triggers[i].Status.Targets, triggers[i].Status.Summary = listed, summary
			}
			registry := prometheus.NewPedanticRegistry()
			New(registry).Serve(cached{triggers: triggers}, everything, leading)
			for b.Loop() {
				if _, err := registry.Gather(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
