// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// analysed returns a fleet whose canaries soak for ten minutes and are measured each minute.
func analysed(threshold int32, rates ...Rates) Fleet {
	f := fleet()
	f.Targets, f.Rates = Numbered(f.Trigger, 3, 20, 200), rates
	f.Trigger.Spec.Rollout.Stages[0].Analysis = &triggerv1.Analysis{
		Interval: metav1.Duration{Duration: time.Minute}, Threshold: threshold,
		Metrics: []triggerv1.AnalysisMetric{
			{Name: "errors", ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}, Baseline: triggerv1.BaselineDifference},
			{Name: "requests", ThresholdRange: triggerv1.ThresholdRange{Min: new(1.0)}},
		},
		Webhooks: []triggerv1.AnalysisWebhook{{Name: "board", Type: triggerv1.WebhookGate}, {Name: "smoke", Type: triggerv1.WebhookCheck}},
	}
	return f
}

func TestRun_analysis_stops_what_does_harm_in_the_canaries(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := analysed(1)
	good, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(good).To(And(HaveField("Phase", triggerv1.RolloutFinished), HaveField("Delivered", 223), HaveField("StoppedBy", -1)))

	f.Harmful = true
	harmful, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(harmful).To(And(HaveField("Phase", triggerv1.RolloutHalted), HaveField("StoppedBy", 0), HaveField("Triggered", 3)))
	g.Expect(harmful.Took).To(BeNumerically("<", 4*time.Minute), "quiet period, upgrades, and the measurement after that")
	again, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(Equal(harmful))

	f.Trigger.Spec.Rollout.OnFailure = triggerv1.FailureContinue
	ignored, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ignored).To(And(HaveField("Phase", triggerv1.RolloutFinished), HaveField("Triggered", 223)))
	g.Expect(isStopped(ignored)).To(BeFalse())
}

func TestReport_of_an_analysis(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := analysed(3, Rates{FalsePositives: 0.02, Detections: 0.5})
	r, err := f.Report(t.Context(), nil, 60, 1)
	g.Expect(err).NotTo(HaveOccurred())
	a := r.Analysis
	g.Expect(a.Stages).To(HaveExactElements(And(HaveField("Name", "canary"), HaveField("Detections", 0.5))))
	g.Expect(a.Harmful.Stopped).To(BeNumerically(">=", 57), "three failures of eleven measurements, each time one of two")
	g.Expect(a.Harmful.Hit).To(Equal(3))
	g.Expect(a.Harmful.Worst).To(BeNumerically(">=", a.Harmful.Hit95))
	g.Expect(a.StoppedWrongly).To(BeNumerically("<=", 3))

	exact, err := analysed(3, Rates{Detections: 1}).Report(t.Context(), nil, 9, 1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(exact.Analysis.StoppedWrongly).To(BeZero())
	g.Expect(r.Good.Slowest.Duration).To(BeNumerically(">", exact.Good.Slowest.Duration+4*time.Minute), "a false alarm restarts the soak time")

	blind, err := analysed(1, Rates{}).Report(t.Context(), nil, 3, 1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(blind.Analysis.Harmful).To(And(HaveField("Stopped", 0), HaveField("Hit", 223)))
	alarmed, err := analysed(1, Rates{FalsePositives: 1}, Rates{}, Rates{}).Report(t.Context(), nil, 3, 1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(alarmed.Analysis.StoppedWrongly).To(Equal(3))
	g.Expect(alarmed.Good.Phase).To(Equal(triggerv1.RolloutHalted))

	without, err := fleet().Report(t.Context(), nil, 1, 1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(without.Analysis).To(BeNil())
}

func TestCheck_rates(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(analysed(1, Rates{}, Rates{}).Check()).To(MatchError("there are rates for 2 stages of 3"))
	g.Expect(analysed(1, Rates{Detections: 1.5}).Check()).To(MatchError("the shares of measurements that fail must be between 0 and 1"))
}

// What stands for a good and for a bad value is judged as such, whatever the range.
func TestValueOf(t *testing.T) {
	t.Parallel()
	for _, r := range []triggerv1.ThresholdRange{
		{Max: new(0.0)}, {Max: new(0.05)}, {Max: new(-3.0)}, {Max: new(1e9)}, {Max: new(0.123456789)}, {Min: new(0.0)}, {Min: new(0.99)}, {Min: new(-1e6)}, {Min: new(0.1), Max: new(0.1)},
	} {
		for _, how := range []triggerv1.Baseline{"", triggerv1.BaselineDifference, triggerv1.BaselineRatio} {
			g := NewWithT(t)
			m := triggerv1.AnalysisMetric{ThresholdRange: r, Baseline: how}
			for out, want := range map[bool]triggerv1.AnalysisResult{false: triggerv1.AnalysisSuccessful, true: triggerv1.AnalysisFailed} {
				value := valueOf(m, out)
				judged := analysis.Judge(m, analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: &value}, analysis.Decimal(baseline))
				g.Expect(judged.Result).To(Equal(want), "%v %s", r, how)
			}
		}
	}
}
