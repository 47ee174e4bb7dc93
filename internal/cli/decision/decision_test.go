// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package decision

import (
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestNames(t *testing.T) {
	t.Parallel()
	const full = "sha256:88bf82de9082faa4c0ffee"
	for _, c := range []struct {
		given string
		want  bool
	}{
		{full, true}, {"88bf82de9082faa4c0ffee", true}, {"sha256:88bf82de9082", true}, {"88bf82de9082", true},
		{"88bf82de908", false}, {"", false}, {"sha256:", false}, {"88bf82de9083", false}, {full + "00", false},
	} {
		NewWithT(t).Expect(Names(c.given, full)).To(Equal(c.want), c.given)
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	seen := []Fact{{"content", "a"}, {"releases", ""}}
	g.Expect(Changed(seen, seen)).To(BeEmpty())
	g.Expect(Changed(seen, []Fact{{"content", "b"}, {"releases", "x"}, {"more", "y"}})).To(Equal("content was a, and is b; releases was none, and is x; more is y"))
}

func TestPresent(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	vt.Status.LastDigest = "restored"
	g.Expect(Present(vt)).To(Equal("restored"))
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "failed", Rollback: &triggerv1.RollbackStatus{}}
	g.Expect(Present(vt)).To(Equal("failed"))
	vt.Status.Restored = &triggerv1.RestoreRecord{Rejects: "rejected"}
	g.Expect(Present(vt)).To(Equal("rejected"))
}

// A second rollback goes further back, and never to what the first one rejected.
func TestRollBack_goes_further_back(t *testing.T) {
	t.Parallel()
	kept := []triggerv1.KeptSource{{}}
	change := func(revision int64, digest string) triggerv1.Change {
		return triggerv1.Change{Revision: revision, Digest: digest, Kept: kept}
	}
	for _, c := range []struct {
		name string
		set  func(*triggerv1.ValuesTriggerStatus)
		want int64
	}{
		{"from the newest", func(s *triggerv1.ValuesTriggerStatus) { s.LastDigest = "d" }, 3},
		{"from an older one", func(s *triggerv1.ValuesTriggerStatus) { s.LastDigest = "c" }, 2},
		{"from one that has not passed", func(s *triggerv1.ValuesTriggerStatus) { s.LastDigest = "e" }, 4},
		{"after a rollback", func(s *triggerv1.ValuesTriggerStatus) {
			s.LastDigest, s.Restored = "c", &triggerv1.RestoreRecord{Revision: 3, Digest: "c", Rejects: "d"}
		}, 2},
		{"after a rollback that has passed as a new revision", func(s *triggerv1.ValuesTriggerStatus) {
			s.LastDigest = "c"
			s.History = append([]triggerv1.Change{{Revision: 5, Digest: "c", Kept: kept, Restores: &triggerv1.RestoreRecord{Revision: 3}}}, s.History...)
		}, 2},
		{"after content that failed", func(s *triggerv1.ValuesTriggerStatus) {
			s.LastDigest, s.Rollout = "d", &triggerv1.RolloutStatus{Digest: "e", Rollback: &triggerv1.RollbackStatus{Digest: "d"}}
		}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := &triggerv1.ValuesTrigger{}
			vt.Status.History = []triggerv1.Change{change(0, "e"), change(4, "d"), change(3, "c"), change(2, "b"), change(1, "a")}
			c.set(&vt.Status)
			r, refusal := RollBack(vt, 0)
			g.Expect(refusal).To(BeEmpty())
			g.Expect(r.To.Revision).To(Equal(c.want))
		})
	}
}

func TestRollBack_to_the_present_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	vt.Status.LastDigest = "b"
	vt.Status.History = []triggerv1.Change{{Revision: 2, Digest: "b", Kept: []triggerv1.KeptSource{{}}}, {Revision: 1, Digest: "a", Kept: []triggerv1.KeptSource{{}}}}
	vt.Status.Summary = &triggerv1.TargetSummary{Total: 2, Delivered: 2}
	_, refusal := RollBack(vt, 2)
	g.Expect(refusal).To(Equal("revision 2 is what is delivered now; these can be restored: 1"))
	vt.Status.Summary = &triggerv1.TargetSummary{Total: 2, Delivered: 1, Failed: 1}
	_, refusal = RollBack(vt, 2)
	g.Expect(refusal).To(Equal("revision 2 is the present content, which has not arrived everywhere; 'tree' shows why; these can be restored: 1"))
}

func TestReject_counts_who_has_it(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "new", Phase: triggerv1.RolloutProgressing}
	vt.Status.LastHandledReject = "new"
	targets := []triggerv1.TargetStatus{
		{Name: "delivered", State: triggerv1.TargetDelivered, Digest: "new"}, {Name: "triggered", State: triggerv1.TargetTriggered, Digest: "new"},
		{Name: "failed", State: triggerv1.TargetFailed, Digest: "new"}, {Name: "held", State: triggerv1.TargetHeld, Digest: "old"},
		{Name: "missing", State: triggerv1.TargetMissing}, {Name: "copied", State: triggerv1.TargetHeld, Digest: "old", Published: "new"},
	}
	r, refusal := Reject(vt, targets, 10)
	g.Expect(refusal).To(BeEmpty())
	g.Expect(r.Have).To(HaveLen(4))
	g.Expect(r.Others).To(Equal(6))
	g.Expect(r.Value).To(Equal("new/2"), "the same value again would not be seen")
}
