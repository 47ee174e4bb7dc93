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

// canaryDelivered is a canary that has delivered, and prod after it.
func canaryDelivered(g Gomega, modify ...func(*triggerv1.Stage)) *scene {
	s := newScene(stageNamed("canary", modify...), stageNamed("prod")).with(0, "c").with(1, "p")
	s.Trigger = "uid"
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(UnderWay, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	return s
}

func TestAnalysis_a_stage_passes_with_a_successful_measurement_after_delivery(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking), "no minSuccessTime, and one measurement all the same")
	g.Expect(s.last.Measure).To(BeNil())
	g.Expect(s.last.After).To(Equal(time.Minute))
	g.Expect(s.analysis().Unproven).To(BeTrue())

	s.later(time.Minute).step()
	g.Expect(s.last.Measure.Key.Number).To(BeEquivalentTo(1))
	g.Expect(s.last.Measure.Purpose).To(Equal(analysis.Check))
	g.Expect(s.last.Measure.Trigger).To(BeEquivalentTo("uid"))
	g.Expect(s.last.Measure.Subject.Releases).To(HaveLen(1))
	g.Expect(s.last.Measure.Subject.Releases[0].String()).To(Equal("apps/c"))
	g.Expect(s.last.After).To(Equal(time.Minute), "the answer is looked for again")
	s.Measured = s.answers(0.02, "")
	g.Expect(s.admitted()).To(Equal([]string{"p"}))
	g.Expect(s.stagePhase()).To(Equal(triggerv1.StageFinished))
	g.Expect(*s.analysis()).To(Equal(triggerv1.AnalysisStatus{
		Spec: s.analysis().Spec, Measurements: 1, MeasuredAt: later(s.Now), Result: triggerv1.AnalysisSuccessful, Successes: 1,
		Metrics: []triggerv1.MetricStatus{{Name: "error-rate", Result: triggerv1.AnalysisSuccessful, Value: "0.02"}},
	}))
	s.become(Current, "p")
	s.admitted()
	g.Expect(s.last.Passed).To(BeTrue())
}

func TestAnalysis_only_the_answer_that_is_asked_for_counts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*analysis.Key){
		"of another trigger":  func(k *analysis.Key) { k.Trigger = "other" },
		"of other content":    func(k *analysis.Key) { k.Digest = second },
		"of another stage":    func(k *analysis.Key) { k.Stage = "prod" },
		"from before":         func(k *analysis.Key) { k.Purpose = analysis.Start },
		"of another number":   func(k *analysis.Key) { k.Number++ },
		"to another question": func(k *analysis.Key) { k.Spec = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := canaryDelivered(g, measured())
			s.ask()
			s.Measured = s.answers(0, "")
			change(&s.Measured.Key)
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.analysis().Measurements).To(BeZero())
		})
	}
}

func TestAnalysis_what_was_asked_before_all_was_delivered_does_not_count_after(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", measured()), stageNamed("prod")).with(0, "c").with(1, "p")
	s.admitted()
	s.become(UnderWay, "c")
	s.ask()
	old := s.answers(0, "")
	s.become(Current, "c")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	s.Measured = old
	s.step()
	s.later(time.Minute).Measured = old
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.analysis().Measurements).To(BeZero())
}

func TestAnalysis_fails_the_stage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		policy  triggerv1.FailurePolicy
		earlier string
		want    triggerv1.RolloutPhase
		message string
	}{
		{name: "and halts", policy: triggerv1.FailureHalt, want: triggerv1.RolloutHalted, message: "analysis of stage canary failed: error-rate 0.31 is above 0.05 (1 of 1)"},
		{name: "and rolls back", policy: triggerv1.FailureRollback, earlier: second, want: triggerv1.RolloutRollingBack, message: "analysis of stage canary failed: error-rate 0.31 is above 0.05 (1 of 1)"},
		{name: "and has nothing to roll back to", policy: triggerv1.FailureRollback, want: triggerv1.RolloutHalted, message: "analysis of stage canary failed: error-rate 0.31 is above 0.05 (1 of 1); there is no earlier content to roll back to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := canaryDelivered(g, measured(), soaks(time.Hour))
			s.Rollout.OnFailure, s.Earlier = c.policy, c.earlier
			s.ask()
			s.Measured = s.answers(0.31, "")
			s.step()
			g.Expect(s.last.Admits()).To(BeFalse())
			g.Expect(s.phase()).To(Equal(c.want))
			g.Expect(s.Previous.Message).To(Equal(c.message))
			g.Expect(s.analysis().Failed).To(Equal("error-rate 0.31 is above 0.05 (1 of 1)"))
			g.Expect(s.last.Measure).To(BeNil())
			if c.want == triggerv1.RolloutRollingBack {
				return
			}
			for range 3 { // All targets run the content, and it has failed.
				g.Expect(s.later(time.Hour).admitted()).To(BeEmpty())
			}
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
			g.Expect(s.last.After).To(BeZero())
			g.Expect(goOn(&triggerv1.ValuesTrigger{Spec: triggerv1.ValuesTriggerSpec{Rollout: s.Rollout}, Status: triggerv1.ValuesTriggerStatus{Rollout: s.Previous}})).
				NotTo(ContainSubstring("recovered"))
		})
	}
}

func TestAnalysis_the_only_stage_stays_failed_though_all_run_the_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("all", measured())).with(0, "c")
	s.admitted()
	s.become(Current, "c")
	s.measure(1)
	g.Expect(s.later(time.Hour).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.last.Passed).To(BeFalse())
	s.Rollout.Stages[0].Analysis = nil // That does not make it pass either.
	g.Expect(s.later(time.Hour).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.Reset = true
	s.admitted()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.Passed).To(BeTrue())
}

func TestAnalysis_that_failed_is_passed_over_where_a_rollout_is_to_continue(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured())
	s.Rollout.OnFailure = triggerv1.FailureContinue
	g.Expect(s.measure(0.31)).To(Equal([]string{"p"}))
	s.become(Current, "p")
	s.admitted()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.Passed).To(BeFalse(), "nothing to go back to")
	g.Expect(FailedAnalysis(s.Previous)).To(Equal("analysis of stage canary failed: error-rate 0.31 is above 0.05 (1 of 1)"))
	g.Expect(s.analysis().Unproven).To(BeTrue())
	s.Rollout.OnFailure = triggerv1.FailureHalt
	s.Reset = true
	s.admitted()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished), "that is over")
	g.Expect(s.last.Passed).To(BeFalse())
}

func TestAnalysis_counts_failures_up_to_the_threshold(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", measured(threshold(3)), soaks(10*time.Minute))).with(0, "c")
	s.admitted()
	s.become(UnderWay, "c")
	s.measure(1)
	g.Expect(s.analysis().Failures).To(BeEquivalentTo(1), "it counts from the start")
	s.become(Current, "c")
	s.admitted()
	s.measure(0)
	s.measure(0)
	g.Expect(s.analysis().Successes).To(BeEquivalentTo(2))
	s.measure(1)
	g.Expect(s.analysis()).To(And(
		HaveField("Failures", BeEquivalentTo(2)), HaveField("Successes", BeZero()), HaveField("Failed", BeEmpty()),
		HaveField("Metrics", HaveExactElements(HaveField("Failures", BeEquivalentTo(2))))))
	g.Expect(s.Previous.Stages[0].Since.Time).To(Equal(s.Now), "the time begins again")
	s.measure(1)
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.analysis().Failed).To(Equal("error-rate 1 is above 0.05 (3 of 3)"))
}

func TestAnalysis_time_without_an_answer_does_not_count(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured(), soaks(3*time.Minute))
	s.measure(0)
	s.measure(0)
	s.measure(-1)
	g.Expect(s.analysis().Result).To(Equal(triggerv1.AnalysisInconclusive))
	g.Expect(s.analysis().Metrics[0].Message).To(Equal("no data"))
	g.Expect(s.Now.Sub(s.Previous.Stages[0].Since.Time)).To(Equal(2 * time.Minute))
	s.measure(-1)
	g.Expect(s.Now.Sub(s.Previous.Stages[0].Since.Time)).To(Equal(2 * time.Minute))
	g.Expect(s.measure(0)).To(Equal([]string{"p"}))
	g.Expect(s.analysis().InconclusiveSince).To(BeNil())
}

func TestAnalysis_a_pause_of_the_operator_does_not_count(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured(), soaks(10*time.Minute))
	s.measure(0)
	s.later(24 * time.Hour)
	s.step()
	g.Expect(s.stagePhase()).To(Equal(triggerv1.StageSoaking), "what is due is measured first")
	g.Expect(s.measure(0)).To(BeEmpty())
	g.Expect(s.Now.Sub(s.Previous.Stages[0].Since.Time)).To(Equal(3 * time.Minute))
}

func TestAnalysis_without_an_answer_fails_in_the_end(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured())
	for range 5 {
		s.measure(-1)
		g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	}
	s.measure(-1)
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.Previous.Message).To(Equal("analysis of stage canary failed: no answer for 5m0s: error-rate: no data"))
}

// A provider that hangs is queried all the time: that is not a time in which nothing is measured.
func TestAnalysis_a_provider_that_hangs_fails_it_as_one_that_is_gone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured(func(a *triggerv1.Analysis) { a.Interval.Duration = 5 * time.Second }))
	begun := s.Now
	for s.phase() == triggerv1.RolloutSoaking && s.Now.Sub(begun) < time.Hour {
		s.ask()
		late := s.answers(-1, "")
		s.later(2 * analysis.MaxTimeout).Measured = late // It has waited for its turn, and for the answer.
		s.admitted()
	}
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.Now.Sub(begun)).To(BeNumerically("~", s.Timeout+2*analysis.MaxTimeout, 3*time.Minute))
}

func TestAnalysis_a_pause_without_an_answer_is_not_a_failure(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured())
	s.measure(-1)
	s.later(time.Hour).measure(-1)
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
}

func TestAnalysis_an_answer_that_lacks_a_metric_is_none(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured(calls("smoke", triggerv1.WebhookCheck)))
	s.ask()
	s.Measured = s.answers(0, triggerv1.AnalysisSuccessful)
	s.Measured.Metrics = nil
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.analysis().Result).To(Equal(triggerv1.AnalysisInconclusive))
	s.ask()
	s.Measured = s.answers(0, triggerv1.AnalysisSuccessful)
	s.Measured.Webhooks = nil
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.analysis().Result).To(Equal(triggerv1.AnalysisInconclusive))
	g.Expect(s.analysis().Webhooks).To(Equal([]triggerv1.WebhookStatus{{Name: "smoke", Result: triggerv1.AnalysisInconclusive, Message: "no answer"}}))
}

func TestAnalysis_a_check_fails_it(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured(unmeasured, calls("smoke", triggerv1.WebhookCheck), calls("chat", triggerv1.WebhookEvent)))
	s.answer(0, triggerv1.AnalysisFailed)
	g.Expect(s.Previous.Message).To(Equal("analysis of stage canary failed: webhook smoke status 418 (1 of 1)"))
	g.Expect(s.analysis().Webhooks).To(Equal([]triggerv1.WebhookStatus{{Name: "smoke", Result: triggerv1.AnalysisFailed, Failures: 1, Message: "status 418"}}))
}

func TestAnalysis_a_reset_begins_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured(threshold(2)), soaks(2*time.Minute))
	s.ask()
	late := s.answers(0, "")
	s.Measured = s.answers(1, "")
	s.admitted()
	s.measure(1)
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.later(time.Hour).Reset = true
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking))
	g.Expect(s.analysis()).To(And(HaveField("Failures", BeZero()), HaveField("Failed", BeEmpty()), HaveField("Result", BeEmpty())))
	g.Expect(s.Previous.Stages[0].Since.Time).To(Equal(s.Now))
	s.Measured = late
	g.Expect(s.later(time.Minute).admitted()).To(BeEmpty())
	g.Expect(s.analysis().Result).To(BeEmpty())
	s.measure(0)
	g.Expect(s.measure(0)).To(Equal([]string{"p"}))
}

func TestAnalysis_is_overridden(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", measured(compared, calls("freeze", triggerv1.WebhookGate))), stageNamed("prod", measured())).with(0, "c").with(1, "p")
	s.answer(0, triggerv1.AnalysisFailed)
	vt := &triggerv1.ValuesTrigger{Spec: triggerv1.ValuesTriggerSpec{Rollout: s.Rollout}, Status: triggerv1.ValuesTriggerStatus{Rollout: s.Previous}}
	g.Expect(Overrides(vt, nil, true)).To(ContainElement("the analysis of canary, prod"))
	g.Expect(Gates(vt)).To(ContainElement("the stages canary (analysis), prod (analysis)"))
	s.Force = true
	g.Expect(s.admitted()).To(Equal([]string{"c", "p"}))
	s.become(Current, "c", "p")
	s.admitted()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.Measure).To(BeNil())
}

func TestAnalysis_of_another_spec(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		edit      func(*triggerv1.Stage)
		failures  int
		successes int
	}{
		{name: "another query", edit: func(st *triggerv1.Stage) { st.Analysis.Metrics[0].Query = "other" }},
		{name: "another range", edit: func(st *triggerv1.Stage) { st.Analysis.Metrics[0].ThresholdRange.Max = new(0.1) }},
		{name: "another metric", edit: func(st *triggerv1.Stage) {
			m := errorRate("latency")
			m.Name = "latency"
			st.Analysis.Metrics = append(st.Analysis.Metrics, m)
		}},
		{name: "a check", edit: func(st *triggerv1.Stage) { calls("smoke", triggerv1.WebhookCheck)(st.Analysis) }},
		{name: "someone to be informed", edit: func(st *triggerv1.Stage) { calls("chat", triggerv1.WebhookEvent)(st.Analysis) }, failures: 1, successes: 1},
		{name: "another threshold", edit: func(st *triggerv1.Stage) { st.Analysis.Threshold = 9 }, failures: 1, successes: 1},
		{name: "another interval", edit: func(st *triggerv1.Stage) { st.Analysis.Interval.Duration = time.Hour }, failures: 1, successes: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := canaryDelivered(g, measured(threshold(3)), soaks(time.Hour))
			s.measure(1)
			s.measure(0)
			c.edit(&s.Rollout.Stages[0])
			s.later(time.Second).step()
			g.Expect(s.analysis().Failures).To(BeEquivalentTo(c.failures))
			g.Expect(s.analysis().Successes).To(BeEquivalentTo(c.successes))
			g.Expect(s.analysis().Measurements).To(BeEquivalentTo(2))
			g.Expect(s.Previous.Stages[0].Since.Time.Equal(s.Now)).To(Equal(c.failures == 0), "what has begun again takes its time")
			s.later(2 * time.Hour)
			s.measure(0)
			g.Expect(s.analysis().Successes).To(BeEquivalentTo(c.successes + 1))
		})
	}
}

func TestAnalysis_comes_and_goes_in_the_middle_of_a_stage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, soaks(10*time.Minute))
	s.later(9 * time.Minute)
	measured()(&s.Rollout.Stages[0])
	g.Expect(s.later(time.Minute).admitted()).To(BeEmpty())
	g.Expect(s.last.Measure).To(BeNil(), "an interval after it has come")
	g.Expect(s.measure(1)).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))

	s = canaryDelivered(g, soaks(10*time.Minute), measured(threshold(2)))
	s.measure(1)
	s.Rollout.Stages[0].Analysis = nil
	s.step()
	g.Expect(s.analysis()).To(BeNil())
	g.Expect(s.later(10 * time.Minute).admitted()).To(Equal([]string{"p"}))
}

func TestAnalysis_times_that_are_still_to_come_are_put_right(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured())
	s.measure(-1)
	s.later(-24 * time.Hour)
	s.step()
	g.Expect(s.analysis().MeasuredAt.Time).To(Equal(s.Now))
	g.Expect(s.analysis().InconclusiveSince.Time).To(Equal(s.Now))
	s.analysis().MeasuredAt = nil
	s.step()
	g.Expect(s.last.After).To(Equal(time.Minute))
	g.Expect(s.measure(0)).To(Equal([]string{"p"}))
}

func TestAnalysis_a_stage_that_loses_readiness_begins_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured(threshold(2)), soaks(2*time.Minute))
	s.measure(0)
	s.target("c").Ready = "False"
	s.later(30 * time.Second).step()
	g.Expect(s.stagePhase()).To(Equal(triggerv1.StageUnready))
	s.measure(1)
	g.Expect(s.analysis().Failures).To(BeEquivalentTo(1), "it is measured all the same")
	s.target("c").Ready = "True"
	s.step()
	g.Expect(s.analysis().Successes).To(BeZero())
	s.measure(0)
	g.Expect(s.measure(0)).To(Equal([]string{"p"}))
}

func TestAnalysis_a_stage_that_has_finished_is_not_measured(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured())
	s.measure(0)
	s.with(0, "late")
	g.Expect(s.admitted()).To(ConsistOf("late", "p"))
	s.become(Current, "late", "p")
	g.Expect(s.later(time.Hour).admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	g.Expect(s.last.Measure).To(BeNil())
}

func TestAnalysis_nothing_is_measured_of_content_that_is_rejected(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := canaryDelivered(g, measured())
	s.ask()
	s.Measured, s.Reject = s.answers(0, ""), first
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	g.Expect(s.last.Measure).To(BeNil())
	g.Expect(s.analysis().Measurements).To(BeZero())
}
