// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package board

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

var update = flag.Bool("update", false, "write the golden files")

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const content = "sha256:5f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789ab"

func ago(d time.Duration) *metav1.Time { return new(metav1.NewTime(now.Add(-d))) }

// rings is a rollout of two, three and some releases in three stages.
func rings(prod int) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "platform", Generation: 1}}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		{Name: "dev"}, {Name: "staging", MinSuccessTime: metav1.Duration{Duration: 10 * time.Minute}}, {Name: "prod", Approval: triggerv1.ApprovalManual},
	}}
	vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 2 * * *", TimeZone: "Europe/Berlin", Window: metav1.Duration{Duration: 4 * time.Hour}}}
	vt.Status.ObservedGeneration = 1
	for stage, n := range map[string]int{"dev": 2, "staging": 3, "prod": prod} {
		for i := range n {
			t := triggerv1.TargetStatus{Namespace: stage, Name: fmt.Sprintf("shop-%04d", i), Stage: stage, State: triggerv1.TargetDelivered}
			if stage == "prod" {
				t.State, t.Message = triggerv1.TargetHeld, "waits for stage staging to finish; the values of the release would change"
			}
			vt.Status.Targets = append(vt.Status.Targets, t)
		}
	}
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: content, ChangedAt: ago(20 * time.Minute), Stages: []triggerv1.StageStatus{
		{Name: "dev", Phase: triggerv1.StageFinished, Since: ago(19 * time.Minute), Targets: 2, Delivered: 2},
		{Name: "staging", Phase: triggerv1.StageSoaking, Since: ago(5 * time.Minute), Targets: 3, Delivered: 3},
		{Name: "prod", Phase: triggerv1.StageWaiting, Targets: int32(prod)},
	}}
	vt.Status.History = []triggerv1.Change{{
		Digest: content, GitRevision: "main@sha1:2b9c0e7d", Time: *ago(20 * time.Minute),
		Cause: "ConfigMap platform/values sha256:5f3c0a1b2c3d (values.yaml) by kustomize-controller (Kustomization flux-system/apps main@sha1:2b9c0e7d)",
	}}
	vt.Status.Delivered = fmt.Sprintf("5/%d", 5+prod)
	return in(vt, triggerv1.RolloutSoaking, "staging", metav1.ConditionUnknown, meta.ProgressingReason, "Stage 2/3 dev→staging, 3/3, 0 failed; must stay ready")
}

// in sets where the rollout stands.
func in(vt *triggerv1.ValuesTrigger, phase triggerv1.RolloutPhase, stage string, status metav1.ConditionStatus, reason, message string) *triggerv1.ValuesTrigger {
	vt.Status.Rollout.Phase, vt.Status.Rollout.Stage = phase, stage
	vt.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: status, Reason: reason, Message: message}}
	return vt
}

func target(vt *triggerv1.ValuesTrigger, name string) *triggerv1.TargetStatus {
	for i, t := range vt.Status.Targets {
		if t.Namespace+"/"+t.Name == name {
			return &vt.Status.Targets[i]
		}
	}
	panic(name)
}

// measure has staging analysed: an error rate that is too high, a latency as before, and a check that does not answer.
func measure(vt *triggerv1.ValuesTrigger) {
	vt.Spec.Rollout.Stages[1].Analysis = &triggerv1.Analysis{
		Interval: metav1.Duration{Duration: 30 * time.Second}, Threshold: 2,
		Metrics: []triggerv1.AnalysisMetric{
			{Name: "error-rate", ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}},
			{Name: "latency", ThresholdRange: triggerv1.ThresholdRange{Max: new(0.1)}, Baseline: triggerv1.BaselineDifference},
		},
		Webhooks: []triggerv1.AnalysisWebhook{{Name: "smoke", Type: triggerv1.WebhookCheck}},
	}
	vt.Status.Rollout.Stages[1].Analysis = &triggerv1.AnalysisStatus{
		Measurements: 7, MeasuredAt: ago(20 * time.Second), Result: triggerv1.AnalysisFailed, Failures: 1, InconclusiveSince: ago(90 * time.Second),
		Metrics: []triggerv1.MetricStatus{
			{Name: "error-rate", Result: triggerv1.AnalysisFailed, Value: "0.31", Failures: 1, Message: "0.31 is above 0.05"},
			{Name: "latency", Result: triggerv1.AnalysisSuccessful, Value: "0.21", Baseline: "0.2"},
		},
		Webhooks: []triggerv1.WebhookStatus{{Name: "smoke", Result: triggerv1.AnalysisInconclusive, Message: "status 503"}},
	}
}

const why = "UpgradeFailed: Helm upgrade failed for release prod/shop-0001 with chart shop@6.7.0: cannot patch \"shop\" with kind Deployment: " +
	"Deployment.apps \"shop\" is invalid: spec.template.spec.containers[0].image: Required value"

func boards() map[string]*triggerv1.ValuesTrigger {
	awaits := in(rings(12), triggerv1.RolloutAwaitingApproval, "prod", metav1.ConditionFalse, triggerv1.AwaitingApprovalReason, "waits: kubectl annotate …")
	awaits.Status.Rollout.Stages[1].Phase = triggerv1.StageFinished
	target(awaits, "prod/shop-0011").Message = "HelmRelease is suspended; the change is delivered when spec.suspend is removed"

	halted := in(rings(12), triggerv1.RolloutHalted, "prod", metav1.ConditionFalse, triggerv1.RolloutHaltedReason, "Stage 3/3 staging→prod, 1/12, 1 failed; halted: prod/shop-0001: "+why)
	halted.Status.Conditions = append(halted.Status.Conditions, metav1.Condition{Type: meta.StalledCondition, Status: metav1.ConditionTrue})
	halted.Status.Rollout.Stages[1].Phase = triggerv1.StageFinished
	halted.Status.Rollout.Stages[2] = triggerv1.StageStatus{Name: "prod", Phase: triggerv1.StageProgressing, Since: ago(time.Minute), Targets: 12, Delivered: 1, Failed: 1,
		Approved: true, ApprovedBy: &triggerv1.PersonRecord{User: "alice@example.com", Time: *ago(2 * time.Minute)}}
	target(halted, "prod/shop-0000").State = triggerv1.TargetDelivered
	target(halted, "prod/shop-0001").State, target(halted, "prod/shop-0001").Message = triggerv1.TargetFailed, why

	analysed := in(rings(4), triggerv1.RolloutHalted, "staging", metav1.ConditionFalse, triggerv1.RolloutHaltedReason,
		"Stage 2/3 dev→staging, 3/3, 0 failed; halted: analysis of stage staging failed: error-rate 0.31 is above 0.05 (2 of 2)")
	analysed.Status.Conditions = append(analysed.Status.Conditions, metav1.Condition{Type: meta.StalledCondition, Status: metav1.ConditionTrue})
	measure(analysed)
	analysed.Status.Rollout.Stages[1].Analysis.Failed = "error-rate 0.31 is above 0.05 (2 of 2)"

	measuring := rings(4)
	measure(measuring)

	window := in(rings(4), triggerv1.RolloutAwaitingWindow, "prod", metav1.ConditionFalse, triggerv1.AwaitingWindowReason, "waits for the window that opens at 2026-01-03T02:00:00+01:00")
	window.Status.Rollout.NextWindow = &triggerv1.NextWindow{Opens: metav1.NewTime(time.Date(2026, 1, 3, 1, 0, 0, 0, time.UTC))}
	window.Spec.Suspend = true
	window.Annotations = map[string]string{triggerv1.SuspendedByAnnotation: "bob@example.com"}

	quiet := in(rings(4), triggerv1.RolloutSettling, "", metav1.ConditionUnknown, meta.ProgressingReason, "Waits until the sources have not changed for 30s")
	quiet.Spec.QuietPeriod.Duration = 30 * time.Second
	quiet.Status.Rollout.ChangedAt, quiet.Status.Rollout.UnsettledSince = ago(10*time.Second), ago(20*time.Second)
	quiet.Status.Rollout.Stages = nil

	plain := rings(4)
	plain.Spec.Rollout, plain.Status.Rollout = nil, nil
	plain.Spec.Schedule = nil
	plain.Status.LastDigest = content
	for i := range plain.Status.Targets {
		plain.Status.Targets[i].Stage, plain.Status.Targets[i].Message = "", ""
	}

	fleet := rings(1995)
	fleet.Status.Rollout.Stages[1].Phase = triggerv1.StageFinished
	in(fleet, triggerv1.RolloutProgressing, "prod", metav1.ConditionUnknown, meta.ProgressingReason, "Stage 3/3 staging→prod, 900/1995, 1 failed")
	fleet.Status.Rollout.Stages[2] = triggerv1.StageStatus{Name: "prod", Phase: triggerv1.StageProgressing, Since: ago(time.Minute), Targets: 1995, Delivered: 900, Failed: 1, Approved: true}
	for i := range 1000 {
		t := target(fleet, fmt.Sprintf("prod/shop-%04d", i))
		t.Message = ""
		switch {
		case i < 900:
			t.State = triggerv1.TargetDelivered
		case i < 999:
			t.State = triggerv1.TargetTriggered
		default:
			t.State, t.Message = triggerv1.TargetFailed, strings.ReplaceAll(why, "shop-0001", "shop-0999")
		}
	}
	return map[string]*triggerv1.ValuesTrigger{
		"soak": rings(12), "approval": awaits, "halted": halted, "window": window, "quiet": quiet, "plain": plain, "fleet": fleet,
		"analysis": measuring, "analysis-failed": analysed,
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	g := NewWithT(t)
	path := filepath.Join("testdata", name)
	if *update {
		g.Expect(os.WriteFile(path, []byte(got+"\n"), 0o644)).To(Succeed())
	}
	want, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got+"\n").To(Equal(string(want)), "%s; -update writes it", path)
}

func screen(width, height int) Screen {
	return Screen{Style: layout.Style{Width: width, Now: now}, Height: height, Named: func(s string) string { return s }}
}

func TestBoard_Text(t *testing.T) {
	t.Parallel()
	for name, vt := range boards() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			b := Of(vt, graph.Directory{}.Describe(vt))
			text, most := b.Text(screen(100, 40))
			g.Expect(most).To(BeZero(), "all of it fits")
			golden(t, name+".txt", text)
			for line := range strings.Lines(text) {
				g.Expect(utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))).To(BeNumerically("<=", 100), line)
			}
		})
	}
}

func TestBoard_Text_fits_any_screen(t *testing.T) {
	t.Parallel()
	for name, vt := range boards() {
		b := Of(vt, graph.Directory{}.Describe(vt))
		for _, height := range []int{1, 3, 10, 24} {
			for _, width := range []int{1, 20, 80, 200} {
				g := NewWithT(t)
				s := screen(width, height)
				_, most := b.Text(s)
				var seen []string
				for s.Scroll = 0; s.Scroll <= most; s.Scroll++ {
					text, _ := b.Text(s)
					g.Expect(strings.Count(text, "\n")+1).To(BeNumerically("<=", max(3, height)), "%s %dx%d", name, width, height)
					seen = append(seen, text)
				}
				if name == "halted" && width == 80 {
					g.Expect(strings.Join(seen, "\n")).To(ContainSubstring("Required value"), "one can scroll to the end of it")
				}
			}
		}
	}
}

func TestBoard_Text_tells_states_apart_by_colour_and_shape(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := boards()["halted"]
	s := screen(100, 40)
	plain, _ := Of(vt, graph.Directory{}.Describe(vt)).Text(s)
	g.Expect(plain).To(ContainSubstring("■✗□□"))
	g.Expect(plain).NotTo(ContainSubstring("\x1b"))
	s.Colour = true
	coloured, _ := Of(vt, graph.Directory{}.Describe(vt)).Text(s)
	g.Expect(coloured).To(ContainSubstring("\x1b[32m■\x1b[0m\x1b[31m✗\x1b[0m\x1b[2m□□"))
}

func TestBoard_Text_says_when_it_is_stale(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := rings(2)
	s := screen(100, 40)
	s.Stale = "no answer for 12s: connection refused"
	text, _ := Of(vt, graph.Directory{}.Describe(vt)).Text(s)
	g.Expect(strings.Split(text, "\n")[0]).To(And(HaveSuffix("○ STALE: no answer for 12s: connection refused"), Not(ContainSubstring("● live"))))
}

func TestBoard_of_counted_releases(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := rings(10)
	vt.Status.Targets = vt.Status.Targets[:0]
	vt.Status.Summary = &triggerv1.TargetSummary{Total: 15, Delivered: 5, Held: 10}
	b := Of(vt, graph.Directory{}.Describe(vt))
	g.Expect(b.Lanes).To(HaveExactElements(HaveField("Unknown", 2), HaveField("Unknown", 3), HaveField("Unknown", 10)))
	text, _ := b.Text(screen(100, 40))
	g.Expect(text).To(ContainSubstring("··········"))
}

// HelmReleases are read less often than the status: what is counted comes from one of the two.
func TestBoard_of_what_the_status_does_not_list(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := rings(10)
	described := graph.Directory{}.Describe(vt)
	described.Unlisted = 10
	described.Stages[2].Delivered, described.Stages[2].Failed, described.Stages[2].Phase = 7, 1, triggerv1.StageProgressing
	text, _ := Of(vt, described).Text(screen(100, 40))
	g.Expect(text).To(ContainSubstring("3/3 prod  Progressing  7/10  1 Failed, 7 Delivered  "))
	g.Expect(text).NotTo(ContainSubstring("10 Held"))
}

func TestScreen_bar(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for seed := range 200 {
		var states []triggerv1.TargetState
		for i, state := range order {
			for range (seed * (i*7 + 3)) % (1 + seed*seed%900) {
				states = append(states, state)
			}
		}
		if len(states) == 0 {
			continue
		}
		bar := screen(80, 24).bar(states, 60)
		g.Expect(utf8.RuneCountInString(bar)).To(Equal(60))
		for _, state := range states {
			g.Expect(bar).To(ContainSubstring(shapes[state]))
		}
	}
}

func TestOverview_Text(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var triggers []graph.Trigger
	for name, vt := range boards() {
		vt.Name = name
		triggers = append(triggers, graph.Directory{}.Describe(vt))
	}
	for i := range 300 {
		vt := rings(1)
		vt.Name = fmt.Sprintf("fine-%03d", i)
		in(vt, triggerv1.RolloutFinished, "", metav1.ConditionTrue, meta.SucceededReason, "Delivered to all")
		triggers = append(triggers, graph.Directory{}.Describe(vt))
	}
	o := OverviewOf("any namespace", triggers)
	text, most := o.Text(screen(100, 40))
	g.Expect(most).To(BeZero())
	golden(t, "overview.txt", text)
	_, most = o.Text(screen(100, 10))
	g.Expect(most).To(BeNumerically(">", 0))
	text, _ = OverviewOf("namespace apps", nil).Text(screen(100, 10))
	g.Expect(text).To(ContainSubstring("No ValuesTriggers in namespace apps."))
}

func TestLine(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Line(graph.Directory{}.Describe(rings(12)))).To(Equal(
		"platform/platform   Progressing   5/17 delivered   stage 2/3 staging Soaking 3/3   Stage 2/3 dev→staging, 3/3, 0 failed; must stay ready"))
}

// What an analysis has halted is delivered and ready, and looks bad all the same.
func TestBoard_of_what_an_analysis_has_halted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := boards()["analysis-failed"]
	s := screen(100, 40)
	s.Colour = true
	text, _ := Of(vt, graph.Directory{}.Describe(vt)).Text(s)
	g.Expect(text).To(And(
		ContainSubstring(s.Paint(layout.Good, "■■")), ContainSubstring(s.Paint(layout.Good, "2 Delivered")), // The stage before.
		ContainSubstring(s.Paint(layout.Bad, "Halted")), ContainSubstring(s.Paint(layout.Bad, "■■■")), ContainSubstring(s.Paint(layout.Bad, "3 Delivered")),
		ContainSubstring("error-rate 0.31 is above 0.05 (2 of 2)"),
	))
	g.Expect(Line(graph.Directory{}.Describe(vt))).To(ContainSubstring("stage 2/3 staging Halted 3/3"))
}
