// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// The tests share a world and an operator, and follow one another: each breaks what the
// others rest on.
func TestFaults(t *testing.T) {
	t.Parallel()
	c := behindProxy(in(t, world.ForTest(t, kit.World())), operator.Options{})
	for _, test := range []struct {
		name string
		run  func(*crashable)
	}{
		{"while the API server is down the operator is patient and afterwards quick", apiServerDown},
		{"every change arrives once through an API server that fails one in five", oneInFiveFails},
		{"a watch that is too old to go on misses nothing", watchesExpire},
		{"a change that no watch tells of is found at the interval", watchesStall},
		{"what is refused in one namespace is reported and disturbs no other", namespaceRefused},
		{"a restart of the API server", apiServerRestarts},
	} {
		t.Run(test.name, func(t *testing.T) {
			sub := *c
			sub.env, sub.want = c.again(t), map[string]int64{}
			t.Cleanup(func() { c.proxy.Set(nil) })
			test.run(&sub)
		})
	}
}

// fleet creates releases that each read a ConfigMap of their name, and waits until they
// are delivered.
func (c *crashable) fleet(ns string, count int) []*helmv2.HelmRelease {
	c.t.Helper()
	var releases []*helmv2.HelmRelease
	for i := range count {
		name := fmt.Sprintf("app-%d", i)
		c.create(kit.Values(ns, name, "round: 0\n"))
		releases = append(releases, kit.Release(ns, name, kit.Reads(cmKind, name)))
	}
	c.releases(releases...)
	for _, hr := range releases {
		c.Eventually(c.deliveredRevision(ns, hr.Name, hr.Name)).Should(BeEquivalentTo(1))
		c.want[hr.Name] = 1
	}
	return releases
}

// editAll changes what each release of a fleet reads.
func (c *crashable) editAll(ns string, releases []*helmv2.HelmRelease, round int) {
	c.t.Helper()
	for _, hr := range releases {
		c.expect(hr.Name)
		c.setValues(kit.ConfigMap(ns, hr.Name, nil), fmt.Sprintf("round: %d\n", round))
	}
}

// allRun waits until every release runs the revision that it must have.
func (c *crashable) allRun(ns string, releases []*helmv2.HelmRelease) {
	c.t.Helper()
	for _, hr := range releases {
		c.Eventually(func() error { return c.runs(ns, hr.Name) }).WithTimeout(2 * time.Minute).Should(Succeed())
	}
}

// errorLines returns how many errors an operator has logged.
func errorLines(e *env, op *operator.Operator) int {
	e.t.Helper()
	log, err := os.ReadFile(op.Process().LogPath())
	e.Expect(err).NotTo(HaveOccurred())
	return strings.Count(string(log), `"level":"error"`)
}

func apiServerDown(c *crashable) {
	const outage = 15 * time.Second
	ns := c.namespace("down")
	releases := c.fleet(ns, 20)

	before, _, _ := c.proxy.Counts()
	c.proxy.Set(func(faults.Request) faults.Fault { return faults.Fault{Code: http.StatusServiceUnavailable} })
	c.proxy.Disconnect()
	c.editAll(ns, releases, 1)
	c.Consistently(c.op.Process().Running, outage, time.Second).Should(BeTrue())
	after, _, _ := c.proxy.Counts()
	c.t.Logf("%d requests in %s without an API server", after-before, outage)
	c.Expect(after-before).To(BeNumerically("<", 50), "one a second, and those that found out")

	c.proxy.Set(nil)
	recovered := time.Now()
	for _, hr := range releases {
		c.Eventually(c.annotation(hr, meta.ReconcileRequestAnnotation)).ShouldNot(BeEmpty())
	}
	asked := time.Since(recovered)
	c.allRun(ns, releases)
	c.t.Logf("after it came back, all were triggered in %s and delivered in %s",
		asked.Round(100*time.Millisecond), time.Since(recovered).Round(100*time.Millisecond))
	c.Expect(asked).To(BeNumerically("<", outage), "no back-off is left from the outage")
}

func oneInFiveFails(c *crashable) {
	const seed, count, rounds = 1, 8, 5
	ns := c.namespace("faulty")
	releases := c.fleet(ns, count)
	forced := kit.Release(ns, "forced")
	c.create(kit.Source(kit.ConfigMap(ns, "labelled", map[string]string{"round": "0"}), "forced", ns))
	c.releases(forced)
	c.remember(ns, "forced", "forced")

	_, _, before := c.proxy.Counts()
	c.proxy.Set(faults.Random(seed, 0.2))
	for round := 1; round <= rounds; round++ {
		c.editAll(ns, releases, round)
		c.expect("forced")
		c.setData(kit.ConfigMap(ns, "labelled", nil), "round", fmt.Sprint(round))
		c.allRun(ns, append(releases, forced))
	}
	_, _, injected := c.proxy.Counts()
	c.t.Logf("%d faults, seed %d", injected-before, seed)
	c.Expect(injected - before).To(BeNumerically(">", 20))
}

// The API server has forgotten the version from which a watch wants to go on: it says so
// instead of beginning the watch, or as its first event.
func watchesExpire(c *crashable) {
	const expired = 4
	ns := c.namespace("expired")
	releases := c.fleet(ns, 1)
	sent := 0
	c.proxy.Set(func(r faults.Request) faults.Fault {
		if !r.Watch() || !r.About("configmaps") || sent == expired {
			return faults.Fault{}
		}
		if sent++; sent%2 == 0 {
			return faults.Fault{Expired: true}
		}
		return faults.Fault{Code: http.StatusGone}
	})
	c.proxy.Disconnect()
	c.editAll(ns, releases, 1)
	c.allRun(ns, releases)
	c.proxy.Set(nil)
	c.Expect(sent).To(Equal(expired))
}

// A watch that goes silent without ending tells nothing. The interval makes up for it.
func watchesStall(c *crashable) {
	ns := c.namespace("stalled")
	cm := settings(ns)
	c.create(cm)
	c.releases(kit.Release(ns, "app"))
	c.create(kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.To("app"), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Interval = metav1.Duration{Duration: 10 * time.Second}
	}))
	c.remember(ns, "mine", "app")

	c.proxy.Set(func(r faults.Request) faults.Fault {
		if r.Watch() && r.About("configmaps") {
			return faults.Fault{StallAfter: time.Nanosecond}
		}
		return faults.Fault{}
	})
	c.proxy.Disconnect() // So that the watches are made again, and stall.
	c.settle(c.op)
	c.expect("app")
	c.setData(cm, "key", "two")
	c.Eventually(func() error { return c.runsBy(ns, "mine", ns, "app") }).Should(Succeed())
	c.proxy.Set(nil)
	c.proxy.Disconnect()
}

// What is refused is a source of one trigger, a target of another, and a third one with
// all that it needs.
func namespaceRefused(c *crashable) {
	walled, free := c.namespace("walled"), c.namespace("free")
	inside, outside := kit.Values(walled, "values", "a: 1\n"), kit.Values(free, "values", "a: 1\n")
	c.create(inside)
	c.create(outside)
	c.releases(kit.Release(walled, "app", kit.Reads(cmKind, "values")), kit.Release(walled, "target"),
		kit.Release(free, "app", kit.Reads(cmKind, "values")), kit.Release(free, "source"))
	c.create(kit.Trigger(free, "source", kit.From(cmKind, "values", kit.SourceIn(walled)), kit.To("source")))
	c.create(kit.Trigger(free, "target", kit.From(cmKind, "values"), kit.To("target", kit.TargetIn(walled))))
	in := map[string]string{"source": free, "target": walled}
	for trigger, ns := range in {
		c.remember(free, trigger, trigger)
		c.Eventually(c.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))
	}

	var refused atomic.Int32
	c.proxy.Set(func(r faults.Request) faults.Fault {
		if r.Namespace() != walled {
			return faults.Fault{}
		}
		refused.Add(1)
		return faults.Fault{Code: http.StatusForbidden}
	})
	errors := errorLines(c.env, c.op)
	c.setValues(inside, "a: 2\n")
	c.setValues(outside, "a: 2\n")
	c.want["app"] = 2
	c.Eventually(func() error { return c.runs(free, "app") }).Should(Succeed())
	for trigger := range in {
		c.stalled(free, trigger, acl.AccessDeniedReason, "the operator was refused: ")
	}
	quiet := refused.Load()
	c.Consistently(refused.Load, 2*patience).Should(BeNumerically("<", quiet+10), "it is not tried all the time")
	c.Expect(errorLines(c.env, c.op)-errors).To(BeNumerically("<", 10), "nor logged all the time")
	c.setValues(outside, "a: 3\n")
	c.want["app"] = 3
	c.Eventually(func() error { return c.runs(free, "app") }).Should(Succeed())

	c.proxy.Set(nil)
	allowed := time.Now()
	c.want["app"] = 2
	c.Eventually(func() error { return c.runs(walled, "app") }).Should(Succeed())
	for trigger, ns := range in {
		c.expect(trigger)
		c.Eventually(func() error { return c.runsBy(free, trigger, ns, trigger) }).Should(Succeed())
	}
	c.t.Logf("all delivered %s after it was allowed", time.Since(allowed).Round(100*time.Millisecond))
}

// The real one, not a proxy that plays its absence.
func apiServerRestarts(c *crashable) {
	const outage = 5 * time.Second
	ns := c.namespace("restart")
	releases := c.fleet(ns, 5)
	c.Expect(c.w.StopComponent(c.ctx, world.APIServer)).To(Succeed())
	c.Consistently(c.op.Process().Running, outage, time.Second).Should(BeTrue())
	c.Expect(c.w.StartComponent(c.ctx, world.APIServer)).To(Succeed())

	started := time.Now()
	c.editAll(ns, releases, 1)
	// helm-controller takes its time to come back.
	for _, hr := range releases {
		c.Eventually(c.annotation(hr, meta.ReconcileRequestAnnotation)).ShouldNot(BeEmpty())
	}
	took := time.Since(started)
	c.t.Logf("all asked %s after it had started", took.Round(100*time.Millisecond))
	c.Expect(took).To(BeNumerically("<", 15*time.Second))
	c.allRun(ns, releases)
}
