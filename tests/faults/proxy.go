// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package faults puts a proxy between a client and the API server that fails requests
// as told, to see what the client makes of it.
package faults

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Fault is what happens to one request. The zero value lets it pass.
type Fault struct {
	// Code answers with an HTTP status instead of asking the API server.
	Code int

	// RetryAfter, in seconds, goes with Code.
	RetryAfter int

	// Drop closes the connection: before the request reaches the API server, or
	// with After, when the API server has carried it out.
	Drop  bool
	After bool

	// Delay holds the request back first, Hold until it is closed.
	Delay time.Duration
	Hold  <-chan struct{}

	// CloseAfter ends a watch after that time, StallAfter lets it go silent.
	CloseAfter time.Duration
	StallAfter time.Duration

	// Then is called when the fault has happened: at the drop, or before the
	// answer.
	Then func()
}

// Request is what a rule may look at.
type Request struct {
	*http.Request

	// Number counts the requests since the proxy was started, Write those among
	// them that change something. Both begin at 1; Write is 0 for a read.
	Number int
	Write  int
}

// Watch tells whether the request is a watch.
func (r Request) Watch() bool { return r.URL.Query().Get("watch") == "true" }

// About tells whether the request is about a resource, by its plural name.
func (r Request) About(resource string) bool {
	return slices.Contains(strings.Split(r.URL.Path, "/"), resource)
}

// Rule decides about a request.
type Rule func(Request) Fault

// Proxy is a running proxy.
type Proxy struct {
	server *httptest.Server
	next   *httputil.ReverseProxy

	mu       sync.Mutex
	rule     Rule
	requests int
	writes   int
	injected int
	stop     chan struct{}
}

// Start runs a proxy to the API server of the config, without any of its credentials:
// who asks through the proxy brings its own.
func Start(config *rest.Config) (*Proxy, error) {
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("address of the API server: %w", err)
	}
	anonymous := rest.AnonymousClientConfig(config)
	anonymous.NextProtos = []string{"http/1.1"}
	transport, err := rest.TransportFor(anonymous)
	if err != nil {
		return nil, fmt.Errorf("transport to the API server: %w", err)
	}
	p := &Proxy{stop: make(chan struct{})}
	p.next = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			drop(w)
		},
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.StartTLS() // Without TLS, a kubeconfig's credentials are not sent.
	return p, nil
}

// URL is the address for clients.
func (p *Proxy) URL() string { return p.server.URL }

// CA is the certificate by which clients know the proxy, in PEM.
func (p *Proxy) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

// Stop ends the proxy and all connections.
func (p *Proxy) Stop() {
	close(p.stop)
	p.server.CloseClientConnections()
	p.server.Close()
}

// Set makes a rule decide about all requests from now on. Nil lets all pass.
func (p *Proxy) Set(rule Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// Disconnect ends all connections, watches among them. Clients come again.
func (p *Proxy) Disconnect() { p.server.CloseClientConnections() }

// Counts returns how many requests there were, how many of them were writes, and how
// many were failed.
func (p *Proxy) Counts() (requests, writes, injected int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests, p.writes, p.injected
}

// decide counts a request and asks the rule.
func (p *Proxy) decide(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	request := Request{Request: r, Number: p.requests}
	if r.Method != http.MethodGet {
		p.writes++
		request.Write = p.writes
	}
	if p.rule == nil {
		return Fault{}
	}
	fault := p.rule(request)
	if fault.Code != 0 || fault.Drop || fault.Delay > 0 || fault.Hold != nil || fault.CloseAfter > 0 || fault.StallAfter > 0 {
		p.injected++
	}
	return fault
}

// ServeHTTP passes a request on, or fails it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := p.decide(r)
	p.delay(r, fault)
	then := fault.Then
	if then == nil {
		then = func() {}
	}
	switch {
	case fault.Drop && fault.After:
		p.next.ServeHTTP(&discard{header: http.Header{}}, r)
		then()
		drop(w)
	case fault.Drop:
		then()
		drop(w)
	case fault.Code != 0:
		then()
		answer(w, fault)
	case fault.CloseAfter > 0:
		ctx, cancel := context.WithTimeout(r.Context(), fault.CloseAfter)
		defer cancel()
		p.next.ServeHTTP(w, r.WithContext(ctx))
	case fault.StallAfter > 0:
		p.next.ServeHTTP(&stalling{ResponseWriter: w, until: time.Now().Add(fault.StallAfter)}, r)
	default:
		p.next.ServeHTTP(w, r)
	}
}

// delay holds a request back, unless its client gives up.
func (p *Proxy) delay(r *http.Request, fault Fault) {
	hold := fault.Hold
	if fault.Delay > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), fault.Delay)
		defer cancel()
		hold = ctx.Done()
	}
	if hold == nil {
		return
	}
	select {
	case <-hold:
	case <-r.Context().Done():
	case <-p.stop:
	}
}

// answer writes a status as the API server would.
func answer(w http.ResponseWriter, fault Fault) {
	reasons := map[int]string{
		http.StatusForbidden: "Forbidden", http.StatusConflict: "Conflict", http.StatusGone: "Expired",
		http.StatusTooManyRequests: "TooManyRequests", http.StatusInternalServerError: "InternalError",
		http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusGatewayTimeout: "Timeout",
	}
	w.Header().Set("Content-Type", "application/json")
	if fault.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfter))
	}
	w.WriteHeader(fault.Code)
	_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"injected fault","reason":%q,"code":%d,"details":{"retryAfterSeconds":%d}}`,
		reasons[fault.Code], fault.Code, fault.RetryAfter)
}

// drop closes the connection without an answer.
func drop(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler) // The server's way to end a connection.
}

// discard takes an answer that nobody is to see.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// stalling passes an answer on until a time, and then keeps it back.
type stalling struct {
	http.ResponseWriter
	until time.Time
}

func (s *stalling) Write(b []byte) (int, error) {
	if time.Now().After(s.until) {
		return len(b), nil
	}
	return s.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (s *stalling) Flush() {
	if flusher, ok := s.ResponseWriter.(http.Flusher); ok && time.Now().Before(s.until) {
		flusher.Flush()
	}
}
