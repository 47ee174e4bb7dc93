// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
)

// mortal is an operator that dies at a write, before or after the API server has carried it out. The dead write
// nothing.
type mortal struct {
	made  int
	at    int
	after bool
	dead  bool
}

func (m *mortal) write(do func() error) error {
	m.made++
	dies := m.at > 0 && m.made == m.at
	if m.dead = m.dead || dies; m.dead && (!dies || !m.after) {
		return errUnreachable
	}
	if err := do(); err != nil || !dies {
		return err
	}
	return errUnreachable
}

func (m *mortal) through(c client.WithWatch) client.WithWatch {
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, next client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return m.write(func() error { return next.Create(ctx, obj, opts...) })
		},
		Delete: func(ctx context.Context, next client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return m.write(func() error { return next.Delete(ctx, obj, opts...) })
		},
		Patch: func(ctx context.Context, next client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return m.write(func() error { return next.Patch(ctx, obj, patch, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, next client.Client, subresource string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return m.write(func() error { return next.SubResource(subresource).Patch(ctx, obj, patch, opts...) })
		},
	})
}

// remembering is a provider that measures what the canary runs, and whose answers are there with the next look, unless
// the operator that remembers them has died.
type remembering struct {
	s       *story
	answers map[analysis.Key]analysis.Measurement

	// passed are the contents of which a measurement after the start was good.
	passed map[string]bool
}

func (p *remembering) Check(string, *triggerv1.Analysis) error { return nil }
func (p *remembering) Inform(analysis.Notice)                  {}

func (p *remembering) Measure(r analysis.Request) (analysis.Measurement, bool) {
	if m, found := p.answers[r.Key]; found {
		return m, true
	}
	content := p.s.copyOf("app")
	value := 0.01
	if content == "a: 3" {
		value = 0.9
	}
	m := analysis.Measurement{Key: r.Key, Metrics: map[string]analysis.Answer{}, Webhooks: map[string]analysis.Answer{}}
	for _, metric := range r.Metrics {
		m.Metrics[metric.Name] = analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: new(value)}
	}
	for _, webhook := range r.Webhooks {
		m.Webhooks[webhook.Name] = analysis.Answer{Result: triggerv1.AnalysisSuccessful}
	}
	if r.Purpose == analysis.Check && value < 0.05 {
		p.passed[content] = true
	}
	p.answers[r.Key] = m
	return analysis.Measurement{}, false
}

// copyOf returns what the copy of a release holds.
func (s *story) copyOf(name string) string {
	cm := &corev1.ConfigMap{}
	_ = s.live.Get(s.t.Context(), client.ObjectKey{Namespace: "apps", Name: name + "-shared"}, cm)
	return cm.Data["values.yaml"]
}

// requested reports whether helm-controller has something to do for a release.
func (s *story) requested(name string) bool {
	hr := &helmv2.HelmRelease{}
	s.Expect(s.live.Get(s.t.Context(), client.ObjectKey{Namespace: "apps", Name: name}, hr)).To(Succeed())
	return hr.Annotations[meta.ReconcileRequestAnnotation] != hr.Status.LastHandledReconcileAt
}

// An operator that dies at any write of a rollout that is measured starts no stage too early, counts nothing twice and
// leaves nothing that does not go on.
func TestAnalysis_a_crash_at_every_write(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprint("after it ", after), func(t *testing.T) {
			t.Parallel()
			crashes, step := 0, 1
			if testing.Short() { // With the race detector: the others come without it.
				step = 6
			}
			for at := 1; ; at += step {
				m := &mortal{at: at, after: after}
				lived := rollOutMeasured(t, m)
				if lived {
					break
				}
				crashes++
			}
			t.Logf("%d crashes", crashes)
			NewWithT(t).Expect(crashes).To(BeNumerically(">=", 20/step))
		})
	}
}

// rollOutMeasured delivers content that passes and content that fails and is rolled back, and reports whether the
// operator lived through it.
func rollOutMeasured(t *testing.T, m *mortal) bool {
	t.Helper()
	s, _ := analyzed(t, func(vt *triggerv1.ValuesTrigger) {
		a := vt.Spec.Rollout.Stages[0].Analysis
		a.Threshold, a.Metrics[0].Baseline = 2, triggerv1.BaselineDifference
		a.Webhooks = append(a.Webhooks, triggerv1.AnalysisWebhook{Name: "freeze", Provider: "hooks", Type: triggerv1.WebhookGate})
	})
	p := &remembering{s: s, passed: map[string]bool{}}
	start := func() {
		p.answers = map[analysis.Key]analysis.Measurement{}
		s.configure(func(config *delivery.Config) { config.Measurer = p })
		s.start(m.through(s.live))
	}
	start()
	lived := true
	reach := func(content string, phase triggerv1.RolloutPhase) {
		s.edit(content)
		for range 80 {
			made := m.made
			_, _, _ = s.look()
			if m.dead {
				lived, m.dead = false, false
				start()
				continue
			}
			if got := s.copyOf("prod"); got == "a: 3" || got == "a: 2" && !p.passed[got] {
				t.Fatalf("crash at write %d: prod gets %q, and no measurement of it was good", m.at, got)
			}
			vt := s.trigger()
			switch {
			case m.made > made: // There may be more to do.
			case s.requested("app"):
				s.upgradeOf("app", true)
			case s.requested("prod"):
				s.upgradeOf("prod", true)
			case vt.Status.Rollout.Phase == phase && vt.Status.History[0].Digest != "":
				return
			default:
				s.due()
			}
		}
		t.Fatalf("crash at write %d: content %s is stuck: %+v", m.at, content, s.trigger().Status.Rollout)
	}
	reach("2", triggerv1.RolloutFinished)
	s.Expect(s.copyOf("prod")).To(Equal("a: 2"))
	reach("3", triggerv1.RolloutRolledBack)
	s.Expect(s.copyOf("app")).To(Equal("a: 2"))
	s.Expect(s.trigger().Status.Rollout.Stages[0].Analysis).To(And(HaveField("Failures", BeEquivalentTo(2)), HaveField("Failed", ContainSubstring("(2 of 2)"))), "crash at write %d", m.at)
	return lived
}
