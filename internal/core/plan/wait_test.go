// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestDecide_waiting(t *testing.T) {
	edited := func(change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(other, read)
			s.later(time.Minute)
			s.edit(other)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:    "a suspended release is Held",
		given:   edited(func(s *scene) { s.release.Suspended = true }),
		want:    outcome{triggerv1.TargetHeld, none},
		message: "HelmRelease is suspended; the change is delivered when spec.suspend is removed",
	}, {
		name:    "a release that helm-controller works on is left to finish",
		given:   edited(func(s *scene) { s.work() }),
		want:    outcome{triggerv1.TargetPending, none},
		message: "waits for helm-controller to finish",
	}, {
		name:  "an early exit looks like work and is none",
		given: edited(func(s *scene) { s.release.Reconciling = true; s.release.Ready = "False" }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:    "the request of another actor is not overwritten",
		given:   edited(func(s *scene) { s.release.RequestedAt = "someone" }),
		want:    outcome{triggerv1.TargetPending, none},
		message: "helm-controller has not handled another request yet",
	}, {
		name: "newer content waits until the present request is handled",
		given: func() *scene {
			s := triggered(other)
			s.editTo(other, "third")
			return s
		},
		want:    outcome{triggerv1.TargetTriggered, none},
		message: "newer content waits until the present request is handled",
	}, {
		name: "newer content is requested once the request is handled",
		given: func() *scene {
			s := triggered(other)
			s.editTo(other, "third")
			s.step()
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a release that waits for a dependency is asked all the same",
		given: edited(func(s *scene) { s.fail("DependencyNotReady", "waiting") }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a release that failed is asked all the same",
		given: edited(func(s *scene) { s.fail("UpgradeFailed", "broken") }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}

func TestDecide_suspendedIsDeliveredOnceAfterwards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"a source that is read", read, unforced},
		{"a source that is not read", other, forced},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(c.source)
			s.release.Suspended = true
			for _, text := range []string{"second", "third", "fourth"} {
				s.later(time.Minute)
				s.editTo(c.source, text)
				g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetHeld, none}))
			}
			s.release.Suspended = false
			d := s.step()
			g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetTriggered, c.want}))
			g.Expect(d.Request.Record.covers(*s.source(c.source))).To(BeTrue(), "the newest content")
			s.later(time.Minute)
			s.upgrade()
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
		})
	}
}

// What helm-controller did by itself after a wait is not done again.
func TestDecide_takenUpAfterAWait(t *testing.T) {
	held := func(ids []string, edited string, change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(ids...)
			for i := range s.sources {
				s.sources[i].Force = triggerv1.ForceAlways
			}
			s.later(time.Minute)
			s.edit(edited)
			s.release.Suspended = true
			s.step()
			s.release.Suspended = false
			s.later(time.Minute)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "values that are equal again are Delivered without a request",
		given: held([]string{read}, read, (*scene).upgrade),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "values that differ still are requested",
		given: held([]string{read}, read, func(s *scene) {
			s.upgrade()
			s.values = ValuesDiffer
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "another source that has not changed does not matter",
		given: held([]string{read, other}, read, (*scene).upgrade),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a source that is not read was there when the release was resumed",
		given: held([]string{other}, other, (*scene).upgrade),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "content that came after it was resumed is forced",
		given: held([]string{other}, other, func(s *scene) { s.upgrade(); s.editTo(other, "third") }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a source that is not read is forced if the release was not seen while it was suspended",
		given: held([]string{other}, other, func(s *scene) { s.status.Seen = nil; s.upgrade() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "equal values say nothing of the other keys of a source that is forced each time",
		given: held([]string{read}, read, func(s *scene) { s.status.Seen = nil; s.upgrade() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a release that is not ready after it is not Delivered yet",
		given: held([]string{read}, read, func(s *scene) {
			s.upgrade()
			s.fail("TestFailed", "a test failed")
		}),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "TestFailed: a test failed",
	}, {
		name: "a release with a newer generation is not Delivered yet",
		given: held([]string{read}, read, func(s *scene) {
			s.upgrade()
			s.release.Current = false
		}),
		want: outcome{triggerv1.TargetTriggered, none},
	}, {
		name:  "no new revision is not proof",
		given: held([]string{other}, other, func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}

// The request before the wait was not proven either.
func TestDecide_takenUpThoughTheRequestBeforeWasLost(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(always)
	s.release.Suspended = true
	s.handle()
	s.later(time.Minute)
	s.editTo(always, "third")
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetHeld, none}))
	s.release.Suspended = false
	s.later(time.Minute)
	s.upgrade()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}), "one revision for both")
}

func TestDecide_contentThatComesBackWhileItWaits(t *testing.T) {
	back := func(id string, change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(id)
			s.later(time.Minute)
			s.edit(id)
			s.release.RequestedAt = "someone"
			s.step()
			s.later(time.Minute)
			s.revert(id)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "is Delivered without a request",
		given: back(read, func(*scene) {}),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "is Delivered without a request though the release is suspended",
		given: back(other, func(s *scene) { s.release.Suspended = true }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "waits for what helm-controller is doing",
		given: back(read, (*scene).work),
		want:  outcome{triggerv1.TargetPending, none},
	}, {
		name:  "is requested if helm-controller has picked up what was there meanwhile",
		given: back(read, func(s *scene) { s.upgrade(); s.values = ValuesDiffer }),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:  "is Held if helm-controller has picked it up and the release is suspended",
		given: back(read, func(s *scene) { s.upgrade(); s.values = ValuesDiffer; s.release.Suspended = true }),
		want:  outcome{triggerv1.TargetHeld, none},
	}, {
		name:  "is Delivered if helm-controller has read it",
		given: back(read, func(s *scene) { s.upgrade() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "is forced if helm-controller may have rendered what was there meanwhile",
		given: back(other, func(s *scene) { s.upgrade() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}

func TestDecide_aReturnThatWasVerifiedRests(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.edit(read)
	s.work()
	g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetPending))
	s.revert(read)
	g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetPending), "helm-controller may be delivering the other content")
	s.upgrade()
	s.values = ValuesDiffer
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, unforced}))
	s.upgrade()
	done := s.step()
	g.Expect(outcomeOf(done)).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	g.Expect(s.step()).To(Equal(done))
}

func TestDecide_theCauseOfAChangeThatWaited(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read, other, always)
	s.release.Suspended = true
	s.later(time.Minute)
	s.edit(other)
	s.step()
	s.later(time.Minute)
	s.step()
	s.release.Suspended = false
	d := s.step()
	g.Expect(d.Request.Cause).To(MatchRegexp(`^ConfigMap apps/other sha256:[0-9a-f]{12} by kubectl-edit via ValuesTrigger apps/trigger$`))
}
