// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
)

// The API server fails one request in five, in every way it can. Each edit arrives all
// the same, and makes one revision.
func TestFaults_every_change_arrives_once_through_an_API_server_that_fails_one_in_five(t *testing.T) {
	const seed, count, rounds = 1, 8, 5
	t.Parallel()
	c := newCrashable(t)
	ns := c.namespace("faulty")
	var releases []*helmv2.HelmRelease
	for i := range count {
		name := fmt.Sprintf("app-%d", i)
		c.create(configMap(ns, name, map[string]string{"values.yaml": "round: 0\n"}))
		releases = append(releases, release(ns, name, reads(triggerv1.ConfigMapKind, name)))
	}
	forced := release(ns, "forced")
	c.create(label(configMap(ns, "labelled", map[string]string{"round": "0"}), "forced", ns))
	c.releases(append(releases, forced)...)
	c.Eventually(c.deliveredRevision(ns, "forced", "forced")).ShouldNot(BeZero())
	c.remember(ns, "forced")

	c.proxy.Set(faults.Random(seed, 0.2))
	for round := 1; round <= rounds; round++ {
		for _, hr := range releases {
			c.setData(configMap(ns, hr.Name, nil), "values.yaml", fmt.Sprintf("round: %d\n", round))
		}
		c.setData(configMap(ns, "labelled", nil), "round", fmt.Sprint(round))
		for _, hr := range releases {
			c.Eventually(func() error { return c.runs(ns, hr.Name, int64(1+round)) }).WithTimeout(2*time.Minute).Should(Succeed(), "seed %d", seed)
		}
		c.Eventually(func() error { return c.runs(ns, "forced", c.base["forced"]+int64(round)) }).WithTimeout(2*time.Minute).Should(Succeed(), "seed %d", seed)
	}
	requests, writes, injected := c.proxy.Counts()
	t.Logf("%d requests, %d of them writes, %d failed", requests, writes, injected)
	c.Expect(injected).To(BeNumerically(">", 20))
}

func TestFaults_while_the_API_server_is_down_the_operator_is_patient_and_afterwards_quick(t *testing.T) {
	const count = 20
	t.Parallel()
	c := newCrashable(t)
	ns := c.namespace("down")
	var releases []*helmv2.HelmRelease
	for i := range count {
		name := fmt.Sprintf("app-%d", i)
		c.create(configMap(ns, name, map[string]string{"values.yaml": "a: 1\n"}))
		releases = append(releases, release(ns, name, reads(triggerv1.ConfigMapKind, name)))
	}
	c.releases(releases...)
	for _, hr := range releases {
		c.Eventually(c.deliveredRevision(ns, hr.Name, hr.Name)).Should(BeEquivalentTo(1))
	}

	c.proxy.Set(func(faults.Request) faults.Fault { return faults.Fault{Code: http.StatusServiceUnavailable} })
	c.proxy.Disconnect()
	for _, hr := range releases {
		c.setData(configMap(ns, hr.Name, nil), "values.yaml", "a: 2\n")
	}
	before, _, _ := c.proxy.Counts()
	const outage = 15 * time.Second
	c.Consistently(c.op.Process().Running, outage, time.Second).Should(BeTrue())
	after, _, _ := c.proxy.Counts()
	perMinute := float64(after-before) * float64(time.Minute/outage)
	t.Logf("%.0f requests a minute while the API server was down", perMinute)
	c.Expect(perMinute).To(BeNumerically("<", 600))

	c.proxy.Set(nil)
	recovered := time.Now()
	for _, hr := range releases {
		c.Eventually(func() error { return c.runs(ns, hr.Name, 2) }).Should(Succeed())
	}
	t.Logf("all delivered %s after it came back", time.Since(recovered).Round(100*time.Millisecond))
}

// A watch that goes silent without ending tells nothing. The interval makes up for it.
func TestFaults_a_change_that_no_watch_tells_of_is_found_at_the_interval(t *testing.T) {
	t.Parallel()
	c := newCrashable(t)
	ns := c.namespace("stalled")
	cm := configMap(ns, "settings", map[string]string{"key": "one"})
	c.create(cm)
	c.releases(release(ns, "app"))
	c.create(&triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "declared"},
		Spec: triggerv1.ValuesTriggerSpec{
			Interval: metav1.Duration{Duration: 10 * time.Second},
			Sources:  []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "settings"}},
			Targets:  []triggerv1.TargetReference{{Name: "app"}},
		},
	})
	c.Eventually(c.deliveredRevision(ns, "declared", "app")).ShouldNot(BeZero())
	revision, err := c.revision(ns, "app")()
	c.Expect(err).NotTo(HaveOccurred())

	c.proxy.Set(func(r faults.Request) faults.Fault {
		if r.Watch() && r.About("configmaps") {
			return faults.Fault{StallAfter: time.Nanosecond}
		}
		return faults.Fault{}
	})
	c.proxy.Disconnect() // So that the watches are made anew, and stall.
	c.settle(c.op)
	c.setData(cm, "key", "two")
	c.Eventually(c.revision(ns, "app")).Should(Equal(revision + 1))
}
