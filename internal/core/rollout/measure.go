// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file asks for the measurement of a stage that is due.

// request returns the next measurement of a stage, without its subject. Where there is nothing to deliver, gates are
// not asked.
func (p *planner) request(st *stage, purpose analysis.Purpose) analysis.Request {
	a := st.spec.Analysis
	r := analysis.Request{Interval: a.GetInterval(), Key: analysis.Key{
		Trigger: p.Trigger, Digest: p.Digest, Stage: st.Name, Purpose: purpose, Number: 1,
	}}
	if st.Analysis != nil {
		r.Number = st.Analysis.Measurements + 1
	}
	if purpose == analysis.Start {
		if st.counts[Current] < len(st.members) {
			r.Webhooks = webhooksOf(a, triggerv1.WebhookGate)
		}
		r.Metrics = slices.DeleteFunc(slices.Clone(a.Metrics), func(m triggerv1.AnalysisMetric) bool {
			return m.Baseline == "" || metricOf(st.Analysis, m.Name).Baseline != ""
		})
	} else {
		r.Webhooks, r.Metrics = webhooksOf(a, triggerv1.WebhookCheck), a.Metrics
	}
	// Numbers begin again with a rollout, and an answer from before a phase says nothing of it.
	r.Spec = digest.Short(digest.Combine(map[string]string{
		"metrics": encoded(r.Metrics), "webhooks": encoded(r.Webhooks), "targets": selectorOf(p.Rollout, st.Name),
		"rollout": encoded(p.Status.ChangedAt) + p.Status.TriggerAt, "phase": string(st.Phase) + encoded(st.Since),
	}))
	return r
}

// demand asks for the next measurement of a stage that has started, if there is to be one.
func (p *planner) demand(st *stage) {
	halted := p.Status.Phase == triggerv1.RolloutHalted || p.Status.Rollback != nil
	if !halted && st.isMeasured() {
		p.due(st, p.request(st, analysis.Check))
	}
}

// due asks for a measurement, if its time has come. The answer is looked for again in any case.
func (p *planner) due(st *stage, r analysis.Request) {
	if st.Analysis != nil && st.Analysis.MeasuredAt != nil {
		if left := p.since(st.Analysis.MeasuredAt.Time, r.Interval); left > 0 {
			p.look(left)
			return
		}
	}
	r.Subject.Releases = p.measured(st)
	p.Measure = &r
	p.look(r.Interval)
}

// measured returns the releases of a stage that run or get the content.
func (p *planner) measured(st *stage) []types.NamespacedName {
	releases := make([]types.NamespacedName, 0, len(st.members))
	for _, i := range st.members {
		if namespace, name, _ := strings.Cut(p.Input.Targets[i].Name, "/"); p.Input.Targets[i].Standing != Out {
			releases = append(releases, types.NamespacedName{Namespace: namespace, Name: name})
		}
	}
	return releases
}

// isDue reports whether a measurement of a stage that has started is due.
func (p *planner) isDue(st *stage) bool {
	s := st.Analysis
	return s == nil || s.MeasuredAt == nil || p.since(s.MeasuredAt.Time, st.spec.Analysis.GetInterval()) <= 0
}

// answered reports whether the answers to a request have come.
func (p *planner) answered(r analysis.Request) bool {
	return p.Measured != nil && p.Measured.Key == r.Key
}
