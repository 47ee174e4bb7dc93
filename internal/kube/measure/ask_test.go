// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

func vector(samples ...string) string {
	return `{"status":"success","warnings":["` + secret + `"],"data":{"resultType":"vector","result":[` + strings.Join(samples, ",") + `]}}`
}

func sample(value string) string {
	return `{"metric":{"token":"` + secret + `"},"value":[1700000000,"` + value + `"]}`
}

func TestService_Measure_asks_prometheus(t *testing.T) {
	t.Parallel()
	histogram := `{"metric":{},"histogram":[1700000000,{"count":"1","sum":"1","buckets":[]}]}`
	for name, c := range map[string]struct {
		status int
		body   string
		want   analysis.Answer
		result string
	}{
		"a scalar":       {200, scalar, successful(0.25), ResultOK},
		"one sample":     {200, vector(sample("0.98")), successful(0.98), ResultOK},
		"no sample":      {200, vector(), unanswered("the query returns no data"), ResultNoData},
		"null":           {200, vector("null"), unanswered("the query returns no data"), ResultNoData},
		"two samples":    {200, vector(sample("1"), sample("2")), unanswered("the query returns 2 samples, where it has to return one"), ResultNoData},
		"NaN":            {200, vector(sample("NaN")), unanswered("the query returns NaN: a division of 0 by 0, for example"), ResultNoData},
		"a histogram":    {200, vector(histogram), unanswered("the query returns a histogram, where it has to return a number"), ResultNoData},
		"a matrix":       {200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, unanswered("the query returns neither a scalar nor a vector"), ResultNoData},
		"a string":       {200, `{"status":"success","data":{"resultType":"string","result":[1,"` + secret + `"]}}`, unanswered("the query returns neither a scalar nor a vector"), ResultNoData},
		"a broken query": {400, `{"status":"error","error":"` + secret + `"}`, unanswered(`provider "p" cannot execute the query (status 400)`), ResultError},
		"too much":       {422, `{"status":"error","error":"` + secret + `"}`, unanswered(`provider "p" cannot execute the query (status 422)`), ResultError},
		"an error in OK": {200, `{"status":"error","error":"` + secret + `"}`, unanswered(`provider "p" does not answer as Prometheus does`), ResultError},
		"garbage":        {200, secret, unanswered(`provider "p" does not answer as Prometheus does`), ResultError},
		"other JSON":     {200, `{"status":"success","data":{"resultType":"vector","result":{"a":"` + secret + `"}}}`, unanswered(`provider "p" does not answer as Prometheus does`), ResultError},
		"a bad scalar":   {200, `{"status":"success","data":{"resultType":"scalar","result":["` + secret + `"]}}`, unanswered(`provider "p" does not answer as Prometheus does`), ResultError},
		"unauthorized":   {401, secret, unanswered(`provider "p" answers with status 401`), ResultError},
		"unavailable":    {503, secret, unanswered(`provider "p" answers with status 503`), ResultError},
		"no content":     {204, "", unanswered(`provider "p" answers with status 204`), ResultError},
		"a redirect":     {302, secret, unanswered(`provider "p" answers with status 302, and redirects are not followed`), ResultError},
		"too large":      {200, strings.Repeat(secret, 1<<18), unanswered(`provider "p" answers with more than 1048576 bytes`), ResultError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newScene(t, providers(provider("p", Prometheus, serve(t, c.status, c.body).URL)))
			g.Expect(s.one(g)).To(Equal(c.want))
			g.Expect(s.meter.count("p " + c.result)).To(Equal(1))
		})
	}
}

func TestService_Measure_sends_the_query(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var got atomic.Pointer[http.Request]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got.Store(r)
		_, _ = w.Write([]byte(scalar))
	}))
	t.Cleanup(server.Close)
	s := newScene(t, providers(provider("p", Prometheus, server.URL+"/prometheus/", "timeout: 20s", "headers: {X-Scope-OrgID: tenant}")))
	g.Expect(s.one(g)).To(Equal(successful(0.25)))
	r := got.Load()
	g.Expect(r.Method).To(Equal(http.MethodPost))
	g.Expect(r.URL.String()).To(Equal("/prometheus/api/v1/query"))
	g.Expect(r.PostForm).To(Equal(url.Values{"query": {`errors{release=~"web"}`}, "timeout": {"20s"}}))
	g.Expect(r.Header.Get("X-Scope-OrgID")).To(Equal("tenant"))
	g.Expect(r.Header.Get("User-Agent")).To(Equal("helmrelease-trigger-operator"))
}

func TestService_Measure_takes_no_infinite_baseline(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(t, providers(provider("p", Prometheus, serve(t, 200, vector(sample("+Inf"))).URL)))
	request := requestOf(1, metric("errors", "p"))
	request.Purpose = analysis.Start
	g.Expect(s.measured(g, request).Metrics["errors"]).To(Equal(unanswered("the value is infinite, which is no baseline")))
	request.Purpose = analysis.Check
	g.Expect(*s.measured(g, request).Metrics["errors"].Value).To(BeNumerically(">", 1e308))
}

func TestService_Measure_asks_an_endpoint_for_a_value(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   analysis.Answer
	}{
		"a value":       {200, `{"value": 0.98, "token": "` + secret + `"}`, successful(0.98)},
		"created":       {201, `{"value": -1}`, successful(-1)},
		"no value":      {200, `{}`, unanswered(`provider "p" answers without a value`)},
		"null":          {200, `{"value": null}`, unanswered(`provider "p" answers without a value`)},
		"text":          {200, `{"value": "` + secret + `"}`, unanswered(`provider "p" does not answer with a JSON object with a number as value`)},
		"garbage":       {200, secret, unanswered(`provider "p" does not answer with a JSON object with a number as value`)},
		"no number":     {200, `{"value": 1e999}`, unanswered(`provider "p" does not answer with a JSON object with a number as value`)},
		"nothing":       {204, "", unanswered(`provider "p" does not answer with a JSON object with a number as value`)},
		"not found":     {404, secret, unanswered(`provider "p" answers with status 404`)},
		"broken":        {500, secret, unanswered(`provider "p" answers with status 500`)},
		"redirected":    {307, secret, unanswered(`provider "p" answers with status 307, and redirects are not followed`)},
		"two documents": {200, `{"value": 1}{"value": 2}`, unanswered(`provider "p" does not answer with a JSON object with a number as value`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newScene(t, providers(provider("p", HTTP, serve(t, c.status, c.body).URL)))
			g.Expect(s.one(g)).To(Equal(c.want))
		})
	}
}

func TestService_Measure_calls_webhooks(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]analysis.Answer{
		200: {Result: triggerv1.AnalysisSuccessful, Message: "status 200"},
		204: {Result: triggerv1.AnalysisSuccessful, Message: "status 204"},
		400: {Result: triggerv1.AnalysisFailed, Message: "status 400"},
		403: {Result: triggerv1.AnalysisFailed, Message: "status 403"},
		499: {Result: triggerv1.AnalysisFailed, Message: "status 499"},
		408: unanswered(`provider "p" answers with status 408`),
		429: unanswered(`provider "p" answers with status 429`),
		500: unanswered(`provider "p" answers with status 500`),
		503: unanswered(`provider "p" answers with status 503`),
		302: unanswered(`provider "p" answers with status 302, and redirects are not followed`),
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			body := secret
			if status == http.StatusNoContent {
				body = ""
			}
			s := newScene(t, providers(provider("p", HTTP, serve(t, status, body).URL)))
			request := requestOf(1)
			request.Webhooks = []triggerv1.AnalysisWebhook{webhook("smoke", "p", triggerv1.WebhookCheck)}
			g.Expect(s.measured(g, request).Webhooks).To(Equal(map[string]analysis.Answer{"smoke": want}))
		})
	}
}

// What is documented in the guide is what is sent.
func TestService_sends_what_changes_and_no_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	bodies := make(chan string, 3)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		_, _ = w.Write([]byte(`{"value": 1}`))
	}))
	t.Cleanup(server.Close)
	s := newScene(t, providers(provider("p", HTTP, server.URL+"/hook")))

	request := requestOf(3, metric("errors", "p"))
	s.measured(g, request)
	const common = `"trigger":{"namespace":"apps","name":"platform"},"stage":"canary","digest":"sha256:abc",` +
		`"cause":"ConfigMap apps/values sha256:abc by kubectl-edit","gitRevision":"main@sha1:1",` +
		`"releases":[{"namespace":"apps","name":"web"}]`
	g.Expect(<-bodies).To(MatchJSON(`{"version":"v1","purpose":"metric","name":"errors","number":3,"interval":"1m",` +
		`"query":"errors{release=~\"{{ .Releases }}\"}",` + common + `}`))

	request = requestOf(4)
	request.Webhooks = []triggerv1.AnalysisWebhook{webhook("change-board", "p", triggerv1.WebhookGate)}
	s.measured(g, request)
	g.Expect(<-bodies).To(MatchJSON(`{"version":"v1","purpose":"gate","name":"change-board","number":4,"interval":"1m",` + common + `}`))

	s.Inform(analysis.Notice{
		Event: analysis.Failed, Digest: "sha256:abc", Stage: "canary", Message: "errors: 0.31 is above 0.05", Subject: request.Subject,
		Webhooks: []triggerv1.AnalysisWebhook{webhook("chat", "p", triggerv1.WebhookEvent)},
	})
	g.Expect(<-bodies).To(MatchJSON(`{"version":"v1","purpose":"event","name":"chat","event":"Failed",` +
		`"message":"errors: 0.31 is above 0.05",` + common + `}`))
}

func TestService_an_answer_that_does_not_come_is_given_up(t *testing.T) {
	t.Parallel()
	hangs := func(_ http.ResponseWriter, r *http.Request) { hang(r) }
	trickles := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		hangs(w, r)
	}
	for name, handler := range map[string]http.HandlerFunc{"no header": hangs, "no body": trickles} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			s := newScene(t, providers(provider("p", Prometheus, server.URL, "timeout: 50ms")))
			g.Expect(s.one(g)).To(Equal(unanswered(`provider "p" has not answered within 50ms`)))
			g.Expect(s.meter.count("p " + ResultTimeout)).To(Equal(1))
		})
	}
}

func TestService_what_cannot_be_reached_gives_no_answer(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	closing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = connection.Write([]byte(secret))
			_ = connection.Close()
		}
	}))
	t.Cleanup(closing.Close)
	for address, want := range map[string]string{
		gone.URL:                   `provider "p" cannot be reached`,
		closing.URL:                `the connection to provider "p" has failed`,
		"http://p.example.invalid": `the name of the host of provider "p" cannot be resolved`,
	} {
		g := NewWithT(t)
		s := newScene(t, providers(provider("p", Prometheus, address)))
		g.Expect(s.one(g)).To(Equal(unanswered(want)))
	}
}

// The answer of a provider leads nowhere, and neither does anything in a trigger.
func TestService_connects_only_where_the_administrator_says(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	paths := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.Host + r.URL.String()
		w.Header().Set("Refresh", "0; url="+other.URL)
		http.Redirect(w, r, other.URL+"/"+secret, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	s := newScene(t, providers(provider("p", Prometheus, server.URL), provider("h", HTTP, server.URL+"/hook")))
	host := strings.TrimPrefix(server.URL, "http://")

	hostile := []string{other.URL, "//" + strings.TrimPrefix(other.URL, "http://"), "../../" + other.URL, "x\r\nHost: " + other.URL, "@" + other.URL, "?" + other.URL}
	for i, text := range hostile {
		request := requestOf(int64(i+1), metric("errors", "p"), metric("value", "h"), metric("elsewhere", text))
		request.Stage, request.Digest = text, text
		request.Subject.Cause, request.Subject.GitRevision = text, text
		request.Subject.Releases[0].Name = text
		for m := range request.Metrics {
			request.Metrics[m].Query = text
		}
		request.Webhooks = []triggerv1.AnalysisWebhook{webhook(text, "h", triggerv1.WebhookCheck), webhook("elsewhere", text, triggerv1.WebhookCheck)}
		answers := s.measured(g, request)
		g.Expect(answers.Metrics["elsewhere"].Message).To(HaveSuffix("is not configured"))
		g.Expect(answers.Webhooks["elsewhere"].Message).To(HaveSuffix("is not configured"))
		for range 3 {
			g.Expect(<-paths).To(BeElementOf(host+"/api/v1/query", host+"/hook"))
		}
	}
	g.Expect(paths).To(BeEmpty())
	g.Expect(elsewhere.Load()).To(BeZero())
}

func TestPayload_is_JSON(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	request := requestOf(1)
	request.Subject.Releases = nil
	var back map[string]any
	g.Expect(json.Unmarshal(payloadOf(request, "gate", "g").json(), &back)).To(Succeed())
	g.Expect(back["releases"]).To(BeEmpty(), "a list, even if it is empty")
	request.Interval = 90 * time.Second
	g.Expect(payloadOf(request, "gate", "g").Interval).To(Equal("1m30s"))
}
