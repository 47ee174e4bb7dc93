// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// published returns a scene in which the release reads a copy of the source.
func published(given func(*scene)) *scene {
	s := delivered(read)
	s.release.Copied = map[string]bool{read: true}
	s.status.Published = s.status.Digest
	given(s)
	return s
}

func TestDecide_unpublished(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given *scene
		want  outcome
	}{
		{"a change is requested, with the copies", published(func(s *scene) { s.edit(read); s.unpublished = true }),
			outcome{triggerv1.TargetTriggered, unforced}},
		{"values of an old copy are no proof of new content, though they are equal", published(func(s *scene) {
			s.status, s.recorded, s.lastDigest = nil, nil, ""
			s.values, s.unpublished = ValuesEqual, true
		}), outcome{triggerv1.TargetTriggered, unforced}},
		{"a revision since the change may have been made of the old copy", published(func(s *scene) {
			s.write(read, "second")
			s.later(time.Minute)
			s.upgrade()
			s.unpublished = true
		}), outcome{triggerv1.TargetTriggered, unforced}},
		{"a request of another trigger did not write the copies", published(func(s *scene) {
			s.edit(read)
			s.unpublished = true
			s.requestedBy(false, s.now, read)
			s.handle()
		}), outcome{triggerv1.TargetTriggered, unforced}},
		{"nor at first sight", published(func(s *scene) {
			s.status, s.recorded, s.lastDigest = nil, nil, ""
			s.unpublished = true
			s.requestedBy(false, s.now, read)
			s.handle()
		}), outcome{triggerv1.TargetTriggered, unforced}},
		{"a release that was never installed is asked when its copy is made", published(func(s *scene) {
			s.status = nil
			s.release.Revision, s.release.Deployed, s.release.ConfigDigest = 0, false, ""
			s.fail("ValuesError", "could not find the ConfigMap")
			s.unpublished = true
		}), outcome{triggerv1.TargetTriggered, unforced}},
		{"and installs by itself when the copy is there", published(func(s *scene) {
			s.status = nil
			s.release.Revision, s.release.Deployed, s.release.ConfigDigest = 0, false, ""
			s.release.Created = s.now
			s.fail("ValuesError", "could not find the ConfigMap")
		}), outcome{triggerv1.TargetPending, none}},
		{"a copy that someone has changed needs no request", published(func(s *scene) { s.unpublished = true }),
			outcome{triggerv1.TargetDelivered, none}},
		{"a suspended release is left alone", published(func(s *scene) {
			s.edit(read)
			s.release.Suspended, s.unpublished = true, true
		}), outcome{triggerv1.TargetHeld, none}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(outcomeOf(c.given.decide())).To(Equal(c.want))
		})
	}
}

func TestDecide_what_was_delivered_under_other_rules(t *testing.T) {
	t.Parallel()
	// An operator that knows of no copies has recorded the content as delivered.
	other := func(given func(*scene)) *scene {
		return published(func(s *scene) {
			s.status.Published = ""
			given(s)
		})
	}
	for _, c := range []struct {
		name  string
		given *scene
		want  outcome
	}{
		{"the copies have other content", other(func(s *scene) { s.unpublished = true }), outcome{triggerv1.TargetTriggered, unforced}},
		{"the copies have the content, and the release has not read it", other(func(s *scene) { s.values = ValuesDiffer }),
			outcome{triggerv1.TargetTriggered, unforced}},
		{"the release runs it", other(func(*scene) {}), outcome{triggerv1.TargetDelivered, none}},
		{"it cannot be compared", other(func(s *scene) { s.values = ValuesUnreadable }), outcome{triggerv1.TargetTriggered, unforced}},
		{"helm-controller is at it", other(func(s *scene) {
			s.values = ValuesDiffer
			s.work()
		}), outcome{triggerv1.TargetPending, none}},
		{"a suspended release is left alone", other(func(s *scene) {
			s.unpublished = true
			s.release.Suspended = true
		}), outcome{triggerv1.TargetHeld, none}},
		{"other content was put into the copies", other(func(s *scene) {
			s.status.Published, s.values = "sha256:old", ValuesDiffer
		}), outcome{triggerv1.TargetTriggered, unforced}},
		{"a request was under way, and the copies are old", other(func(s *scene) {
			s.edit(read)
			s.step()
			s.handle()
			s.later(time.Minute)
			s.status.Published, s.values, s.unpublished = "", ValuesEqual, true
		}), outcome{triggerv1.TargetTriggered, unforced}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(outcomeOf(c.given.decide())).To(Equal(c.want))
		})
	}

	g := NewWithT(t)
	s := other(func(s *scene) { s.unpublished = true })
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, unforced}))
	s.upgrade()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}), "once")
	g.Expect(s.asked).To(BeFalse(), "what is proven under the present rules is believed")
}

func TestDecide_a_crash_between_copies_and_request(t *testing.T) {
	t.Parallel()
	// The copies are written, and nothing tells of it.
	crashed := func() *scene {
		return published(func(s *scene) { s.edit(read) })
	}

	t.Run("the request is still due", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		s := crashed()
		g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, unforced}))
		s.upgrade()
		g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
		g.Expect(s.release.Revision).To(BeEquivalentTo(4))
	})

	t.Run("helm-controller was faster", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		s := crashed()
		s.later(time.Minute)
		s.upgrade()
		g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}), "its values prove it")
	})

	t.Run("the source is what it was again", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		s := crashed()
		s.release.Suspended = true
		g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetHeld, none}))
		s.release.Suspended = false
		s.revert(read)
		s.unpublished = true // The copies have the content that was rolled back.
		g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, unforced}))
		s.handle()
		g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	})
}
