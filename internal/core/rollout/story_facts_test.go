// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file says what a decision may record.

// stageOf returns what is recorded of a stage, last if more than once.
func stageOf(s *triggerv1.RolloutStatus, name string) (found triggerv1.StageStatus) {
	if s != nil {
		for _, st := range s.Stages {
			if st.Name == name {
				found = st
			}
		}
	}
	return found
}

func (s *story) checkFacts(in Input, d Decision) {
	was, is := in.Previous, d.Status
	if was != nil && (was.Digest != is.Digest || was.Rollback != nil && is.Rollback == nil && in.Reset || was.TriggerAt != is.TriggerAt) {
		was = nil
	}
	if in.Rollout == nil {
		return
	}
	approved := 0
	for i, st := range is.Stages {
		before := stageOf(was, st.Name)
		if st.Approved {
			approved++
		}
		selected := selectorOf(in.Rollout, st.Name)
		if st.Approved && before.Approved && before.Approval == st.Approval && s.approvedFor[st.Name] != selected {
			panic(st.Name + " was approved for other targets")
		}
		if st.Approved && !before.Approved {
			s.approvedFor[st.Name] = selected
			switch {
			case was == nil:
				panic(st.Name + " is approved before its content is rolled out")
			case !s.approvals[st.Approval]:
				panic(fmt.Sprintf("%s is approved by %s, which was not given for it", st.Name, st.Approval))
			}
			if _, named := parts(st.Approval); named != "" && named != st.Name {
				panic(fmt.Sprintf("%s is approved by %s", st.Name, st.Approval))
			}
		}
		if st.Phase == triggerv1.StageProgressing && in.Rollout.Stages[i].Approval == triggerv1.ApprovalManual && !st.Approved && !is.Overridden {
			switch before.Phase {
			case "", triggerv1.StageUnchanged, triggerv1.StageWaiting, triggerv1.StageFinished, triggerv1.StageRollingBack, triggerv1.StageRolledBack:
				panic(fmt.Sprintf("stage %s starts without approval", st.Name))
			case triggerv1.StageProgressing, triggerv1.StageSoaking, triggerv1.StageUnready:
			}
		}
		s.checkAnalysis(in, d, in.Rollout.Stages[i], before, st)
		switch before.Phase {
		case triggerv1.StageWaiting, triggerv1.StageProgressing, triggerv1.StageSoaking, triggerv1.StageUnready:
			if st.Phase == triggerv1.StageFinished && st.Targets == 0 && !is.Overridden && (!in.Reset || was.Phase != triggerv1.RolloutBlocked || was.Stage != st.Name) {
				panic(fmt.Sprintf("stage %s was %s, has no target any more, and is finished", st.Name, before.Phase))
			}
		case triggerv1.StageUnchanged, triggerv1.StageFinished, triggerv1.StageRollingBack, triggerv1.StageRolledBack:
		}
		if before.Phase == "" && was != nil && was.Phase != triggerv1.RolloutFinished && st.Targets > 0 && !is.Overridden &&
			in.Rollout.Stages[i].MinSuccessTime.Duration > 0 && st.Phase == triggerv1.StageFinished {
			panic(fmt.Sprintf("stage %s has another name, and its targets need not stay ready", st.Name))
		}
	}
	if approved > len(s.approvals) {
		panic(fmt.Sprintf("%d stages are approved by %d approvals", approved, len(s.approvals)))
	}
	halted := []triggerv1.RolloutPhase{triggerv1.RolloutHalted, triggerv1.RolloutRollingBack, triggerv1.RolloutRollbackHalted}
	if FailedAnalysis(is) != "" || !slices.Contains(halted, is.Phase) || was != nil && slices.Contains(halted, was.Phase) || in.RejectedBy != "" || in.Restored {
		return
	}
	if !slices.ContainsFunc(s.members, func(m *member) bool { return !m.gone && (m.failed || m.unready) }) {
		panic("halted by what is gone")
	}
}
