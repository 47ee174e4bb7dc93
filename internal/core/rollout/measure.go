// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// analyst asks for the measurements of a stage, and counts the answers (measured.go). A decision asks for one
// measurement at a time, and counts the answer to the one that its record asks for.
type analyst struct {
	now     time.Time
	timeout time.Duration
	trigger types.UID

	// status of the rollout that is measured.
	status *triggerv1.RolloutStatus

	// answers that have come, nil if none have.
	answers *analysis.Measurement
}

func analystOf(in Input, s *triggerv1.RolloutStatus) analyst {
	return analyst{now: in.Now, timeout: in.Timeout, trigger: in.Trigger, status: s, answers: in.Measured}
}

// request returns the next measurement of a stage, without its subject. Where there is nothing to deliver, gates are
// not asked.
func (a analyst) request(st *stage, purpose analysis.Purpose) analysis.Request {
	spec := st.spec.Analysis
	r := analysis.Request{Interval: spec.GetInterval(), Key: analysis.Key{
		Trigger: a.trigger, Digest: a.status.Digest, Stage: st.Name, Purpose: purpose, Number: 1,
	}}
	if st.Analysis != nil {
		r.Number = st.Analysis.Measurements + 1
	}
	if purpose == analysis.Start {
		if st.counts[Current] < st.members.len() {
			r.Webhooks = webhooksOf(spec, triggerv1.WebhookGate)
		}
		r.Metrics = slices.DeleteFunc(slices.Clone(spec.Metrics), func(m triggerv1.AnalysisMetric) bool {
			return m.Baseline == "" || metricOf(st.Analysis, m.Name).Baseline != ""
		})
	} else {
		r.Webhooks, r.Metrics = webhooksOf(spec, triggerv1.WebhookCheck), spec.Metrics
	}
	// Numbers begin again with a rollout, and an answer from before a phase says nothing of it.
	r.Spec = digest.Short(digest.Combine(map[string]string{
		"metrics": encoded(r.Metrics), "webhooks": encoded(r.Webhooks), "targets": selectorOf(st.rollout, st.Name),
		"rollout": encoded(a.status.ChangedAt) + a.status.TriggerAt, "phase": string(st.Phase) + encoded(st.Since),
	}))
	return r
}

// demand asks for the next measurement of a stage that has started, if there is to be one.
func (a analyst) demand(st *stage) step {
	if !st.isMeasured() {
		return step{}
	}
	return a.due(st, a.request(st, analysis.Check))
}

// due asks for a measurement, if its time has come. The answer is looked for again in any case.
func (a analyst) due(st *stage, r analysis.Request) step {
	if st.Analysis != nil && st.Analysis.MeasuredAt != nil {
		if wait := left(st.Analysis.MeasuredAt.Time, r.Interval, a.now); wait > 0 {
			return step{after: wait}
		}
	}
	r.Subject.Releases = st.members.releases()
	return step{measure: &r, after: r.Interval}
}

// isDue reports whether a measurement of a stage that has started is due.
func (a analyst) isDue(st *stage) bool {
	s := st.Analysis
	return s == nil || s.MeasuredAt == nil || left(s.MeasuredAt.Time, st.spec.Analysis.GetInterval(), a.now) <= 0
}

// isAnswered reports whether the answers to a request have come.
func (a analyst) isAnswered(r analysis.Request) bool {
	return a.answers != nil && a.answers.Key == r.Key
}
