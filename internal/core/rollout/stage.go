// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// stage is a stage with its targets: its record, which is part of that of the rollout, and what the spec says.
type stage struct {
	*triggerv1.StageStatus
	spec    *triggerv1.Stage
	rollout *triggerv1.Rollout
	now     time.Time

	// members are its targets, and counts how many of them stand how.
	members group
	counts  [Out + 1]int

	// failed counts those whose failure is one of the change.
	failed int
}

// add puts a target into the stage.
func (st *stage) add(t target) {
	st.members.add(t)
	st.counts[t.Standing]++
	if t.fails() {
		st.failed++
	}
}

// set enters a phase, and notes since when.
func (st *stage) set(phase triggerv1.StagePhase) {
	if st.Phase == phase {
		return
	}
	st.enter(phase)
	st.Phase, st.Since = phase, nil
	switch phase {
	case triggerv1.StageUnchanged, triggerv1.StageWaiting:
	default:
		st.Since = later(st.now)
	}
}

// restart lets the time that targets must stay ready begin again when there are some.
func (st *stage) restart() {
	if st.Phase == triggerv1.StageSoaking || st.Phase == triggerv1.StageUnready {
		st.set(triggerv1.StageProgressing)
	}
}

// begun reports whether targets of a stage in this phase may have been triggered, and it has
// not finished.
func begun(phase triggerv1.StagePhase) bool {
	return phase == triggerv1.StageProgressing || phase == triggerv1.StageSoaking || phase == triggerv1.StageUnready
}

// settled reports that nothing is going on in the stage and nothing is due.
func (st *stage) settled() bool {
	return st.counts[Due]+st.counts[UnderWay]+st.counts[Busy] == 0
}

// unchanged reports that the stage has nothing to do. One whose targets run content that has not passed its
// analysis has.
func (st *stage) unchanged() bool {
	return st.counts[Current] == st.members.len() && (st.members.len() == 0 || !st.measures() || !unproven(st.StageStatus))
}

// unapproved reports whether a target is due in a stage that was skipped, since it had none or nothing to
// do: no approval was needed then.
func (st *stage) unapproved() bool {
	return st.Phase == triggerv1.StageFinished && st.spec.Approval == triggerv1.ApprovalManual && !st.Approved &&
		st.members.contains(func(t target) bool { return t.Wants && t.Standing != UnderWay })
}

// stuck is true if no target of a stage shows anything, and none can be triggered.
func (st *stage) stuck() bool {
	return st.settled() && st.counts[Current]+st.counts[Failed] == 0 && (st.Phase != triggerv1.StageWaiting || !st.members.wanting())
}

// failure says why the stage halts the rollout, empty if it does not: more of its targets have failed than may, or
// its analysis has.
func (st *stage) failure() string {
	switch {
	case st.rollout.OnFailure == triggerv1.FailureContinue:
	case st.failed > st.budget():
		return st.members.firstFailed().complaint()
	case st.failsAnalysis():
		return fmt.Sprintf("analysis of stage %s failed: %s", st.Name, st.analysisFailed())
	}
	return ""
}

// budget is how many targets of the stage may fail.
func (st *stage) budget() int { return Budget(st.rollout, st.members.len()) }

// Budget is how many targets of a stage with so many of them may fail.
func Budget(r *triggerv1.Rollout, targets int) int { return scaled(r.MaxFailures, targets, 0) }

// Limit is how many targets of a stage with so many of them may be in progress.
func Limit(st *triggerv1.Stage, targets int) int {
	return max(1, scaled(st.MaxConcurrency, targets, targets))
}

// scaled returns a number, or a percentage of a total, rounded down.
func scaled(value *intstr.IntOrString, total, missing int) int {
	if value == nil {
		return missing
	}
	if value.Type == intstr.Int {
		return int(value.IntVal)
	}
	var percent int
	if _, err := fmt.Sscanf(strings.TrimSuffix(value.StrVal, "%"), "%d", &percent); err != nil {
		return 0 // The schema admits nothing else; the safe side of it.
	}
	return total * percent / 100
}
