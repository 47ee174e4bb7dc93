// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
)

// conditionsOf returns type, status and reason of the conditions.
func conditionsOf(vt *triggerv1.ValuesTrigger) map[string]string {
	found := map[string]string{}
	for _, c := range vt.Status.Conditions {
		found[c.Type] = string(c.Status) + " " + c.Reason
	}
	return found
}

func inState(state triggerv1.TargetState) triggerv1.TargetStatus {
	return triggerv1.TargetStatus{Namespace: "apps", Name: "app", State: state, Digest: "sha256:new", Message: "why", Cause: "who"}
}

func refused(target triggerv1.TargetStatus, reason string) triggerv1.TargetStatus {
	target.Refused = &triggerv1.Refusal{Digest: "sha256:new", Reason: reason}
	return target
}

func staged() *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform"}}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		{Name: "canary", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"tier": "canary"}}}, {Name: "rest"},
	}}
	return vt
}

func TestMark(t *testing.T) {
	t.Parallel()
	ready, reconciling, stalled := meta.ReadyCondition, meta.ReconcilingCondition, meta.StalledCondition
	for _, c := range []struct {
		name    string
		summary plan.Summary
		want    map[string]string
	}{
		{"delivered", plan.Summary{Ready: "True", Message: "Delivered"}, map[string]string{ready: "True Succeeded"}},
		{"triggered", plan.Summary{Ready: "Unknown", Message: "None of 1"}, map[string]string{ready: "Unknown Progressing", reconciling: "True Progressing"}},
		{"held", plan.Summary{Ready: "False", Reason: "TargetsHeld", Message: "why"}, map[string]string{ready: "False TargetsHeld"}},
		{"failed", plan.Summary{Ready: "False", Reason: "DeliveryFailed", Message: "why", Stalled: true}, map[string]string{ready: "False DeliveryFailed", stalled: "True DeliveryFailed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			for _, before := range []func(*triggerv1.ValuesTrigger){
				func(*triggerv1.ValuesTrigger) {},
				func(vt *triggerv1.ValuesTrigger) { markProgressing(vt, "before") },
				func(vt *triggerv1.ValuesTrigger) { markStalled(vt, "Before", "before") },
				func(vt *triggerv1.ValuesTrigger) { markReady(vt, "before") },
			} {
				vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Generation: 7}}
				before(vt)
				mark(vt, delivery.Result{Summary: &c.summary})
				g.Expect(conditionsOf(vt)).To(Equal(c.want))
				g.Expect(conditions.GetMessage(vt, ready)).To(Equal(c.summary.Message))
				g.Expect(vt.Status.ObservedGeneration).To(BeEquivalentTo(7))
				for _, condition := range vt.Status.Conditions {
					g.Expect(condition.ObservedGeneration).To(BeEquivalentTo(7), condition.Type)
				}
				status := vt.Status.DeepCopy()
				mark(vt, delivery.Result{})
				g.Expect(&vt.Status).To(Equal(status), "nothing was found out")
			}
		})
	}
}

func TestMark_what_bypasses_the_gates(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := staged()
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionTrue} {
		mark(vt, delivery.Result{Gated: &delivery.Gated{Status: status, Reason: "Reason", Message: "100 %d"}})
		g.Expect(conditions.Get(vt, triggerv1.GatedCondition)).To(And(HaveField("Status", status), HaveField("Reason", "Reason"), HaveField("Message", "100 %d")))
	}
	mark(vt, delivery.Result{})
	g.Expect(conditions.Has(vt, triggerv1.GatedCondition)).To(BeTrue(), "nothing was found out")
	mark(vt, delivery.Result{Gated: &delivery.Gated{}})
	g.Expect(conditions.Has(vt, triggerv1.GatedCondition)).To(BeFalse(), "nothing is held back any more")
}

func TestIsDenied(t *testing.T) {
	t.Parallel()
	vt := func(reason string, targets ...triggerv1.TargetStatus) *triggerv1.ValuesTrigger {
		vt := &triggerv1.ValuesTrigger{Status: triggerv1.ValuesTriggerStatus{Targets: targets}}
		if reason != "" {
			markStalled(vt, reason, "message")
		}
		return vt
	}
	for _, c := range []struct {
		name string
		vt   *triggerv1.ValuesTrigger
		want bool
	}{
		{"a trigger that is not refused anything", vt("", inState(triggerv1.TargetFailed)), false},
		{"a trigger that failed otherwise", vt("DeliveryFailed", inState(triggerv1.TargetFailed)), false},
		{"the target that it is refused", vt("AccessDenied", inState(triggerv1.TargetFailed)), true},
		{"a target that it is not refused", vt("AccessDenied", inState(triggerv1.TargetDelivered)), false},
		{"the target that it is refused beside others that go on", vt("", refused(inState(triggerv1.TargetFailed), "AccessDenied")), true},
		{"a target that admission refuses", vt("", refused(inState(triggerv1.TargetFailed), "DeliveryFailed")), false},
		{"a target that it has not got to", vt("AccessDenied"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(isDenied(c.vt, "apps", "app")).To(Equal(c.want))
		})
	}
}
