// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestObserveRollout(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	in := func(digest string, phase triggerv1.RolloutPhase) *triggerv1.RolloutStatus {
		return &triggerv1.RolloutStatus{Digest: digest, Phase: phase, ChangedAt: new(metav1.NewTime(at.Add(-time.Hour)))}
	}
	found := func(result triggerv1.AnalysisResult, n int64) *triggerv1.RolloutStatus {
		s := in("a", triggerv1.RolloutProgressing)
		s.Stages = []triggerv1.StageStatus{{Name: "canary", Phase: triggerv1.StageProgressing, Analysis: &triggerv1.AnalysisStatus{Measurements: n, Result: result}}}
		return s
	}
	finished := map[string]float64{"rollouts_total{outcome=finished}": 1, "change_to_finished_seconds_count": 1, "change_to_finished_seconds_sum": 3600}
	for _, c := range []struct {
		name    string
		was, is *triggerv1.RolloutStatus
		want    map[string]float64
	}{
		{"the first one", nil, in("a", triggerv1.RolloutProgressing), nil},
		{"one of nothing", nil, in("a", triggerv1.RolloutFinished), nil},
		{"one that is no more", in("a", triggerv1.RolloutProgressing), nil, nil},
		{"a step", in("a", triggerv1.RolloutProgressing), in("a", triggerv1.RolloutSoaking), nil},
		{"the end", in("a", triggerv1.RolloutProgressing), in("a", triggerv1.RolloutFinished), finished},
		{"the end, once more", in("a", triggerv1.RolloutFinished), in("a", triggerv1.RolloutFinished), nil},
		{"a halt", in("a", triggerv1.RolloutProgressing), in("a", triggerv1.RolloutHalted), map[string]float64{"rollouts_total{outcome=halted}": 1}},
		{"a change after the end", in("a", triggerv1.RolloutFinished), in("b", triggerv1.RolloutSettling), nil},
		{"a change that needs nothing", in("a", triggerv1.RolloutFinished), in("b", triggerv1.RolloutFinished), nil},
		{"a fix after a halt", in("a", triggerv1.RolloutHalted), in("b", triggerv1.RolloutSettling), nil},
		{"a change in the middle", in("a", triggerv1.RolloutSoaking), in("b", triggerv1.RolloutSettling), map[string]float64{"rollouts_total{outcome=superseded}": 1}},
		{"a measurement", found("", 0), found(triggerv1.AnalysisFailed, 1), map[string]float64{"measurements_total{purpose=check,result=failed}": 1}},
		{"no other measurement", found(triggerv1.AnalysisFailed, 1), found(triggerv1.AnalysisFailed, 1), nil},
		{"a gate that opens", in("a", triggerv1.RolloutAwaitingGate), found("", 1), map[string]float64{"measurements_total{purpose=start,result=successful}": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			registry := prometheus.NewPedanticRegistry()
			New(registry).ObserveRollout(c.was, c.is, at)
			if c.want == nil {
				c.want = map[string]float64{}
			}
			g.Expect(counted(g, registry)).To(Equal(c.want))
		})
	}
}
