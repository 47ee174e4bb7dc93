// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// beforeStart is a canary that waits for an answer before its start. All that follows happens within one second.
func beforeStart(g Gomega) *scene {
	s := gatedScene(selects("a"), measured(compared, calls("freeze", triggerv1.WebhookGate), calls("smoke", triggerv1.WebhookCheck)))
	s.Trigger = "uid"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.Measure.Purpose).To(Equal(analysis.Start))
	return s
}

// inProgress is a canary that is measured while it is delivered to.
func inProgress(g Gomega) *scene {
	s := newScene(stageNamed("canary", selects("a"), measured(threshold(9), calls("smoke", triggerv1.WebhookCheck)), soaks(time.Hour)), stageNamed("prod")).with(0, "c").with(1, "p")
	s.Trigger = "uid"
	s.admitted()
	s.become(UnderWay, "c")
	s.ask()
	g.Expect(s.stagePhase()).To(Equal(triggerv1.StageProgressing))
	return s
}

// afterDelivery is a canary that is measured after its delivery.
func afterDelivery(g Gomega) *scene {
	s := inProgress(g)
	s.become(Current, "c")
	s.step()
	s.ask()
	g.Expect(s.stagePhase()).To(Equal(triggerv1.StageSoaking))
	return s
}

// An answer that comes late is one to an earlier question: what has changed since, by whatever, it says nothing of. Each
// of these changes leaves all else as it was, so that each part of a key has a reason to be there.
func TestAnalysis_an_answer_says_nothing_of_what_has_changed_since(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked func(Gomega) *scene
		then  func(*scene)
	}{
		"before the start, the trigger":            {beforeStart, func(s *scene) { s.Trigger = "made again" }},
		"before the start, the content":            {beforeStart, func(s *scene) { s.edit(second) }},
		"before the start, the name of the stage":  {beforeStart, func(s *scene) { s.Rollout.Stages[0].Name = "first" }},
		"before the start, what the stage selects": {beforeStart, func(s *scene) { selects("b")(&s.Rollout.Stages[0]) }},
		"before the start, the gate":               {beforeStart, func(s *scene) { s.Rollout.Stages[0].Analysis.Webhooks[0].Provider = "other" }},
		"before the start, the metric":             {beforeStart, func(s *scene) { s.Rollout.Stages[0].Analysis.Metrics[0].Query = "other" }},
		"before the start, a request to trigger":   {beforeStart, func(s *scene) { s.TriggerAt = "now" }},
		"before the start, the content, and back": {beforeStart, func(s *scene) {
			s.edit(second)
			s.later(time.Second).step()
			s.edit(first)
		}},
		"while it is delivered to, the trigger":           {inProgress, func(s *scene) { s.Trigger = "made again" }},
		"while it is delivered to, the query":             {inProgress, func(s *scene) { s.Rollout.Stages[0].Analysis.Metrics[0].Query = "other" }},
		"while it is delivered to, the range":             {inProgress, func(s *scene) { s.Rollout.Stages[0].Analysis.Metrics[0].ThresholdRange.Max = new(7.0) }},
		"while it is delivered to, the provider of check": {inProgress, func(s *scene) { s.Rollout.Stages[0].Analysis.Webhooks[0].Provider = "other" }},
		"while it is delivered to, what it selects":       {inProgress, func(s *scene) { selects("b")(&s.Rollout.Stages[0]) }},
		"while it is delivered to, the delivery":          {inProgress, func(s *scene) { s.become(Current, "c") }},
		"after the delivery, the number": {afterDelivery, func(s *scene) {
			s.Measured = s.answers(0, triggerv1.AnalysisSuccessful)
			s.step()
		}},
		"after the delivery, a person retries": {afterDelivery, func(s *scene) { s.Reset = true }},
		"after the delivery, the readiness": {afterDelivery, func(s *scene) {
			s.target("c").Ready = "False"
			s.later(time.Second).step()
			s.target("c").Ready = "True"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := c.asked(g)
			late := s.answers(0, triggerv1.AnalysisSuccessful)
			c.then(s)
			s.step()
			before := s.measurements()
			s.Measured = late
			s.step()
			g.Expect(s.measurements()).To(Equal(before), "late")
			s.later(time.Minute).Measured = late
			s.step()
			g.Expect(s.measurements()).To(Equal(before), "when the next one is due")

			s.ask() // The answer to the present question counts.
			s.Measured = s.answers(0, triggerv1.AnalysisSuccessful)
			s.step()
			g.Expect(s.measurements()).To(Equal(before + 1))
		})
	}
}

// measurements that were made of the first stage.
func (s *scene) measurements() int64 {
	if s.analysis() == nil {
		return 0
	}
	return s.analysis().Measurements
}
