// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Content that a chart looks up is proven by the order of what the operator has seen, never
// by the age of anything.
func TestDecide_aRevisionProvesLookedUpContentOnlyIfItBeganWithIt(t *testing.T) {
	check(t, []decision{{
		name: "not a revision of another cause before the change",
		given: func() *scene {
			s := delivered(other)
			s.upgrade()
			s.step()
			s.later(time.Hour)
			s.edit(other)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "nor one of which the operator learns together with the change",
		given: func() *scene {
			s := delivered(other)
			s.upgrade()
			s.later(time.Hour)
			s.edit(other)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "nor one that was under way when the change was seen, however long it rendered since",
		given: func() *scene {
			s := delivered(other)
			s.work()
			s.edit(other)
			s.step()
			s.later(time.Minute)
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "nor the one that was requested for the content before",
		given: func() *scene {
			s := triggered(other)
			s.work()
			s.editTo(other, "third")
			s.step()
			s.later(time.Minute)
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "the one that was requested for it",
		given: func() *scene { s := triggered(other); s.upgrade(); return s },
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "and any after it, for another trigger that meets the release",
		given: func() *scene {
			s := triggered(other)
			s.upgrade()
			s.upgrade()
			s.status, s.recorded, s.lastDigest = nil, nil, ""
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "but not if the source was created again since, for all that the record says",
		given: func() *scene {
			s := triggered(other)
			s.upgrade()
			s.upgrade()
			s.status, s.recorded, s.lastDigest = nil, nil, ""
			s.recreate(other)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "unless that revision is the one that a trigger that is gone has proven",
		given: func() *scene {
			s := triggered(other)
			s.upgrade()
			s.step()
			s.release.Record.Proven = s.status.Revision
			s.status, s.recorded, s.lastDigest = nil, nil, ""
			s.recreate(other)
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "and no other one since",
		given: func() *scene {
			s := triggered(other)
			s.upgrade()
			s.release.Record.Proven = s.release.Revision
			s.upgrade()
			s.status, s.recorded, s.lastDigest = nil, nil, ""
			s.recreate(other)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "nor the requested one if the source was created again while it was under way",
		given: func() *scene { s := triggered(other); s.later(time.Minute); s.recreate(other); s.upgrade(); return s },
		want:  outcome{triggerv1.TargetTriggered, forced},
	}})
}

// Without a revision in between, a source that is created again is not a change.
func TestDecide_aSourceThatIsCreatedAgain(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	s.upgrade()
	s.step()
	s.recreate(other)
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}), "the latest revision was seen while it was there")
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
}

// A decision that rests on order needs a release that is read after the sources.
func TestInput_DependsOnOrder(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	depends := func(s *scene) bool {
		in := s.input()
		in.Live = false
		return in.DependsOnOrder()
	}
	s := delivered(other)
	g.Expect(depends(s)).To(BeFalse(), "at rest")
	s.recreate(other)
	g.Expect(depends(s)).To(BeTrue(), "a source was created again")

	s = delivered(other)
	s.edit(other)
	g.Expect(depends(s)).To(BeFalse(), "a change is due")
	s.release.Suspended = true
	g.Expect(depends(s)).To(BeTrue(), "a change waits for a suspended release")
	s.step()
	g.Expect(depends(s)).To(BeFalse(), "what was seen is recorded")
	s.revert(other)
	g.Expect(depends(s)).To(BeTrue(), "the content is back")
	in := s.input()
	g.Expect(in.DependsOnOrder()).To(BeFalse(), "it was read live")
}

func TestDecision_Notes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	before := *s.status
	g.Expect(s.decide().Notes(&before)).To(BeFalse())
	s.upgrade()
	g.Expect(s.decide().Notes(&before)).To(BeTrue(), "a revision that came by itself")
	s = delivered(read)
	before = *s.status
	s.upgrade()
	g.Expect(s.decide().Notes(&before)).To(BeFalse(), "values are compared: no revision needs to be noted")
}
