// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// soak watches the targets of a stage that has delivered, and reports whether it is over.
func (p *planner) soak(st *stage) bool {
	measured := st.measures() && st.analysisFailed() == ""
	if st.spec.MinSuccessTime.Duration <= 0 && !measured {
		st.set(p.Now, triggerv1.StageFinished)
		return true
	}
	unready, unknown, first := p.unready(st)
	tolerated := p.budget(st) - st.failed
	goesOn := p.Rollout.OnFailure == triggerv1.FailureContinue
	if goesOn {
		tolerated = 0
	}
	p.Status.Phase = triggerv1.RolloutSoaking
	if unready > tolerated {
		st.set(p.Now, triggerv1.StageUnready)
		p.Status.Message = text.Line(fmt.Sprintf("%s is not ready: %s", first.Name, first.Message), maxMessage)
		left := p.Timeout - p.Now.Sub(st.Since.Time)
		switch {
		case left > 0:
			p.look(left)
			return false
		case !goesOn:
			p.halt(st, fmt.Sprintf("%s has not been ready for %s: %s", first.Name, p.Timeout, first.Message))
			return false
		}
		st.set(p.Now, triggerv1.StageFinished)
		return true
	}
	st.set(p.Now, triggerv1.StageSoaking)
	if left := st.spec.MinSuccessTime.Duration - p.Now.Sub(st.Since.Time); left > 0 && st.spec.MinSuccessTime.Duration > 0 {
		p.look(left)
		return false
	}
	if unready+unknown > tolerated && unknown > 0 {
		return false // helm-controller is looking at it, and will say what it found.
	}
	if measured && (st.Analysis.Successes == 0 || p.isDue(st)) {
		return false
	}
	st.set(p.Now, triggerv1.StageFinished)
	return true
}

// unready counts the delivered targets of a stage that are not ready, and those of which
// it is not known, and returns the first of the former.
func (p *planner) unready(st *stage) (unready, unknown int, first Target) {
	for _, i := range st.members {
		t := p.Input.Targets[i]
		switch {
		case t.Standing != Current || t.Ready == "True":
		case t.Ready == "False":
			if unready == 0 {
				first = t
			}
			unready++
		default:
			unknown++
		}
	}
	return unready, unknown, first
}
