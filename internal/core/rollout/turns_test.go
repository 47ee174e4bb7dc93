// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestRefused_targets_are_tried_last_and_hold_up_no_others(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", atMost("1")), stageNamed("prod")).with(0, "a", "b").with(1, "p")
	s.target("a").Standing = Out
	g.Expect(s.admitted()).To(Equal([]string{"b"}))
	s.become(Current, "b")
	g.Expect(s.admitted()).To(Equal([]string{"a"}), "with the last place that is free")
	g.Expect(s.admitted()).To(Equal([]string{"a", "p"}))

	alone := newScene(stageNamed("canary"), stageNamed("prod")).with(0, "a").with(1, "p")
	alone.target("a").Standing = Out
	g.Expect(alone.admitted()).To(Equal([]string{"a"}), "perhaps it is granted now")
	g.Expect(alone.phase()).To(Equal(triggerv1.RolloutBlocked))
	g.Expect(alone.held("p")).To(Equal("waits for stage canary"))
}

// offered returns who may have the places of a stage, one after the other.
func (s *scene) offered() (places int, names []string) {
	for _, turn := range s.last.Turns {
		places += turn.Places
		for _, i := range turn.Targets {
			names = append(names, strings.TrimPrefix(s.Targets[i].Name, "apps/"))
		}
	}
	return places, names
}

func TestTurns_a_place_is_offered_to_all_that_wait_for_one(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", atMost("2"))).with(0, "a", "b", "c", "d", "e", "f")
	s.target("a").Standing = Out
	s.become(UnderWay, "f")
	s.target("e").DependsOn = []string{"apps/d"}
	g.Expect(s.admitted()).To(Equal([]string{"b"}))
	places, names := s.offered()
	g.Expect(places).To(Equal(1))
	g.Expect(names).To(Equal([]string{"b", "c", "d", "a"}), "those that were refused last, and none before what it depends on")
	g.Expect(s.held("a")).To(Equal("queued: stage canary allows 2 at a time"))

	s.become(UnderWay, "b")
	s.step()
	_, names = s.offered()
	g.Expect(names).To(BeEmpty(), "no place is free")

	s.become(Current, "b", "f", "c", "d", "e")
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	_, names = s.offered()
	g.Expect(names).To(BeEmpty(), "there is a place for each")
}

func TestTurns_of_what_is_rolled_back(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", atMost("1"))).with(0, "a", "b", "c")
	s.Rollout.OnFailure, s.Earlier, s.Digest = triggerv1.FailureRollback, first, second
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	s.become(Failed, "a")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollingBack))
	_, names := s.offered()
	g.Expect(names).To(BeEmpty(), "the content has failed")

	s.Restored = true
	s.become(Due, "a", "b", "c")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	_, names = s.offered()
	g.Expect(names).To(Equal([]string{"c", "b", "a"}))
}

func TestRefused_targets_are_asked_while_their_stage_soaks(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(time.Hour))).with(0, "a", "b")
	s.target("a").Standing = Out
	g.Expect(s.admitted()).To(ConsistOf("a", "b"))
	s.become(Current, "b")
	g.Expect(s.admitted()).To(Equal([]string{"a"}), "perhaps it is granted now")
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	s.become(Failed, "b")
	s.step()
	g.Expect(s.last.Admits()).To(BeFalse(), "not after the rollout has halted")
}
