// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// What became of a target is compared with what was known of the same target, wherever the status lists it: events
// and metrics rest on that.
func TestOutcomeOf_compares_each_target_with_itself(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	became := func(name string, was, is triggerv1.TargetState) *targetCase {
		c := &targetCase{Target: target.Target{NamespacedName: types.NamespacedName{Namespace: "apps", Name: name}}}
		if was != "" {
			c.previous = &triggerv1.TargetStatus{Namespace: "apps", Name: name, State: was}
		}
		c.done = effect{status: triggerv1.TargetStatus{State: is}}
		return c
	}
	vt := &triggerv1.ValuesTrigger{}
	vt.Status.Targets = []triggerv1.TargetStatus{{Namespace: "apps", Name: "b"}, {Namespace: "apps", Name: "a"}}
	out := outcomeOf(snapshot{vt: vt}, []*targetCase{
		became("a", triggerv1.TargetTriggered, triggerv1.TargetDelivered),
		became("b", triggerv1.TargetFailed, triggerv1.TargetFailed),
		became("c", "", triggerv1.TargetMissing),
	}, verdict{})
	var states []string
	for _, change := range out.changes {
		g.Expect(change.Was.Name).To(Equal(change.Is.Name))
		states = append(states, change.Is.Name+" "+string(change.Was.State)+" "+string(change.Is.State))
	}
	g.Expect(states).To(Equal([]string{"a Triggered Delivered", "b Failed Failed", "c  Missing"}))
}
