// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// This file models how decisions are executed, and what becomes of what the API server refuses.

// decision is that of plan about a member that is due.
func (s *story) decision(m *member) plan.Decision {
	d := plan.Decision{Request: &plan.Request{}, Unsent: m.status}
	if m.asked == s.wanted() {
		d.Status.Attempts = 2
	}
	if refused := m.status.Refused; refused != nil && refused.Digest != digestOf(s.wanted()) {
		d.Unsent.Refused = nil
	}
	return d
}

// execute is what the operator does with a decision, and returns what has to be stored of each
// member; nothing if it is killed on the way.
func (s *story) execute(d Decision, mayCrash bool) (statuses []triggerv1.TargetStatus, acted bool) {
	statuses = make([]triggerv1.TargetStatus, len(s.members))
	killed := false
	try := func(i int) (taken bool) {
		m := s.members[i]
		if killed = killed || mayCrash && s.chance(15); killed {
			s.note("killed before %s", m.name)
			return true
		}
		if statuses[i] = s.decision(m).Unsent; !s.ask(m) {
			acted = acted || statuses[i].Refused == nil
			statuses[i].State, statuses[i].Refused = triggerv1.TargetFailed, &triggerv1.Refusal{Digest: digestOf(s.wanted())}
			return false
		}
		acted, statuses[i] = true, triggerv1.TargetStatus{}
		return true
	}
	inTurn := map[int]bool{}
	for _, turn := range d.Turns {
		places := turn.Places
		for _, i := range turn.Targets {
			inTurn[i] = true
			if places > 0 && !killed && try(i) {
				places--
			} else if d.Targets[i].Held != "" && statuses[i].Refused == nil {
				statuses[i] = s.decision(s.members[i]).Held(d.Targets[i].Held)
			}
		}
	}
	for i, m := range s.members {
		switch {
		case inTurn[i] || killed:
		case d.Targets[i].Admitted:
			try(i)
		case d.Targets[i].Held != "":
			statuses[i] = s.decision(m).Held(d.Targets[i].Held)
		}
	}
	if killed {
		return nil, true
	}
	return statuses, acted
}
