// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// env is what a test works with.
type env struct {
	*WithT
	t   *testing.T
	ctx context.Context
	w   *world.World
	c   client.Client
}

func in(t *testing.T, w *world.World) *env {
	return &env{WithT: NewWithT(t), t: t, ctx: t.Context(), w: w, c: w.Client()}
}

func (e *env) create(objects ...client.Object) {
	e.t.Helper()
	for _, obj := range objects {
		e.Expect(e.c.Create(e.ctx, obj)).To(Succeed())
	}
}

// namespace makes a namespace of this name, with a chart.
func (e *env) namespace(name string) string {
	e.t.Helper()
	ns := &corev1.Namespace{}
	ns.Name = name
	e.create(ns)
	e.Expect(e.w.PublishChart(e.ctx, name, kit.ChartName, world.TestChart())).To(Succeed())
	return name
}

// edit puts other values into a ConfigMap, as an editor.
func (e *env) edit(namespace, name, values string) {
	e.t.Helper()
	cm := &corev1.ConfigMap{}
	e.Expect(e.c.Get(e.ctx, client.ObjectKey{Namespace: namespace, Name: name}, cm)).To(Succeed())
	cm.Data[kit.ValuesKey] = values
	e.Expect(e.c.Update(e.ctx, cm, client.FieldOwner("kubectl-edit"))).To(Succeed())
}

func (e *env) trigger(namespace string) *triggerv1.ValuesTrigger {
	e.t.Helper()
	vt := &triggerv1.ValuesTrigger{}
	e.Expect(e.c.Get(e.ctx, client.ObjectKey{Namespace: namespace, Name: "prices"}, vt)).To(Succeed())
	return vt
}

// server is kubectl valuestrigger ui, as a person started it.
type server struct {
	*world.Process
	entry, base string
}

var printed = regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/\?token=[0-9a-f]+`)

// serve starts it with a kubeconfig and other arguments.
func (e *env) serve(kubeconfig string, args ...string) *server {
	e.t.Helper()
	name := "ui-" + strings.ToLower(strings.ReplaceAll(e.t.Name(), "/", "-"))
	p, err := e.w.Run(world.Spec{Name: name, Path: plugin, Args: append([]string{"ui"}, args...), Env: []string{"KUBECONFIG=" + kubeconfig}})
	e.Expect(err).NotTo(HaveOccurred())
	e.t.Cleanup(p.Kill)
	s := &server{Process: p}
	e.Eventually(func() string {
		content, err := os.ReadFile(p.LogPath())
		e.Expect(err).NotTo(HaveOccurred())
		all := printed.FindAllString(string(content), -1)
		if len(all) > 0 {
			s.entry = all[len(all)-1]
		}
		return s.entry
	}).ShouldNot(BeEmpty())
	s.base, _, _ = strings.Cut(s.entry, "/?")
	return s
}

// tab is a tab of the browser.
type tab struct {
	*env
	ctx    context.Context
	server *server

	mu       sync.Mutex
	problems []string
}

// open opens the address that was printed in a new tab. No page may write an error to the console.
func (e *env) open(s *server) *tab {
	e.t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	tb := &tab{env: e, ctx: ctx, server: s}
	e.t.Cleanup(func() {
		if e.t.Failed() {
			_, _ = fmt.Fprintln(e.t.Output(), tb.text("body"))
		}
		closeTab()
		NewWithT(e.t).Expect(tb.errors()).To(BeEmpty(), "on the console")
	})
	e.Expect(chromedp.Do(ctx, chromedp.EmulateViewport(1280, 860))).To(Succeed())
	e.Expect(chromedp.Listen(ctx, tb.listen)).To(Succeed())
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(chromedp.Do(ctx, chromedp.Navigate(s.entry), chromedp.WaitVisible("h1"))).To(Succeed())
	return tb
}

func (tb *tab) listen(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventConsoleAPICalled:
		tb.problems = append(tb.problems, fmt.Sprintf("console.%s: %v", event.Type, event.Args))
	case *runtime.EventExceptionThrown:
		tb.problems = append(tb.problems, event.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		tb.problems = append(tb.problems, event.Entry.Text+" "+event.Entry.URL)
	}
}

func (tb *tab) errors() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return append([]string(nil), tb.problems...)
}

// forgive forgets what the browser says of a server that does not answer.
func (tb *tab) forgive(text string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	var left []string
	for _, p := range tb.problems {
		if !strings.Contains(p, text) {
			left = append(left, p)
		}
	}
	tb.problems = left
}

// visit goes to a page.
func (tb *tab) visit(path string) {
	tb.t.Helper()
	tb.Expect(chromedp.Do(tb.ctx, chromedp.Navigate(tb.server.base+path), chromedp.WaitVisible("h1"))).To(Succeed())
}

// text returns what is shown in an element.
func (tb *tab) text(selector string) string {
	text, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](fmt.Sprintf(`[...document.querySelectorAll(%q)].map((e) => e.innerText).join("\n")`, selector)))
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

// shows waits until an element shows something.
func (tb *tab) shows(selector string, what ...string) {
	tb.t.Helper()
	for _, want := range what {
		tb.Eventually(func() string { return tb.text(selector) }).Should(ContainSubstring(want))
	}
}

// click clicks as a person does.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, time.Minute)
	defer cancel()
	tb.Expect(chromedp.Do(ctx, chromedp.Click(selector))).To(Succeed(), selector)
}

// answer answers a question with yes, and closes what comes of it.
func (tb *tab) answer() {
	tb.t.Helper()
	tb.click("#dialog button.primary")
	tb.shows("#dialog .callout", " in ") // What the command says is done, or why not.
	tb.Expect(tb.text("#dialog .callout.bad")).To(BeEmpty())
	tb.click("#dialog [data-close]")
}

// evaluate runs a script.
func evaluate[T any](tb *tab, script string) T {
	tb.t.Helper()
	out, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	tb.Expect(err).NotTo(HaveOccurred())
	return out
}

// scheme has the page be light or dark.
func (tb *tab) scheme(name string) {
	tb.t.Helper()
	_, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	tb.Expect(err).NotTo(HaveOccurred())
}

// picture writes what is seen for the documentation, if that is wanted.
func (tb *tab) picture(name string, width, height int64, scheme string) {
	tb.t.Helper()
	if *pictures == "" {
		return
	}
	tb.scheme(scheme)
	tb.Expect(chromedp.Do(tb.ctx, chromedp.EmulateViewport(width, height))).To(Succeed())
	content, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	tb.Expect(err).NotTo(HaveOccurred())
	tb.Expect(os.WriteFile(filepath.Join(*pictures, name+".png"), content, 0o644)).To(Succeed())
	tb.scheme("light")
	tb.Expect(chromedp.Do(tb.ctx, chromedp.EmulateViewport(1280, 860))).To(Succeed())
}

// axe is axe-core 4.11.1 as it is published (MPL-2.0).
//
//go:embed testdata/axe.min.js
var axe string

//go:embed testdata/SHA256SUMS
var sums string

// accessible expects no serious violation on the page, light and dark.
func (tb *tab) accessible() {
	tb.t.Helper()
	sum := sha256.Sum256([]byte(axe))
	tb.Expect(sums).To(ContainSubstring(hex.EncodeToString(sum[:])))
	for _, scheme := range []string{"light", "dark"} {
		tb.scheme(scheme)
		tb.Expect(evaluate[bool](tb, axe+";true")).To(BeTrue())
		found := evaluate[[]string](tb, `axe.run().then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical")
			.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.failureSummary).join(" | ")))`)
		tb.Expect(found).To(BeEmpty(), scheme)
	}
	tb.scheme("light")
}
