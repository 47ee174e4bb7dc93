// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

func TestService_credentials_are_sent_and_reloaded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var got atomic.Pointer[http.Header]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(&r.Header)
		_, _ = w.Write([]byte(scalar))
	}))
	t.Cleanup(server.Close)
	s := newScene(t, providers(provider("p", Prometheus, server.URL, "credentials: DIR/secret", "headers: {X-Plain: plain, X-Both: plain}")))
	g.Expect(s.one(g)).To(Equal(unanswered(`provider "p" cannot be used: its Secret is not there`)))
	g.Expect(got.Load()).To(BeNil())

	for _, c := range []struct {
		files map[string]string
		want  map[string]string
	}{
		{map[string]string{"bearerToken": secret + "\n"}, map[string]string{"Authorization": "Bearer " + secret, "X-Plain": "plain"}},
		{map[string]string{"username": "me\n", "password": secret}, map[string]string{"Authorization": "Basic bWU6cDRzc3cwcmQ="}},
		{map[string]string{"header-Authorization": "ApiKey " + secret}, map[string]string{"Authorization": "ApiKey " + secret}},
		{map[string]string{"header-X-Both": secret, "unknown": "x"}, map[string]string{"Authorization": "", "X-Both": secret}},
	} {
		mount(g, filepath.Join(s.dir, "secret"), c.files)
		s.load()
		g.Expect(s.one(g)).To(Equal(successful(0.25)))
		for name, value := range c.want {
			g.Expect(got.Load().Get(name)).To(Equal(value), name)
		}
	}
	mount(g, filepath.Join(s.dir, "secret"), nil)
	s.load()
	g.Expect(s.one(g)).To(Equal(unanswered(`provider "p" cannot be used: its Secret is not there`)), "it was deleted")
}

func TestService_credentials_that_cannot_be_used(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]map[string]string{
		"ca.crt of its Secret has no certificate":                                                            {"ca.crt": secret},
		"tls.crt and tls.key of its Secret do not belong together":                                           {"tls.crt": secret, "tls.key": secret},
		"its Secret needs both username and password":                                                        {"username": secret},
		"its Secret has more than one of username, bearerToken and header-Authorization":                     {"bearerToken": secret, "header-Authorization": secret},
		"header-X-Key of its Secret has a value with control characters or others that a header cannot have": {"header-X-Key": secret + "\nHost: x"},
		"bearerToken of its Secret has a value with control characters or others that a header cannot have":  {"bearerToken": secret + "\x00"},
		"header-Host of its Secret is set by the operator itself":                                            {"header-Host": secret},
	} {
		g := NewWithT(t)
		s := newScene(t, providers(provider("p", HTTP, "http://127.0.0.1:1", "credentials: DIR/secret")))
		mount(g, filepath.Join(s.dir, "secret"), files)
		s.load()
		g.Expect(s.one(g)).To(Equal(unanswered(`provider "p" cannot be used: ` + want)))
		g.Expect(s.events.Events).To(Receive(ContainSubstring("its Secret is not there")))
		g.Expect(s.events.Events).To(Receive(Equal(`Warning ProviderInvalid provider "p" cannot be used: ` + want)))
	}
}

func TestService_TLS_with_an_authority_and_a_certificate_that_are_replaced(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ca, other, clients := newAuthority(g), newAuthority(g), newAuthority(g)
	server := ca.serve(t, g, &clients, answering(200, scalar))
	s := newScene(t, providers(provider("p", Prometheus, server.URL, "credentials: DIR/secret")))
	dir := filepath.Join(s.dir, "secret")
	cert, key := clients.issue(g)

	mount(g, dir, map[string]string{"ca.crt": other.pem, "tls.crt": cert, "tls.key": key})
	s.load()
	g.Expect(s.one(g)).To(Equal(unanswered(`the certificate of provider "p" is not valid, or not of an authority that is trusted`)))

	mount(g, dir, map[string]string{"ca.crt": ca.pem})
	s.load()
	g.Expect(s.one(g)).To(Equal(unanswered(`the connection to provider "p" has failed`)), "the server wants a certificate")

	mount(g, dir, map[string]string{"ca.crt": ca.pem, "tls.crt": cert, "tls.key": key})
	s.load()
	g.Expect(s.one(g)).To(Equal(successful(0.25)))

	insecure := newScene(t, providers(provider("p", Prometheus, newAuthority(g).serve(t, g, nil, answering(200, scalar)).URL, "insecureSkipVerify: true")))
	g.Expect(insecure.one(g)).To(Equal(successful(0.25)))
}

func TestService_configuration_is_reloaded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	server := serve(t, 200, scalar)
	a := &triggerv1.Analysis{Metrics: []triggerv1.AnalysisMetric{metric("errors", "p")}}
	s := newScene(t, providers(provider("q", HTTP, server.URL)), triggerWith("measured", a), triggerWith("plain", nil))
	g.Eventually(s.Measured()).Should(Receive(HaveField("Object.Name", "measured")), "as it was loaded")
	g.Expect(s.Check("apps", a)).To(MatchError(`.metrics[0].provider: "p" is not configured for namespace apps; these are: q`))

	s.load()
	g.Consistently(s.Measured(), "50ms").ShouldNot(Receive(), "nothing has changed")

	s.config(g, providers(provider("p", Prometheus, server.URL), provider("q", HTTP, server.URL)))
	s.load()
	g.Eventually(s.Measured()).Should(Receive(HaveField("Object.Name", "measured")))
	g.Expect(s.Check("apps", a)).To(Succeed())
	p := s.clients["p"]

	s.config(g, "providers: [{name: p, secret: "+secret+"}]")
	s.load()
	g.Expect(s.meter.ok).To(BeFalse())
	g.Expect(s.Check("apps", a)).To(Succeed(), "the former one holds")
	a.Metrics[0].Provider = "r"
	g.Expect(s.Check("apps", a)).To(MatchError(HaveSuffix("these are: p, q; the configuration of the providers cannot be read, as the log of the operator says")))
	g.Eventually(s.Measured()).Should(Receive())
	s.load()
	g.Expect(strings.Count(s.log.String(), "keep the former one")).To(Equal(1), "it is said once")
	g.Expect(s.events.Events).To(Receive(And(HavePrefix("Warning ProviderInvalid cannot read the providers of analysis, and keeps the former ones: "), ContainSubstring(`unknown field "secret"`))))
	g.Expect(s.events.Events).NotTo(Receive())

	s.config(g, providers(provider("p", Prometheus, server.URL)))
	s.load()
	g.Expect(s.meter.ok).To(BeTrue())
	g.Expect(s.clients["p"]).To(BeIdenticalTo(p), "its connections are kept")
	g.Expect(s.clients).To(HaveLen(1))
	g.Expect(os.Remove(filepath.Join(s.dir, "providers.yaml"))).To(Succeed())
	s.load()
	g.Expect(s.clients).To(HaveLen(1))
}

func TestService_starts_without_a_configuration_that_it_can_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	a := &triggerv1.Analysis{Metrics: []triggerv1.AnalysisMetric{metric("errors", "p")}}
	s := newScene(t, "providers: 1")
	g.Expect(s.Check("apps", a)).To(MatchError(ContainSubstring("cannot be read, as the log of the operator says")))
	g.Expect(s.Check("apps", nil)).To(Succeed())
	g.Expect(New("", nil, newMeter(), s.events, nil, s.log.logger()).Check("apps", a)).To(
		MatchError(".metrics[0].provider: no provider is configured (chart value analysis.providers)"))
}

func TestService_Check(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(t, providers(provider("all", Prometheus, "http://x"), provider("team", HTTP, "http://x", "namespaces: [team-*, apps]")))
	hooks := func(names ...string) *triggerv1.Analysis {
		a := &triggerv1.Analysis{}
		for _, name := range names {
			a.Webhooks = append(a.Webhooks, webhook(name, name, triggerv1.WebhookGate))
		}
		return a
	}
	for _, namespace := range []string{"apps", "team-", "team-a"} {
		g.Expect(s.Check(namespace, hooks("team"))).To(Succeed())
	}
	g.Expect(s.Check("team", hooks("team"))).To(MatchError(`.webhooks[0].provider: "team" is not configured for namespace team`))
	g.Expect(s.Check("apps", hooks("team", "all"))).To(MatchError(`.webhooks[1].provider: "all" is of type Prometheus, and a webhook needs one of type HTTP`))
	g.Expect(s.Check("apps", hooks("none"))).To(MatchError(`.webhooks[0].provider: "none" is not configured for namespace apps; these are: team`))

	request := requestOf(1, metric("errors", "team"))
	request.Subject.Trigger.Namespace = "other"
	g.Expect(s.measured(g, request).Metrics["errors"]).To(Equal(unanswered(`provider "team" is not configured`)), "nor is it queried")
}

// A provider that hangs holds up neither who asks nor other providers, and gets a bounded number of requests.
func TestService_a_provider_that_hangs_holds_up_no_other(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var present, peak atomic.Int32
	dead := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		now := present.Add(1)
		defer present.Add(-1)
		for most := peak.Load(); now > most && !peak.CompareAndSwap(most, now); most = peak.Load() {
			continue
		}
		hang(r)
	}))
	t.Cleanup(dead.Close)
	s := newScene(t, providers(provider("dead", Prometheus, dead.URL, "timeout: 30s"), provider("p", Prometheus, serve(t, 200, scalar).URL)))
	for i := range concurrent + waiting {
		request := requestOf(1, metric("errors", "dead"))
		request.Stage = time.Duration(i).String()
		_, done := s.Measure(request)
		g.Expect(done).To(BeFalse())
	}
	g.Eventually(func() int { return len(s.clients["dead"].queue) }).Should(Equal(concurrent + waiting))
	g.Expect(s.one(g)).To(Equal(successful(0.25)))
	g.Expect(s.measured(g, requestOf(1, metric("errors", "dead"))).Metrics["errors"]).To(Equal(unanswered(`too many requests wait for provider "dead"`)))
	g.Eventually(peak.Load).Should(BeEquivalentTo(concurrent))
}

func TestService_Measure_asks_once_and_keeps_the_answer(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var asked atomic.Int32
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if asked.Add(1) == 1 {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
		_, _ = w.Write([]byte(scalar))
	}))
	t.Cleanup(server.Close)
	s := newScene(t, providers(provider("p", Prometheus, server.URL)))
	first, second := requestOf(1, metric("errors", "p")), requestOf(2, metric("errors", "p"))
	for range 5 {
		_, done := s.Measure(first)
		g.Expect(done).To(BeFalse())
	}
	g.Eventually(asked.Load).Should(BeEquivalentTo(1))

	g.Expect(s.measured(g, second).Metrics["errors"]).To(Equal(successful(0.25)), "the first one is overtaken")
	close(hold)
	for range 5 {
		out, done := s.Measure(second)
		g.Expect(done).To(BeTrue())
		g.Expect(out.Key).To(Equal(second.Key))
	}
	g.Expect(asked.Load()).To(BeEquivalentTo(2))
	g.Consistently(s.Measured(), "50ms").ShouldNot(Receive(), "no one waits for the first one")

	for _, m := range s.kept { // A gate that was open when the trigger was suspended may be closed when it is resumed.
		m.done = m.done.Add(-keep)
	}
	g.Expect(s.measured(g, second).Metrics["errors"]).To(Equal(successful(0.25)), "what is old is requested again")
	g.Expect(asked.Load()).To(BeEquivalentTo(3))

	s.sweep(time.Now())
	g.Expect(s.kept).To(HaveLen(1))
	s.sweep(time.Now().Add(keep))
	g.Expect(s.kept).To(BeEmpty())
	g.Expect(s.measured(g, second).Metrics["errors"]).To(Equal(successful(0.25)), "what is lost is requested again")
}

// An answer that is kept under another key is one to another question: the planner would refuse it for ever.
func TestService_Measure_asks_again_under_another_key(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(scalar))
	}))
	t.Cleanup(server.Close)
	s := newScene(t, providers(provider("p", Prometheus, server.URL)))
	request := requestOf(1, metric("errors", "p"))
	s.measured(g, request)
	for i, change := range []func(*analysis.Key){
		func(k *analysis.Key) { k.Trigger = "another" },
		func(k *analysis.Key) { k.Digest = "sha256:def" },
		func(k *analysis.Key) { k.Stage = "prod" },
		func(k *analysis.Key) { k.Purpose = analysis.Start },
		func(k *analysis.Key) { k.Number++ },
		func(k *analysis.Key) { k.Spec = "another" },
	} {
		change(&request.Key)
		g.Expect(s.measured(g, request).Key).To(Equal(request.Key))
		g.Expect(asked.Load()).To(BeEquivalentTo(i + 2))
	}
}

func TestService_ends_what_it_asks_with_the_operator(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var asked atomic.Int32
	dead := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		hang(r)
	}))
	t.Cleanup(dead.Close)
	s := newScene(t, providers(provider("p", HTTP, dead.URL, "timeout: 1m")))
	_, _ = s.Measure(requestOf(1, metric("errors", "p")))
	s.Inform(analysis.Notice{Subject: requestOf(1).Subject, Webhooks: []triggerv1.AnalysisWebhook{webhook("chat", "p", triggerv1.WebhookEvent)}})
	g.Eventually(asked.Load).Should(BeEquivalentTo(2))
	s.end()
	_, done := s.Measure(requestOf(2, metric("errors", "p")))
	g.Expect(done).To(BeFalse())
	s.Inform(analysis.Notice{Subject: requestOf(1).Subject, Webhooks: []triggerv1.AnalysisWebhook{webhook("chat", "p", triggerv1.WebhookEvent)}})
	g.Expect(asked.Load()).To(BeEquivalentTo(2))
}

// Not parallel: it counts what all other tests have left.
func TestService_leaves_no_goroutine_behind(t *testing.T) {
	g := NewWithT(t)
	t.Run("measure", func(t *testing.T) {
		s := newScene(t, providers(provider("p", Prometheus, serve(t, 200, scalar).URL)))
		s.one(NewWithT(t))
	})
	g.Eventually(func() string { return stacks("measure.(*Service)") }).Should(BeEmpty())
}
