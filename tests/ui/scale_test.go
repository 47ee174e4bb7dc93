// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// many is how many releases there are, and listed how many of them the status lists.
	many, listed = 2000, 200

	// changes is how often the time from an event to its cell is taken.
	changes = 10

	content = "sha256:4fa1c03db7e288bf82de9082faa4c0ffee00112233445566778899aabbccddee"
)

// sizes are the stages, and how many of their releases have the content.
var sizes = []struct {
	name           string
	all, delivered int
}{{"canary", 20, 20}, {"staging", 380, 380}, {"eu", 700, 290}, {"us", 900, 0}}

// fleet makes a rollout of many releases as the operator and helm-controller would leave it, of which there are none:
// what is measured is the page.
func (e *env) fleet(ns string) {
	e.t.Helper()
	vt := kit.Trigger(ns, "prices", kit.From("ConfigMap", "prices"), kit.To("", func(ref *triggerv1.TargetReference) { ref.Selector = &triggerv1.Selector{} }))
	vt.Spec.Rollout = &triggerv1.Rollout{MaxFailures: new(intstr.FromString("2%"))}
	for _, s := range sizes {
		vt.Spec.Rollout.Stages = append(vt.Spec.Rollout.Stages, stage(s.name, ""))
	}
	e.create(vt)
	now := metav1.Now()
	vt.Status = triggerv1.ValuesTriggerStatus{
		UID: vt.UID, ObservedGeneration: vt.Generation, LastDigest: content, Summary: &triggerv1.TargetSummary{},
		Conditions: []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionUnknown, Reason: meta.ProgressingReason, Message: "stage 3/4 eu", LastTransitionTime: now}},
		Rollout:    &triggerv1.RolloutStatus{Digest: content, Phase: triggerv1.RolloutProgressing, Stage: "eu", ChangedAt: &now},
		History: []triggerv1.Change{{
			Digest: content, Time: now, Outcome: triggerv1.ChangeInProgress, GitRevision: "main@sha1:2b9c0e7f1a44",
			Cause: "ConfigMap " + ns + "/prices " + content[:19] + " (values.yaml) by kustomize-controller (Kustomization flux-system/apps main@sha1:2b9c0e7f1a44) via ValuesTrigger " + ns + "/prices",
		}},
	}
	group, ctx := errgroup.WithContext(e.ctx)
	group.SetLimit(20)
	for _, s := range sizes {
		st := triggerv1.StageStatus{Name: s.name, Phase: triggerv1.StageFinished, Targets: int32(s.all), Delivered: int32(s.delivered)}
		for i := range s.all {
			state := fleetState(s.name, i, s.delivered)
			hr := kit.Labelled(kit.Release(ns, fmt.Sprintf("%s-%03d", s.name, i), kit.Reads("ConfigMap", "prices")), stageLabel, s.name)
			target := triggerv1.TargetStatus{Namespace: ns, Name: hr.Name, State: state, Stage: s.name, Digest: content}
			if state == triggerv1.TargetFailed {
				st.Failed++
				target.Message = "UpgradeFailed: context deadline exceeded"
			}
			if s.name == "eu" && len(vt.Status.Targets) < listed {
				vt.Status.Targets = append(vt.Status.Targets, target)
			}
			count(vt.Status.Summary, state)
			group.Go(func() error {
				if err := e.c.Create(ctx, hr); err != nil {
					return err
				}
				return e.record(hr, vt.UID, state)
			})
		}
		switch s.delivered {
		case s.all:
		case 0:
			st.Phase = triggerv1.StageWaiting
		default:
			st.Phase = triggerv1.StageProgressing
		}
		vt.Status.Rollout.Stages = append(vt.Status.Rollout.Stages, st)
	}
	e.Expect(group.Wait()).To(Succeed())
	vt.Status.Delivered = fmt.Sprintf("%d/%d", vt.Status.Summary.Delivered, many)
	e.Expect(e.c.Status().Update(e.ctx, vt)).To(Succeed())
}

func fleetState(stage string, i, delivered int) triggerv1.TargetState {
	switch {
	case stage == "eu" && i < delivered && i%37 == 7:
		return triggerv1.TargetFailed
	case i < delivered:
		return triggerv1.TargetDelivered
	case stage == "eu" && i < delivered+40:
		return triggerv1.TargetTriggered
	}
	return triggerv1.TargetHeld
}

func count(s *triggerv1.TargetSummary, state triggerv1.TargetState) {
	s.Total++
	switch state {
	case triggerv1.TargetDelivered:
		s.Delivered++
	case triggerv1.TargetFailed:
		s.Failed++
	case triggerv1.TargetTriggered:
		s.Triggered++
	case triggerv1.TargetHeld:
		s.Held++
	case triggerv1.TargetPending, triggerv1.TargetMissing:
	}
}

// record writes what the operator would have on record on a release.
func (e *env) record(hr *helmv2.HelmRelease, of types.UID, state triggerv1.TargetState) error {
	known := plan.State{Trigger: string(of[:8]), State: state, Digest: content, Revision: 3}
	if state == triggerv1.TargetHeld {
		known.Digest = "sha256:" + strings.Repeat("0", 64)
	}
	base := hr.DeepCopy()
	hr.Annotations = map[string]string{
		triggerv1.RequestAnnotation: plan.Record{UID: hr.UID, States: map[string]plan.State{hr.Namespace + "/prices": known}}.String(),
	}
	return e.c.Patch(e.ctx, hr, client.MergeFrom(base))
}

func TestScale_2000_releases(t *testing.T) {
	options := kit.World()
	options.NoHelmController, options.NoAudit = true, true
	options.CRDs = []string{filepath.Join(operator.Root(), "config", "crd", "bases")}
	e := in(t, world.ForTest(t, options))
	ns := "fleet"
	e.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	e.fleet(ns)
	s := e.serve(e.w.Kubeconfig())
	tb := e.open(s)
	tb.shows("main", "In progress 1")
	tb.visit("/board/" + ns + "/prices")
	tb.Eventually(func() int { return evaluate[int](tb, `document.querySelectorAll("#lanes .cells li").length`) }).Should(Equal(many))
	tb.Expect(evaluate[int](tb, `document.querySelectorAll("#lanes .cells .delivered").length`)).To(Equal(20 + 380 + 290 - 8))

	tb.picture("ui-2000", 1280, 720, "light")

	tb.visit("/board/" + ns + "/prices")
	paint := 0.0 // It is noted when it has come, which may be after the page is loaded.
	tb.Eventually(func() float64 {
		paint = evaluate[float64](tb, `performance.getEntriesByName("first-contentful-paint").map((p) => p.startTime)[0] || 0`)
		return paint
	}).Should(BeNumerically(">", 0))
	loaded := evaluate[float64](tb, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`)
	size := evaluate[float64](tb, `performance.getEntriesByType("navigation")[0].decodedBodySize`)

	// By keyboard, one goes through the cells, and stays in one while others change.
	tb.Expect(chromedp.Do(tb.ctx, chromedp.Focus("#lanes .lane:nth-child(4) .cells a"), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))).To(Succeed())
	focused := func() string { return evaluate[string](tb, `document.activeElement.innerText`) }
	tb.Expect(focused()).To(HavePrefix(ns + "/us-002"))

	// What the operator writes on a release that the status does not list is seen in its cell.
	slowest, sum := time.Duration(0), time.Duration(0)
	for i := range changes {
		hr := &helmv2.HelmRelease{}
		name := fmt.Sprintf("us-%03d", i*80)
		e.Expect(e.c.Get(e.ctx, client.ObjectKey{Namespace: ns, Name: name}, hr)).To(Succeed())
		cell := fmt.Sprintf(`#lanes a[href="/release/%s/%s"]`, ns, name)
		tb.Expect(evaluate[bool](tb, fmt.Sprintf(`document.querySelector(%q).classList.contains("held")`, cell))).To(BeTrue())
		began := time.Now()
		e.Expect(e.record(hr, e.trigger(ns).UID, triggerv1.TargetDelivered)).To(Succeed())
		tb.Expect(chromedp.Do(tb.ctx, chromedp.WaitReady(cell+".delivered"))).To(Succeed())
		took := time.Since(began)
		slowest, sum = max(slowest, took), sum+took
	}
	tb.Expect(focused()).To(HavePrefix(ns + "/us-002"))
	heap := evaluate[float64](tb, `performance.memory.usedJSHeapSize`)
	t.Logf("%d releases: page of %.0f KiB, first paint %.0f ms, loaded %.0f ms; from a write to its cell %d ms on average, %d ms at most; %s resident, %.0f MiB of JavaScript",
		many, size/1024, paint, loaded, (sum / changes).Milliseconds(), slowest.Milliseconds(), resident(e, s), heap/(1<<20))
	tb.accessible()
}

// resident returns how much memory the server has, as Linux says it.
func resident(e *env, s *server) string {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		return "an unknown amount"
	}
	for line := range strings.Lines(string(content)) {
		if kib, found := strings.CutPrefix(line, "VmRSS:"); found {
			n := 0
			_, err := fmt.Sscanf(kib, "%d", &n)
			e.Expect(err).NotTo(HaveOccurred())
			return fmt.Sprintf("%d MiB", n/1024)
		}
	}
	return "an unknown amount"
}
