// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Cases in which one thing hides another.
func TestDecide_edges(t *testing.T) {
	check(t, []decision{{
		name: "first sight: a suspended release with a request that no one will handle is Held",
		given: func() *scene {
			s := newScene(other)
			s.edit(other)
			s.release.Suspended, s.release.RequestedAt = true, "someone"
			return s
		},
		want: outcome{triggerv1.TargetHeld, none},
	}, {
		name: "first sight: a release that was suspended before its installation is left to install",
		given: func() *scene {
			s := newScene(other)
			s.release.Revision, s.release.Ready, s.release.Deployed = 0, "", false
			s.release.Suspended = true
			s.step()
			s.release.Suspended = false
			return s
		},
		want:    outcome{triggerv1.TargetPending, none},
		message: "the release is not installed yet",
	}, {
		name: "first sight: a request that was lost proves nothing",
		given: func() *scene {
			s := newScene(other, always)
			s.edit(other)
			s.requestedBy(true, s.now, other)
			s.handle()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "first sight: what a record does not name is forced",
		given: func() *scene {
			s := newScene(other, always)
			s.edit(other)
			s.requestedBy(true, s.now, other)
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a change that needs force and comes while another waits is forced",
		given: func() *scene {
			s := delivered(read, other)
			s.release.Suspended = true
			s.edit(read)
			s.step()
			s.edit(other)
			s.step()
			s.release.Suspended = false
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a change that does not change the values is forced by Always all the same",
		given: func() *scene {
			s := delivered(read)
			s.source(read).Force = triggerv1.ForceAlways
			s.write(read, "with a comment")
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a revision that failed has not taken a change up",
		given: func() *scene {
			s := delivered(read)
			s.edit(read)
			s.work()
			s.step()
			s.later(time.Minute)
			s.upgrade()
			s.release.Deployed = false
			return s
		},
		want: outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name: "content that came back waits for another request if it was picked up",
		given: func() *scene {
			s := delivered(read)
			s.edit(read)
			s.work()
			s.step()
			s.revert(read)
			s.upgrade()
			s.values, s.release.RequestedAt = ValuesDiffer, "someone"
			return s
		},
		want:    outcome{triggerv1.TargetPending, none},
		message: "helm-controller has not handled another request yet",
	}, {
		name: "content that came back is forced only where that is needed",
		given: func() *scene {
			s := delivered(read, other)
			s.edit(read)
			s.work()
			s.step()
			s.revert(read)
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a change that is gone again asks for no force afterwards",
		given: func() *scene {
			s := delivered(read, other)
			s.edit(read)
			s.step() // Asks without force.
			s.edit(other)
			s.step() // Would need force.
			s.revert(other)
			s.later(time.Minute)
			s.handle()
			s.values = ValuesEqual
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "a failure of the present generation counts though the status is about the one before",
		given: func() *scene {
			s := triggered(other)
			s.fail("UpgradeFailed", "broken")
			s.release.Current, s.release.ReadyCurrent = false, true
			return s
		},
		want:    outcome{triggerv1.TargetFailed, none},
		message: "UpgradeFailed: broken",
	}, {
		name: "a failure of the generation before does not count",
		given: func() *scene {
			s := triggered(other)
			s.fail("UpgradeFailed", "broken")
			s.release.Current = false
			return s
		},
		want: outcome{triggerv1.TargetTriggered, none},
	}, {
		name: "success of the present generation counts when the status says so",
		given: func() *scene {
			s := triggered(other)
			s.upgrade()
			s.release.Current, s.release.ReadyCurrent = false, true
			return s
		},
		want: outcome{triggerv1.TargetTriggered, none},
	}})
}

func TestDecide_causesNameWhatMatters(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	one := MatchRegexp(`^ConfigMap apps/other sha256:[0-9a-f]{12} by kubectl-edit via ValuesTrigger apps/trigger$`)

	s := newScene(read, other)
	s.edit(other)
	g.Expect(s.decide().Request.Cause).To(one, "first sight: only what does not provably run")

	s = newScene(other)
	s.edit(other)
	s.requestedBy(true, s.now, other)
	g.Expect(s.decide().Status.Cause).To(one, "first sight: what another has requested")

	s = delivered(read, other)
	s.edit(other)
	s.work()
	s.step()
	s.editTo(other, "first")
	s.upgrade()
	g.Expect(s.decide().Request.Cause).To(one, "content that came back")

	s = delivered(read, other)
	s.edit(other)
	s.release.Suspended = true
	s.step()
	s.release.Suspended = false
	s.later(time.Minute)
	s.upgrade()
	d := s.decide()
	g.Expect(d.Status.State).To(Equal(triggerv1.TargetDelivered))
	g.Expect(d.Status.Cause).To(one, "what helm-controller took up by itself")
}

// What helm-controller took up by itself is followed to its proof like a request.
func TestDecide_takenUpIsFollowed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.edit(read)
	s.work()
	s.step()
	s.later(time.Minute)
	s.upgrade()
	s.release.Current = false
	d := s.step()
	g.Expect(d.Status).To(Equal(triggerv1.TargetStatus{
		UID: "release", State: triggerv1.TargetTriggered, Digest: s.lastDigest, Attempts: 1, TriggeredAt: timestamp(s.now), Revision: 3, Cause: d.Status.Cause,
	}))
	g.Expect(d.After).To(Equal(5 * time.Minute))
	s.release.Current = true
	d = s.step()
	g.Expect(outcomeOf(d)).To(Equal(outcome{triggerv1.TargetDelivered, none}))
	g.Expect(d.Status.Revision).To(BeEquivalentTo(4))
}

// The revision before the request is that of the release, not that of the delivery before.
func TestDecide_aRevisionBeforeTheRequestIsNoProof(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	s.later(time.Minute)
	s.upgrade()
	s.later(time.Minute)
	s.edit(other)
	d := s.step()
	g.Expect(d.Request.Record.Revision).To(BeEquivalentTo(4))
	g.Expect(d.Status.Revision).To(BeEquivalentTo(4))
	s.later(time.Minute)
	s.handle()
	again := s.step()
	g.Expect(outcomeOf(again)).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
	g.Expect(again.Status.Message).To(Equal("the request before was handled without effect"))
}

func TestDecide_aVerifiedReturnIsNotVerifiedAgain(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.edit(read)
	s.work()
	s.step()
	s.revert(read)
	s.upgrade()
	d := s.step()
	g.Expect(d.Status.Revision).To(BeEquivalentTo(4))
	g.Expect(s.asked).To(BeTrue())
	g.Expect(s.step()).To(Equal(d))
	g.Expect(s.asked).To(BeFalse())
}

func TestDecide_anOldObservationIsLookedAtAgainSoon(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	s.edit(other)
	before := s.release
	s.step()
	s.release = before
	g.Expect(s.step().After).To(Equal(2 * time.Second))
	s.later(2 * time.Second)
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, forced}), "someone has removed the request")
}

// A force that waited with other content than a request before it is made again.
func TestDecide_aForceOfOtherContentIsNotAdopted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(other)
	s.force = "now"
	s.crash()
	s.later(time.Minute)
	s.edit(other)
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetPending, none}))
	s.upgrade()
	g.Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
}
