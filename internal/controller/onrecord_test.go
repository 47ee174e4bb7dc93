// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Of a target that a status has no room for, the others tell.
func TestIsDenied_a_target_that_is_not_listed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		reason string
		last   triggerv1.TargetStatus
		total  int32
		want   bool
	}{
		{"of a trigger that is refused nothing", "", inState(triggerv1.TargetFailed), 300, false},
		{"of a trigger that is refused some, all of them listed", "AccessDenied", inState(triggerv1.TargetDelivered), 300, false},
		{"of a trigger that is refused more than are listed", "AccessDenied", refused(inState(triggerv1.TargetFailed), "AccessDenied"), 300, true},
		{"of a trigger that is refused some beside more that fail", "AccessDenied", inState(triggerv1.TargetFailed), 300, true},
		{"of a trigger that is refused some beside more that admission refuses", "AccessDenied", refused(inState(triggerv1.TargetHeld), "DeliveryFailed"), 300, true},
		{"since it is no target yet", "AccessDenied", inState(triggerv1.TargetDelivered), 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			vt := &triggerv1.ValuesTrigger{}
			vt.Status.Targets, vt.Status.Summary = []triggerv1.TargetStatus{c.last}, &triggerv1.TargetSummary{Total: c.total}
			if c.reason != "" {
				markStalled(vt, c.reason, "message")
			}
			NewWithT(t).Expect(isDenied(vt, "apps", "not-listed")).To(Equal(c.want))
		})
	}
}

// What is new of some targets wakes those, and what is new of the trigger all that it may have.
func TestWakeReleases(t *testing.T) {
	t.Parallel()
	one, two := newRelease(), newRelease()
	one.Name, two.Name = "one", "two"
	for _, hr := range []client.Object{one, two} {
		hr.SetLabels(map[string]string{"ring": "one"})
	}
	api, _ := clientOf(t, one, two)
	r := releaseRequests{cache: api}
	for _, c := range []struct {
		name string
		edit func(*triggerv1.ValuesTrigger)
		want []string
	}{
		{"nothing new", func(*triggerv1.ValuesTrigger) {}, nil},
		{"another state", func(vt *triggerv1.ValuesTrigger) { vt.Status.Targets[0].State = triggerv1.TargetTriggered }, nil},
		{"refused", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Targets[0].Refused = &triggerv1.Refusal{Reason: "AccessDenied"}
		}, []string{"app"}},
		{"listed in the place of another", func(vt *triggerv1.ValuesTrigger) { vt.Status.Targets[0].Name = "one" }, []string{"app", "one"}},
		{"another source", func(vt *triggerv1.ValuesTrigger) { vt.Status.Sources = nil }, []string{"one", "two"}},
		{"denied, whatever is listed", func(vt *triggerv1.ValuesTrigger) { markStalled(vt, "AccessDenied", "message") }, []string{"one", "two"}},
		{"another spec", func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets = []triggerv1.TargetReference{{Name: "three"}} }, []string{"one", "three", "two"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			before := delivering(func(vt *triggerv1.ValuesTrigger) {
				vt.Spec.Targets = []triggerv1.TargetReference{{Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": "one"}}}}
			})
			after := before.DeepCopy()
			c.edit(after)
			q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
			defer q.ShutDown()
			e := event.UpdateEvent{ObjectOld: before, ObjectNew: after}
			r.wakeReleases().Update(t.Context(), e, q)
			g.Eventually(q.Len).Should(Equal(len(c.want)))
			var woken []string
			for range c.want {
				req, _ := q.Get()
				woken = append(woken, req.Name)
			}
			g.Expect(woken).To(ConsistOf(c.want))
			g.Expect(triggerBindingPredicate.Update(e)).To(Equal(len(c.want) > 0), "the predicate says the same")
		})
	}
}
