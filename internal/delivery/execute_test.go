// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"fmt"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

var denial = answer("", http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "ValidatingAdmissionPolicy 'strict' with binding 'strict' denied request: no")

// asking returns targets of which each is about to be triggered.
func asking(t *testing.T, server client.Client, names ...string) []*targetCase {
	t.Helper()
	var cases []*targetCase
	for _, name := range names {
		hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}}
		NewWithT(t).Expect(server.Create(t.Context(), hr)).To(Succeed())
		cases = append(cases, &targetCase{
			Target: target.Target{NamespacedName: client.ObjectKeyFromObject(hr), Release: hr}, hr: hr,
			decision: plan.Decision{
				Request: &plan.Request{Token: "token"}, Status: triggerv1.TargetStatus{State: triggerv1.TargetTriggered},
				Unsent: triggerv1.TargetStatus{State: triggerv1.TargetPending, Digest: "sha256:old"},
			},
		})
	}
	return cases
}

func TestExecuteAll_a_place_goes_to_the_next_at_once_when_one_is_refused(t *testing.T) {
	t.Parallel()
	for _, concurrent := range []int{1, 3, 10} {
		t.Run(fmt.Sprint(concurrent), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			r, vt := deployed()
			r.executor.concurrent = concurrent
			server := newTidying(t)
			cases := asking(t, server.Client, "a", "b", "c", "d", "e", "f", "g", "h")
			server.refused = []string{"apps/a", "apps/b", "apps/c", "apps/d"}
			cases[6].decision.Unsent.Refused = &triggerv1.Refusal{Digest: "0123456789ab", Reason: triggerv1.DeliveryFailedReason}
			cases[6].decision.Unsent.State, cases[6].decision.Unsent.Message = triggerv1.TargetFailed, "why"
			snap := snapshot{vt: vt, gate: &gate{}, diff: plan.Diff{To: newContent}, writer: server.Client}
			for _, c := range cases[2:7] {
				c.held = "turn"
			}
			r.executor.executeAll(t.Context(), snap, cases, []rollout.Turn{{Places: 2, Targets: []int{0, 1, 2, 3, 4, 5, 6}}})
			var states []string
			for _, c := range cases {
				states = append(states, string(c.done.status.State))
			}
			g.Expect(states).To(Equal([]string{"Failed", "Failed", "Failed", "Failed", "Triggered", "Triggered", "Failed", "Triggered"}))
			g.Expect(server.patched).To(ConsistOf("apps/e", "apps/f", "apps/h"), "two have the places, one is in no turn")
			g.Expect(cases[6].done.status.Message).To(Equal("why"), "what was refused stays so until it is tried again")
			g.Expect(cases[0].done.after).To(Equal(afterRefusal))
		})
	}
}
