// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/monitoring"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// errorRate is what operators of services write, for the releases of a stage.
const errorRate = `sum(rate(requests_total{code="500",namespace=~"{{ .Namespaces }}",release=~"{{ .Releases }}"}[{{ .Interval }}])) / ` +
	`sum(rate(requests_total{namespace=~"{{ .Namespaces }}",release=~"{{ .Releases }}"}[{{ .Interval }}]))`

// service answers requests as the values say that helm-controller has delivered: of 100 between two
// scrapes, so many fail.
type service struct {
	e        *env
	ns       string
	releases []string

	mu     sync.Mutex
	total  map[string]float64
	failed map[string]float64
	ran    map[string][]float64
}

// serve starts the service and returns the address of its metrics.
func (s *service) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.releases {
		share, found := s.delivered(r.Context(), name)
		if !found {
			continue
		}
		if ran := s.ran[name]; len(ran) == 0 || ran[len(ran)-1] != share {
			s.ran[name] = append(ran, share)
		}
		s.total[name] += 100
		s.failed[name] += 100 * share
		_, _ = fmt.Fprintf(w, "requests_total{namespace=%q,release=%q,code=\"200\"} %v\n", s.ns, name, s.total[name]-s.failed[name])
		_, _ = fmt.Fprintf(w, "requests_total{namespace=%q,release=%q,code=\"500\"} %v\n", s.ns, name, s.failed[name])
	}
}

// delivered reads which share of the requests fails from what the release has rendered.
func (s *service) delivered(ctx context.Context, name string) (float64, bool) {
	cm := &corev1.ConfigMap{}
	if err := s.e.c.Get(ctx, types.NamespacedName{Namespace: s.ns, Name: name}, cm); err != nil {
		return 0, false
	}
	var values struct {
		Errors float64 `json:"errors"`
	}
	err := yaml.Unmarshal([]byte(cm.Data["values"]), &values)
	return values.Errors, err == nil
}

// has returns what a release has run.
func (s *service) has(name string) []float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ran[name])
}

// measuredBy gives each stage the same analysis.
func measuredBy(a triggerv1.Analysis) func(*triggerv1.Stage) {
	return func(stage *triggerv1.Stage) { stage.Analysis = a.DeepCopy() }
}

func lasts(timeout time.Duration) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) { vt.Spec.Timeout.Duration = timeout }
}

// analysisOf returns what the analysis of a stage has found.
func (e *env) analysisOf(ns, stage string) func() (triggerv1.AnalysisStatus, error) {
	return func() (triggerv1.AnalysisStatus, error) {
		vt, err := e.trigger(ns, "platform")
		if err != nil || vt.Status.Rollout == nil {
			return triggerv1.AnalysisStatus{}, err
		}
		for _, s := range vt.Status.Rollout.Stages {
			if s.Name == stage && s.Analysis != nil {
				return *s.Analysis, nil
			}
		}
		return triggerv1.AnalysisStatus{}, nil
	}
}

func TestAnalysis_stops_what_Helm_takes_for_good(t *testing.T) {
	t.Parallel()
	e := in(t, world.ForTest(t, kit.World()))
	ns := e.namespace("shop")
	s := &service{e: e, ns: ns, releases: []string{"canary-00", "prod-00"}, total: map[string]float64{}, failed: map[string]float64{}, ran: map[string][]float64{}}
	p, err := monitoring.Scrape(e.ctx, e.w, s.serve(t))
	e.Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(e.w.Dir(), "providers.yaml")
	provider := func(name string) {
		text := fmt.Sprintf("providers: [{name: %s, type: Prometheus, address: %q, namespaces: [%s]}]\n", name, p.URL(), ns)
		e.Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	}
	provider("other")
	_, err = operator.Install(e.ctx, e.w, manager, operator.Options{
		Values: []string{"--set=publish.enabled=true"}, Args: []string{"--analysis-providers=" + file},
	})
	e.Expect(err).NotTo(HaveOccurred())

	cm := kit.Values(ns, "values", "errors: 0.01\n")
	e.create(cm)
	for _, name := range s.releases {
		stage, _, _ := strings.Cut(name, "-")
		e.create(kit.Labelled(kit.Release(ns, name, kit.Reads(cmKind, name+"-shared")), stageLabel, stage))
	}
	measured := measuredBy(triggerv1.Analysis{
		Interval: metav1.Duration{Duration: 5 * time.Second},
		Metrics:  []triggerv1.AnalysisMetric{{Name: "error-rate", Provider: "prometheus", Query: errorRate, ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}}},
	})
	e.create(rollout(ns, inStages("canary", measured), inStages("prod", measured), published(""), rolledBack, lasts(20*time.Second)))

	e.stalled(ns, "platform", triggerv1.InvalidSpecReason, `spec.rollout.stages[0].analysis.metrics[0].provider: "prometheus" is not configured for namespace `+ns+`; these are: other`)
	provider("prometheus")
	e.atRest(ns, 2)

	// From now on, the former configuration holds.
	e.Expect(os.WriteFile(file, []byte("providers: [{name: *secret}]\n"), 0o600)).To(Succeed())
	pod, err := os.Hostname()
	e.Expect(err).NotTo(HaveOccurred())
	e.Eventually(e.eventsAbout("Pod", operator.Namespace, pod, corev1.EventTypeWarning, triggerv1.ProviderInvalidReason)).Should(ConsistOf(
		"cannot read the providers of analysis, and keeps the former ones: error converting YAML to JSON: yaml: unknown anchor …"))

	e.setValues(cm, "errors: 0.5\n")
	e.stalled(ns, "platform", triggerv1.RolledBackReason, "error-rate", "is above 0.05")
	e.Eventually(func() []float64 { return s.has("canary-00") }).Should(HaveExactElements(0.01, 0.5, 0.01), "Helm found nothing wrong with it")
	e.Expect(s.has("prod-00")).To(HaveExactElements(0.01), "it never ran the bad value")
	e.Expect(e.revision(ns, "prod-00")()).To(Equal(1))
	e.Expect(e.analysisOf(ns, "canary")()).To(And(HaveField("Result", triggerv1.AnalysisFailed), HaveField("Failures", BeEquivalentTo(1)),
		HaveField("Metrics", ConsistOf(HaveField("Name", "error-rate")))))

	e.setValues(cm, "errors: 0.02\n")
	e.atRest(ns, 2)
	e.Expect(e.analysisOf(ns, "prod")()).To(HaveField("Result", triggerv1.AnalysisSuccessful))
	e.Eventually(func() []float64 { return s.has("prod-00") }).Should(HaveExactElements(0.01, 0.02))

	e.Expect(p.Stop(e.ctx)).To(Succeed())
	e.setValues(cm, "errors: 0.03\n")
	e.Eventually(e.analysisOf(ns, "canary"), time.Minute).Should(And(HaveField("Result", triggerv1.AnalysisInconclusive),
		HaveField("Metrics", ConsistOf(HaveField("Message", `provider "prometheus" cannot be reached`)))))
	e.Expect(e.revision(ns, "prod-00")()).To(Equal(2), "no answer is no success")
	e.Expect(p.Resume(e.ctx)).To(Succeed())
	e.atRest(ns, 2)
	e.Expect(e.rendered(ns, "prod-00")()).To(ContainSubstring("errors: 0.03"))

	e.Expect(p.Stop(e.ctx)).To(Succeed())
	e.setValues(cm, "errors: 0.04\n")
	e.stalled(ns, "platform", triggerv1.RolledBackReason, "cannot be reached")
	e.Expect(e.rendered(ns, "canary-00")()).To(ContainSubstring("errors: 0.03"))
	e.Expect(e.revision(ns, "prod-00")()).To(Equal(3), "no answer for the timeout is a failure")
}
