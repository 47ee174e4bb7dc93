// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// wait is a decision whose request is held back.
func (s *scene) wait() {
	held := s.decide().Held("waits")
	s.status = &held
	s.note()
}

// Content that was there when it was asked for, and comes back after other content that the
// operator has seen, is not proven by a revision that was made in between.
func TestDecide_contentThatComesBack(t *testing.T) {
	check(t, []decision{{
		name: "beside a change of values that the revision has",
		given: func() *scene {
			s := delivered(other, read)
			s.edit(other)
			s.wait()
			s.editTo(read, "second")
			s.wait()
			s.upgrade() // Of its own, with the second content of both.
			s.wait()
			s.write(other, "first")
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a source that is absent as before",
		given: func() *scene {
			s := newScene(other)
			s.removeOther()
			s.step()
			s.edit(other)
			s.wait()
			s.upgrade() // Looks it up.
			s.removeOther()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a source that is absent as recorded, while about another target nothing can be decided",
		given: func() *scene {
			s := newScene(other)
			s.removeOther()
			s.step()
			recorded, last := s.recorded, s.lastDigest
			s.edit(other)
			s.step()
			s.recorded, s.lastDigest = recorded, last
			s.upgrade()
			s.step()
			s.recorded, s.lastDigest = recorded, last
			s.removeOther()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a source that is absent at first sight, of which the record says that it was there",
		given: func() *scene {
			s := triggered(other)
			s.upgrade()
			s.step()
			s.status, s.recorded, s.lastDigest = nil, nil, ""
			s.removeOther()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "while the request for it is under way",
		given: func() *scene {
			s := triggered(other)
			s.editTo(other, "third")
			s.step()
			s.upgrade() // Begins with the third.
			s.write(other, "second")
			s.later(time.Minute)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "while a request for other content is under way",
		given: func() *scene {
			s := delivered(other, read)
			s.edit(read)
			s.step()
			s.edit(other)
			s.step()
			s.step()
			s.upgrade()
			s.write(other, "first")
			s.later(time.Minute)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}})
}

// A doubt is about one request. The next one is made when the release is idle, and its
// revision proves the content, however the operator learns of it.
func TestDecide_aDoubtEndsWithTheNextRequest(t *testing.T) {
	doubted := func() *scene {
		s := triggered(other)
		s.release.Revision++ // helm-controller shows the revision before it notes the request.
		s.work()
		s.editTo(other, "third")
		s.step()
		return s
	}
	idle := func(s *scene) {
		s.handle()
		s.release.Reconciling, s.release.Ready = false, "True"
	}
	check(t, []decision{{
		name: "that is recorded on the release and not in the status",
		given: func() *scene {
			s := doubted()
			idle(s)
			s.crash()
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "and with a revision that helm-controller makes by itself of a suspended release",
		given: func() *scene {
			s := doubted()
			idle(s)
			s.release.Suspended = true
			s.step()
			s.release.Suspended = false
			s.upgrade()
			s.release.Current = false
			s.step()
			s.release.Current = true
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}})
}

// What never was there needs no request.
func TestDecide_aSourceThatNeverWasThere(t *testing.T) {
	t.Parallel()
	s := newScene(other)
	s.removeOther()
	NewWithT(t).Expect(outcomeOf(s.step())).To(Equal(outcome{triggerv1.TargetDelivered, none}))
}
