// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// helm is a world whose helm-controller is behind a proxy, so that it can be met in the
// middle of what it does.
type helm struct {
	*env
	proxy *faults.Proxy
}

func newHelm(t *testing.T, args ...string) *helm {
	t.Helper()
	t.Parallel()
	options := kit.World()
	options.NoHelmController = true
	w := world.ForTest(t, options)
	h := &helm{env: in(t, w)}
	var err error
	h.proxy, err = faults.Start(w.Config())
	h.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(h.proxy.Stop)
	h.Expect(w.Redirect(world.HelmController, h.proxy.URL(), h.proxy.CA())).To(Succeed())
	h.start(args...)
	_, err = operator.Install(h.ctx, w, manager, operator.Options{})
	h.Expect(err).NotTo(HaveOccurred())
	return h
}

// again returns the view of a subtest on the same world.
func (h *helm) again(t *testing.T) *helm { return &helm{env: h.env.again(t), proxy: h.proxy} }

func (h *helm) start(args ...string) {
	h.t.Helper()
	h.Expect(h.w.StartComponent(h.ctx, world.HelmController, args...)).To(Succeed())
}

func (h *helm) kill() {
	h.t.Helper()
	h.Expect(h.w.KillComponent(world.HelmController)).To(Succeed())
}

// atUpgrade has a fault happen when helm-controller is about to store a revision in a
// namespace for the first time. What is returned is closed at that moment.
func (h *helm) atUpgrade(namespace string, fault faults.Fault) <-chan struct{} {
	var once sync.Once
	met := make(chan struct{})
	h.proxy.Set(func(r faults.Request) (f faults.Fault) {
		if r.Method == http.MethodPost && r.URL.Path == "/api/v1/namespaces/"+namespace+"/secrets" {
			once.Do(func() { f = fault; close(met) })
		}
		return f
	})
	return met
}

// app is a release that something happens to, and what must come of it.
type app struct {
	name string

	// revision is delivered in the end, by so many requests.
	revision int64
	attempts int32
}

func TestLost_requests_to_a_helm_controller_that_ends_or_is_set_up_otherwise(t *testing.T) {
	h := newHelm(t, "--feature-gates=CacheSecretsAndConfigMaps=true")
	ns := h.namespace("helm")
	values := kit.Values(ns, "values", "round: 0\n")
	h.create(values)
	h.releases(kit.Release(ns, "reader", kit.Reads(cmKind, "values")), kit.Release(ns, "reader-overwritten", kit.Reads(cmKind, "values")))
	settings := func(name string) *corev1.ConfigMap {
		return kit.Source(kit.ConfigMap(ns, name+"-settings", map[string]string{"key": "one"}), name, ns)
	}
	forced := []string{"seen", "noted", "begun", "down", "overwritten", "forced-by-another"}
	for _, name := range forced {
		h.releases(kit.Release(ns, name))
		h.create(settings(name))
	}
	h.releases(kit.Release(ns, "expired"))
	h.create(kit.ConfigMap(ns, "expired-settings", map[string]string{"key": "one"}))
	h.create(kit.Trigger(ns, "expired", kit.From(cmKind, "expired-settings"), kit.To("expired"), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Timeout = metav1.Duration{Duration: time.Second}
	}))
	for _, name := range append(forced, "expired") {
		h.Eventually(h.deliveredRevision(ns, name, name)).Should(BeEquivalentTo(2), name)
	}
	edited := func(names ...string) {
		for _, name := range names {
			h.setData(kit.ConfigMap(ns, name+"-settings", nil), "key", "two")
		}
	}
	// delivered expects the apps to settle.
	delivered := func(apps ...app) {
		h.t.Helper()
		for _, a := range apps {
			h.Eventually(h.deliveredRevision(ns, a.name, a.name)).Should(Equal(a.revision), a.name)
			h.Expect(h.target(ns, a.name, a.name)()).To(And(HaveField("Attempts", a.attempts), HaveField("Message", "")), a.name)
		}
	}

	// Another actor comes when helm-controller is at work on the request already.
	hold := make(chan struct{})
	met := h.atUpgrade(ns, faults.Fault{Hold: hold})
	edited("seen")
	h.Eventually(met).Should(BeClosed())
	annotate(h.env, kit.Release(ns, "seen"), map[string]string{meta.ReconcileRequestAnnotation: "someone else's"})
	close(hold)
	delivered(app{"seen", 3, 1})
	h.Eventually(func() string { return h.get(ns, "seen").Status.LastHandledReconcileAt }).Should(Equal("someone else's"))

	// It dies when it has noted the force and done nothing yet.
	h.atUpgrade(ns, faults.Fault{Drop: true, Then: h.kill})
	edited("noted")
	h.Eventually(h.w.Component(world.HelmController).Done()).Should(BeClosed())
	h.Expect(h.handled(ns, "noted", "noted")()).To(Equal(noted{Force: true, Revision: 2}))
	h.setValues(values, "round: 1\n")
	h.proxy.Set(nil)
	h.start("--snapshot-digest-algo=sha384")
	delivered(app{"noted", 3, 2}, app{"reader", 2, 1}, app{"reader-overwritten", 2, 1})
	h.Expect(h.digests(ns, "reader")).To(HaveEach(HavePrefix("sha384:")))

	// It dies when it has stored the revision, and makes another of its own accord.
	h.atUpgrade(ns, faults.Fault{Drop: true, After: true, Then: h.kill})
	edited("begun")
	h.Eventually(h.w.Component(world.HelmController).Done()).Should(BeClosed())
	h.Expect(h.handled(ns, "begun", "begun")()).To(Equal(noted{Force: true, Revision: 2}))
	h.setValues(values, "round: 2\n")
	h.proxy.Set(nil)
	h.start("--snapshot-digest-algo=sha512")
	delivered(app{"begun", 4, 1}, app{"reader", 3, 1}, app{"reader-overwritten", 3, 1})
	h.Expect(h.digests(ns, "reader")).To(HaveEach(HavePrefix("sha512:")))

	// It is down all the time.
	h.kill()
	h.setValues(values, "round: 3\n")
	edited("down", "overwritten", "forced-by-another", "expired")
	for _, name := range []string{"reader", "reader-overwritten", "down", "overwritten", "forced-by-another"} {
		h.Eventually(h.state(ns, name, name)).Should(Equal(triggerv1.TargetTriggered), name)
	}
	h.Eventually(h.target(ns, "expired", "expired")).Should(failedFor("not delivered within 1s: helm-controller has not handled the request"))
	for _, name := range []string{"reader-overwritten", "overwritten"} {
		annotate(h.env, kit.Release(ns, name), map[string]string{meta.ReconcileRequestAnnotation: "someone else's"})
		h.Eventually(h.target(ns, name, name)).Should(HaveField("Message", "helm-controller has not handled another request yet"))
	}
	annotate(h.env, kit.Release(ns, "forced-by-another"), map[string]string{
		meta.ReconcileRequestAnnotation: "someone else's", meta.ForceRequestAnnotation: "someone else's"})
	h.start("--snapshot-digest-algo=blake3", "--feature-gates=CacheSecretsAndConfigMaps=true,CancelHealthCheckOnNewRevision=true")
	delivered(app{"reader", 4, 1}, app{"reader-overwritten", 4, 1}, app{"down", 3, 1},
		app{"overwritten", 3, 2}, app{"forced-by-another", 3, 1}, app{"expired", 3, 1})
	h.Expect(h.digests(ns, "reader")).To(HaveEach(HavePrefix("blake3:")))

	t.Run("it interrupts upgrades for other requests", func(t *testing.T) { h.again(t).interrupted() })
	t.Run("it reads old values from its cache", func(t *testing.T) { h.again(t).stale() })
	h.stay(ns, map[string]int{"reader": 4, "reader-overwritten": 4, "seen": 3, "noted": 3, "begun": 4,
		"down": 3, "overwritten": 3, "forced-by-another": 3, "expired": 3})
}

// digests returns the digests of the latest revision of a release.
func (h *helm) digests(namespace, name string) []string {
	h.t.Helper()
	hr := h.get(namespace, name)
	latest := hr.Status.History.Latest()
	return []string{latest.Digest, latest.ConfigDigest}
}

// stale has the watches of helm-controller go silent, so that it composes values of what
// it has in its cache.
func (h *helm) stale() {
	h.t.Helper()
	ns := h.namespace("stale")
	cm := kit.Values(ns, "values", "a: 1\n")
	h.create(cm)
	h.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")))
	h.Eventually(h.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	var silent atomic.Int32
	h.proxy.Set(func(r faults.Request) faults.Fault {
		if r.Watch() && r.About("configmaps") {
			silent.Add(1)
			return faults.Fault{StallAfter: time.Nanosecond}
		}
		return faults.Fault{}
	})
	h.proxy.Disconnect()
	h.Eventually(silent.Load).Should(BeNumerically(">=", 2), "the watch of content and that of metadata")
	h.setValues(cm, "a: 2\n")
	h.Eventually(h.target(ns, "app", "app")).Should(HaveField("Message", ContainSubstring("without effect")))
	h.Expect(h.rendered(ns, "app")()).To(ContainSubstring("a: 1"))
	h.Expect(h.revision(ns, "app")()).To(Equal(1))

	h.proxy.Set(nil)
	h.proxy.Disconnect()
	h.Eventually(h.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	h.Expect(h.rendered(ns, "app")()).To(ContainSubstring("a: 2"))
	h.Expect(h.target(ns, "app", "app")()).To(HaveField("Attempts", BeNumerically(">", 1)))
	h.stay(ns, map[string]int{"app": 2})
}
