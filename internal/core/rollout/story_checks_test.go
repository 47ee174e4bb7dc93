// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// check says, by panicking, what is wrong with a decision.
func (s *story) check(in Input, d Decision) {
	// A request that came with a trigger that is made again is not one for rejected content.
	old := in.Previous == nil && in.RejectedBy != "" && in.Rollout != nil && in.Rollout.OnFailure == triggerv1.FailureRollback
	overridden := in.Force && !old || in.Previous != nil && in.Previous.Digest == in.Digest && in.Previous.Overridden && !begins(in)
	for i, t := range in.Targets {
		switch {
		case d.Targets[i].Admitted && !t.Wants:
			panic(t.Name + " is admitted and wants nothing")
		case d.Targets[i].Admitted:
		case t.Wants && d.Targets[i].Held == "":
			panic(t.Name + " is held without a reason")
		case t.Wants && overridden:
			panic(t.Name + " is held though a person has asked for all")
		}
	}
	s.checkTurns(in, d)
	s.checkFacts(in, d)
	if !d.Admits() || overridden {
		return
	}
	if s.rejected == s.content && !in.Restored && !in.Reset && !s.allCurrent(in) {
		panic("rejected content is delivered again")
	}
	if in.Restored {
		s.checkRetreat(in, d)
		return
	}
	if !in.Schedule.Open(in.Now) {
		panic("a request outside of the windows")
	}
	if in.Quiet > 0 && in.Now.Sub(s.changed) < in.Quiet && !s.settled && in.Now.Sub(s.unsettled) < in.MaxDelay-1e9 {
		panic("a request in the quiet period")
	}
	if !s.applied.IsZero() && !s.settled && (in.Now.Sub(s.applied) < in.Settle || in.Applying) && in.Now.Sub(s.unsettled) < leastMaxSettling-1e9 {
		panic("a request before the change has settled")
	}
	if in.Rollout != nil {
		s.checkStages(in, d)
	}
}

// checkTurns looks at which target may have the place of which.
func (s *story) checkTurns(in Input, d Decision) {
	for _, turn := range d.Turns {
		stage, refused := in.Targets[turn.Targets[0]].Stage, false
		for k, i := range turn.Targets {
			t := in.Targets[i]
			switch {
			case !t.Wants || t.Stage != stage:
				panic(t.Name + " is in a turn that is not its own")
			case d.Targets[i].Admitted != (k < turn.Places):
				panic(t.Name + " is admitted or held, and it is the turn of others")
			case refused && t.Standing == Due:
				panic(t.Name + " comes after targets that were refused")
			}
			refused = t.Standing == Out
		}
	}
}

// mayBeAsked is true if a target is admitted, or may get the place of one that is.
func mayBeAsked(d Decision, i int) bool {
	return d.Targets[i].Admitted || slices.ContainsFunc(d.Turns, func(turn Turn) bool { return slices.Contains(turn.Targets, i) })
}

func (s *story) checkStages(in Input, d Decision) {
	recorded := in.Previous
	if recorded == nil || recorded.Digest != in.Digest || begins(in) {
		panic("a request before the rollout was recorded")
	}
	if (recorded.Phase == triggerv1.RolloutHalted || recorded.Rollback != nil) && !in.Reset && !s.allCurrent(in) {
		panic("a request after the rollout has halted")
	}
	for stage := range in.Rollout.Stages {
		members, underway, admitted, failed := 0, 0, 0, 0
		for i, t := range in.Targets {
			if t.Stage != stage {
				continue
			}
			members++
			switch {
			case t.Standing == UnderWay:
				underway++
			case d.Targets[i].Admitted:
				admitted++
			case t.Standing == Failed && !t.UnreadyBefore:
				failed++
			}
			if mayBeAsked(d, i) {
				s.checkOrder(in, d, t, stage)
			}
		}
		spec := in.Rollout.Stages[stage]
		limit := max(1, scaled(spec.MaxConcurrency, members, members))
		if admitted > 0 && underway+admitted > limit {
			panic(fmt.Sprintf("%d in progress in stage %s, in which %d may be", underway+admitted, spec.Name, limit))
		}
		if budget := scaled(in.Rollout.MaxFailures, members, 0); in.Rollout.OnFailure != triggerv1.FailureContinue && failed > budget {
			for i, t := range in.Targets {
				if mayBeAsked(d, i) && t.Stage >= stage {
					panic(fmt.Sprintf("%s is admitted after %d failures in stage %s, in which %d may fail", t.Name, failed, spec.Name, budget))
				}
			}
		}
	}
}

// checkRetreat looks at a decision that rolls content back.
func (s *story) checkRetreat(in Input, d Decision) {
	present := NoStage
	for i, t := range in.Targets {
		if mayBeAsked(d, i) && t.Standing != Out {
			if present != NoStage && t.Stage != present {
				panic(fmt.Sprintf("stages %d and %d are rolled back at a time", present, t.Stage))
			}
			present = t.Stage
			for _, dependent := range in.Targets {
				waits := dependent.Standing == Due || dependent.Standing == UnderWay || dependent.Standing == Busy
				if t.Standing == Due && dependent.Stage == t.Stage && waits && slices.Contains(dependent.DependsOn, t.Name) && !dependsOn(in.Targets, t, dependent.Name, map[string]bool{}) {
					panic(fmt.Sprintf("%s is rolled back before %s, which depends on it", t.Name, dependent.Name))
				}
			}
		}
	}
	if present == NoStage {
		return
	}
	for stage := present; stage < len(in.Rollout.Stages); stage++ {
		members, underway, fresh, failed := 0, 0, 0, 0
		for i, t := range in.Targets {
			if t.Stage != stage {
				continue
			}
			members++
			switch {
			case t.Standing == UnderWay:
				underway++
			case d.Targets[i].Admitted:
				fresh++
			case t.Standing == Failed && !t.UnreadyBefore:
				failed++
			}
			if stage > present && (t.Standing == Due || t.Standing == UnderWay || t.Standing == Busy) {
				panic(fmt.Sprintf("stage %d is rolled back before %s of stage %d", present, t.Name, stage))
			}
		}
		limit := max(1, scaled(in.Rollout.Stages[stage].MaxConcurrency, members, members))
		if stage == present && fresh > 0 && underway+fresh > limit {
			panic(fmt.Sprintf("%d in progress in stage %d, in which %d may be", underway+fresh, stage, limit))
		}
		if failed > scaled(in.Rollout.MaxFailures, members, 0) {
			panic(fmt.Sprintf("rolled back though %d of stage %d have failed again", failed, stage))
		}
	}
}

// checkOrder looks at one target that is admitted.
func (s *story) checkOrder(in Input, d Decision, t Target, stage int) {
	spec := in.Rollout.Stages[stage]
	for i, st := range d.Status.Stages {
		if i < stage && st.Phase != triggerv1.StageFinished {
			panic(fmt.Sprintf("%s of stage %s is admitted while stage %s is %s", t.Name, spec.Name, st.Name, st.Phase))
		}
	}
	recorded := stageOf(in.Previous, spec.Name)
	if t.Standing != UnderWay && recorded.Phase != triggerv1.StageFinished && recorded.Phase != triggerv1.StageProgressing &&
		recorded.Phase != triggerv1.StageSoaking && recorded.Phase != triggerv1.StageUnready {
		panic(fmt.Sprintf("%s is admitted before it is recorded that stage %s has started", t.Name, spec.Name))
	}
	if t.Standing != UnderWay && spec.Approval == triggerv1.ApprovalManual && !recorded.Approved && recorded.Phase == triggerv1.StageFinished {
		panic(t.Name + " is admitted without approval")
	}
	if t.Standing == UnderWay {
		return
	}
	for _, name := range t.DependsOn {
		for _, dependency := range in.Targets {
			waits := dependency.Standing == Due || dependency.Standing == UnderWay || dependency.Standing == Busy
			if dependency.Name == name && dependency.Stage == stage && waits && !dependsOn(in.Targets, dependency, t.Name, map[string]bool{}) {
				panic(fmt.Sprintf("%s is admitted before %s, which it depends on", t.Name, name))
			}
		}
	}
}

func (s *story) allCurrent(in Input) bool {
	for _, t := range in.Targets {
		if t.Standing != Current {
			return false
		}
	}
	return true
}

// dependsOn reports whether a target of a stage depends on another of it, if only through
// others of it.
func dependsOn(targets []Target, t Target, name string, seen map[string]bool) bool {
	if t.Name == name {
		return true
	}
	seen[t.Name] = true
	for _, next := range t.DependsOn {
		for _, other := range targets {
			if other.Name == next && other.Stage == t.Stage && !seen[next] && dependsOn(targets, other, name, seen) {
				return true
			}
		}
	}
	return false
}
