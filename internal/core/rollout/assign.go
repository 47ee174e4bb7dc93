// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// assignment is which targets are in which stage.
type assignment struct {
	all    group
	stages []stage

	// unmatched are the targets that no stage selects.
	unmatched group
}

// assign puts the targets into stages, and brings their record in line with the spec.
func assign(in Input, s *triggerv1.RolloutStatus, fresh bool, all group) assignment {
	a := assignment{all: all}
	if in.Rollout == nil {
		s.Stages, s.Unmatched = nil, 0
		return a
	}
	recorded := map[string]triggerv1.StageStatus{}
	for _, st := range s.Stages {
		recorded[st.Name] = st
	}
	a.stages = make([]stage, len(in.Rollout.Stages))
	s.Stages = make([]triggerv1.StageStatus, len(a.stages))
	for i := range a.stages {
		spec, st := &in.Rollout.Stages[i], &a.stages[i]
		*st = stage{StageStatus: &s.Stages[i], spec: spec, rollout: in.Rollout, now: in.Now}
		*st.StageStatus = recorded[spec.Name]
		st.Name = spec.Name
		if fresh {
			st.inherit(in.Previous, all)
		}
		st.align()
		st.revise(s.Overridden)
	}
	a.fill()
	s.Unmatched = count(a.unmatched.len())
	for i := range a.stages {
		st := &a.stages[i]
		place(st, s, in.Previous, fresh)
		st.Targets, st.Delivered, st.Failed = count(st.members.len()), count(st.counts[Current]), count(st.failed)
	}
	return a
}

// fill puts each target into its stage.
func (a *assignment) fill() {
	sizes := make([]int, len(a.stages))
	for _, t := range a.all.each() {
		if t.Stage >= 0 {
			sizes[t.Stage]++
		}
	}
	for i, size := range sizes {
		a.stages[i].members = a.all.room(size)
	}
	a.unmatched = a.all.room(0)
	for _, t := range a.all.each() {
		switch {
		case t.Stage >= 0:
			a.stages[t.Stage].add(t)
		case t.Stage == NoStage:
			a.unmatched.add(t)
		}
	}
}

// place lets a stage wait, or says that it has nothing to do.
func place(st *stage, s, previous *triggerv1.RolloutStatus, fresh bool) {
	unchanged := st.unchanged()
	switch {
	case st.unapproved() && !s.Overridden && s.Rollback == nil:
		st.set(triggerv1.StageWaiting)
	case unchanged && (fresh || st.Phase == "" && (st.members.len() == 0 || previous.Phase == triggerv1.RolloutFinished)):
		st.set(triggerv1.StageUnchanged) // One that is renamed meanwhile still has to soak.
	case st.Phase == "" || !unchanged && st.Phase == triggerv1.StageUnchanged:
		st.set(triggerv1.StageWaiting)
	}
}
