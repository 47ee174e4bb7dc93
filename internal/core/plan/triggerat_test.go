// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// A request that keeps to the stages is held back as soon as it is seen, and forces once
// when its turn has come, whatever happens meanwhile.
func TestDecide_triggerAtThatIsHeldBackForcesOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given func(*scene)
	}{
		{"when its turn comes", func(*scene) {}},
		{"after a long wait", func(s *scene) {
			for range 5 {
				s.later(time.Hour)
				s.hold()
			}
		}},
		{"when it is seen again, since another target was undecided", func(s *scene) { s.force = "now"; s.hold() }},
		{"after a crash behind the request", func(s *scene) { s.crash() }},
		{"after a crash behind the request, which is handled", func(s *scene) { s.crash(); s.later(time.Minute); s.upgrade() }},
		{"after a crash before the status was stored", func(s *scene) { s.status.DeliveredAt, s.force = timestamp(s.now), "now" }},
		{"with content that supersedes", func(s *scene) { s.edit(read); s.hold() }},
		{"with content that supersedes and comes back", func(s *scene) {
			s.edit(read)
			s.hold()
			s.revert(read)
			s.hold()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(read, other)
			s.later(time.Minute)
			revision := s.release.Revision
			s.byTriggerAt, s.force = true, "now"
			g.Expect(outcomeOf(s.hold())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
			g.Expect(s.status.State).To(Equal(triggerv1.TargetHeld))
			c.given(s)
			finish(g, s)
			g.Expect(s.release.Revision).To(Equal(revision + 1))
		})
	}
}

func TestDecide_theCauseOfATriggerAtThatWaited(t *testing.T) {
	t.Parallel()
	s := delivered(read)
	s.byTriggerAt, s.force = true, "now"
	s.hold()
	NewWithT(t).Expect(s.step().Request.Cause).To(Equal("request by trigger.nebius.ai/triggerAt that had to wait via ValuesTrigger apps/trigger"))
}

// The same value of both annotations stands for two requests.
func TestDecide_triggerAtAndForceAtAreRememberedApart(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.later(time.Minute)
	revision := s.release.Revision
	s.force = "now"
	finish(g, s)
	s.byTriggerAt, s.force = true, "now"
	d := s.step()
	g.Expect(d.Request.Cause).To(Equal("request by trigger.nebius.ai/triggerAt via ValuesTrigger apps/trigger"))
	finish(g, s)
	g.Expect(s.release.Revision).To(Equal(revision + 2))
}
