// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// everything has a ValuesTrigger deliver a ConfigMap and a Secret to all HelmReleases of its namespace, by copies.
func (e *env) everything(ns string, releases ...*helmv2.HelmRelease) {
	e.t.Helper()
	e.create(kit.Values(ns, "prices", "discount: 10\n"), kit.Secret(ns, "keys", map[string]string{kit.ValuesKey: "password: hunter1\n"}))
	vt := kit.Trigger(ns, "prices", kit.From("ConfigMap", "prices"), kit.From("Secret", "keys"), kit.ToSelected(&triggerv1.Selector{}))
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	e.Eventually(func() error { return e.c.Create(e.ctx, vt.DeepCopy()) }).Should(Succeed(), "the API server serves new kinds after a while")
	for _, hr := range releases {
		e.create(hr)
	}
}

// reader is a HelmRelease that reads its copies.
func reader(ns, name string) *helmv2.HelmRelease {
	return kit.Release(ns, name, kit.Reads("ConfigMap", name+"-shared"), kit.Reads("Secret", name+"-shared"))
}

// types puts a word into a field, as a person does, and sends it.
func (tb *tab) types(selector, word string) {
	tb.t.Helper()
	tb.Expect(chromedp.Do(tb.ctx, chromedp.Focus(selector), chromedp.SendKeys(selector, word+"\r"))).To(Succeed())
}

// nodes returns the names of what the picture shows, in which state.
func (tb *tab) nodes() []string {
	tb.t.Helper()
	return evaluate[[]string](tb, `[...document.querySelectorAll("#map-picture .node")].map((n) => n.querySelector(".name").textContent + " " + (n.dataset.state || ""))`)
}

func TestMap_is_searched_and_says_what_an_edit_touches(t *testing.T) {
	e := in(t, shared)
	ns := e.namespace("mapped")
	e.everything(ns, reader(ns, "eu"), reader(ns, "us"))
	e.Eventually(func() string { return e.trigger(ns).Status.Delivered }).Should(Equal("2/2"))
	tb := e.open(e.serve(e.w.Kubeconfig(), "-n", ns))
	tb.visit("/map")
	tb.Eventually(tb.nodes).Should(ConsistOf(
		"prices ", "keys ", "prices Ready", "eu Delivered", "us Delivered", "eu-shared Current", "eu-shared Current", "us-shared Current", "us-shared Current",
	))
	tb.Expect(evaluate[int](tb, `document.querySelectorAll("#map-picture .edge").length`)).To(Equal(8))
	tb.accessible()
	tb.picture("ui-map", 1280, 620, "light")

	// It follows the cluster: a HelmRelease that is made is drawn.
	e.create(reader(ns, "asia"))
	tb.Eventually(tb.nodes).Should(ContainElement("asia Delivered"))

	tb.types(`[name="q"]`, "helmrelease us")
	tb.shows(".summary", "of 1 found")
	tb.Eventually(tb.nodes).Should(And(ContainElements("us Delivered", "prices "), Not(ContainElement("eu Delivered"))))

	tb.visit("/map")
	tb.click(`#map-picture a[href*="ConfigMap%2F` + ns + `%2Fprices"]`)
	tb.shows("#selected", "ConfigMap "+ns+"/prices", "An edit concerns 3 HelmReleases: 3 UpgradeIfChanged.", "ValuesTrigger "+ns+"/prices")
	tb.click(`#selected a[href*="delete=1"]`)
	tb.shows("#selected", "delivers nothing more, since it requires it", "GetsNothingMore")
	tb.accessible()
	tb.picture("ui-map-selected", 1280, 900, "dark")
	tb.click(`#map-list a[href*="HelmRelease%2F` + ns + `%2Fus"]`)
	tb.shows("#selected", "HelmRelease "+ns+"/us") // What is selected before has links to releases, too.
	tb.click(`#selected a[href^="/release/"]`)
	tb.shows("h1", ns+"/us")
}

func TestMap_folds_what_is_much(t *testing.T) {
	e := in(t, shared)
	ns := e.namespace("crowd")
	var many []*helmv2.HelmRelease
	for i := range 70 {
		hr := reader(ns, fmt.Sprintf("app-%02d", i))
		hr.Spec.Suspend = true // It takes helm-controller no time.
		many = append(many, hr)
	}
	e.everything(ns, many...)
	tb := e.open(e.serve(e.w.Kubeconfig(), "-n", ns))
	tb.visit("/map")
	tb.Eventually(tb.nodes).Should(ContainElement(HavePrefix("70 HelmReleases")))
	tb.click(`#map-list a[href*="group="]`)
	tb.shows(".summary", "1–48 of 70 found")
	tb.Eventually(tb.nodes).Should(ContainElement(HavePrefix("app-00 ")))
	tb.accessible()
	tb.click(`a[rel="next"]`)
	tb.shows(".summary", "49–70 of 70 found")
	tb.Eventually(tb.nodes).Should(And(ContainElement(HavePrefix("app-69 ")), Not(ContainElement(HavePrefix("app-00 ")))))
}

func TestTimeline_and_release_show_what_was_delivered(t *testing.T) {
	e := in(t, shared)
	ns := e.namespace("past")
	e.everything(ns, reader(ns, "eu"))
	revision := func() int64 {
		if history := e.trigger(ns).Status.History; len(history) > 0 && history[0].Outcome == triggerv1.ChangeDelivered {
			return history[0].Revision
		}
		return 0
	}
	e.Eventually(revision).Should(BeEquivalentTo(1))
	tb := e.open(e.serve(e.w.Kubeconfig(), "-n", ns))
	tb.visit("/timeline")
	tb.shows(".summary", "1 change.")
	tb.click(".record td") // What has the focus is kept current, too.

	e.edit(ns, "prices", "discount: 20\n")
	e.Eventually(revision).Should(BeEquivalentTo(2))
	keys := &corev1.Secret{}
	e.Expect(e.c.Get(e.ctx, client.ObjectKey{Namespace: ns, Name: "keys"}, keys)).To(Succeed())
	keys.Data[kit.ValuesKey] = []byte("password: hunter2\n")
	e.Expect(e.c.Update(e.ctx, keys, client.FieldOwner("vault"))).To(Succeed())
	e.Eventually(revision).Should(BeEquivalentTo(3))
	tb.shows(".summary", "3 changes.")
	tb.shows(".record", "Secret "+ns+"/keys changed in values.yaml, last edit by vault")
	tb.Expect(evaluate[int](tb, `document.querySelectorAll(".bars .span").length`)).To(Equal(3))
	tb.accessible()
	tb.picture("ui-timeline", 1280, 620, "light")

	tb.types(`[name="person"]`, "vault")
	tb.shows(".summary", "1 change.")
	exported := evaluate[string](tb, `fetch(document.querySelector('a[download$="csv"]').href).then((r) => r.text())`)
	tb.Expect(strings.Split(strings.TrimSpace(exported), "\n")).To(HaveExactElements(HavePrefix("time,namespace,valuesTrigger,"), ContainSubstring("Secret "+ns+"/keys")))

	tb.visit("/release/" + ns + "/eu")
	tb.shows("main", "Ready", "revision 3 of ValuesTrigger "+ns+"/prices", "Compared with revision 2 of ValuesTrigger "+ns+"/prices", "password changed (Secret "+ns+"/keys, not shown)")
	e.edit(ns, "prices", "discount: 30\n")
	tb.shows("main", "Compared with revision 3", "discount before: 20 after: 30")
	tb.Expect(tb.text("body")).NotTo(ContainSubstring("hunter"))
	tb.accessible()
	tb.picture("ui-release", 1280, 900, "light")
	tb.Expect(chromedp.Do(tb.ctx, chromedp.EmulateViewport(390, 844))).To(Succeed())
	for _, path := range []string{"/map", "/timeline", "/release/" + ns + "/eu"} {
		tb.visit(path)
		tb.Expect(evaluate[bool](tb, `document.documentElement.scrollWidth <= innerWidth`)).To(BeTrue(), "nothing is beside the screen of a phone: "+path)
		tb.Expect(evaluate[[]string](tb, `[...document.querySelectorAll(".scroll, .lanes")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.getAttribute("aria-label"))`)).
			To(BeEmpty(), "nothing in a table is, either: "+path)
		tb.accessible()
	}
}
