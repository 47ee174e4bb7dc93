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

func gatedScene(modify ...func(*triggerv1.Stage)) *scene {
	return newScene(stageNamed("canary", modify...), stageNamed("prod")).with(0, "c").with(1, "p")
}

func TestGate_a_stage_starts_when_it_opens(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := gatedScene(measured(unmeasured, calls("freeze", triggerv1.WebhookGate), calls("chat", triggerv1.WebhookEvent)))
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingGate))
	g.Expect(s.Previous.Message).To(Equal("webhook freeze to open"))
	g.Expect(s.held("c")).To(Equal("waits for the analysis of stage canary"))
	g.Expect(s.last.Measure.Purpose).To(Equal(analysis.Start), "at once")
	g.Expect(s.last.Measure.Webhooks).To(HaveExactElements(HaveField("Name", "freeze")))

	for range 20 { // For as long as it likes.
		g.Expect(s.answer(0, triggerv1.AnalysisFailed)).To(BeEmpty())
		g.Expect(s.last.After).To(Equal(time.Minute), "once an interval")
		g.Expect(s.last.Measure).To(BeNil())
	}
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingGate))
	g.Expect(s.Previous.Message).To(Equal("webhook freeze to open: status 418"))
	summary, _ := Summarize(&triggerv1.ValuesTrigger{Status: triggerv1.ValuesTriggerStatus{Rollout: s.Previous}}, 0)
	g.Expect(summary.Reason).To(Equal(triggerv1.AwaitingGateReason))
	g.Expect(summary.Message).To(Equal("Stage 1/2 canary, 0/1, 0 failed; waits for webhook freeze to open: status 418"))

	s.ask()
	s.Measured = s.answers(0, triggerv1.AnalysisSuccessful)
	s.step()
	g.Expect(s.last.Admits()).To(BeFalse(), "the start is recorded first")
	g.Expect(s.stagePhase()).To(Equal(triggerv1.StageProgressing))
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(Equal([]string{"p"}), "nothing is measured after the start")
}

func TestGate_without_an_answer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy triggerv1.FailurePolicy
		want   triggerv1.RolloutPhase
	}{
		{triggerv1.FailureHalt, triggerv1.RolloutHalted},
		{triggerv1.FailureContinue, triggerv1.RolloutAwaitingGate},
	} {
		t.Run(string(c.policy), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := gatedScene(measured(unmeasured, calls("freeze", triggerv1.WebhookGate)))
			s.Rollout.OnFailure = c.policy
			for range 5 {
				g.Expect(s.answer(0, triggerv1.AnalysisInconclusive)).To(BeEmpty())
				g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingGate))
			}
			g.Expect(s.answer(0, triggerv1.AnalysisFailed)).To(BeEmpty())
			for range 6 {
				g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingGate))
				g.Expect(s.answer(0, triggerv1.AnalysisInconclusive)).To(BeEmpty())
			}
			g.Expect(s.phase()).To(Equal(c.want))
			if c.want != triggerv1.RolloutHalted {
				return
			}
			g.Expect(s.Previous.Message).To(Equal("analysis of stage canary failed: no answer for 5m0s: it waits for webhook freeze to open: status 418"))
			s.later(time.Hour).Reset = true
			s.step()
			g.Expect(s.last.Measure).NotTo(BeNil(), "the next one is due at once")
			s.Measured = s.answers(0, triggerv1.AnalysisSuccessful)
			g.Expect(s.admitted()).To(Equal([]string{"c"}))
		})
	}
}

func TestGate_comes_after_the_approval_and_the_window(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := gatedScene(manually, measured(unmeasured, calls("freeze", triggerv1.WebhookGate))).inAnHour()
	s.admitted()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
	g.Expect(s.last.Measure).To(BeNil())
	s.Approval = first + "/canary"
	s.admitted()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingWindow))
	g.Expect(s.last.Measure).To(BeNil())
	s.later(time.Hour)
	g.Expect(s.answer(0, triggerv1.AnalysisFailed)).To(BeEmpty())
	s.later(time.Hour).step() // The window has closed.
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingWindow))
	s.later(23 * time.Hour)
	g.Expect(s.answer(0, triggerv1.AnalysisSuccessful)).To(Equal([]string{"c"}))
}

func TestBaseline_is_taken_with_the_start(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := gatedScene(measured(compared, calls("freeze", triggerv1.WebhookGate)))
	g.Expect(s.answer(0.2, triggerv1.AnalysisFailed)).To(BeEmpty())
	g.Expect(s.analysis().Metrics).To(HaveExactElements(HaveField("Baseline", BeEmpty())), "it is from before the gate has opened")
	g.Expect(s.answer(-1, triggerv1.AnalysisSuccessful)).To(BeEmpty())
	g.Expect(s.Previous.Message).To(Equal("a value of metric error-rate from before the change: no data"))
	g.Expect(s.answer(0.3, triggerv1.AnalysisSuccessful)).To(Equal([]string{"c"}))
	g.Expect(s.analysis().Metrics).To(HaveExactElements(HaveField("Baseline", "0.3")))

	s.become(Current, "c")
	s.admitted()
	g.Expect(s.measure(0.32)).To(Equal([]string{"p"}), "it was bad before")
	g.Expect(s.analysis().Unproven).To(BeFalse())
}

// compareTo is a canary that has started with a baseline of 0.1, and is worse now.
func compareTo(g Gomega) *scene {
	s := gatedScene(measured(compared, threshold(9)))
	g.Expect(s.measure(0.1)).To(Equal([]string{"c"}))
	s.become(Current, "c")
	g.Expect(s.measure(0.9)).To(BeEmpty())
	g.Expect(s.analysis().Failures).To(BeEquivalentTo(1))
	return s
}

func TestBaseline_what_was_bad_since_does_not_become_the_norm(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(g Gomega, s *scene){
		"with other content": func(g Gomega, s *scene) {
			s.edit(second)
			g.Expect(s.admitted()).To(Equal([]string{"c"}), "nothing is measured before")
		},
		"with content that has not started and other content": func(g Gomega, s *scene) {
			s.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
			s.edit(second)
			g.Expect(s.admitted()).To(BeEmpty())
			s.Rollout.Stages[0].Approval = triggerv1.ApprovalAutomatic
			s.edit(first)
			g.Expect(s.admitted()).To(Equal([]string{"c"}))
		},
		"after a reset": func(_ Gomega, s *scene) {
			s.Reset = true
			s.step()
		},
		"when it is triggered again": func(g Gomega, s *scene) {
			s.TriggerAt = "now"
			s.become(Due, "c")
			g.Expect(s.admitted()).To(Equal([]string{"c"}))
		},
		"when it has failed": func(g Gomega, s *scene) {
			s.Rollout.Stages[0].Analysis.Threshold = 2
			s.measure(0.9)
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
			s.edit(second)
			g.Expect(s.admitted()).To(Equal([]string{"c"}))
		},
		"when it has failed and goes on": func(g Gomega, s *scene) {
			s.Rollout.Stages[0].Analysis.Threshold, s.Rollout.OnFailure = 2, triggerv1.FailureContinue
			s.measure(0.9)
			g.Expect(s.stagePhase()).To(Equal(triggerv1.StageFinished))
			s.edit(second)
			g.Expect(s.admitted()).To(Equal([]string{"c"}))
		},
		"when it comes back": func(g Gomega, s *scene) {
			s.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
			s.edit(second)
			s.admitted()
			s.edit(first)
			s.become(Current, "c")
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking), "the target that runs it has not passed")
		},
		"after the targets are taken away from the stage": func(_ Gomega, s *scene) {
			s.become(Out, "c")
			s.step()
			s.become(Current, "c")
			s.step()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := compareTo(g)
			then(g, s)
			g.Expect(s.analysis().Metrics).To(HaveExactElements(And(HaveField("Baseline", "0.1"), HaveField("Value", BeElementOf("", "0.9")))))
			s.become(Current, "c")
			s.Rollout.Stages[0].Analysis.Threshold = 1
			s.measure(0.9)
			g.Expect(s.analysis().Failed).To(ContainSubstring("more than the baseline 0.1"))
		})
	}
}

func TestBaseline_is_measured_again(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(g Gomega, s *scene){
		"when the content has passed": func(g Gomega, s *scene) {
			g.Expect(s.measure(0.12)).To(Equal([]string{"p"}))
			s.edit(second)
		},
		"when it is rolled back": func(g Gomega, s *scene) {
			s.Rollout.OnFailure, s.Earlier, s.Reject = triggerv1.FailureRollback, second, first
			s.step()
			s.Restored = true
			s.become(Current, "p")
			s.step()
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutRolledBack))
			s.Restored, s.Earlier, s.Reject = false, "", ""
			s.edit("sha256:3")
		},
		"when the status is lost": func(_ Gomega, s *scene) {
			s.Previous = nil
			s.edit(first)
		},
		"when the query is another one": func(_ Gomega, s *scene) {
			s.edit(second)
			s.Rollout.Stages[0].Analysis.Metrics[0].Query = "other"
		},
		"when the provider is another one": func(_ Gomega, s *scene) {
			s.edit(second)
			s.Rollout.Stages[0].Analysis.Metrics[0].Provider = "other"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := compareTo(g)
			then(g, s)
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingGate))
			g.Expect(s.last.Measure).NotTo(BeNil())
			g.Expect(s.measure(0.5)).To(ContainElement("c"))
			g.Expect(s.analysis().Metrics).To(HaveExactElements(HaveField("Baseline", "0.5")))
		})
	}
}

func TestBaseline_of_a_query_that_changes_after_the_start_is_none(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := compareTo(g)
	s.Rollout.Stages[0].Analysis.Metrics[0].Query = "other"
	for range 6 {
		g.Expect(s.measure(0)).To(BeEmpty())
	}
	g.Expect(s.Previous.Message).To(Equal("analysis of stage canary failed: no answer for 5m0s: error-rate: there is no value from before the change to compare with"))
}

func TestBaseline_keeps_to_its_query_when_the_range_changes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := compareTo(g)
	s.Rollout.Stages[0].Analysis.Metrics[0].ThresholdRange.Max = new(1.0)
	g.Expect(s.measure(0.9)).To(Equal([]string{"p"}))
}

func TestAnalysis_of_a_stage_that_has_nothing_to_do(t *testing.T) {
	t.Parallel()
	gate := calls("freeze", triggerv1.WebhookGate)
	g := NewWithT(t)
	s := gatedScene(measured(compared, gate))
	s.Previous = &triggerv1.RolloutStatus{Digest: second, Phase: triggerv1.RolloutFinished}
	s.become(Current, "c")
	g.Expect(s.admitted()).To(Equal([]string{"p"}), "it runs the content, and nothing says that this has not passed")

	s = gatedScene(measured(compared, gate))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.last.Measure.Webhooks).To(BeEmpty(), "there is nothing to deliver")
	g.Expect(s.measure(0.1)).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSoaking), "without a record, no one knows")
	g.Expect(s.measure(0.1)).To(Equal([]string{"p"}))

	s = gatedScene(measured(compared, gate))
	s.become(Current, "c", "p")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished), "nothing is to be delivered at all")
}

func TestAnalysis_of_a_stage_with_another_name(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := compareTo(g)
	s.Rollout.Stages[0].Name = "first"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingGate), "nothing is known of it")
	s.measure(0.1)
	g.Expect(s.measure(0.1)).To(Equal([]string{"p"}))
}

func TestAnalysis_a_stage_that_waits_for_another_approval_is_measured_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := gatedScene(manually, selects("a"), measured(compared, threshold(9))).with(0, "d")
	s.step()
	s.Approval = first
	g.Expect(s.measure(0.1)).To(Equal([]string{"c", "d"}))
	s.become(Current, "c")
	s.measure(0.9)
	selects("b")(&s.Rollout.Stages[0])
	s.admitted()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
	s.Approval = first + "/canary/2"
	g.Expect(s.admitted()).To(Equal([]string{"d"}))
	g.Expect(s.analysis()).To(And(HaveField("Failures", BeZero()), HaveField("Metrics", HaveExactElements(HaveField("Baseline", "0.1")))))
}

// A change that repairs what an earlier one broke is not blamed for what is measured before it has arrived.
func TestAnalysis_what_earlier_content_does_is_not_measured(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", measured())).with(0, "a", "b")
	s.admitted()
	s.become(Current, "a", "b")
	s.measure(1)
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.edit(second)
	g.Expect(s.admitted()).To(HaveLen(2))
	s.become(UnderWay, "a", "b")
	s.become(Current, "a")
	s.later(time.Hour).step()
	g.Expect(s.last.Measure).To(BeNil())
	s.become(Current, "b")
	s.measure(0)
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))

	s.with(0, "c") // And bad content again, in a stage that had passed.
	s.edit(first)
	s.become(UnderWay, "b", "c")
	s.become(Current, "a")
	s.admitted()
	s.measure(1)
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted), "in the middle of the stage")
}
