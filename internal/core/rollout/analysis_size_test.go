// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// All stages that there may be, with all that may be measured of them, and names as long as they may be.
func TestAnalysis_its_record_is_bounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	long := func(i int) string { return fmt.Sprintf("%s%02d", strings.Repeat("x", 61), i) }
	var stages []triggerv1.Stage
	for i := range 16 {
		stage := triggerv1.Stage{Name: long(i), Analysis: &triggerv1.Analysis{}}
		for k := range 8 {
			m := errorRate("q")
			m.Name, m.Baseline, m.ThresholdRange.Max = long(k), triggerv1.BaselineDifference, new(1e300)
			stage.Analysis.Metrics = append(stage.Analysis.Metrics, m)
		}
		for k := range 4 {
			stage.Analysis.Webhooks = append(stage.Analysis.Webhooks, triggerv1.AnalysisWebhook{Name: long(k), Type: triggerv1.WebhookCheck})
		}
		stages = append(stages, stage)
	}
	s := newScene(stages...)
	for i := range stages {
		s.with(i, fmt.Sprint(i))
	}
	const most = 48 << 10
	largest := 0
	for range 400 {
		s.admitted()
		if s.last.Measure == nil {
			if s.phase() == triggerv1.RolloutFinished {
				break
			}
			s.become(Current, s.triggers()...)
			s.later(max(s.last.After, time.Second))
			continue
		}
		m := s.answers(123456.7e-200, triggerv1.AnalysisSuccessful)
		if s.last.Measure.Purpose == analysis.Check && s.Previous.Stages[s.present()].Analysis.Result == "" {
			for name, answer := range m.Metrics {
				answer.Result, answer.Value, answer.Message = triggerv1.AnalysisInconclusive, nil, strings.Repeat("y", 1000)
				m.Metrics[name] = answer
			}
		}
		s.Measured = m
		s.step()
		text, err := json.Marshal(s.Previous)
		g.Expect(err).NotTo(HaveOccurred())
		largest = max(largest, len(text))
	}
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
	t.Log(largest)
	g.Expect(largest).To(BeNumerically("<", most))
}

// present returns the index of the present stage.
func (s *scene) present() int {
	for i, st := range s.Previous.Stages {
		if st.Name == s.Previous.Stage {
			return i
		}
	}
	return 0
}
