// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// storyProvider answers questions about the stages: late, not at all, or once more.
type storyProvider struct {
	// bad are the contents that fail each check.
	bad map[string]bool

	// answers are all that were ever given, the last one is that to the last question.
	answers []storyAnswer
	calm    bool
}

// storyAnswer is an answer, and what it is about.
type storyAnswer struct {
	analysis.Measurement
	about string
}

// about says what a measurement of a stage is about, without regard to its key: the content as it is rolled out, what
// is measured by which questions, since when the stage is where it is, and how often it was measured before.
func about(in Input, status *triggerv1.RolloutStatus, spec triggerv1.Stage, st triggerv1.StageStatus) string {
	phase, questions, made := st.Phase, "", int64(0)
	if phase == "" || phase == triggerv1.StageUnchanged {
		phase = triggerv1.StageWaiting
	}
	switch a := spec.Analysis; {
	case a == nil:
	case phase == triggerv1.StageWaiting:
		compared := slices.DeleteFunc(slices.Clone(a.Metrics), func(m triggerv1.AnalysisMetric) bool { return m.Baseline == "" })
		questions = encoded(compared) + encoded(webhooksOf(a, triggerv1.WebhookGate))
	default:
		questions = encoded(a.Metrics) + encoded(webhooksOf(a, triggerv1.WebhookCheck))
	}
	if st.Analysis != nil {
		made = st.Analysis.Measurements
	}
	return fmt.Sprintln(in.Digest, encoded(status.ChangedAt), status.TriggerAt, spec.Name, selectorOf(in.Rollout, spec.Name), questions, phase, encoded(st.Since), made)
}

// analysis makes one up.
func (s *story) analysis() *triggerv1.Analysis {
	a := &triggerv1.Analysis{Threshold: 1}
	a.Interval.Duration = time.Duration(5+s.rng.Intn(25)) * time.Second
	if s.chance(2) {
		a.Webhooks = append(a.Webhooks, triggerv1.AnalysisWebhook{Name: "freeze", Type: triggerv1.WebhookGate})
	}
	if len(a.Webhooks) == 0 || s.chance(2) {
		a.Webhooks = append(a.Webhooks, triggerv1.AnalysisWebhook{Name: "smoke", Type: triggerv1.WebhookCheck})
	}
	if s.chance(3) {
		a.Metrics = append(a.Metrics, triggerv1.AnalysisMetric{Name: "errors", Query: "q", Baseline: triggerv1.BaselineDifference, ThresholdRange: triggerv1.ThresholdRange{Max: new(0.0)}})
	}
	return a
}

// measurement returns what a decision is given: the last answer or, while there is trouble, any other one or none.
func (s *story) measurement() *analysis.Measurement {
	p := &s.provider
	given := len(p.answers) - 1
	switch {
	case given < 0, !p.calm && s.chance(5):
		return nil
	case !p.calm && s.chance(5):
		given = s.rng.Intn(len(p.answers))
	}
	return &p.answers[given].Measurement
}

// askProvider has the provider answer what a decision asks, and reports whether that is news.
func (s *story) askProvider(in Input, d Decision) bool {
	p, r := &s.provider, d.Measure
	if r == nil || len(p.answers) > 0 && p.answers[len(p.answers)-1].Key == r.Key {
		return false
	}
	m := analysis.Measurement{Key: r.Key, Metrics: map[string]analysis.Answer{}, Webhooks: map[string]analysis.Answer{}}
	result := triggerv1.AnalysisSuccessful
	if r.Purpose == analysis.Check && p.bad[r.Digest] || r.Purpose == analysis.Start && !p.calm && s.chance(3) {
		result = triggerv1.AnalysisFailed
	}
	if !p.calm && s.chance(6) {
		result = triggerv1.AnalysisInconclusive
	}
	for _, w := range r.Webhooks {
		m.Webhooks[w.Name] = analysis.Answer{Result: result, Message: "why"}
	}
	for _, asked := range r.Metrics {
		answer := analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: new(1.0)}
		switch {
		case result == triggerv1.AnalysisInconclusive:
			answer = analysis.Answer{Result: result, Message: "why"}
		case result == triggerv1.AnalysisFailed && r.Purpose == analysis.Check:
			answer.Value = new(2.0)
		}
		m.Metrics[asked.Name] = answer
	}
	i := slices.IndexFunc(in.Rollout.Stages, func(stage triggerv1.Stage) bool { return stage.Name == r.Stage })
	p.answers = append(p.answers, storyAnswer{m, about(in, d.Status, in.Rollout.Stages[i], d.Status.Stages[i])})
	s.note("%s of %s is %s", r.Purpose, r.Stage, result)
	return true
}

// checkAnalysis looks at what a decision records of a stage that is measured.
func (s *story) checkAnalysis(in Input, d Decision, spec triggerv1.Stage, before, st triggerv1.StageStatus) {
	a := spec.Analysis
	counted := st.Analysis != nil && (before.Analysis == nil && st.Analysis.Measurements > 0 || before.Analysis != nil && st.Analysis.Measurements > before.Analysis.Measurements)
	if counted && (in.Measured == nil || in.Measured.Digest != in.Digest || in.Measured.Stage != st.Name) {
		panic(fmt.Sprintf("stage %s counts what was not measured of it", st.Name))
	}
	if is := about(in, d.Status, spec, before); counted && !slices.ContainsFunc(s.provider.answers, func(a storyAnswer) bool { return a.Key == in.Measured.Key && a.about == is }) {
		panic(fmt.Sprintf("stage %s counts an answer to another question than %s", st.Name, is))
	}
	if a == nil || d.Status.Overridden {
		return
	}
	if gates := webhooksOf(a, triggerv1.WebhookGate); len(gates) > 0 && begun(st.Phase) && !begun(before.Phase) && before.Phase != triggerv1.StageFinished && int(st.Delivered) < int(st.Targets) &&
		(in.Measured == nil || in.Measured.Purpose != analysis.Start || in.Measured.Webhooks["freeze"].Result != triggerv1.AnalysisSuccessful) {
		panic(fmt.Sprintf("stage %s starts while its gate is closed", st.Name))
	}
	checked := len(a.Metrics)+len(webhooksOf(a, triggerv1.WebhookCheck)) > 0 && in.Rollout.OnFailure != triggerv1.FailureContinue
	if checked && begun(before.Phase) && st.Phase == triggerv1.StageFinished && st.Targets > 0 {
		switch {
		case s.provider.bad[in.Digest]:
			panic(fmt.Sprintf("stage %s passes with content that fails its checks", st.Name))
		case st.Analysis == nil || st.Analysis.Successes == 0:
			panic(fmt.Sprintf("stage %s passes without a successful measurement", st.Name))
		}
	}
}
