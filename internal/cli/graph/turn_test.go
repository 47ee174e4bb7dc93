// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestTurnsOf(t *testing.T) {
	t.Parallel()
	stage := func(name string, soak time.Duration, approval triggerv1.ApprovalPolicy) triggerv1.Stage {
		return triggerv1.Stage{
			Name: name, MinSuccessTime: metav1.Duration{Duration: soak}, Approval: approval,
			Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": triggerv1.LabelValue(name)}},
		}
	}
	stages := []triggerv1.Stage{
		stage("first", 90*time.Minute, triggerv1.ApprovalAutomatic), stage("second", 0, triggerv1.ApprovalAutomatic), stage("third", 0, triggerv1.ApprovalAutomatic),
		stage("fourth", 0, triggerv1.ApprovalManual), stage("fifth", 2*time.Hour, triggerv1.ApprovalAutomatic), stage("sixth", 0, triggerv1.ApprovalAutomatic),
	}
	night := []triggerv1.Window{{Cron: "0 2 * * *", TimeZone: "Europe/Berlin", Window: metav1.Duration{Duration: time.Hour}}}
	for _, c := range []struct {
		ring     string
		stages   []triggerv1.Stage
		schedule []triggerv1.Window
		want     Turn
	}{
		{"any", nil, nil, Turn{}},
		{"any", nil, night, Turn{After: "when the window opens at 2026-01-03T02:00:00+01:00"}},
		{"quiet", nil, nil, Turn{After: "after a quiet period of 30s"}},
		{"quiet", nil, night, Turn{After: "when the window opens at 2026-01-03T02:00:00+01:00"}},
		{"first", stages, nil, Turn{Stage: "first"}},
		{"first", stages, night, Turn{Stage: "first", After: "when the window opens at 2026-01-03T02:00:00+01:00"}},
		{"second", stages, nil, Turn{Stage: "second", After: "after stage first has succeeded for 1h30m"}},
		{"third", stages, nil, Turn{Stage: "third", After: "after stage first has succeeded for 1h30m"}},
		{"second", stages[1:], nil, Turn{Stage: "second"}},
		{"third", stages[1:], nil, Turn{Stage: "third", After: "after stage second"}},
		{"fourth", stages, night, Turn{Stage: "fourth", After: "after the approval of stage fourth"}},
		{"sixth", stages, nil, Turn{Stage: "sixth", After: "after the approval of stage fourth"}},
		{"sixth", stages[4:], nil, Turn{Stage: "sixth", After: "after stage fifth has succeeded for 2h"}},
		{"other", stages, nil, Turn{After: "no stage of ValuesTrigger apps/vt selects it: it is never triggered", Never: true}},
		{"second", append([]triggerv1.Stage{{Name: "broken", Selector: &triggerv1.Selector{MatchExpressions: []triggerv1.SelectorRequirement{{Key: "ring", Operator: "Like"}}}}}, stages...), nil,
			Turn{After: `ValuesTrigger apps/vt is invalid and delivers nothing: spec.rollout.stages[0].selector: "Like" is not a valid label selector operator`}},
		{"other", append(stages[:1:1], triggerv1.Stage{Name: "rest"}), nil, Turn{Stage: "rest", After: "after stage first has succeeded for 1h30m"}},
	} {
		vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "vt"}}
		vt.Spec.Schedule = c.schedule
		if c.ring == "quiet" {
			vt.Spec.QuietPeriod.Duration = 30 * time.Second
		}
		if c.stages != nil {
			vt.Spec.Rollout = &triggerv1.Rollout{Stages: c.stages}
		}
		hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"ring": c.ring}}}
		NewWithT(t).Expect(turnsOf(vt, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))(hr)).To(Equal(c.want), c.ring)
	}
}
