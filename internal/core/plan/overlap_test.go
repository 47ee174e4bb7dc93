// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestDecide_requestsOfOthers(t *testing.T) {
	edited := func(ids []string, id string, change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(ids...)
			s.later(time.Minute)
			s.edit(id)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "a newer request that covers the change is adopted",
		given: edited([]string{other}, other, func(s *scene) { s.requestedBy(true, s.now, other) }),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name: "a newer request that covers the change is adopted with its proof",
		given: edited([]string{other}, other, func(s *scene) {
			s.requestedBy(true, s.now, other)
			s.upgrade()
		}),
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "sources that have not changed need not be covered",
		given: edited([]string{other, read}, other, func(s *scene) {
			s.requestedBy(true, s.now, other)
		}),
		want: outcome{triggerv1.TargetTriggered, none},
	}, {
		name: "a request without force is not adopted for a change that needs it",
		given: edited([]string{other}, other, func(s *scene) {
			s.requestedBy(false, s.now, other)
			s.handle()
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a request without force is waited for before",
		given: edited([]string{other}, other, func(s *scene) {
			s.requestedBy(false, s.now, other)
		}),
		want: outcome{triggerv1.TargetPending, none},
	}, {
		name: "a request with force is adopted for a change that does not need it",
		given: edited([]string{read}, read, func(s *scene) {
			s.requestedBy(true, s.now, read)
			s.upgrade()
		}),
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "a request for other content is not adopted",
		given: edited([]string{other}, other, func(s *scene) {
			s.requestedBy(true, s.now, other)
			s.handle()
			s.editTo(other, "third")
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a request for another source is not adopted",
		given: edited([]string{other, always}, other, func(s *scene) {
			s.requestedBy(true, s.now, always)
			s.handle()
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a record that is not older than the own request is not adopted",
		given: func() *scene {
			s := triggered(other)
			s.later(time.Minute)
			s.upgrade()
			s.step()
			s.editTo(other, "third")
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "what another trigger has delivered after a wait is not done again",
		given: func() *scene {
			s := delivered(always, other)
			s.later(time.Minute)
			s.edit(always)
			s.release.RequestedAt = "someone"
			s.step() // Waits, and does not know afterwards which source it was.
			s.requestedBy(true, s.now, always)
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_aCrashAfterTheRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"of a source that is read", read, unforced},
		{"of a source that is not read", other, forced},
		{"of a source of the contract", always, forced},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(c.source)
			s.later(time.Minute)
			s.edit(c.source)
			first := s.crash()
			g.Expect(outcomeOf(first)).To(Equal(outcome{triggerv1.TargetTriggered, c.want}))

			again := s.step()
			g.Expect(outcomeOf(again)).To(Equal(outcome{triggerv1.TargetTriggered, none}))
			g.Expect(again.Status).To(Equal(first.Status), "as if it had been recorded")

			s.upgrade()
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
		})
	}
}

// A forced request that was lost must be made again with force, whatever came between.
func TestDecide_aLostForceIsOwed(t *testing.T) {
	t.Parallel()
	lost := func() *scene {
		s := delivered(other, read)
		s.edit(other)
		s.step()
		s.later(time.Minute)
		s.handle() // By an early exit.
		return s
	}
	for _, c := range []struct {
		name  string
		given func(*scene)
		want  string
	}{
		{"newer content that needs no force", func(s *scene) { s.edit(read) }, forced},
		{"newer content and a request of another trigger", func(s *scene) {
			s.requestedBy(false, s.now, read)
			s.handle()
			s.edit(read)
		}, forced},
		{"newer content that waits", func(s *scene) {
			s.release.Suspended = true
			s.edit(read)
			s.step()
			s.release.Suspended = false
		}, forced},
		{"newer content after a revision", func(s *scene) {
			s.upgrade()
			s.edit(read)
		}, unforced},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := lost()
			c.given(s)
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, c.want}))
		})
	}
}

// An adopted request has its own number of attempts.
func TestDecide_adoptedAttempts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(other)
	s.status.Attempts, s.status.State = MaxAttempts, triggerv1.TargetFailed
	s.handle()
	s.later(time.Hour)
	s.editTo(other, "third")
	s.requestedBy(true, s.now, other)
	s.handle()
	d := s.step()
	g.Expect(d.Status.State).To(Equal(triggerv1.TargetTriggered))
	g.Expect(d.Status.Attempts).To(BeEquivalentTo(1))
}
