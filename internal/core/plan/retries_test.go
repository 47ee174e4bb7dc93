// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// retry is helm-controller having failed, and saying that it tries again.
func (s *scene) retry(reason, message string) {
	s.fail(reason, message)
	s.release.Reconciling, s.release.Retrying, s.release.Failing = true, true, true
}

// begin is helm-controller beginning the next attempt: at first what it said last stays.
func (s *scene) begin() { s.release.Retrying = false }

func TestDecide_whatHelmControllerRepeats(t *testing.T) {
	after := func(d time.Duration, change func(*scene)) func() *scene {
		return func() *scene {
			s := triggered(other)
			s.later(d)
			change(s)
			return s
		}
	}
	again := "helm-controller tries again: UpgradeFailed: denied by a policy"
	failing := func(s *scene) { s.retry("UpgradeFailed", "denied by a policy") }
	seen := func(s *scene) { failing(s); s.step() }
	check(t, []decision{{
		name:    "is under way",
		given:   after(time.Minute, failing),
		want:    outcome{triggerv1.TargetTriggered, none},
		message: again,
	}, {
		name:    "is under way when the next attempt begins",
		given:   after(time.Minute, func(s *scene) { seen(s); s.begin() }),
		want:    outcome{triggerv1.TargetTriggered, none},
		message: again,
	}, {
		name:    "is under way while the next attempt runs",
		given:   after(time.Minute, func(s *scene) { seen(s); s.begin(); s.work() }),
		want:    outcome{triggerv1.TargetTriggered, none},
		message: again,
	}, {
		name: "has failed when helm-controller gives up",
		given: after(time.Minute, func(s *scene) {
			seen(s)
			s.release.Retrying = false
			s.giveUp("False", "UpgradeFailed", "denied by a policy")
		}),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "UpgradeFailed: denied by a policy",
	}, {
		name:    "has failed after the timeout",
		given:   after(time.Hour, failing),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "not delivered within 5m0s: helm-controller still tries: UpgradeFailed: denied by a policy",
	}, {
		name:    "has failed after the timeout while an attempt runs",
		given:   after(time.Hour, func(s *scene) { seen(s); s.begin(); s.work() }),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "not delivered within 5m0s: helm-controller still tries: UpgradeFailed: denied by a policy",
	}, {
		name:  "is proven by the attempt that succeeds",
		given: after(time.Minute, func(s *scene) { seen(s); s.release.Retrying = false; s.upgrade() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "is proven after the timeout as well",
		given: after(time.Hour, func(s *scene) { seen(s); s.release.Retrying = false; s.upgrade() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "does not hold up newer content",
		given: after(time.Minute, func(s *scene) { seen(s); s.editTo(other, "third") }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}

func TestDecide_aLongUpgrade(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	// helm-controller notes a request at the end of its work.
	s := triggered(other)
	s.later(time.Minute)
	s.work()
	s.release.ReadyMessage = "Running 'upgrade' action with timeout of 30m0s"
	d := s.step()
	g.Expect(d.Status).To(And(HaveField("State", triggerv1.TargetTriggered), HaveField("Message", "")))
	s.later(5 * time.Minute)
	g.Expect(s.decide().Status).To(And(HaveField("State", triggerv1.TargetFailed), HaveField("Message",
		"not delivered within 5m0s: helm-controller is still working on the release: Running 'upgrade' action with timeout of 30m0s")))

	s.release.Takes = 30 * time.Minute
	d = s.decide()
	g.Expect(d.Status.State).To(Equal(triggerv1.TargetTriggered), "the default is extended to what the release may take")
	g.Expect(d.After).To(Equal(25 * time.Minute))
	s.later(25 * time.Minute)
	g.Expect(s.decide().Status).To(HaveField("Message", HavePrefix("not delivered within 31m0s: ")))
	in := s.input()
	in.Timeout = 3 * time.Minute
	g.Expect(Decide(in).Status).To(HaveField("Message", HavePrefix("not delivered within 3m0s: ")), "a timeout of one's own is kept")
}

// What was said when the time was up holds until the request has come to an end: the last
// moments of an upgrade are no news.
func TestDecide_aLongUpgradeThatEnds(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(other)
	s.work()
	s.later(time.Hour)
	failed := s.step()
	g.Expect(failed.Status.State).To(Equal(triggerv1.TargetFailed))
	s.release.Reconciling, s.release.Ready = false, "True" // It notes the request in a moment.
	g.Expect(s.step().Status).To(Equal(failed.Status))
	s.upgrade()
	g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetDelivered))
}

func TestDecide_aReleaseThatCannotBeInstalled(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(read)
	s.release.Created, s.release.Revision, s.release.Deployed = s.now, 0, false
	s.fail("ValuesError", "could not resolve ConfigMap apps/esc")
	s.later(time.Minute)
	d := s.step()
	g.Expect(d.Status).To(And(HaveField("State", triggerv1.TargetPending), HaveField("Message", "the release is not installed yet: could not resolve ConfigMap apps/esc")))
	g.Expect(d.After).To(Equal(4 * time.Minute))

	s.later(4 * time.Minute)
	want := And(HaveField("State", triggerv1.TargetFailed), HaveField("Digest", ""),
		HaveField("Message", "the release cannot be installed: ValuesError: could not resolve ConfigMap apps/esc"))
	d = s.step()
	g.Expect(d.Status).To(want)
	g.Expect(d.Request).To(BeNil())
	s.work()
	g.Expect(s.step().Status).To(want, "its tries are no news")
	s.fail("ValuesError", "could not resolve ConfigMap apps/esc")
	g.Expect(s.step().Status).To(want)
	g.Expect(Summarize([]triggerv1.TargetStatus{{Namespace: "apps", Name: "app", State: d.Status.State, Message: d.Status.Message}})).To(And(
		HaveField("Stalled", true), HaveField("Message", ContainSubstring("apps/app: the release cannot be installed: ValuesError"))))

	s.upgrade()
	g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetDelivered), "it has been installed with what was there")

	s = newScene(read)
	s.release.Created, s.release.Revision = s.now, 0
	s.giveUp("False", "InstallFailed", "timed out")
	g.Expect(s.step().Status).To(HaveField("Message", "the release cannot be installed: InstallFailed: timed out"), "helm-controller has given up")
	s.fail("DependencyNotReady", "apps/db is not ready")
	s.release.GivenUp = false
	s.later(time.Hour)
	g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetPending), "it waits for something else")
}
