// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Stage is a stage of a rollout: what its spec says, and where the present content stands in it.
type Stage struct {
	Name string `json:"name"`

	// Phase is unset while there is nothing to roll out.
	Phase triggerv1.StagePhase `json:"phase,omitempty"`
	Since *metav1.Time         `json:"since,omitempty"`

	// Present is true for the stage that the rollout is in.
	Present bool `json:"present,omitempty"`

	// Halted is true for the stage in which the rollout has halted, whatever its phase was then.
	Halted bool `json:"halted,omitempty"`

	// SoaksUntil is when the next stage starts, if all targets stay ready.
	SoaksUntil *metav1.Time `json:"soaksUntil,omitempty"`

	Targets   int32 `json:"targets"`
	Delivered int32 `json:"delivered"`
	Failed    int32 `json:"failed"`

	// Approval is Manual if a person lets the stage start, AwaitsApproval is true while the rollout
	// waits for that, and ApprovedBy says who did.
	Approval       triggerv1.ApprovalPolicy `json:"approval,omitempty"`
	AwaitsApproval bool                     `json:"awaitsApproval,omitempty"`
	Approved       bool                     `json:"approved,omitempty"`
	ApprovedBy     *triggerv1.PersonRecord  `json:"approvedBy,omitempty"`

	// Analysis is what is measured of it, nil if nothing is.
	Analysis *Analysis `json:"analysis,omitempty"`
}

// Word is where the content stands in the stage, empty while there is nothing to roll out.
func (s Stage) Word() string {
	if s.Halted {
		return string(triggerv1.RolloutHalted)
	}
	return string(s.Phase)
}

// FailsAnalysis reports that the rollout has halted since HelmReleases that are ready do not do what they should.
func (s Stage) FailsAnalysis() bool { return s.Halted && s.Analysis != nil && s.Analysis.Failed != "" }

// StagesOf returns the stages of a trigger in their order.
func StagesOf(vt *triggerv1.ValuesTrigger) []Stage {
	if vt.Spec.Rollout == nil {
		return nil
	}
	var status triggerv1.RolloutStatus
	if vt.Status.Rollout != nil {
		status = *vt.Status.Rollout
	}
	clock := rollout.Clock(vt)
	out := make([]Stage, 0, len(vt.Spec.Rollout.Stages))
	for _, spec := range vt.Spec.Rollout.Stages {
		st := Stage{Name: spec.Name, Analysis: analysisOf(spec.Analysis, nil)}
		if spec.Approval == triggerv1.ApprovalManual {
			st.Approval = spec.Approval
		}
		if i := slices.IndexFunc(status.Stages, func(s triggerv1.StageStatus) bool { return s.Name == spec.Name }); i >= 0 {
			s := status.Stages[i]
			st.Phase, st.Since, st.Targets, st.Delivered, st.Failed = s.Phase, s.Since, s.Targets, s.Delivered, s.Failed
			st.Approved, st.ApprovedBy = s.Approved, s.ApprovedBy
			st.Analysis = analysisOf(spec.Analysis, s.Analysis)
			if soak := spec.MinSuccessTime.Duration; s.Phase == triggerv1.StageSoaking && s.Since != nil && soak > 0 && status.Phase != triggerv1.RolloutHalted && (st.Analysis == nil || st.Analysis.Failed == "") {
				st.SoaksUntil = new(metav1.NewTime(clock(s.Since.Add(soak))))
			}
		}
		st.Present = status.Stage == spec.Name
		st.Halted = st.Present && status.Phase == triggerv1.RolloutHalted
		st.AwaitsApproval = st.Present && status.Phase == triggerv1.RolloutAwaitingApproval
		out = append(out, st)
	}
	return out
}

// InStage returns the targets of a stage; of none, those that no stage has.
func (t Trigger) InStage(name string) []Target {
	var out []Target
	for _, target := range t.Targets {
		if target.Stage == name || name == "" && !slices.ContainsFunc(t.Stages, func(s Stage) bool { return s.Name == target.Stage }) {
			out = append(out, target)
		}
	}
	return out
}

// leavesOut returns the first HelmRelease that waits for ever, since no stage selects it, when all else is done; empty
// if there is none.
func leavesOut(vt *triggerv1.ValuesTrigger) string {
	if s := vt.Status.Rollout; s == nil || s.Phase != triggerv1.RolloutFinished || s.Unmatched == 0 {
		return ""
	}
	for _, t := range vt.Status.Targets {
		if t.State == triggerv1.TargetHeld && t.Stage == "" {
			return t.Namespace + "/" + t.Name
		}
	}
	return ""
}
