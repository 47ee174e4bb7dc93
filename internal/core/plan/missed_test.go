// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// A required source is deleted and created again as it was. Meanwhile the trigger touches
// nothing, but others may have the release upgraded, and its chart find no object.
func TestDecide_aSourceThatWasAwayDuringARevision(t *testing.T) {
	away := func(id string, change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(id, read)
			s.later(time.Minute)
			s.upgrade() // of another cause
			s.later(time.Minute)
			s.recreate(id)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "is forced once more",
		given: away(other, func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "is forced together with another change",
		given: away(other, func(s *scene) { s.edit(read) }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "is compared if the release reads it",
		given: away(read, func(*scene) {}),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "is not forced if it never is",
		given: away(other, func(s *scene) { s.source(other).Force = triggerv1.ForceNever }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "waits for an upgrade that may see it",
		given: away(other, func(s *scene) { s.work() }),
		want:  outcome{triggerv1.TargetPending, none},
	}, {
		name: "was seen if there was no revision meanwhile",
		given: func() *scene {
			s := delivered(other)
			s.recreate(other)
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_aSourceThatWasAwayIsForcedOnce(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		g := NewWithT(t)
		s := delivered(other)
		s.later(time.Minute)
		s.upgrade()
		s.later(time.Minute)
		s.recreate(other)
		if crash {
			g.Expect(s.crash().Request).NotTo(BeNil())
		}
		for range 3 {
			s.step()
			s.later(time.Minute)
			if s.release.RequestedAt != s.release.HandledAt {
				s.upgrade()
			}
		}
		g.Expect(s.status.State).To(Equal(triggerv1.TargetDelivered))
		g.Expect(s.release.Revision).To(BeEquivalentTo(5))
	}
}

// Nothing has been proven when the source is back: a change waits, or was requested.
func TestDecide_aSourceThatWasAwayWhileAChangeWaited(t *testing.T) {
	waiting := func(s *scene) {
		s.edit(read)
		s.release.Suspended = true
		s.step()
		s.release.Suspended = false
	}
	back := func(before func(*scene), change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(read, other)
			s.later(time.Minute)
			before(s)
			s.later(time.Minute)
			s.upgrade() // of another cause
			s.later(time.Minute)
			s.recreate(other)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "is forced though the release has taken up the change by itself",
		given: back(waiting, func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "is forced once more after the request that it was there for",
		given: back(func(s *scene) { s.edit(other); s.step(); s.upgrade() }, func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "is forced with a change that came since",
		given: back(func(s *scene) { s.edit(other); s.step(); s.upgrade() }, func(s *scene) { s.edit(read) }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}

// The release reads a copy of one source, and its chart looks another one up that was away.
func TestDecide_aSourceThatWasAwayBesideCopies(t *testing.T) {
	away := func(change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(read, other)
			s.release.Copied = map[string]bool{read: true}
			s.status.Published = s.status.Digest
			s.later(time.Minute)
			s.upgrade() // of another cause
			s.later(time.Minute)
			s.recreate(other)
			s.unpublished = true
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "is forced once more, and the copy goes with it",
		given: away(func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "is forced with a change that the copy has not got",
		given: away(func(s *scene) { s.edit(read) }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "waits for an upgrade that may see it",
		given: away(func(s *scene) { s.work() }),
		want:  outcome{triggerv1.TargetPending, none},
	}, {
		name:  "waits while the release is suspended",
		given: away(func(s *scene) { s.release.Suspended = true }),
		want:  outcome{triggerv1.TargetHeld, none},
	}, {
		name:  "that is copied itself is not a reason",
		given: away(func(s *scene) { s.source(other).UID = s.recorded[0].UID; s.recreate(read) }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_aSourceThatWasAwayBesideCopiesIsForcedOnce(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		g := NewWithT(t)
		s := delivered(read, other)
		s.release.Copied = map[string]bool{read: true}
		s.status.Published = s.status.Digest
		s.later(time.Minute)
		s.upgrade()
		s.later(time.Minute)
		s.recreate(other)
		s.edit(read)
		s.unpublished = true
		if crash { // when the copy is written and the request is made
			g.Expect(s.crash().Request).NotTo(BeNil())
			g.Expect(s.unpublished).To(BeFalse())
		}
		for range 3 {
			s.step()
			s.later(time.Minute)
			if s.release.RequestedAt != s.release.HandledAt {
				s.upgrade()
			}
		}
		g.Expect(s.status.State).To(Equal(triggerv1.TargetDelivered))
		g.Expect(s.release.Revision).To(BeEquivalentTo(5))
	}
}
