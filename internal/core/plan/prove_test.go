// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestDecide_proof(t *testing.T) {
	after := func(id string, change func(*scene)) func() *scene {
		return func() *scene {
			s := triggered(id)
			s.later(time.Minute)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "a forced request is proven by a new revision",
		given: after(other, (*scene).upgrade),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a forced request is not proven by having been handled",
		given: after(other, (*scene).handle),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a request without force is proven by equal values",
		given: after(read, func(s *scene) { s.handle(); s.values = ValuesEqual }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a request without force is not proven while the values differ",
		given: after(read, (*scene).handle),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:  "a new revision with other values is asked again, without force",
		given: after(always, func(s *scene) { s.release.Reads[always] = true; s.upgrade(); s.values = ValuesDiffer }),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:    "values that cannot be read are taken on helm-controller's word, and it is said",
		given:   after(read, func(s *scene) { s.handle(); s.values = ValuesUnreadable }),
		want:    outcome{triggerv1.TargetDelivered, none},
		message: "values could not be compared, since the operator cannot read all of them",
	}, {
		name:  "a request that is not handled is waited for",
		given: after(other, func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name:    "a request that another actor has overwritten is waited for",
		given:   after(other, func(s *scene) { s.release.RequestedAt = "someone" }),
		want:    outcome{triggerv1.TargetTriggered, none},
		message: "helm-controller has not handled another request yet",
	}, {
		name:  "a request that another actor has overwritten is repeated when it was lost",
		given: after(other, func(s *scene) { s.release.RequestedAt = "someone"; s.handle() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a release at work is waited for",
		given: after(other, func(s *scene) { s.handle(); s.work() }),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name:  "a release with a newer generation is waited for",
		given: after(other, func(s *scene) { s.upgrade(); s.release.Current = false }),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name:  "a release without a Ready condition is waited for",
		given: after(other, func(s *scene) { s.upgrade(); s.release.Ready = "" }),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name:    "a release that waits for a dependency is waited for",
		given:   after(other, func(s *scene) { s.fail("DependencyNotReady", "dependency apps/db is not ready") }),
		want:    outcome{triggerv1.TargetTriggered, none},
		message: "dependency apps/db is not ready",
	}, {
		name:    "a release that waits for its chart is waited for",
		given:   after(other, func(s *scene) { s.fail("SourceNotReady", "no chart") }),
		want:    outcome{triggerv1.TargetTriggered, none},
		message: "no chart",
	}, {
		name:    "a release that failed is Failed in helm-controller's words",
		given:   after(other, func(s *scene) { s.fail("UpgradeFailed", "cannot patch Deployment") }),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "UpgradeFailed: cannot patch Deployment",
	}, {
		name:    "a release that is suspended before the proof is Held",
		given:   after(other, func(s *scene) { s.handle(); s.release.Suspended = true }),
		want:    outcome{triggerv1.TargetHeld, none},
		message: "suspended before it proved the change",
	}, {
		name: "an observation older than the request proves nothing",
		given: func() *scene {
			s := delivered(read)
			s.edit(read)
			before := s.release
			s.step()
			s.release, s.values = before, ValuesUnreadable
			s.later(time.Second)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, none},
	}})
}

func TestDecide_timeout(t *testing.T) {
	late := func(change func(*scene)) func() *scene {
		return func() *scene {
			s := triggered(other)
			change(s)
			s.later(5 * time.Minute)
			return s
		}
	}
	check(t, []decision{{
		name:    "a request that no one handles is Failed, and what to check is said",
		given:   late(func(*scene) {}),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "not delivered within 5m0s: helm-controller has not handled the request; check that it is running",
	}, {
		name:    "an upgrade that takes too long is Failed, and what it does is said",
		given:   late(func(s *scene) { s.work(); s.release.ReadyMessage = "Running 'upgrade' action" }),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "not delivered within 5m0s",
	}, {
		name:    "a dependency that does not become ready is Failed, and which is said",
		given:   late(func(s *scene) { s.fail("DependencyNotReady", "apps/db is not ready") }),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "the release is still not ready: apps/db is not ready",
	}, {
		name:  "proof that comes late is proof",
		given: late(func(s *scene) { s.later(time.Hour); s.upgrade() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_looksAgainInTime(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(other)
	s.later(time.Second)
	g.Expect(s.step().After).To(Equal(5*time.Minute-time.Second), "when the time is up")

	s.handle()
	d := s.step()
	g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetTriggered, none}))
	g.Expect(d.After).To(Equal(time.Second), "when the repetition is due")

	s.later(time.Minute)
	s.upgrade()
	g.Expect(s.step().After).To(BeZero())
}

func TestDecide_lostRequestsAreRepeated(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(other)
	tokens := map[string]bool{s.status.Token: true}
	for attempt, delay := 2, 2*time.Second; attempt <= MaxAttempts; attempt, delay = attempt+1, 2*delay {
		s.handle()
		s.later(delay - time.Second)
		d := s.step()
		g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetTriggered, none}), "not before %s", delay)
		g.Expect(d.Status.Message).To(ContainSubstring("will be repeated"))
		g.Expect(d.After).To(Equal(time.Second))

		s.later(time.Second)
		d = s.step()
		g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetTriggered, forced}), "after %s", delay)
		g.Expect(d.Status.Attempts).To(BeEquivalentTo(attempt))
		g.Expect(d.Request.Cause).To(Equal(s.status.Cause))
		g.Expect(tokens).NotTo(HaveKey(d.Request.Token), "a new token")
		tokens[d.Request.Token] = true
	}

	s.handle()
	s.later(time.Hour)
	d := s.step()
	g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetFailed, none}))
	g.Expect(d.Status.Message).To(And(ContainSubstring("handled 5 requests"), ContainSubstring("kubectl valuestrigger retry trigger -n apps")))
	g.Expect(s.step()).To(Equal(d), "it rests")

	s.upgrade()
	g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetDelivered), "late proof")
}

func TestDecide_failedIsDeliveredWhenHelmControllerSucceeds(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(other)
	s.later(time.Minute)
	s.release.Revision++
	s.fail("UpgradeFailed", "broken")
	s.release.Deployed = false
	failed := s.step()
	g.Expect(failed.Status.State).To(Equal(triggerv1.TargetFailed))
	g.Expect(s.step()).To(Equal(failed), "it rests")

	s.later(time.Hour)
	s.work()
	g.Expect(s.step().Status).To(Equal(failed.Status), "another try is not news")
	s.upgrade()
	d := s.step()
	g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	g.Expect(d.Status.Revision).To(BeEquivalentTo(5))
	g.Expect(d.Status.DeliveredAt).To(Equal(timestamp(s.now)))
}

func TestDecide_failedIsAskedAgainWhenTheContentChanges(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(read)
	s.fail("UpgradeFailed", "broken")
	s.step()
	s.later(time.Minute)
	s.editTo(read, "third")
	d := s.step()
	g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetTriggered, unforced}))
	g.Expect(d.Status.Attempts).To(BeEquivalentTo(1))
}

func TestDecide_deliveredRests(t *testing.T) {
	t.Parallel()
	for _, values := range []ValuesState{ValuesEqual, ValuesUnreadable} {
		g := NewWithT(t)
		s := triggered(read)
		s.later(time.Minute)
		s.upgrade()
		s.values = values
		done := s.step()
		g.Expect(done.Status.State).To(Equal(triggerv1.TargetDelivered))

		s.later(24 * time.Hour)
		for _, change := range []func(*scene){
			func(*scene) {},
			func(s *scene) { s.upgrade() },
			func(s *scene) { s.release.RequestedAt = "someone" },
			func(s *scene) { s.handle() },
			func(s *scene) { s.work() },
			func(s *scene) { s.fail("UpgradeFailed", "broken") },
			func(s *scene) { s.release.Suspended = true },
		} {
			change(s)
			g.Expect(s.step()).To(Equal(done), "what helm-controller does with the release is not news of the delivery")
		}
	}
}
