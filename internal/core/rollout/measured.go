// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"math"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file counts what was measured of a stage. No decision rests on the clock of a provider.

const (
	// maxAnswer bounds the message of one metric or webhook, and maxFailed why an analysis has failed.
	maxAnswer = 128
	maxFailed = 400
)

// admitsStart reports whether nothing of the analysis is in the way of a stage: all its gates are open, and there
// are all values to compare with. These are taken with the very measurement with which the gates are open:
// shortly before the first target is touched.
func (p *planner) admitsStart(st *stage) bool {
	if st.spec.Analysis == nil {
		return true
	}
	r := p.request(st, analysis.Start)
	switch {
	case len(r.Metrics)+len(r.Webhooks) == 0:
		return true
	case p.answered(r) && p.noteStart(st, r):
		return true
	case st.analysisFailed() != "" && p.halted(st):
		return false
	}
	p.Status.Phase = triggerv1.RolloutAwaitingGate
	p.Status.Message = text.Line(awaits(st, r), maxMessage)
	p.hold(st.members, "waits for the analysis of stage "+st.Name)
	p.due(st, p.request(st, analysis.Start))
	return false
}

// noteStart records the answers of a measurement before the start, and reports whether the stage may start.
func (p *planner) noteStart(st *stage, r analysis.Request) bool {
	s := p.note(st)
	s.Result = triggerv1.AnalysisSuccessful
	values := make([]string, len(r.Metrics))
	for i, m := range r.Metrics {
		result, message := triggerv1.AnalysisResult(""), ""
		if values[i] = decimal(p.Measured.Metrics[m.Name]); values[i] == "" {
			result, message = triggerv1.AnalysisInconclusive, unanswered(p.Measured.Metrics[m.Name])
			s.Result = result
		}
		noted := metric(s, m.Name)
		noted.Result, noted.Message = result, message
	}
	for _, w := range r.Webhooks {
		s.Result = worse(s.Result, p.called(s, w.Name).Result)
	}
	switch s.Result {
	case triggerv1.AnalysisSuccessful:
		for i, m := range r.Metrics {
			noted := metric(s, m.Name)
			noted.Baseline, noted.BaselineOf = values[i], baselineOf(m)
		}
		s.InconclusiveSince = nil
		return true
	case triggerv1.AnalysisInconclusive:
		// What goes on without a stage that fails must not go on without its gates.
		if p.isUnanswered(s) && p.Rollout.OnFailure != triggerv1.FailureContinue {
			s.Failed = text.Line(fmt.Sprintf("no answer for %s: it waits for %s", p.Timeout, awaits(st, r)), maxFailed)
		}
	case triggerv1.AnalysisFailed:
		s.InconclusiveSince = nil // A gate may be closed for as long as it likes.
	}
	return false
}

// decimal returns a value as it is recorded, empty if there is none.
func decimal(answer analysis.Answer) string {
	if answer.Value == nil || answer.Result != triggerv1.AnalysisSuccessful || math.IsNaN(*answer.Value) || math.IsInf(*answer.Value, 0) {
		return ""
	}
	return analysis.Decimal(*answer.Value)
}

// awaits names what keeps a stage from starting: rather what says no than what does not answer.
func awaits(st *stage, r analysis.Request) string {
	what, worst := "", triggerv1.AnalysisSuccessful
	consider := func(result triggerv1.AnalysisResult, name, message string) {
		if what != "" && worse(worst, result) == worst {
			return
		}
		what, worst = name, result
		if message != "" {
			what += ": " + message
		}
	}
	for _, w := range r.Webhooks {
		noted := webhookOf(st.Analysis, w.Name)
		consider(noted.Result, "webhook "+w.Name+" to open", noted.Message)
	}
	for _, m := range r.Metrics {
		noted := metricOf(st.Analysis, m.Name)
		consider(noted.Result, "a value of metric "+m.Name+" from before the change", noted.Message)
	}
	return what
}

// check records the answers of a measurement of a stage that has started, if they have come.
func (p *planner) check(st *stage) {
	if !st.isMeasured() {
		return
	}
	r := p.request(st, analysis.Check)
	if !p.answered(r) {
		return
	}
	before := st.Analysis.MeasuredAt
	s := p.note(st)
	var why string
	s.Result, why = p.found(s, r)
	soaking := st.Phase == triggerv1.StageSoaking
	switch s.Result {
	case triggerv1.AnalysisFailed:
		s.Failures, s.Successes, s.InconclusiveSince = s.Failures+1, 0, nil
		if soaking {
			st.Since = later(p.Now)
		}
		if threshold := st.spec.Analysis.GetThreshold(); s.Failures >= threshold {
			s.Failed = text.Line(fmt.Sprintf("%s (%d of %d)", why, s.Failures, threshold), maxFailed)
		}
	case triggerv1.AnalysisInconclusive:
		s.Successes = 0
		if soaking {
			st.Since = p.moved(st.Since, min(p.Now.Sub(before.Time), 2*r.Interval)) // All beyond that is postponed already.
		}
		if p.isUnanswered(s) {
			s.Failed = text.Line(fmt.Sprintf("no answer for %s: %s", p.Timeout, why), maxFailed)
		}
	case triggerv1.AnalysisSuccessful:
		s.InconclusiveSince = nil
		if soaking {
			s.Successes++
		}
	}
}

// found records the answers to a request, and returns what they are together, and why.
func (p *planner) found(s *triggerv1.AnalysisStatus, r analysis.Request) (triggerv1.AnalysisResult, string) {
	result, why := triggerv1.AnalysisSuccessful, map[triggerv1.AnalysisResult][]string{}
	take := func(name string, one triggerv1.AnalysisResult, message string) {
		result = worse(result, one)
		why[one] = append(why[one], name+separator(one)+message)
	}
	for _, m := range r.Metrics {
		noted := p.judged(s, m)
		take(m.Name, noted.Result, noted.Message)
	}
	for _, w := range r.Webhooks {
		noted := p.called(s, w.Name)
		if noted.Result == triggerv1.AnalysisFailed {
			noted.Failures++
		}
		take("webhook "+w.Name, noted.Result, noted.Message)
	}
	return result, strings.Join(why[result], ", ")
}

// judged records what was measured of a metric.
func (p *planner) judged(s *triggerv1.AnalysisStatus, m triggerv1.AnalysisMetric) *triggerv1.MetricStatus {
	noted := metric(s, m.Name)
	is := analysis.Judge(m, p.Measured.Metrics[m.Name], noted.Baseline)
	noted.Result, noted.Value, noted.Message = is.Result, is.Value, text.Line(is.Message, maxAnswer)
	if is.Result == triggerv1.AnalysisFailed {
		noted.Failures++
	}
	return noted
}

// called records what a webhook has answered.
func (p *planner) called(s *triggerv1.AnalysisStatus, name string) *triggerv1.WebhookStatus {
	answer, noted := p.Measured.Webhooks[name], webhook(s, name)
	noted.Result, noted.Message = answer.Result, text.Line(answer.Message, maxAnswer)
	if answer.Result != triggerv1.AnalysisSuccessful && answer.Result != triggerv1.AnalysisFailed {
		noted.Result, noted.Message = triggerv1.AnalysisInconclusive, unanswered(answer)
	}
	return noted
}

// note records that a measurement was made now.
func (p *planner) note(st *stage) *triggerv1.AnalysisStatus {
	s := st.noted()
	p.postpone(st)
	s.Measurements++
	s.MeasuredAt = later(p.Now)
	return s
}

// isUnanswered notes that there is no answer, and reports whether there has been none for too long.
func (p *planner) isUnanswered(s *triggerv1.AnalysisStatus) bool {
	if s.InconclusiveSince == nil {
		s.InconclusiveSince = later(p.Now)
	}
	return s.MeasuredAt.After(s.InconclusiveSince.Time) && p.since(s.InconclusiveSince.Time, p.Timeout) <= 0
}

// metric returns what is recorded of a metric, which begins with this if nothing is.
func metric(s *triggerv1.AnalysisStatus, name string) *triggerv1.MetricStatus {
	for i := range s.Metrics {
		if s.Metrics[i].Name == name {
			return &s.Metrics[i]
		}
	}
	s.Metrics = append(s.Metrics, triggerv1.MetricStatus{Name: name})
	return &s.Metrics[len(s.Metrics)-1]
}

// webhook returns what is recorded of a webhook, which begins with this if nothing is.
func webhook(s *triggerv1.AnalysisStatus, name string) *triggerv1.WebhookStatus {
	for i := range s.Webhooks {
		if s.Webhooks[i].Name == name {
			return &s.Webhooks[i]
		}
	}
	s.Webhooks = append(s.Webhooks, triggerv1.WebhookStatus{Name: name})
	return &s.Webhooks[len(s.Webhooks)-1]
}

// worse returns the result of two together.
func worse(a, b triggerv1.AnalysisResult) triggerv1.AnalysisResult {
	for _, result := range []triggerv1.AnalysisResult{triggerv1.AnalysisFailed, triggerv1.AnalysisInconclusive} {
		if a == result || b == result {
			return result
		}
	}
	return triggerv1.AnalysisSuccessful
}

// unanswered says why there is no answer.
func unanswered(answer analysis.Answer) string {
	if answer.Message == "" {
		return "no answer"
	}
	return text.Line(answer.Message, maxAnswer)
}
