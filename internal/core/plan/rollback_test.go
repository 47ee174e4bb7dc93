// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// rolledBack is a forced upgrade that failed and was rolled back. Its values being what
// they were, helm-controller takes the result for what was wanted.
func rolledBack(ids ...string) *scene {
	s := delivered(ids...)
	s.edit(other)
	s.step()
	s.later(time.Minute)
	s.upgrade() // The one that failed.
	s.upgrade()
	s.release.RolledBack = true
	return s
}

func TestDecide_rollback(t *testing.T) {
	failed := func(ids ...string) *scene {
		s := rolledBack(ids...)
		s.step()
		s.later(time.Minute)
		return s
	}
	given := func(s *scene, change func(*scene)) func() *scene {
		return func() *scene { change(s); return s }
	}
	check(t, []decision{{
		name:    "its revision is not proof of a force",
		given:   given(rolledBack(other), func(*scene) {}),
		want:    outcome{triggerv1.TargetFailed, none},
		message: "the upgrade failed and helm-controller rolled it back",
	}, {
		name:  "is asked again when a person wants it",
		given: given(failed(other), func(s *scene) { s.reset = "again" }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "is over when helm-controller succeeds",
		given: given(failed(other), func(s *scene) { s.upgrade(); s.release.RolledBack = false }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "owes the force to the next change",
		given: given(failed(other, read), func(s *scene) { s.edit(read) }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "has not taken up a change by itself",
		given: func() *scene {
			s := delivered(other)
			s.edit(other)
			s.later(time.Minute)
			s.upgrade()
			s.release.RolledBack = true
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "says nothing at first sight of a source that is not read",
		given: func() *scene {
			s := newScene(other)
			s.release.RolledBack = true
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "has values that count at first sight",
		given: func() *scene {
			s := newScene(read)
			s.release.RolledBack = true
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_aRollbackThatFailedIsNotAskedAgainByItself(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := rolledBack(other)
	first := s.step()
	for range 3 {
		s.later(time.Hour)
		g.Expect(s.step()).To(Equal(first))
	}
}
