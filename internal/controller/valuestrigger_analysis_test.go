// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
)

// provider answers for all providers of an analysis, with what the test wants.
type provider struct {
	// value of all metrics, and result of all webhooks. While silent, no answer comes.
	value  float64
	result triggerv1.AnalysisResult
	silent bool

	unknown error

	// lacks is a provider that is not there.
	lacks string

	asked    []analysis.Request
	informed []analysis.Notice
}

func (p *provider) Check(_ string, a *triggerv1.Analysis) error {
	for i, metric := range a.Metrics {
		if metric.Provider == p.lacks {
			return fmt.Errorf(".metrics[%d].provider: %q is not configured", i, p.lacks)
		}
	}
	return p.unknown
}

func (p *provider) Measure(r analysis.Request) (analysis.Measurement, bool) {
	p.asked = append(p.asked, r)
	m := analysis.Measurement{Key: r.Key, Metrics: map[string]analysis.Answer{}, Webhooks: map[string]analysis.Answer{}}
	for _, metric := range r.Metrics {
		m.Metrics[metric.Name] = analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: new(p.value)}
	}
	for _, webhook := range r.Webhooks {
		m.Webhooks[webhook.Name] = analysis.Answer{Result: p.result, Message: "status 418"}
	}
	return m, !p.silent
}

func (p *provider) Inform(n analysis.Notice) { p.informed = append(p.informed, n) }

// analyzed is a story of two releases, a canary whose errors are measured and prod, which run what the source
// holds.
func analyzed(t *testing.T, change func(*triggerv1.ValuesTrigger)) (*story, *provider) {
	t.Helper()
	vt := asked(byName)
	vt.Annotations, vt.Status = nil, triggerv1.ValuesTriggerStatus{}
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	vt.Spec.Targets = append(vt.Spec.Targets, triggerv1.TargetReference{Name: "prod"})
	errorRate := triggerv1.AnalysisMetric{Name: "error-rate", Provider: "prometheus", Query: "errors", ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}}
	vt.Spec.Rollout = &triggerv1.Rollout{OnFailure: triggerv1.FailureRollback, Stages: []triggerv1.Stage{
		{
			Name: "canary", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"part": "canary"}},
			Analysis: &triggerv1.Analysis{Threshold: 1, Metrics: []triggerv1.AnalysisMetric{errorRate}, Webhooks: []triggerv1.AnalysisWebhook{
				{Name: "chat", Provider: "hooks", Type: triggerv1.WebhookEvent},
			}},
		},
		{Name: "prod"},
	}}
	change(vt)
	objects := []client.Object{vt, values("1")}
	for _, name := range []string{"app", "prod"} {
		hr := runningRelease()
		hr.Name, hr.UID, hr.Status.History, hr.Status.Conditions = name, types.UID("the-"+name), nil, nil
		if name == "app" {
			hr.Labels = map[string]string{"part": "canary"}
		}
		hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: name + "-shared"}}
		objects = append(objects, hr)
	}
	b, w := upToDate(t, objects...)
	s, p := &story{NewWithT(t), b, w}, &provider{}
	s.configure(func(config *delivery.Config) { config.Measurer = p })
	s.rest()
	s.upgrade(true)
	s.rest()
	s.measured()
	s.upgradeOf("prod", true)
	s.rest()
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutFinished))
	s.events()
	p.asked, p.informed = nil, nil
	return s, p
}

// measured makes the next measurement due, and looks until nothing is written any more.
func (s *story) measured() {
	s.t.Helper()
	s.due()
	s.rest()
}

// due makes the next measurement due.
func (s *story) due() {
	s.t.Helper()
	vt := s.trigger()
	for i := range vt.Status.Rollout.Stages {
		if a := vt.Status.Rollout.Stages[i].Analysis; a != nil && a.MeasuredAt != nil {
			a.MeasuredAt = &metav1.Time{Time: a.MeasuredAt.Add(-90 * time.Second)}
		}
	}
	s.Expect(s.live.Status().Update(s.t.Context(), vt)).To(Succeed())
}

// events returns those that were emitted since.
func (s *story) events() string {
	recorder, _ := s.reconciler.events.recorder.(*record.FakeRecorder)
	var all []string
	for len(recorder.Events) > 0 {
		all = append(all, <-recorder.Events)
	}
	return strings.Join(all, "\n")
}

// prodRequested reports whether prod runs, or was asked to run, what the source holds.
func (s *story) prodRequested() bool {
	hr := &helmv2.HelmRelease{}
	s.Expect(s.live.Get(s.t.Context(), client.ObjectKey{Namespace: "apps", Name: "prod"}, hr)).To(Succeed())
	return len(hr.Status.History) > 1 || hr.Annotations[meta.ReconcileRequestAnnotation] != hr.Status.LastHandledReconcileAt
}

func TestAnalysis_bad_content_is_rolled_back_in_the_canary_and_prod_is_never_asked(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	s.edit("2")
	s.rest()
	s.upgrade(true)
	s.rest()
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutSoaking))
	s.Expect(s.trigger().Status.Headline).To(Equal("Soaking: canary"))
	s.Expect(p.asked).To(BeEmpty(), "an interval after it was delivered")
	s.events()

	p.value = 0.31
	s.measured()
	vt := s.trigger()
	s.Expect(p.asked).NotTo(BeEmpty())
	s.Expect(p.asked[0].Subject.Trigger.String()).To(Equal("apps/platform"))
	s.Expect(p.asked[0].Subject.Cause).To(ContainSubstring("settings"))
	s.Expect(p.asked[0].Subject.Releases).To(HaveExactElements(HaveField("Name", "app")))
	s.Expect(vt.Status.Rollout.Phase).To(Equal(triggerv1.RolloutRollingBack))
	s.Expect(conditions.GetMessage(vt, meta.ReadyCondition)).To(ContainSubstring("analysis of stage canary failed: error-rate 0.31 is above 0.05 (1 of 1)"))
	s.Expect(s.holds()).To(Equal("a: 1"))
	events := s.events()
	s.Expect(events).To(ContainSubstring("Warning MeasurementFailed Stage canary: error-rate 0.31 is above 0.05 (1 of 1), content sha256:"))
	s.Expect(events).To(ContainSubstring("Warning RollbackStarted"))

	p.asked = nil
	s.upgrade(true)
	s.rest()
	vt = s.trigger()
	s.Expect(vt.Status.Rollout.Phase).To(Equal(triggerv1.RolloutRolledBack))
	s.Expect(vt.Status.History[0].Analysis).To(BeEmpty(), "this is the content before")
	s.Expect(vt.Status.History).To(ContainElement(HaveField("Analysis", "stage canary: error-rate 0.31 is above 0.05 (1 of 1)")))
	s.Expect(s.prodRequested()).To(BeFalse())
	s.Expect(p.asked).To(BeEmpty())
	var news []string
	for _, n := range p.informed {
		s.Expect(n.Subject.Cause != "").To(Equal(n.Event != analysis.Started), "the cause is that of requests, and a stage starts before its first")
		s.Expect(n.Webhooks).To(HaveExactElements(HaveField("Name", "chat")))
		s.Expect(n.Subject.Releases).To(HaveExactElements(HaveField("Name", "app")))
		news = append(news, string(n.Event)+" "+n.Stage)
	}
	s.Expect(news).To(Equal([]string{"Started canary", "Failed canary", "RolledBack canary"}))
}

func TestAnalysis_good_content_passes_and_bad_content_halts(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt })
	s.edit("2")
	s.rest()
	s.upgrade(true)
	s.rest()
	p.value = 0.02
	s.measured()
	s.Expect(s.prodRequested()).To(BeTrue())
	s.upgradeOf("prod", true)
	s.rest()
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutFinished))

	s.edit("3")
	s.rest()
	s.upgrade(true)
	s.rest()
	p.value = 0.9
	s.measured()
	vt := s.trigger()
	s.Expect(vt.Status.Rollout.Phase).To(Equal(triggerv1.RolloutHalted))
	s.Expect(vt.Status.History[0]).To(And(
		HaveField("Outcome", triggerv1.ChangeHalted), HaveField("Analysis", "stage canary: error-rate 0.9 is above 0.05 (1 of 1)")))
	s.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(triggerv1.RolloutHaltedReason))
	s.Expect(vt.Status.Headline).To(Equal("RolloutHalted: canary"))
	s.Expect(s.events()).To(ContainSubstring("Warning RolloutHalted Stage 1/2 canary, 1/1, 0 failed; halted: analysis of stage canary failed: error-rate 0.9"))
}

func TestAnalysis_a_provider_that_is_not_there_stalls_the_trigger(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	p.unknown = errors.New(`.metrics[0].provider: "prometheus" is not configured; these are: other`)
	s.edit("2")
	s.rest()
	vt := s.trigger()
	s.Expect(conditions.IsStalled(vt)).To(BeTrue())
	s.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(triggerv1.InvalidSpecReason))
	s.Expect(conditions.GetMessage(vt, meta.ReadyCondition)).To(Equal(
		`invalid spec: spec.rollout.stages[0].analysis.metrics[0].provider: "prometheus" is not configured; these are: other`))
	s.Expect(s.holds()).To(Equal("a: 1"))

	p.unknown = nil
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 2"))
}

// A status has room for the targets that need attention; those who are informed of a stage learn of all of it.
func TestAnalysis_webhooks_are_informed_of_all_releases_of_a_stage(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	const more = triggerv1.MaxListedTargets + 20
	for i := range more {
		hr := runningRelease()
		hr.Name, hr.UID, hr.Labels = fmt.Sprintf("canary-%d-%s", i, strings.Repeat("x", 40)), types.UID(fmt.Sprint("more-", i)), map[string]string{"part": "canary"}
		s.Expect(s.live.Create(t.Context(), hr)).To(Succeed())
	}
	vt := s.trigger()
	vt.Spec.Targets = append(vt.Spec.Targets, triggerv1.TargetReference{Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"part": "canary"}}})
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.edit("2")
	for len(p.informed) == 0 {
		s.expect(s.WithT)
	}
	s.Expect(len(s.trigger().Status.Targets)).To(BeNumerically("<", more))
	s.Expect(p.informed[0].Event).To(Equal(analysis.Started))
	s.Expect(p.informed[0].Subject.Releases).To(HaveLen(more + 1))
}

// An administrator may remove a provider at any time. What has failed is rolled back all the same: nothing is measured
// on the way back, and half of a fleet must not stay with it.
func TestAnalysis_a_provider_that_goes_away_stops_no_rollback(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(*story, *provider){
		"by analysis": func(s *story, p *provider) {
			p.value = 0.31
			s.due()
			for s.trigger().Status.Rollout.Phase == triggerv1.RolloutSoaking {
				s.expect(s.WithT)
			}
			p.unknown = errors.New(`.metrics[0].provider: "prometheus" is not configured`)
		},
		"by a person": func(s *story, p *provider) {
			p.unknown = errors.New(`.metrics[0].provider: "prometheus" is not configured`)
			s.rest()
			vt := s.trigger()
			vt.Annotations = map[string]string{triggerv1.RejectAnnotation: vt.Status.Rollout.Digest}
			s.Expect(s.live.Update(s.t.Context(), vt)).To(Succeed())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
			s.edit("2")
			s.rest()
			s.upgrade(true)
			s.rest()
			s.Expect(s.holds()).To(Equal("a: 2"))
			fails(s, p)
			s.rest()
			s.Expect(s.holds()).To(Equal("a: 1"))
			s.upgrade(true)
			s.rest()
			s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutRolledBack))
			s.edit("3")
			s.rest()
			s.Expect(s.holds()).To(Equal("a: 1"))
			s.Expect(conditions.IsStalled(s.trigger())).To(BeTrue(), "other content needs it")
		})
	}
}

// What overrides the analysis needs no provider.
func TestAnalysis_a_provider_that_is_not_there_is_overridden(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	p.unknown = errors.New(`.metrics[0].provider: "prometheus" is not configured`)
	s.edit("2")
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"))
	vt := s.trigger()
	vt.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "force", meta.ForceRequestAnnotation: "force"}
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 2"))
	s.Expect(s.prodRequested()).To(BeTrue())
}

// A provider that one trigger names and that is not there is nothing to any other.
func TestAnalysis_other_triggers_go_on_beside_one_without_its_provider(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	lacking := s.trigger().DeepCopy()
	lacking.ObjectMeta = metav1.ObjectMeta{Namespace: "apps", Name: "lacking", UID: "lacking", Generation: 1}
	lacking.Status, lacking.Spec.Publish = triggerv1.ValuesTriggerStatus{}, nil
	lacking.Spec.Targets = []triggerv1.TargetReference{{Name: "third"}}
	lacking.Spec.Rollout.Stages[0].Analysis.Metrics[0].Provider = "nowhere"
	third := runningRelease()
	third.Name, third.UID, third.Labels = "third", "the-third", map[string]string{"part": "canary"}
	s.Expect(s.live.Create(t.Context(), lacking)).To(Succeed())
	s.Expect(s.live.Create(t.Context(), third)).To(Succeed())
	p.lacks = "nowhere"
	look := func() {
		t.Helper()
		result, err := s.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(lacking)})
		s.Expect(err).NotTo(HaveOccurred())
		s.Expect(result.RequeueAfter).To(BeNumerically(">", time.Minute), "what ends it is an event")
		s.Expect(s.live.Get(t.Context(), client.ObjectKeyFromObject(lacking), lacking)).To(Succeed())
		s.Expect(conditions.GetReason(lacking, meta.StalledCondition)).To(Equal(triggerv1.InvalidSpecReason))
		s.Expect(s.requested("third")).To(BeFalse())
		s.writes.taken()
	}

	p.value = 0.02
	s.edit("2")
	look()
	s.rest()
	s.upgrade(true)
	look()
	s.rest()
	s.measured()
	look()
	s.upgradeOf("prod", true)
	s.rest()
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutFinished))
	s.Expect(conditions.IsReady(s.trigger())).To(BeTrue())
	look()
}

func TestAnalysis_a_stage_waits_for_its_gate(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	vt := s.trigger()
	vt.Spec.Rollout.Stages[0].Analysis.Webhooks = append(vt.Spec.Rollout.Stages[0].Analysis.Webhooks,
		triggerv1.AnalysisWebhook{Name: "freeze", Provider: "hooks", Type: triggerv1.WebhookGate})
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	p.result = triggerv1.AnalysisFailed
	s.edit("2")
	s.rest()
	vt = s.trigger()
	s.Expect(vt.Status.Headline).To(Equal("AwaitingGate: canary"))
	s.Expect(conditions.GetMessage(vt, meta.ReadyCondition)).To(Equal("Stage 1/2 canary, 0/1, 0 failed; waits for webhook freeze to open: status 418"))
	s.Expect(p.asked[0].Subject.Cause).NotTo(BeEmpty())
	s.Expect(s.events()).To(And(ContainSubstring("Normal AwaitingGate"), Not(ContainSubstring("MeasurementFailed"))))
	s.Expect(s.holds()).To(Equal("a: 1"))

	p.result = triggerv1.AnalysisInconclusive
	s.measured()
	s.Expect(s.events()).To(ContainSubstring("Warning MeasurementInconclusive Stage canary: webhook freeze: status 418, content sha256:"))
	s.measured()
	s.Expect(s.events()).NotTo(ContainSubstring("MeasurementInconclusive"), "it is no news")
	p.result = triggerv1.AnalysisSuccessful
	s.measured()
	s.Expect(s.holds()).To(Equal("a: 2"))
}

// The operator dies before it has stored what was measured, or another one has written the status: it measures
// again, and counts once.
func TestAnalysis_what_is_not_stored_is_measured_again(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"a crash": errUnreachable, "a conflict": conflicting} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := analyzed(t, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Rollout.Stages[0].Analysis.Threshold = 2 })
			s.edit("2")
			s.rest()
			s.upgrade(true)
			s.rest()
			p.value = 0.31
			vt := s.trigger()
			vt.Status.Rollout.Stages[0].Analysis.MeasuredAt = &metav1.Time{Time: time.Now().Add(-90 * time.Second)}
			s.Expect(s.live.Status().Update(t.Context(), vt)).To(Succeed())
			s.events()
			s.writes.answers[onStatus] = answer
			for range 2 {
				_, _, _ = s.look()
			}
			s.Expect(s.events()).To(BeEmpty(), "what is not stored is not reported")
			clear(s.writes.answers)
			s.rest()
			found := s.trigger().Status.Rollout.Stages[0].Analysis
			s.Expect(found.Failures).To(BeEquivalentTo(1))
			s.Expect(found.Measurements).To(BeEquivalentTo(1))
			s.Expect(len(p.asked)).To(BeNumerically(">=", 3))
			for _, r := range p.asked {
				s.Expect(r.Key).To(Equal(p.asked[0].Key))
			}
			s.Expect(s.prodRequested()).To(BeFalse())
		})
	}
}

func TestAnalysis_the_status_is_deleted_in_the_middle(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	s.edit("2")
	s.rest()
	s.upgrade(true)
	s.rest()
	vt := s.trigger()
	vt.Status = triggerv1.ValuesTriggerStatus{}
	s.Expect(s.live.Status().Update(t.Context(), vt)).To(Succeed())
	s.rest()
	s.Expect(s.prodRequested()).To(BeFalse(), "the canary runs the content, and it has not passed")
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutSoaking))
	p.value = 0.31
	s.measured()
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutHalted))
	s.Expect(s.prodRequested()).To(BeFalse())
}

func TestAnalysis_of_a_suspended_trigger(t *testing.T) {
	t.Parallel()
	s, p := analyzed(t, func(*triggerv1.ValuesTrigger) {})
	s.edit("2")
	s.rest()
	s.upgrade(true)
	s.rest()
	vt := s.trigger()
	vt.Spec.Suspend = true
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.measured()
	s.Expect(p.asked).To(BeEmpty())
	vt = s.trigger()
	vt.Spec.Suspend = false
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.rest()
	s.Expect(p.asked).NotTo(BeEmpty())
	s.Expect(s.prodRequested()).To(BeTrue())
}
