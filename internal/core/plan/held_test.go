// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// hold is a decision whose request is held back and that is recorded.
func (s *scene) hold() Decision {
	d := s.decide()
	status := d.Held("not yet")
	s.status = &status
	s.note()
	s.force, s.reset = "", ""
	return d
}

func TestHeld_requests_stay_due(t *testing.T) {
	t.Parallel()
	for _, id := range []string{read, other, always} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(id)
			before := *s.status
			s.edit(id)
			for range 3 {
				d := s.hold()
				g.Expect(d.Request).NotTo(BeNil())
				g.Expect(s.status.State).To(Equal(triggerv1.TargetHeld))
				g.Expect(s.status.Message).To(Equal("not yet"))
				g.Expect(s.status.Digest).To(Equal(before.Digest), "what it runs")
				g.Expect(s.status.Token).To(Equal(before.Token))
				g.Expect(s.status.DeliveredAt).To(Equal(before.DeliveredAt))
				s.later(time.Minute)
			}
			want := unforced
			if id != read {
				want = forced
			}
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, want}))
			s.upgrade()
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
		})
	}
}

func TestHeld_at_first_sight(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(other)
	g.Expect(s.hold().Request).NotTo(BeNil())
	g.Expect(s.hold().Request).NotTo(BeNil())
	s.edit(other)
	g.Expect(s.hold().Request).NotTo(BeNil())
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
}

func TestHeld_content_that_comes_back_asks_for_nothing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.edit(read)
	s.hold()
	s.revert(read)
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
}

func TestHeld_what_the_release_takes_up_by_itself_is_delivered(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	token := s.status.Token
	s.edit(read)
	s.hold()
	s.later(time.Minute)
	s.upgrade()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	g.Expect(s.status.Token).To(Equal(token), "by which one sees that no one asked")
}

func TestHeld_repetition(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(always)
	s.handle() // Without effect.
	s.later(time.Minute)
	d := s.hold()
	g.Expect(d.Request).NotTo(BeNil())
	g.Expect(d.Status.Attempts).To(BeEquivalentTo(2))
	g.Expect(s.status.Attempts).To(BeEquivalentTo(1))
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
	g.Expect(s.status.Attempts).To(BeEquivalentTo(2))
}

func TestHeld_retry_resets_the_release_when_its_turn_comes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(read)
	s.fail("UpgradeFailed", "why")
	s.step()
	s.reset = "again"
	d := s.hold()
	g.Expect(d.Request.Reset).To(BeTrue())
	d = s.step()
	g.Expect(d.Request).NotTo(BeNil())
	g.Expect(d.Request.Reset).To(BeTrue(), "though the request of the person is handled")

	s = delivered(read)
	s.edit(read)
	s.hold()
	g.Expect(s.step().Request.Reset).To(BeFalse(), "no one has asked for it")
}

func TestUnreadyBefore(t *testing.T) {
	t.Parallel()
	gated := func() *scene {
		s := delivered(read)
		s.gated = true
		s.step()
		return s
	}
	broken := func() *scene {
		s := gated()
		s.release.Ready = "False"
		s.step()
		return s
	}
	for _, c := range []struct {
		name  string
		scene func() *scene
		want  bool
	}{
		{"a release that is well", func() *scene {
			s := gated()
			s.edit(read)
			return s
		}, false},
		{"one that was broken before the change", func() *scene {
			s := broken()
			s.edit(read)
			return s
		}, true},
		{"one that is being tried again", func() *scene {
			s := broken()
			s.release.Ready, s.release.Failing = "Unknown", true
			s.edit(read)
			return s
		}, true},
		{"one that broke when the change was seen, perhaps by itself", func() *scene {
			s := gated()
			s.release.Ready = "False"
			s.edit(read)
			return s
		}, false},
		{"one that broke while the change was held", func() *scene {
			s := gated()
			s.edit(read)
			s.hold()
			s.release.Ready = "False"
			return s
		}, false},
		{"one that the change before broke", func() *scene {
			s := gated()
			s.edit(read)
			s.step()
			s.fail("UpgradeFailed", "why")
			s.step()
			s.editTo(read, "third")
			return s
		}, false},
		{"one that was broken before the change before", func() *scene {
			s := broken()
			s.edit(read)
			s.step()
			s.fail("UpgradeFailed", "why")
			s.step()
			s.editTo(read, "third")
			return s
		}, true},
		{"one that has recovered since", func() *scene {
			s := broken()
			s.edit(read)
			s.hold()
			s.release.Ready = "True"
			return s
		}, false},
		{"one that was well again before the change", func() *scene {
			s := broken()
			s.release.Ready = "True"
			s.step()
			s.release.Ready = "False"
			s.edit(read)
			return s
		}, false},
		{"one that was asked before a crash", func() *scene {
			s := gated()
			s.edit(read)
			s.crash()
			s.fail("UpgradeFailed", "why")
			return s
		}, false},
		{"a new one that has failed since its change was held back, when someone had it reconciled", func() *scene {
			s := newScene(read)
			s.gated, s.values = true, ValuesDiffer
			s.hold()
			s.work()
			s.step()
			s.fail("UpgradeFailed", "why")
			return s
		}, false},
		{"a new one that is broken", func() *scene {
			s := newScene(other)
			s.gated, s.release.Ready = true, "False"
			return s
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := c.scene()
			d := s.step()
			g.Expect(WasUnready(d.Status)).To(Equal(c.want))
			if d.Request == nil || !c.want {
				return
			}
			g.Expect(WasUnready(d.Unsent)).To(BeTrue())
			s.upgrade()
			g.Expect(s.step().Status.UnreadyBefore).To(BeNil(), "when it is delivered")
		})
	}
}

func TestEffect(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	reads := Release{Reads: map[string]bool{read: true}}
	asked := Decision{Request: &Request{}}
	g.Expect(Decision{}.Effect(reads, ValuesDiffer)).To(BeEmpty())
	g.Expect(Decision{Request: &Request{Force: true}}.Effect(reads, ValuesEqual)).To(ContainSubstring("by force"))
	g.Expect(asked.Effect(reads, ValuesDiffer)).To(ContainSubstring("values of the release would change"))
	g.Expect(asked.Effect(reads, ValuesEqual)).To(ContainSubstring("without a change"))
	g.Expect(asked.Effect(Release{}, ValuesUnknown)).To(ContainSubstring("without a change"))
	g.Expect(asked.Effect(reads, ValuesUnreadable)).To(ContainSubstring("is unknown"))
	g.Expect(len(asked.Held(strings.Repeat("ä", 1000)).Message)).To(BeNumerically("<=", maxText))
}
