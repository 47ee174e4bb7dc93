// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// Revisions that helm-controller makes by itself.

func TestDecide_aReleaseThatWasRecreatedUnseen(t *testing.T) {
	// recreated has the release deleted and created after the request, and installed.
	recreated := func(change func(*scene)) func() *scene {
		return func() *scene {
			s := triggered(other)
			s.later(time.Minute)
			s.release.UID = "another"
			s.release.Record, s.release.RequestedAt, s.release.HandledAt = Record{}, "", ""
			s.upgrade()
			s.release.Revision = 1
			s.later(time.Minute)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "what was asked of the one before says nothing about what it looked up",
		given: recreated(func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "nor does a record that was restored with it",
		given: recreated(func(s *scene) {
			s.release.Record = Record{UID: "release", Token: "a.1", Force: true, At: s.now, Sources: []RecordedSource{
				{ID: other, Digest: digest.Short(s.source(other).Full), Object: object(*s.source(other))},
			}}
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "it is looked at when it is installed",
		given: recreated(func(s *scene) {
			s.release.Revision, s.release.Deployed, s.release.Ready = 0, false, ""
		}),
		want:    outcome{triggerv1.TargetPending, none},
		message: "not installed yet",
	}})
}

func TestDecide_aSpecThatHelmControllerHasNotSeen(t *testing.T) {
	edited := func(change func(*scene)) func() *scene {
		return func() *scene {
			s := delivered(read, other)
			s.edit(read)
			s.edit(other)
			s.release.Current = false
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:    "it is waited for, since of values and force two revisions would come",
		given:   edited(func(*scene) {}),
		want:    outcome{triggerv1.TargetPending, none},
		message: "observe the current spec",
	}, {
		name:  "what it makes of it may have begun before the change",
		given: edited(func(s *scene) { s.later(time.Minute); s.upgrade(); s.release.Current = true }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "it has seen what it has failed by",
		given: edited(func(s *scene) { s.release.Ready, s.release.ReadyCurrent = "False", true }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a failure before it is none of it",
		given: edited(func(s *scene) { s.release.Ready = "False" }),
		want:  outcome{triggerv1.TargetPending, none},
	}, {
		name:  "nor is a suspended release waited for",
		given: edited(func(s *scene) { s.release.Suspended = true }),
		want:  outcome{triggerv1.TargetHeld, none},
	}})
}

// What was taken up by itself is recorded as it is found later.
func TestDecide_takenUpIsRecordedOnce(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read, other)
	s.edit(other)
	g.Expect(s.step().Request.Force).To(BeTrue())
	s.upgrade()
	s.step()
	s.edit(read)
	s.later(time.Minute)
	s.upgrade()
	done := s.step()
	g.Expect(outcomeOf(done)).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	g.Expect(s.step()).To(Equal(done), "nothing more is written")
}
