// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// giveUp is helm-controller not trying again, and saying so by Stalled.
func (s *scene) giveUp(ready, reason, message string) {
	s.fail(reason, message)
	s.release.Ready, s.release.ReadySince, s.release.GivenUp, s.release.Deployed = ready, s.now, true, false
}

// interrupt is another request having come while helm-controller waited for health.
func (s *scene) interrupt() {
	s.release.Revision++
	s.giveUp("False", "HealthCheckCanceled", "New reconciliation triggered by HelmRelease/apps/release")
}

func TestDecide_aReleaseThatWasGivenUp(t *testing.T) {
	// given returns what a trigger sees of a release a minute after the change.
	given := func(id string, before, after func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(id)
			if before != nil {
				before(s)
				s.later(time.Hour)
			}
			s.edit(id)
			s.step()
			s.later(time.Second)
			after(s)
			s.later(time.Minute)
			return s
		}
	}
	failedBefore := func(s *scene) { s.giveUp("False", "UpgradeFailed", "cannot patch Deployment") }
	check(t, []decision{{
		name:    "by an interruption of a forced upgrade is asked again",
		given:   given(other, nil, (*scene).interrupt),
		want:    outcome{triggerv1.TargetTriggered, forced},
		message: "the upgrade before was interrupted by another request",
	}, {
		name:    "by an interruption of an upgrade is asked again",
		given:   given(read, nil, (*scene).interrupt),
		want:    outcome{triggerv1.TargetTriggered, unforced},
		message: "the upgrade before was interrupted by another request",
	}, {
		name: "by an interruption may go on in a moment",
		given: func() *scene {
			s := triggered(other)
			s.later(time.Minute)
			s.interrupt()
			s.later(time.Second)
			return s
		},
		want:    outcome{triggerv1.TargetTriggered, none},
		message: "New reconciliation triggered",
	}, {
		name: "and is interrupted by a request that waits is waited for",
		given: given(other, nil, func(s *scene) {
			s.interrupt()
			s.release.RequestedAt = "someone"
		}),
		want:    outcome{triggerv1.TargetTriggered, none},
		message: "helm-controller has not handled another request yet",
	}, {
		name:    "before the request, which was lost, is asked again",
		given:   given(other, failedBefore, (*scene).handle),
		want:    outcome{triggerv1.TargetTriggered, forced},
		message: "the request before was handled without effect",
	}, {
		name:    "for the request is Failed",
		given:   given(other, failedBefore, failedBefore),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "UpgradeFailed: cannot patch Deployment",
	}, {
		name:    "before a change that changes nothing for it stays Failed",
		given:   given(read, failedBefore, (*scene).handle),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "UpgradeFailed: cannot patch Deployment",
	}, {
		name:  "and does not tell why any more is asked again",
		given: given(read, nil, func(s *scene) { s.release.Revision++; s.giveUp("Unknown", "Progressing", "reconciliation in progress") }),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}})
}

func TestDecide_aRequestThatIsRenewedResetsTheFailures(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(read)
	s.later(time.Minute)
	s.interrupt()
	for attempt := 2; attempt <= MaxAttempts; attempt++ {
		s.later(time.Minute)
		d := s.step()
		g.Expect(d.Request).NotTo(BeNil())
		g.Expect(d.Request.Reset).To(BeTrue(), "helm-controller would do nothing")
		g.Expect(d.Status.Attempts).To(BeEquivalentTo(attempt))
		s.interrupt()
	}
	s.later(time.Minute)
	g.Expect(s.step().Status).To(And(HaveField("State", triggerv1.TargetFailed), HaveField("Message", ContainSubstring("handled 5 requests"))))
}

func TestDecide_aFailureStaysOneWhenItIsNotToldAnyMore(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(read)
	s.later(time.Minute)
	s.release.Revision++
	s.giveUp("False", "UpgradeFailed", "cannot patch Deployment")
	g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetFailed))
	s.giveUp("Unknown", "Progressing", "reconciliation in progress")
	s.later(time.Hour)
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetFailed, none}))
}
