// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// News go to endpoints outside of the cluster. What helm-controller says may quote values, of Secrets as well.
func TestNews_of_a_failure_quote_nothing_of_what_helm_controller_says(t *testing.T) {
	t.Parallel()
	const quoted = `Service "web" is invalid: spec.password: Invalid value: "p4ssw0rd"`
	for name, c := range map[string]struct {
		fail func(*scene)
		want string
	}{
		"a target has failed": {func(s *scene) {
			s.become(Failed, "c")
			s.target("c").Message = quoted
		}, "1 of 1 HelmRelease failed; the status of the ValuesTrigger says more"},
		"a target is not ready": {func(s *scene) {
			s.target("c").Ready, s.target("c").Message = "False", quoted
			s.step()
			s.later(time.Hour)
		}, "a HelmRelease has not been ready for too long; the status of the ValuesTrigger says more"},
		"analysis has failed": {func(s *scene) {
			s.ask()
			s.Measured = s.answers(1, "")
		}, "analysis of stage canary failed: error-rate 1 is above 0.05 (1 of 1)"},
		"analysis and a target have failed": {func(s *scene) {
			s.ask()
			s.Measured = s.answers(1, "")
			s.become(Failed, "c")
			s.target("c").Message = quoted
		}, "analysis of stage canary failed: error-rate 1 is above 0.05 (1 of 1)"},
		"a person rejects it": {func(s *scene) {
			s.Reject, s.Rejecter = first, triggerv1.PersonRecord{User: "me"}
		}, "rejected by me"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := canaryDelivered(g, measured(), soaks(2*time.Hour))
			s.Earlier, s.Rollout.OnFailure = second, triggerv1.FailureRollback
			c.fail(s)
			before := s.Previous
			s.step()
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollingBack))
			g.Expect(News(before, s.Previous)).To(ContainElement(HaveField("Message", c.want)))
		})
	}
}
