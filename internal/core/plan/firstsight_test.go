// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestDecide_firstSight(t *testing.T) {
	with := func(ids []string, change func(*scene)) func() *scene {
		return func() *scene {
			s := newScene(ids...)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "values that are equal are Delivered",
		given: with([]string{read}, func(*scene) {}),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "values that differ are requested without force",
		given: with([]string{read}, func(s *scene) { s.values = ValuesDiffer }),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:  "values that differ are forced if the source says Always",
		given: with([]string{read}, func(s *scene) { s.values = ValuesDiffer; s.source(read).Force = triggerv1.ForceAlways }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "values that cannot be read are requested without force",
		given: with([]string{read}, func(s *scene) { s.values = ValuesUnreadable }),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:  "values that are equal are not proof when the latest revision failed",
		given: with([]string{read}, func(s *scene) { s.release.Deployed = false }),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:  "a source that is not read is forced",
		given: with([]string{other}, func(*scene) {}),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "content that the first operator has delivered to this target is Delivered",
		given: with([]string{always}, func(s *scene) {
			s.source(always).Baseline = map[string]bool{"apps/release": true}
		}),
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "content that the first operator has delivered to another target is forced",
		given: with([]string{always}, func(s *scene) {
			s.source(always).Baseline = map[string]bool{"apps/another": true}
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "an optional source that is absent is Delivered",
		given: with([]string{other}, func(s *scene) { s.removeOther() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "only what does not provably run is named and counts",
		given: with([]string{read, other}, func(s *scene) {
			s.requestedBy(true, s.now, other)
			s.upgrade()
			s.values = ValuesDiffer
		}),
		want: outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name: "a release that helm-controller has not looked at yet finds its copies when it does",
		given: func() *scene {
			s := newScene(read)
			s.release = Release{Exists: true, UID: "release", Reads: map[string]bool{read: true}, Copied: map[string]bool{read: true}}
			s.unpublished = true
			return s
		},
		want:    outcome{triggerv1.TargetPending, none},
		message: "the release is not installed yet",
	}, {
		name: "a release that is not installed yet installs the content by itself",
		given: with([]string{read, other}, func(s *scene) {
			s.release.Revision, s.release.Ready, s.release.Deployed, s.release.ReadyMessage = 0, "False", false, "no chart"
			s.release.Created = s.now
		}),
		want:    outcome{triggerv1.TargetPending, none},
		message: "the release is not installed yet: no chart",
	}, {
		name: "a release that cannot be installed is asked again when a source changes",
		given: with([]string{read, other}, func(s *scene) {
			s.release.Revision, s.release.Ready, s.release.Deployed = 0, "False", false
			s.step()
			s.edit(other)
		}),
		want: outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:    "a release that helm-controller works on is looked at afterwards",
		given:   with([]string{other}, func(s *scene) { s.edit(other); s.work() }),
		want:    outcome{triggerv1.TargetPending, none},
		message: "what it runs is checked afterwards",
	}, {
		name:  "a release with a request under way is looked at afterwards",
		given: with([]string{other}, func(s *scene) { s.edit(other); s.release.RequestedAt = "someone" }),
		want:  outcome{triggerv1.TargetPending, none},
	}, {
		name:    "a suspended release is Held if it does not run the content",
		given:   with([]string{other}, func(s *scene) { s.edit(other); s.release.Suspended = true }),
		want:    outcome{triggerv1.TargetHeld, none},
		message: "delivered when spec.suspend is removed",
	}, {
		name:  "a suspended release is Delivered if it runs the content",
		given: with([]string{read}, func(s *scene) { s.release.Suspended = true }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_firstSightOfARecord(t *testing.T) {
	with := func(id string, change func(*scene)) func() *scene {
		return func() *scene {
			s := newScene(id)
			s.edit(id)
			s.later(time.Minute)
			change(s)
			return s
		}
	}
	check(t, []decision{{
		name:  "a record that covers the content is adopted while it is under way",
		given: with(other, func(s *scene) { s.requestedBy(true, s.now, other) }),
		want:  outcome{triggerv1.TargetTriggered, none},
	}, {
		name:  "a record that covers the content is adopted and proven",
		given: with(other, func(s *scene) { s.requestedBy(true, s.now, other); s.upgrade() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a record of other content is not adopted",
		given: with(other, func(s *scene) { s.requestedBy(true, s.now, other); s.handle(); s.editTo(other, "third") }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a record of the same content is adopted whatever the clocks say",
		given: with(other, func(s *scene) { s.requestedBy(true, s.now.Add(-2*time.Hour), other); s.upgrade() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a record that a backup brought to another release is not adopted",
		given: with(other, func(s *scene) { s.requestedBy(true, s.now, other); s.upgrade(); s.release.UID = "restored" }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a record of an object that was created again since is not adopted",
		given: with(other, func(s *scene) { s.requestedBy(true, s.now, other); s.upgrade(); s.recreate(other) }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a record of an earlier version, which names no objects, is not adopted",
		given: with(other, func(s *scene) {
			s.requestedBy(true, s.now, other)
			s.release.Record.UID, s.release.Record.Sources[0].Object = "", ""
			s.upgrade()
		}),
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a source that an earlier forced request named is proven by a record of a later one without force",
		given: func() *scene {
			s := newScene(read, other)
			s.requestedBy(true, s.now, read, other)
			s.upgrade()
			s.requestedBy(false, s.now, read)
			s.handle()
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a record without force is not adopted for content that needs it",
		given: with(other, func(s *scene) { s.requestedBy(false, s.now, other); s.handle() }),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a record without force is adopted for content that the release reads",
		given: with(read, func(s *scene) { s.requestedBy(false, s.now, read); s.upgrade() }),
		want:  outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_firstSightIsNotPaidTwice(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(other)
	s.edit(other)
	first := s.crash()
	g.Expect(outcomeOf(first)).To(Equal(outcome{triggerv1.TargetTriggered, forced}))

	again := s.step()
	g.Expect(outcomeOf(again)).To(Equal(outcome{triggerv1.TargetTriggered, none}), "recognised after the crash")
	g.Expect(again.Status.Token).To(Equal(first.Request.Token))

	s.upgrade()
	done := s.step()
	g.Expect(outcomeOf(done)).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	g.Expect(done.Status.Revision).To(BeEquivalentTo(4))
	g.Expect(s.step()).To(Equal(done), "nothing more happens")
}

func TestDecide_valuesAreComposedOnlyWhenTheyTell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given func() *scene
		want  bool
	}{
		{"not of a release that does not read any source", func() *scene { return newScene(other) }, false},
		{"not of a release that is suspended with a change waiting", func() *scene {
			s := delivered(read)
			s.edit(read)
			s.release.Suspended = true
			return s
		}, false},
		{"not of a release at rest", func() *scene { return delivered(read) }, false},
		{"not while the request is under way", func() *scene { return triggered(read) }, false},
		{"of a release seen for the first time", func() *scene { return newScene(read) }, true},
		{"of a release that has handled the request", func() *scene {
			s := triggered(read)
			s.upgrade()
			return s
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := c.given()
			s.decide()
			g.Expect(s.asked).To(Equal(c.want))
		})
	}
}
