// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// refuse is a request that the API server refuses, and that is recorded.
func (s *scene) refuse() {
	d := s.decide()
	status := d.Unsent
	status.State, status.Message = triggerv1.TargetFailed, "no"
	status.Refused = &triggerv1.Refusal{Digest: digest.Short(d.Status.Digest), Reason: triggerv1.DeliveryFailedReason}
	s.status = &status
	s.note()
}

func TestRefused_stays_known_until_the_request_is_made(t *testing.T) {
	t.Parallel()
	for _, id := range []string{read, other, always} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(id)
			s.edit(id)
			g.Expect(s.decide().Unsent.Refused).To(BeNil(), "it has not been asked")
			s.refuse()
			refused := *s.status
			s.hold()
			g.Expect(*s.status).To(Equal(refused), "that it waits for its turn is not written over it")

			d := s.decide()
			g.Expect(d.Request).NotTo(BeNil(), "it is tried again")
			g.Expect(d.Unsent).To(Equal(refused))
			g.Expect(d.Status.State).To(Equal(triggerv1.TargetTriggered))
			g.Expect(d.Status.Refused).To(BeNil(), "when the request is made")
			g.Expect(d.Status.Message).To(BeEmpty())
		})
	}
}

func TestRefused_is_for_one_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	s.edit(other)
	s.refuse()
	s.editTo(other, "third")
	d := s.decide()
	g.Expect(d.Unsent.Refused).To(BeNil())
	g.Expect(d.Unsent.State).To(Equal(triggerv1.TargetPending))
	g.Expect(d.Held("not yet").Message).To(Equal("not yet"))
}

func TestRefused_is_forgotten_when_nothing_is_due(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	s.edit(other)
	s.refuse()
	s.release.Suspended = true
	d := s.decide()
	g.Expect(d.Status.State).To(Equal(triggerv1.TargetHeld))
	g.Expect(d.Status.Refused).To(BeNil())
}

func TestRefused_by_the_owner_is_no_longer_so_when_he_accepts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(other)
	s.edit(other)
	s.release.Denied = "why"
	d := s.decide()
	g.Expect(d.Status.Refused).To(Equal(&triggerv1.Refusal{Reason: acl.AccessDeniedReason}))
	g.Expect(Denied(d.Status)).To(BeTrue())
	s.status = &d.Status
	s.release.Denied = ""
	g.Expect(s.decide().Unsent.Refused).To(BeNil(), "it has not been asked yet")
}
