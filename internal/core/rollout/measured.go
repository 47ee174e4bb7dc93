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

// start reports whether nothing of the analysis is in the way of a stage: all its gates are open, and there
// are all values to compare with. These are taken with the very measurement with which the gates are open:
// shortly before the first target is touched. If not, the step says what is waited for, or why the stage fails.
func (a analyst) start(st *stage) (waits step, starts bool) {
	if st.spec.Analysis == nil {
		return step{}, true
	}
	r := a.request(st, analysis.Start)
	if len(r.Metrics)+len(r.Webhooks) == 0 || a.isAnswered(r) && a.noteStart(st, r) {
		return step{}, true
	}
	if st.analysisFailed() != "" {
		if why := st.failure(); why != "" {
			return step{failure: why}, false
		}
	}
	st.members.hold("waits for the analysis of stage " + st.Name)
	waits = step{phase: triggerv1.RolloutAwaitingGate, message: text.Line(awaits(st, r), maxMessage)}
	return waits.and(a.due(st, a.request(st, analysis.Start))), false
}

// noteStart records the answers of a measurement before the start, and reports whether the stage may start.
func (a analyst) noteStart(st *stage, r analysis.Request) bool {
	s := a.note(st)
	s.Result = triggerv1.AnalysisSuccessful
	values := make([]string, len(r.Metrics))
	for i, m := range r.Metrics {
		result, message := triggerv1.AnalysisResult(""), ""
		if values[i] = decimal(a.answers.Metrics[m.Name]); values[i] == "" {
			result, message = triggerv1.AnalysisInconclusive, unanswered(a.answers.Metrics[m.Name])
			s.Result = result
		}
		noted := metric(s, m.Name)
		noted.Result, noted.Message = result, message
	}
	for _, w := range r.Webhooks {
		s.Result = worse(s.Result, a.called(s, w.Name).Result)
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
		if a.isUnanswered(s) && st.rollout.OnFailure != triggerv1.FailureContinue {
			s.Failed = text.Line(fmt.Sprintf("no answer for %s: it waits for %s", a.timeout, awaits(st, r)), maxFailed)
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
func (a analyst) check(st *stage) {
	if !st.isMeasured() {
		return
	}
	r := a.request(st, analysis.Check)
	if !a.isAnswered(r) {
		return
	}
	before := st.Analysis.MeasuredAt
	s := a.note(st)
	var why string
	s.Result, why = a.found(s, r)
	soaking := st.Phase == triggerv1.StageSoaking
	switch s.Result {
	case triggerv1.AnalysisFailed:
		s.Failures, s.Successes, s.InconclusiveSince = s.Failures+1, 0, nil
		if soaking {
			st.Since = later(a.now)
		}
		if threshold := st.spec.Analysis.GetThreshold(); s.Failures >= threshold {
			s.Failed = text.Line(fmt.Sprintf("%s (%d of %d)", why, s.Failures, threshold), maxFailed)
		}
	case triggerv1.AnalysisInconclusive:
		s.Successes = 0
		if soaking {
			st.Since = moved(st.Since, min(a.now.Sub(before.Time), 2*r.Interval), a.now) // All beyond that is postponed already.
		}
		if a.isUnanswered(s) {
			s.Failed = text.Line(fmt.Sprintf("no answer for %s: %s", a.timeout, why), maxFailed)
		}
	case triggerv1.AnalysisSuccessful:
		s.InconclusiveSince = nil
		if soaking {
			s.Successes++
		}
	}
}

// found records the answers to a request, and returns what they are together, and why.
func (a analyst) found(s *triggerv1.AnalysisStatus, r analysis.Request) (triggerv1.AnalysisResult, string) {
	result, why := triggerv1.AnalysisSuccessful, map[triggerv1.AnalysisResult][]string{}
	take := func(name string, one triggerv1.AnalysisResult, message string) {
		result = worse(result, one)
		why[one] = append(why[one], name+separator(one)+message)
	}
	for _, m := range r.Metrics {
		noted := a.judged(s, m)
		take(m.Name, noted.Result, noted.Message)
	}
	for _, w := range r.Webhooks {
		noted := a.called(s, w.Name)
		if noted.Result == triggerv1.AnalysisFailed {
			noted.Failures++
		}
		take("webhook "+w.Name, noted.Result, noted.Message)
	}
	return result, strings.Join(why[result], ", ")
}

// judged records what was measured of a metric.
func (a analyst) judged(s *triggerv1.AnalysisStatus, m triggerv1.AnalysisMetric) *triggerv1.MetricStatus {
	noted := metric(s, m.Name)
	is := analysis.Judge(m, a.answers.Metrics[m.Name], noted.Baseline)
	noted.Result, noted.Value, noted.Message = is.Result, is.Value, text.Line(is.Message, maxAnswer)
	if is.Result == triggerv1.AnalysisFailed {
		noted.Failures++
	}
	return noted
}

// called records what a webhook has answered.
func (a analyst) called(s *triggerv1.AnalysisStatus, name string) *triggerv1.WebhookStatus {
	answer, noted := a.answers.Webhooks[name], webhook(s, name)
	noted.Result, noted.Message = answer.Result, text.Line(answer.Message, maxAnswer)
	if answer.Result != triggerv1.AnalysisSuccessful && answer.Result != triggerv1.AnalysisFailed {
		noted.Result, noted.Message = triggerv1.AnalysisInconclusive, unanswered(answer)
	}
	return noted
}

// note records that a measurement was made now.
func (a analyst) note(st *stage) *triggerv1.AnalysisStatus {
	s := st.noted()
	a.postpone(st)
	s.Measurements++
	s.MeasuredAt = later(a.now)
	return s
}

// postpone moves times on, so that the time in which nothing was measured counts for none of them. A
// measurement that comes an interval late is nothing to speak of. One that has no answer may have been
// waited for: a provider that hangs has none for as long as one that is gone.
func (a analyst) postpone(st *stage) {
	s := st.Analysis
	if s.MeasuredAt == nil {
		return
	}
	unmeasured := -left(s.MeasuredAt.Time, 2*st.spec.Analysis.GetInterval(), a.now)
	if st.Phase == triggerv1.StageSoaking && unmeasured > 0 {
		st.Since = moved(st.Since, unmeasured, a.now)
	}
	if unasked := unmeasured - 2*analysis.MaxTimeout; s.InconclusiveSince != nil && unasked > 0 {
		s.InconclusiveSince = moved(s.InconclusiveSince, unasked, a.now)
	}
}

// isUnanswered notes that there is no answer, and reports whether there has been none for too long.
func (a analyst) isUnanswered(s *triggerv1.AnalysisStatus) bool {
	if s.InconclusiveSince == nil {
		s.InconclusiveSince = later(a.now)
	}
	return s.MeasuredAt.After(s.InconclusiveSince.Time) && left(s.InconclusiveSince.Time, a.timeout, a.now) <= 0
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
