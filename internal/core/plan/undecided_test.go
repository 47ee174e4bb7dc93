// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// What is decided about one target is recorded even if nothing could be decided about
// another one. The sources are then recorded as they were.

func TestDecide_besideATargetThatIsUndecided(t *testing.T) {
	// The change of one source is delivered, and not recorded.
	given := func(change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(other, always)
			s.edit(always)
			recorded, digest := s.recorded, s.lastDigest
			s.step()
			s.upgrade()
			s.step()
			s.recorded, s.lastDigest = recorded, digest
			s.later(time.Minute)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "what is Delivered is not delivered again",
		given: given(func(*scene) {}),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "what is Delivered is not delivered again when a source is left out",
		given: given(func(s *scene) { s.exclude(other) }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a change since is delivered",
		given: given(func(s *scene) { s.edit(other) }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "the going of a source since is delivered",
		given: given(func(s *scene) { s.removeOther() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a change back to what is recorded is delivered",
		given: given(func(s *scene) { s.revert(always) }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}

func TestDecide_whatWasNotInstalledWhenItCouldNotBeAsked(t *testing.T) {
	given := func(change func(*scene)) func() *scene {
		return func() *scene {
			s := newScene(read, other)
			s.release.Created, s.release.Revision, s.release.Ready, s.release.Deployed = s.now, 0, "False", false
			s.step()
			s.edit(other)
			s.release.Suspended = true
			if s.step().Status.State != triggerv1.TargetHeld {
				panic("not held")
			}
			s.release.Suspended = false
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:    "it is installed by itself",
		given:   given(func(*scene) {}),
		want:    outcome{triggerv1.TargetPending, none},
		message: "not installed yet",
	}, {
		name:  "it is forced if it was installed before the change, unseen",
		given: given(func(s *scene) { s.upgrade() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "it is forced if it was installed after the change: that cannot be known",
		given: given(func(s *scene) { s.later(time.Minute); s.upgrade() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}
