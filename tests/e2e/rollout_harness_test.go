// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// stageLabel is by which the stages of these tests select.
const stageLabel = "stage"

// breakableChart fails to render for the release that the value "breaks" names, and to
// be installed while there is no namespace that "elsewhere" names.
func breakableChart() world.Chart {
	chart := elsewhereChart()
	chart.Files["templates/breaks.yaml"] = `{{- if eq (default "" .Values.breaks) .Release.Name }}{{ fail "this one breaks" }}{{ end }}`
	return chart
}

// staged creates releases that read a ConfigMap, in a namespace of their own.
func (e *env) staged(sizes map[string]int) string {
	e.t.Helper()
	ns := e.namespace("rollout")
	e.stagedIn(ns, sizes)
	return ns
}

func (e *env) stagedIn(ns string, sizes map[string]int) {
	e.t.Helper()
	e.Expect(e.w.PublishChart(e.ctx, ns, kit.ChartName, breakableChart())).To(Succeed())
	e.create(kit.Values(ns, "values", "a: 1\n"))
	var releases []*helmv2.HelmRelease
	for _, stage := range slices.Sorted(maps.Keys(sizes)) {
		for i := range sizes[stage] {
			releases = append(releases, kit.Labelled(kit.Release(ns, fmt.Sprintf("%s-%02d", stage, i), kit.Reads(cmKind, "values")), stageLabel, stage))
		}
	}
	e.releases(releases...)
}

// rollout returns a trigger for the ConfigMap and all releases of a namespace.
func rollout(namespace string, modify ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	vt := kit.Trigger(namespace, "platform", kit.From(cmKind, "values"), kit.To("", func(ref *triggerv1.TargetReference) { ref.Selector = &triggerv1.Selector{} }))
	for _, m := range modify {
		m(vt)
	}
	return vt
}

// inStages adds a stage for the label of that name.
func inStages(name string, modify ...func(*triggerv1.Stage)) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) {
		if vt.Spec.Rollout == nil {
			vt.Spec.Rollout = &triggerv1.Rollout{}
		}
		stage := triggerv1.Stage{Name: name, Selector: kit.Selecting(stageLabel, name)}
		for _, m := range modify {
			m(&stage)
		}
		vt.Spec.Rollout.Stages = append(vt.Spec.Rollout.Stages, stage)
	}
}

func atMost(n string) func(*triggerv1.Stage) {
	return func(stage *triggerv1.Stage) { stage.MaxConcurrency = new(intstr.Parse(n)) }
}

func soaks(d time.Duration) func(*triggerv1.Stage) {
	return func(stage *triggerv1.Stage) { stage.MinSuccessTime.Duration = d }
}

func manually(stage *triggerv1.Stage) { stage.Approval = triggerv1.ApprovalManual }

// atRest expects the present content to be delivered to all releases, by this trigger
// and no other one.
func (e *env) atRest(namespace string, count int) {
	e.t.Helper()
	e.Eventually(func() ([]triggerv1.ValuesTrigger, error) {
		list := &triggerv1.ValuesTriggerList{}
		err := e.c.List(e.ctx, list, client.InNamespace(namespace))
		return list.Items, err
	}, 3*time.Minute).Should(HaveLen(1), "it has taken over from the generated ones")
	e.Eventually(e.condition(namespace, "platform", meta.ReadyCondition), 3*time.Minute).
		Should(Equal(fmt.Sprintf("True Succeeded: Delivered to all %d HelmReleases", count)))
}

// phase returns the phase of a rollout.
func (e *env) phase(namespace string) func() (triggerv1.RolloutPhase, error) {
	return func() (triggerv1.RolloutPhase, error) {
		vt, err := e.trigger(namespace, "platform")
		if err != nil || vt.Status.Rollout == nil {
			return "", err
		}
		return vt.Status.Rollout.Phase, nil
	}
}

// manager returns the field manager that set the annotation forceAt of a trigger.
func (e *env) manager(namespace, name string) string {
	e.t.Helper()
	vt, err := e.trigger(namespace, name)
	e.Expect(err).NotTo(HaveOccurred())
	for _, fields := range vt.ManagedFields {
		if bytes.Contains(fields.FieldsV1.GetRawBytes(), []byte(meta.ForceRequestAnnotation)) {
			return fields.Manager
		}
	}
	return ""
}

// table returns what kubectl shows of the trigger.
func (e *env) table(namespace string) string {
	e.t.Helper()
	out, err := e.w.Kubectl(e.ctx, "get", "vt", "platform", "-n", namespace)
	e.Expect(err).NotTo(HaveOccurred())
	return out
}

// stageEvents returns the messages of the events about stages.
func (e *env) stageEvents(namespace, reason string) func() ([]string, error) {
	return e.eventsAbout(triggerv1.ValuesTriggerKind, namespace, "platform", "Normal", reason)
}

// witness sees every version of the releases of a namespace, and notes the order in
// which they are triggered and how many are in progress at a time.
type witness struct {
	mu       sync.Mutex
	before   map[string]string
	asked    []string
	times    map[string]int
	underway map[string]bool
	peak     map[string]int
	overlap  []string
}

// witness begins to watch.
func (e *env) witness(namespace string) *witness {
	e.t.Helper()
	wc, err := client.NewWithWatch(e.w.Config(), client.Options{Scheme: e.c.Scheme()})
	e.Expect(err).NotTo(HaveOccurred())
	list := &helmv2.HelmReleaseList{}
	e.Expect(wc.List(e.ctx, list, client.InNamespace(namespace))).To(Succeed())
	w := &witness{before: map[string]string{}, times: map[string]int{}, underway: map[string]bool{}, peak: map[string]int{}}
	for _, hr := range list.Items {
		w.before[hr.Name] = hr.Annotations[meta.ReconcileRequestAnnotation]
	}
	events, err := wc.Watch(e.ctx, &helmv2.HelmReleaseList{}, client.InNamespace(namespace), &client.ListOptions{
		Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion},
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.t.Cleanup(events.Stop)
	go func() {
		for event := range events.ResultChan() {
			if hr, ok := event.Object.(*helmv2.HelmRelease); ok {
				w.see(hr)
			}
		}
	}()
	return w
}

func (w *witness) see(hr *helmv2.HelmRelease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if token := hr.Annotations[meta.ReconcileRequestAnnotation]; token != w.before[hr.Name] {
		w.before[hr.Name] = token
		w.asked = append(w.asked, hr.Name)
		w.times[hr.Name]++
	}
	if w.times[hr.Name] == 0 {
		return
	}
	w.underway[hr.Name] = target.Observe(hr, nil).Busy()
	counts := map[string]int{}
	for name, underway := range w.underway {
		if underway {
			stage, _, _ := strings.Cut(name, "-")
			counts[stage]++
			w.peak[stage] = max(w.peak[stage], counts[stage])
		}
	}
	if len(counts) > 1 {
		w.overlap = append(w.overlap, fmt.Sprint(counts))
	}
}

// stages returns how many releases of each stage were triggered, how often one was triggered at
// most, the peaks, and which stages overlapped.
func (w *witness) result() (counts map[string]int, most int, peak map[string]int, overlap []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts = map[string]int{}
	for name, times := range w.times {
		stage, _, _ := strings.Cut(name, "-")
		counts[stage]++
		most = max(most, times)
	}
	return counts, most, maps.Clone(w.peak), slices.Clone(w.overlap)
}

// inOrder returns the stages in the order in which their releases were triggered, each once
// in a row.
func (w *witness) inOrder() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var stages []string
	for _, name := range w.asked {
		stage, _, _ := strings.Cut(name, "-")
		stages = append(stages, stage)
	}
	return slices.Compact(stages)
}
