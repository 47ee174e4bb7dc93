// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
)

// settle is a decision that is recorded while a change settles.
func (s *scene) settle() Decision {
	s.settling = true
	d := s.decide()
	if d.Request != nil {
		d.Status = d.Settling("settles")
	}
	s.status = &d.Status
	s.note()
	return d
}

func TestApplied(t *testing.T) {
	t.Parallel()
	flux := applier.Applier{Kind: applier.Kustomization, Namespace: "flux-system", Name: "apps"}
	for _, c := range []struct {
		name   string
		change func(*scene)
		want   *triggerv1.SettlingStatus
	}{
		{"nothing", func(*scene) {}, nil},
		{"an edit by hand", func(s *scene) { s.edit(other) }, nil},
		{"a change of a tool", func(s *scene) { s.edit(other); s.source(other).Applier = flux },
			&triggerv1.SettlingStatus{Source: "ConfigMap apps/other", AppliedBy: "Kustomization flux-system/apps"}},
		{"a tool that applies another source", func(s *scene) { s.edit(other); s.source(read).Applier = flux }, nil},
		{"a source that is new", func(s *scene) { s.include(always); s.source(always).Applier = flux },
			&triggerv1.SettlingStatus{Source: "ConfigMap apps/always", AppliedBy: "Kustomization flux-system/apps"}},
		{"a source that was made again", func(s *scene) { s.recreate(other); s.source(other).Applier = flux },
			&triggerv1.SettlingStatus{Source: "ConfigMap apps/other", AppliedBy: "Kustomization flux-system/apps"}},
		{"a source that was deleted, by whomever", func(s *scene) { s.removeOther() }, &triggerv1.SettlingStatus{Source: "ConfigMap apps/other"}},
		{"one that is not a source any more", func(s *scene) { s.exclude(other) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := delivered(read, other)
			c.change(s)
			NewWithT(t).Expect(Applied(Compare(s.recorded, s.lastDigest, s.sources), s.sources)).To(Equal(c.want))
		})
	}
}

func TestSettling_requests_stay_due(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.edit(read)
	g.Expect(s.settle().Status).To(And(HaveField("State", triggerv1.TargetPending), HaveField("Message", "settles")))
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, unforced}))
}

// The chart that comes with the content makes a revision, which begins with the content.
func TestSettling_what_the_release_does_by_itself_is_not_asked_for_again(t *testing.T) {
	for _, id := range []string{read, other, always} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(id)
			s.edit(id)
			g.Expect(s.settle().Request).NotTo(BeNil())
			s.work()
			g.Expect(s.settle().Status.State).To(Equal(triggerv1.TargetPending))
			s.upgrade()
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
			g.Expect(s.status.Seen).To(BeNil())
		})
	}
}

func TestSettling_a_revision_that_may_have_begun_before_the_content_is_none_of_it(t *testing.T) {
	for name, before := range map[string]func(*scene){
		"helm-controller was at work":       func(s *scene) { s.work() },
		"the release was read from a cache": func(s *scene) { s.stale = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(other)
			s.edit(other)
			before(s)
			s.settle()
			s.stale = false
			s.upgrade()
			g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
		})
	}
}

func TestDependsOnOrder_while_a_change_settles(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, c := range []struct {
		id   string
		want bool
	}{{read, false}, {other, true}, {always, true}} {
		s := delivered(c.id)
		s.edit(c.id)
		s.settling, s.stale = true, true
		g.Expect(s.input().DependsOnOrder()).To(Equal(c.want), c.id)
		s.stale = false
		s.settle()
		s.stale = true
		g.Expect(s.input().DependsOnOrder()).To(BeFalse(), "%s: it has been seen", c.id)
	}
}

// What the release is like when the change is seen counts, not what has come with it.
func TestSettling_notes_readiness_when_it_begins(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(other)
	s.gated = true
	g.Expect(s.settle().Status).To(And(HaveField("State", triggerv1.TargetPending), HaveField("Digest", "")))
	s.release.Ready, s.release.ReadyCurrent = "False", true
	s.later(time.Second)
	g.Expect(WasUnready(s.settle().Status)).To(BeFalse(), "it has failed since")

	s = newScene(other)
	s.gated = true
	s.work()
	s.release.Failing = true
	g.Expect(WasUnready(s.settle().Status)).To(BeTrue())
	s.release.Reconciling, s.release.Ready = false, "False"
	g.Expect(WasUnready(s.settle().Status)).To(BeTrue())
}
