// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

const address = "127.0.0.1:8089"

// commands stand for those of the plugin.
type commands struct {
	question Question
	refusals map[string]string
	asked    []Action
	done     []Action
	by       []decision.Fact
	err      error
}

func (c *commands) Ask(_ context.Context, a Action) (Question, error) {
	c.asked = append(c.asked, a)
	return c.question, c.err
}

func (c *commands) Refuse(a Action, _ *triggerv1.ValuesTrigger, _ graph.Members) string {
	return c.refusals[a.Name]
}

func (c *commands) Differences(context.Context, client.ObjectKey) (string, error) {
	return "~ replicas: 1 → 2\n~ db.password: changed (Secret apps/db, not shown)", c.err
}

func (c *commands) Do(_ context.Context, a Action, by []decision.Fact) (string, error) {
	c.done, c.by = append(c.done, a), by
	return "done", c.err
}

// site is a server on a fake cluster.
type site struct {
	*Server
	client.WithWatch
	commands commands
}

func newSite(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *site {
	t.Helper()
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, helmv2.AddToScheme, triggerv1.AddToScheme} {
		g.Expect(add(scheme)).To(Succeed())
	}
	s := &site{WithWatch: fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&triggerv1.ValuesTrigger{}).WithInterceptorFuncs(funcs).Build()}
	server, err := New(Options{Client: s.WithWatch, Fallback: "apps", Commands: &s.commands, Now: time.Now, Log: os.Stderr}, address)
	g.Expect(err).NotTo(HaveOccurred())
	s.Server = server
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Follow(ctx) }()
	t.Cleanup(func() {
		cancel()
		g.Expect(<-ended).To(Succeed())
	})
	g.Eventually(func() bool { seen, _ := s.cluster.now(); return seen.Complete }).Should(BeTrue())
	return s
}

// request is one of the person's browser.
func (s *site) request(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, "http://"+address+target, strings.NewReader(form.Encode()))
	r.AddCookie(&http.Cookie{Name: s.guard.cookie(), Value: s.guard.session()})
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+address)
	}
	return r
}

func (s *site) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func (s *site) get(target string) *httptest.ResponseRecorder {
	return s.serve(s.request(http.MethodGet, target, nil))
}

func trigger(namespace, name string) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{}
	vt.Namespace, vt.Name = namespace, name
	return vt
}

func TestServer_lets_only_the_person_in(t *testing.T) {
	t.Parallel()
	s := newSite(t, interceptor.Funcs{})
	form := url.Values{"csrf": {s.guard.csrf()}}
	for _, c := range []struct {
		name   string
		method string
		target string
		form   url.Values
		change func(*http.Request)
		want   int
	}{
		{name: "a page", target: "/", want: http.StatusOK},
		{name: "localhost", target: "/", change: func(r *http.Request) { r.Host = "localhost:8089" }, want: http.StatusOK},
		{name: "another name, as by DNS rebinding", target: "/", change: func(r *http.Request) { r.Host = "evil.example:8089" }, want: http.StatusMisdirectedRequest},
		{name: "another port", target: "/", change: func(r *http.Request) { r.Host = "127.0.0.1:80" }, want: http.StatusMisdirectedRequest},
		{name: "no cookie", target: "/", change: func(r *http.Request) { r.Header.Del("Cookie") }, want: http.StatusForbidden},
		{name: "no cookie for an asset", target: "/assets/ui.js", change: func(r *http.Request) { r.Header.Del("Cookie") }, want: http.StatusForbidden},
		{name: "a wrong cookie", target: "/", change: func(r *http.Request) {
			r.Header.Set("Cookie", s.guard.cookie()+"=0")
		}, want: http.StatusForbidden},
		{name: "a script of another site", target: "/", change: func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, want: http.StatusForbidden},
		{name: "a page of another port", target: "/events/", change: func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, want: http.StatusForbidden},
		{name: "a link on another site", target: "/", change: func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, want: http.StatusOK},
		{name: "a frame on another site", target: "/", change: func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		}, want: http.StatusForbidden},
		{name: "another method", method: http.MethodDelete, target: "/", want: http.StatusMethodNotAllowed},
		{name: "a wrong token", target: "/?token=0", want: http.StatusForbidden},
		{name: "a form", method: http.MethodPost, target: "/do/suspend/apps/a", form: form, want: http.StatusOK},
		{name: "a form without the token", method: http.MethodPost, target: "/do/suspend/apps/a", form: url.Values{}, want: http.StatusForbidden},
		{name: "a form of another site", method: http.MethodPost, target: "/do/suspend/apps/a", form: form, change: func(r *http.Request) {
			r.Header.Set("Origin", "http://evil.example")
		}, want: http.StatusForbidden},
		{name: "a form of nowhere", method: http.MethodPost, target: "/do/suspend/apps/a", form: form, change: func(r *http.Request) {
			r.Header.Del("Origin")
		}, want: http.StatusForbidden},
		{name: "a form of another port", method: http.MethodPost, target: "/do/suspend/apps/a", form: form, change: func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-site")
		}, want: http.StatusForbidden},
		{name: "a large form", method: http.MethodPost, target: "/do/suspend/apps/a", form: url.Values{
			"csrf": form["csrf"], "more": {strings.Repeat("x", maxBody)},
		}, want: http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			method := c.method
			if method == "" {
				method = http.MethodGet
			}
			r := s.request(method, c.target, c.form)
			if c.change != nil {
				c.change(r)
			}
			w := s.serve(r)
			g.Expect(w.Code).To(Equal(c.want), w.Body.String())
			g.Expect(w.Header().Get("Content-Security-Policy")).To(And(HavePrefix("default-src 'none';"), ContainSubstring("frame-ancestors 'none'"), Not(ContainSubstring("unsafe"))))
			g.Expect(w.Header().Get("Cache-Control")).To(Equal("no-store"))
			g.Expect(w.Header().Get("Referrer-Policy")).To(Equal("no-referrer"))
			g.Expect(w.Header().Get("X-Content-Type-Options")).To(Equal("nosniff"))
		})
	}
}

func TestServer_exchanges_the_token_for_a_cookie(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newSite(t, interceptor.Funcs{})
	entry, err := url.Parse(s.Address())
	g.Expect(err).NotTo(HaveOccurred())
	r := httptest.NewRequest(http.MethodGet, s.Address(), nil)
	g.Expect(r.Host).To(Equal(address))
	w := s.serve(r)
	g.Expect(w.Code).To(Equal(http.StatusOK))
	g.Expect(w.Body.String()).To(And(ContainSubstring("url=/"), Not(ContainSubstring(entry.Query().Get("token")))))
	cookies := w.Result().Cookies()
	g.Expect(cookies).To(HaveLen(1))
	g.Expect(cookies[0].HttpOnly).To(BeTrue())
	g.Expect(cookies[0].SameSite).To(Equal(http.SameSiteStrictMode))
	g.Expect(cookies[0].Value).NotTo(ContainSubstring(entry.Query().Get("token")))

	r = httptest.NewRequest(http.MethodGet, "http://"+address+"/", nil)
	r.AddCookie(cookies[0])
	g.Expect(s.serve(r).Code).To(Equal(http.StatusOK))
}

func TestNew_serves_loopback_only(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	_, err := New(Options{}, "192.0.2.1:80")
	g.Expect(err).To(MatchError(ContainSubstring("not an address of loopback")))
}

// stream reads the events of a page.
func (s *site) stream(t *testing.T, target string) func() string {
	t.Helper()
	g := NewWithT(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = address
		s.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	r := s.request(http.MethodGet, target, nil)
	r, err := http.NewRequestWithContext(t.Context(), r.Method, server.URL+target, nil)
	g.Expect(err).NotTo(HaveOccurred())
	r.AddCookie(&http.Cookie{Name: s.guard.cookie(), Value: s.guard.session()})
	response, err := http.DefaultClient.Do(r)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = response.Body.Close() })
	g.Expect(response.StatusCode).To(Equal(http.StatusOK))
	lines := bufio.NewScanner(response.Body)
	return func() string {
		event := ""
		for lines.Scan() && lines.Text() != "" {
			event += lines.Text() + "\n"
		}
		return event
	}
}

func TestEvents_carry_what_is_new(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newSite(t, interceptor.Funcs{}, trigger("apps", "shop"))
	next := s.stream(t, "/events/")
	g.Expect(next()).To(And(HavePrefix("event: live\n"), ContainSubstring("apps/shop"), Not(ContainSubstring("apps/new"))))
	g.Expect(s.Create(t.Context(), trigger("apps", "new"))).To(Succeed())
	g.Expect(next()).To(And(HavePrefix("event: live\n"), ContainSubstring("apps/new")))
}

func TestPages_say_what_is_gone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newSite(t, interceptor.Funcs{})
	w := s.get("/board/apps/gone")
	g.Expect(w.Code).To(Equal(http.StatusNotFound))
	g.Expect(w.Body.String()).To(ContainSubstring("ValuesTrigger apps/gone does not exist, or has been deleted."))
}
