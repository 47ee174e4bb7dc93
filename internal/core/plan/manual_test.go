// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestDecide_requestsOfAPerson(t *testing.T) {
	asked := func(force, reset bool, given *scene, change func(*scene)) func() *scene {
		return func() *scene {
			s := given
			s.later(time.Minute)
			if force {
				s.force = "now"
			}
			if reset {
				s.reset = "now"
			}
			change(s)
			return s
		}
	}
	failed := func() *scene {
		s := triggered(other)
		s.later(time.Minute)
		s.fail("UpgradeFailed", "broken")
		s.step()
		return s
	}
	check(t, []decision{{
		name:  "forceAt triggers though nothing changed",
		given: asked(true, false, delivered(read), func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "forceAt with force Never triggers without force",
		given: asked(true, false, delivered(read), func(s *scene) { s.policy = triggerv1.ForceNever }),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name: "forceAt with force Never keeps the force that a change needs",
		given: asked(true, false, delivered(other), func(s *scene) {
			s.policy = triggerv1.ForceNever
			s.edit(other)
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "forceAt triggers a release that is seen for the first time",
		given: asked(true, false, newScene(read), func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "forceAt with force Never has the force that a source needs which is seen for the first time",
		given: asked(true, false, newScene(other), func(s *scene) { s.policy = triggerv1.ForceNever }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "forceAt triggers a release that is seen for the first time with a record",
		given: asked(true, false, newScene(read), func(s *scene) { s.requestedBy(true, s.now, read); s.upgrade() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "forceAt is Held while the release is suspended",
		given: asked(true, false, delivered(read), func(s *scene) { s.release.Suspended = true }),
		want:  outcome{triggerv1.TargetHeld, none},
	}, {
		name:  "forceAt waits for another request",
		given: asked(true, false, delivered(read), func(s *scene) { s.release.RequestedAt = "someone" }),
		want:  outcome{triggerv1.TargetPending, none},
	}, {
		name:  "resetAt does nothing to what is Delivered",
		given: asked(false, true, delivered(read), func(*scene) {}),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "resetAt does nothing to what is under way",
		given: asked(false, true, triggered(other), func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name:  "resetAt does nothing to what waits for its proof",
		given: asked(false, true, triggered(other), func(s *scene) { s.handle(); s.work() }),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name: "forceAt with force Never does not repeat the force of before",
		given: asked(true, false, triggered(other), func(s *scene) {
			s.upgrade()
			s.force = ""
			s.step()
			s.force, s.policy = "now", triggerv1.ForceNever
		}),
		want: outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:  "resetAt retries what failed",
		given: asked(false, true, failed(), func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "resetAt does not keep a change from being adopted",
		given: asked(false, true, delivered(other), func(s *scene) { s.edit(other); s.requestedBy(true, s.now, other) }),
		want:  outcome{triggerv1.TargetTriggered, none},
	}})
}

func TestDecide_resetTellsHelmControllerToo(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(other)
	s.later(time.Minute)
	s.fail("UpgradeFailed", "broken")
	s.step()
	s.reset = "now"
	d := s.step()
	g.Expect(d.Request.Reset).To(BeTrue())
	g.Expect(d.Status.Attempts).To(BeEquivalentTo(1))
	g.Expect(d.Request.Cause).To(Equal("retry by reconcile.fluxcd.io/resetAt via ValuesTrigger apps/trigger"))

	s = delivered(other)
	s.edit(other)
	s.reset = "now"
	g.Expect(s.step().Request.Reset).To(BeFalse(), "nothing has failed")
}

// finish goes on until nothing more happens, with helm-controller answering each
// request.
func finish(g *WithT, s *scene) {
	for range 20 {
		before := s.status
		d := s.step()
		if d.Request == nil && d.Status.State == triggerv1.TargetDelivered && before.State == triggerv1.TargetDelivered {
			return
		}
		s.later(time.Minute)
		if s.release.RequestedAt != s.release.HandledAt {
			s.upgrade()
		}
	}
	g.Expect(s.status.State).To(Equal(triggerv1.TargetDelivered))
}

// Once and only once, whatever happens between the annotation and the revision.
func TestDecide_forceAtForcesOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given func(*scene)
	}{
		{"at once", func(*scene) {}},
		{"after a crash behind the request", func(s *scene) { s.crash() }},
		{"after a request that was not recorded and is handled", func(s *scene) { s.crash(); s.later(time.Minute); s.upgrade() }},
		{"when it is asked for again because another target was undecided", func(s *scene) {
			s.step()
			s.force = "now"
			s.step()
			s.force = "now"
		}},
		{"after a request that could not be made", func(s *scene) {
			d := s.decide()
			s.status, s.force = &d.Unsent, ""
		}},
		{"after a wait", func(s *scene) {
			s.release.RequestedAt = "someone"
			s.step()
			s.handle()
		}},
		{"after a wait and a crash behind the request", func(s *scene) {
			s.release.RequestedAt = "someone"
			s.step()
			s.handle()
			s.crash()
		}},
		{"after a suspension, though another trigger had made a request before", func(s *scene) {
			s.release.Suspended = true
			s.step()
			s.release.Suspended = false
		}},
		{"after a suspension during which content changed", func(s *scene) {
			s.release.Suspended = true
			s.step()
			s.edit(read)
			s.step()
			s.release.Suspended = false
		}},
		{"after a suspension during which content changed and came back", func(s *scene) {
			s.release.Suspended = true
			s.step()
			s.edit(read)
			s.step()
			s.revert(read)
			s.step()
			s.release.Suspended = false
		}},
		{"after a stale status", func(s *scene) {
			before, force := s.status, s.force
			s.step()
			s.status, s.force = before, force
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(read, other)
			s.requestedBy(true, s.now, read, other) // By another trigger, long ago.
			s.later(time.Minute)
			s.upgrade()
			s.step()
			s.later(time.Minute)
			revision := s.release.Revision
			s.force = "now"
			c.given(s)
			finish(g, s)
			g.Expect(s.release.Revision).To(Equal(revision+1), "one more revision")
			g.Expect(s.step().Status.State).To(Equal(triggerv1.TargetDelivered))

			s.force = "again"
			finish(g, s)
			g.Expect(s.release.Revision).To(Equal(revision+2), "and one more for the next value")
		})
	}
}

func TestDecide_theCauseOfAForceThatWaited(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.release.Suspended = true
	s.force = "now"
	s.step()
	s.release.Suspended = false
	g.Expect(s.step().Request.Cause).To(Equal("request by annotation that had to wait via ValuesTrigger apps/trigger"))
}

// A request that had to wait, was made and not recorded, is not made again for a change
// that needs no force.
func TestDecide_aForceThatHadToWaitIsNotOwedTwice(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read, other)
	s.force = "now"
	s.work()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetPending, none}))
	s.upgrade()
	g.Expect(outcomeOf(s.crash())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
	s.later(time.Minute)
	s.upgrade()
	s.later(time.Minute)

	s.edit(read)
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, unforced}))
	s.upgrade()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
}

// Nor is a request that brings back what was delivered before taken for one of a person.
func TestDecide_aForceIsOwedBesideARestoration(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	s.edit(other)
	s.work()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetPending, none}))
	s.later(time.Minute)
	s.upgrade()
	s.later(time.Minute)
	s.revert(other)
	g.Expect(outcomeOf(s.crash())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))

	s.force = "now"
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetPending, none}))
	s.upgrade()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
}

// Whether what is looked up was there all the time while a change waited is not known.
func TestDecide_forceAtBesideAChangeThatWaits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read, other)
	revision := s.release.Revision
	s.force = "now"
	s.crash()
	s.edit(read)
	s.step()
	s.upgrade()
	finish(g, s)
	g.Expect(s.release.Revision).To(Equal(revision+2), "a double rather than a loss")
}
