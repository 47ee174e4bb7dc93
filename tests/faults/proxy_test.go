// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
)

// through sends a request through a proxy with a fault, and returns the answer and how
// many requests the server behind it has carried out.
func through(t *testing.T, fault Fault, method, path string) (code int, text string, carriedOut int32, err error) {
	t.Helper()
	g := NewWithT(t)
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		count.Add(1)
		_, _ = w.Write(append([]byte("carried out: "), body...))
	}))
	t.Cleanup(server.Close)
	proxy, startErr := Start(&rest.Config{Host: server.URL})
	g.Expect(startErr).NotTo(HaveOccurred())
	t.Cleanup(proxy.Stop)
	proxy.Set(func(Request) Fault { return fault })

	req, reqErr := http.NewRequest(method, proxy.URL()+path, bytes.NewReader([]byte("body")))
	g.Expect(reqErr).NotTo(HaveOccurred())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
		content, _ := io.ReadAll(resp.Body)
		code, text = resp.StatusCode, string(content)
	}
	return code, text, count.Load(), err
}

func TestProxy_does_to_a_request_what_it_is_told(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault   Fault
		code    int
		says    string
		carried int32
		broken  bool
	}{
		"nothing":               {code: http.StatusOK, says: "carried out: body", carried: 1},
		"an answer":             {fault: Fault{Code: http.StatusConflict}, code: http.StatusConflict, says: `"reason":"Conflict"`},
		"dropped":               {fault: Fault{Drop: true}, broken: true},
		"dropped when done":     {fault: Fault{Drop: true, After: true}, broken: true, carried: 1},
		"slow":                  {fault: Fault{Delay: 10 * time.Millisecond}, code: http.StatusOK, says: "carried out", carried: 1},
		"slow, then dropped":    {fault: Fault{Delay: 10 * time.Millisecond, Drop: true}, broken: true},
		"too old to be watched": {fault: Fault{Expired: true}, code: http.StatusOK, says: `{"type":"ERROR","object":{"kind":"Status"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			code, text, carried, err := through(t, tt.fault, http.MethodPatch, "/api/v1/namespaces/ns/configmaps/name")
			g.Expect(err != nil).To(Equal(tt.broken))
			g.Expect(code).To(Equal(tt.code))
			g.Expect(strings.Contains(text, tt.says)).To(BeTrue(), text)
			g.Expect(carried).To(Equal(tt.carried))
		})
	}
}

// The one who asks is gone, as one that is killed at the moment of the fault.
func TestProxy_carries_out_what_is_dropped_when_done_even_if_nobody_waits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	done := false
	_, _, carried, err := through(t, Fault{Drop: true, After: true, Then: func() { done = true }}, http.MethodPatch, "/")
	g.Expect(err).To(HaveOccurred())
	g.Expect(done).To(BeTrue())
	g.Expect(carried).To(Equal(int32(1)))
}

func TestProxy_counts_as_writes_what_changes_something(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	proxy, err := Start(&rest.Config{Host: "http://127.0.0.1:1"})
	g.Expect(err).NotTo(HaveOccurred())
	defer proxy.Stop()
	for _, r := range []struct{ method, path string }{
		{http.MethodGet, "/"}, {http.MethodHead, "/"}, {http.MethodPatch, "/?dryRun=All"}, {http.MethodPatch, "/"}, {http.MethodDelete, "/"},
	} {
		proxy.decide(httptest.NewRequest(r.method, r.path, http.NoBody))
	}
	requests, writes, _ := proxy.Counts()
	g.Expect(requests).To(Equal(5))
	g.Expect(writes).To(Equal(2))
}

func TestRequest_says_what_it_is_about(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][2]string{
		"/apis/trigger.nebius.ai/v1beta1/namespaces/apps/valuestriggers/app/status?fieldManager=m": {"valuestriggers/status", "apps/app"},
		"/apis/helm.toolkit.fluxcd.io/v2/namespaces/apps/helmreleases/app":                          {"helmreleases", "apps/app"},
		"/api/v1/namespaces/apps/configmaps":                                                        {"", ""},
		"/api/v1/nodes/one":                                                                         {"", ""},
	} {
		g := NewWithT(t)
		kind, name := Request{Request: httptest.NewRequest(http.MethodPatch, path, http.NoBody)}.Object()
		g.Expect([2]string{kind, name}).To(Equal(want), path)
	}
}
