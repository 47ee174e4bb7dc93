// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file is about those who change what a rollout goes through while it goes on.

// meddle is one of them.
func (s *story) meddle(m *member, what int) {
	stages := 0
	if s.in.Rollout != nil {
		stages = len(s.in.Rollout.Stages)
	}
	switch {
	case what < 4:
		if m.gone = !m.gone; !m.gone { // What appears is another one.
			*m = member{name: m.name, stage: m.stage, dependsOn: m.dependsOn}
		}
		s.note("%s: gone %t", m.name, m.gone)
	case what < 5 && stages > 0: // A stage loses all that it has.
		stage := s.rng.Intn(stages)
		for _, other := range s.members {
			other.gone = other.gone || other.stage == stage
		}
		s.note("all of %s are gone", s.in.Rollout.Stages[stage].Name)
	case what < 8 && stages > 0:
		m.stage = s.rng.Intn(stages+1) - 1 // Perhaps NoStage.
		s.note("%s: relabelled to %d", m.name, m.stage)
	case what < 11 && stages > 0:
		s.editSpec()
	case what < 12:
		s.in.Approval = "" // As kustomize-controller does.
	case what < 13:
		if s.approvals[s.in.Approval] { // A tool sets again what it has set.
			s.in.Approval = ""
			s.reconcile(false)
		}
		for _, value := range s.given() {
			s.annotate(value, false)
		}
	default:
		s.note("the trigger is made again")
		s.stored, s.handled, s.earlier, s.reset, s.forced = nil, "", 0, false, 0
		s.approvals = map[string]bool{}
		if !slices.ContainsFunc(s.members, func(m *member) bool { return !m.gone && m.rolledBack == s.content && m.runs != s.content }) {
			s.rejected = 0
		}
	}
}

// given returns the annotations that people have set for the present rollout.
func (s *story) given() []string {
	values := make([]string, 0, len(s.approvals))
	for value := range s.approvals {
		values = append(values, value)
	}
	slices.Sort(values)
	return values
}

// editSpec changes the stages. Their targets stay with them, as selectors have it.
func (s *story) editSpec() {
	r := s.in.Rollout.DeepCopy()
	i := s.rng.Intn(len(r.Stages))
	switch s.rng.Intn(7) {
	case 6:
		if r.Stages[i].Analysis = nil; s.chance(2) {
			r.Stages[i].Analysis = s.analysis()
		}
	case 0:
		r.Stages[i].Name += "x"
	case 4: // Their targets keep their place, under another name.
		k := s.rng.Intn(len(r.Stages))
		r.Stages[i].Name, r.Stages[k].Name = r.Stages[k].Name, r.Stages[i].Name
	case 5:
		selects(fmt.Sprint("other", s.rng.Intn(3)))(&r.Stages[i])
	case 1:
		r.Stages[i].Approval = triggerv1.ApprovalManual
		if s.chance(2) {
			r.Stages[i].Approval = triggerv1.ApprovalAutomatic
		}
	case 2:
		k := s.rng.Intn(len(r.Stages))
		r.Stages[i], r.Stages[k] = r.Stages[k], r.Stages[i]
		for _, m := range s.members {
			switch m.stage {
			case i:
				m.stage = k
			case k:
				m.stage = i
			}
		}
	default:
		if len(r.Stages) < 2 {
			return
		}
		r.Stages = slices.Delete(r.Stages, i, i+1)
		for _, m := range s.members {
			switch {
			case m.stage == i:
				m.stage = NoStage
			case m.stage > i:
				m.stage--
			}
		}
	}
	s.in.Rollout = r
	s.note("stages are now %s", describe(r))
}

func describe(r *triggerv1.Rollout) (text string) {
	for _, stage := range r.Stages {
		text += fmt.Sprintf(" %s(%s)", stage.Name, stage.Approval)
	}
	return text
}

// empty reports whether a stage has no target.
func (s *story) empty(name string) bool {
	return !slices.ContainsFunc(s.members, func(m *member) bool {
		return !m.gone && m.stage >= 0 && s.in.Rollout.Stages[m.stage].Name == name
	})
}

// approve is a person who approves the stage that waits, or another one, now or early, or
// something else.
func (s *story) approve() {
	if s.stored == nil || s.in.Rollout == nil {
		return
	}
	digest, stage := s.stored.Digest, s.in.Rollout.Stages[s.rng.Intn(len(s.in.Rollout.Stages))].Name
	if s.stored.Phase == triggerv1.RolloutAwaitingApproval && s.chance(2) {
		stage = s.stored.Stage
	}
	switch {
	case s.chance(5):
		digest = "sha256:wrong"
	case s.chance(4): // Content that may come, or come back.
		digest = digestOf(1 + s.rng.Intn(s.newest+1))
	}
	value := Approval(digest, stage, s.handled)
	if s.chance(3) {
		value = digest
	}
	s.annotate(value, s.stored.Digest == digestOf(s.content) && digest == s.stored.Digest && s.stored.Rollback == nil)
}

// annotate sets the annotation. It counts for the rollout that goes on, if it is one for
// its content, and if it can be seen to be another.
func (s *story) annotate(value string, counts bool) {
	if counts && value != s.in.Approval {
		s.approvals[value] = true
	}
	s.in.Approval = value
	s.note("approve=%s", value)
}
