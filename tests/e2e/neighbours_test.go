// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/procfs"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// spoilt are ways in which a trigger can be broken, by the reason that it gives.
var spoilt = []struct {
	name, reason string
	spoil        func(vt *triggerv1.ValuesTrigger, good string)
}{
	{"no-source", triggerv1.SourceNotFoundReason, func(vt *triggerv1.ValuesTrigger, _ string) { vt.Spec.Sources[0].Name = "missing" }},
	{"no-target", triggerv1.TargetNotFoundReason, func(vt *triggerv1.ValuesTrigger, _ string) { vt.Spec.Targets[0].Name = "missing" }},
	{"invalid", triggerv1.InvalidSpecReason, func(vt *triggerv1.ValuesTrigger, _ string) {
		vt.Spec.Sources[0] = triggerv1.SourceReference{Kind: cmKind, Selector: kit.Selecting("no label", "")}
	}},
	{"powerless", acl.AccessDeniedReason, func(vt *triggerv1.ValuesTrigger, _ string) { vt.Spec.ServiceAccountName = "powerless" }},
	{"no-account", acl.AccessDeniedReason, func(vt *triggerv1.ValuesTrigger, _ string) { vt.Spec.ServiceAccountName = "stranger" }},
	// These have the source of the good one, but no one to give it to.
	{"listening", triggerv1.TargetNotFoundReason, func(vt *triggerv1.ValuesTrigger, good string) {
		vt.Spec.Sources[0].Namespace, vt.Spec.Targets[0].Name = good, "missing"
	}},
	// Whatever happens to the good release is reported to these, too.
	{"forbidden", acl.AccessDeniedReason, func(vt *triggerv1.ValuesTrigger, good string) { vt.Spec.Targets[0].Namespace = good }},
}

// What is counted is how many requests the operator makes for others between an edit and
// its own request, as the API server sees them: the time that takes is for the benchmarks.
// The test plays helm-controller: upgrades would take most of the time.
func TestNeighbours_a_thousand_broken_triggers_do_not_delay_a_good_one(t *testing.T) {
	const each = 150
	w := kit.World()
	w.NoHelmController = true
	e, op := own(t, w, operator.Options{Values: []string{"--set=impersonation.enabled=true", "--set=eventsAddr="}})
	good, broken := e.namespace("good"), e.namespace("broken")
	e.create(settings(good))
	e.played(good, "app", allowing(good))
	e.create(kit.Trigger(good, "mine", kit.From(cmKind, "settings"), kit.To("app"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Force = triggerv1.ForceNever }))
	e.Eventually(e.state(good, "mine", "app")).Should(Equal(triggerv1.TargetTriggered), "first sight")
	e.handle(e.get(good, "app"))
	e.Eventually(e.state(good, "mine", "app")).Should(Equal(triggerv1.TargetDelivered))
	e.edits(op, good, 3)
	alone, _ := e.edits(op, good, 30)

	e.create(settings(broken))
	e.played(broken, "app")
	e.account(broken, "powerless")
	var creating errgroup.Group
	creating.SetLimit(20)
	expected := map[string]int{}
	for _, way := range spoilt {
		expected[way.reason] += each
		for i := range each {
			vt := kit.Trigger(broken, fmt.Sprintf("%s-%d", way.name, i), kit.From(cmKind, "settings"), kit.To("app"))
			way.spoil(vt, good)
			creating.Go(func() error { return e.c.Create(e.ctx, vt) })
		}
	}
	e.Expect(creating.Wait()).To(Succeed())
	e.Eventually(func() (map[string]int, error) { return e.reasons(broken) }).WithTimeout(3 * time.Minute).Should(Equal(expected))
	e.settle(op)

	mark, errors := e.mark(), errorLines(e, op)
	beside, others := e.edits(op, good, 30)
	t.Logf("from the edit to the request: %s alone, %s and %d requests for others beside %d broken triggers", alone, beside, others, each*len(spoilt))
	// Each of the 10 workers may be in the middle of a read and a write when the edit comes.
	e.Expect(others).To(BeNumerically("<=", 20))

	e.Consistently(func() int { return errorLines(e, op) }).Should(Equal(errors))
	requests, err := e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
		return event.User == op.User() && event.Namespace == broken
	})
	e.Expect(err).NotTo(HaveOccurred())
	t.Logf("%d requests because of them since", len(requests))
	// Those that listen note what they have seen, and that is all.
	e.Expect(requests).NotTo(ContainElement(Satisfy(func(event world.AuditEvent) bool {
		return event.Write() && !(strings.HasPrefix(event.Name, "listening") && event.Subresource == "status")
	})), "what was reported is not reported again")

	// Nor do objects that are as large as they may be take more memory than they are large.
	e.settle(op)
	before := e.resident(op)
	const hostile, size = 100, 255 << 10
	for i := range hostile {
		cm := kit.Source(kit.ConfigMap(broken, fmt.Sprint("hostile-", i), nil), strings.Repeat("a-name-that-is-no-release,", 4000), good)
		cm.Annotations["other"] = strings.Repeat("x", size-len(cm.Annotations[triggerv1.HRNameAnnotation])-200)
		e.create(cm)
	}
	e.Eventually(e.eventsAbout(cmKind, broken, fmt.Sprint("hostile-", hostile-1), corev1.EventTypeWarning, triggerv1.TargetNotFoundReason)).ShouldNot(BeEmpty())
	e.settle(op)
	after := e.resident(op)
	t.Logf("resident: %d MiB, and %d MiB with %d ConfigMaps of %d KiB of annotations", before>>20, after>>20, hostile, size>>10)
	e.Expect(after).To(BeNumerically("<", before+hostile*size))
}

// resident returns the resident set of an operator in bytes.
func (e *env) resident(op *operator.Operator) uint64 {
	e.t.Helper()
	proc, err := procfs.NewProc(op.Process().Pid())
	e.Expect(err).NotTo(HaveOccurred())
	status, err := proc.NewStatus()
	e.Expect(err).NotTo(HaveOccurred())
	return status.VmRSS
}

// played creates a HelmRelease that looks installed, with all that there is by now.
func (e *env) played(ns, name string, modify ...func(*helmv2.HelmRelease)) {
	e.t.Helper()
	hr := kit.Release(ns, name, modify...)
	e.create(hr)
	now := metav1.NewTime(time.Now().Add(time.Minute))
	hr.Status.History = helmv2.Snapshots{{
		Name: name, Namespace: ns, Version: 1, Status: "deployed", Digest: "sha256:0", ConfigDigest: "sha256:0",
		ChartName: kit.ChartName, ChartVersion: "1.0.0", FirstDeployed: now, LastDeployed: now,
	}}
	e.handle(hr)
}

// handle does what helm-controller does with a request that changes nothing.
func (e *env) handle(hr *helmv2.HelmRelease) {
	e.t.Helper()
	hr.Status.ObservedGeneration = hr.Generation
	hr.Status.LastHandledReconcileAt = hr.Annotations[meta.ReconcileRequestAnnotation]
	conditions.MarkTrue(hr, meta.ReadyCondition, helmv2.UpgradeSucceededReason, "played")
	e.Expect(e.c.Status().Update(e.ctx, hr)).To(Succeed())
}

// edits edits the settings of a namespace, each time when the change before is delivered.
// It returns the medians of the time until the request, and of how many requests the
// operator made meanwhile in other namespaces.
func (e *env) edits(op *operator.Operator, ns string, count int) (time.Duration, int) {
	e.t.Helper()
	mark := e.mark()
	for range count {
		hr := e.get(ns, "app")
		before := hr.Annotations[meta.ReconcileRequestAnnotation]
		e.setData(settings(ns), "key", fmt.Sprint(time.Now().UnixNano()))
		e.Eventually(func() string {
			hr = e.get(ns, "app")
			return hr.Annotations[meta.ReconcileRequestAnnotation]
		}).WithPolling(5 * time.Millisecond).ShouldNot(Equal(before))
		e.handle(hr)
		e.Eventually(e.target(ns, "mine", "app")).WithPolling(5 * time.Millisecond).Should(And(
			HaveField("State", triggerv1.TargetDelivered), HaveField("Token", hr.Status.LastHandledReconcileAt)))
	}
	edit := func(event world.AuditEvent) bool {
		return event.Write() && event.Resource == "configmaps" && event.Namespace == ns
	}
	events, err := e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
		return edit(event) || event.User == op.User() && event.Resource != "leases" && event.Resource != "events"
	})
	e.Expect(err).NotTo(HaveOccurred())
	slices.SortStableFunc(events, func(a, b world.AuditEvent) int { return a.Time.Compare(b.Time) })
	var took []time.Duration
	var others []int
	var edited time.Time
	between := 0
	for _, event := range events {
		switch {
		case edit(event):
			edited, between = event.Time, 0
		case event.Write() && event.Asks && event.Namespace == ns:
			took, others = append(took, event.Time.Sub(edited)), append(others, between)
		case event.Namespace != ns:
			between++
		}
	}
	e.Expect(took).To(HaveLen(count))
	slices.Sort(took)
	slices.Sort(others)
	return took[count/2], others[count/2]
}

// reasons counts the triggers of a namespace by the reason of their Ready condition.
func (e *env) reasons(ns string) (map[string]int, error) {
	list := &triggerv1.ValuesTriggerList{}
	err := e.c.List(e.ctx, list, client.InNamespace(ns))
	counts := map[string]int{}
	for i := range list.Items {
		counts[conditions.GetReason(&list.Items[i], meta.ReadyCondition)]++
	}
	return counts, err
}
