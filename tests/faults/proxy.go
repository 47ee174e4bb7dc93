// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package faults puts a proxy between a client and the API server that fails requests
// as configured, to see how the client copes.
package faults

import (
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// Request is what a rule may look at.
type Request struct {
	*http.Request

	// Number counts the requests since the proxy was started, Write those among
	// them that change something. Both begin at 1; Write is 0 for a read and for a
	// dry run.
	Number int
	Write  int
}

// Watch reports whether the request is a watch.
func (r Request) Watch() bool { return r.URL.Query().Get("watch") == "true" }

// About reports whether the request is about a resource, by its plural name.
func (r Request) About(resource string) bool {
	return slices.Contains(strings.Split(r.URL.Path, "/"), resource)
}

// Namespace returns the namespace that the request is about, or nothing.
func (r Request) Namespace() string {
	parts := r.below()
	if len(parts) < 2 {
		return ""
	}
	return parts[0]
}

// Object returns the kind of the object in a namespace that the request is about, by its
// plural name and that of the subresource, and its name. Both are empty for others, and for
// a creation by POST.
func (r Request) Object() (kind, name string) {
	parts := r.below()
	if len(parts) < 3 {
		return "", ""
	}
	return strings.Join(append(parts[1:2:2], parts[3:]...), "/"), parts[0] + "/" + parts[2]
}

// below returns the namespace of a path, and what is in it.
func (r Request) below() []string {
	_, below, _ := strings.Cut(r.URL.Path, "/namespaces/")
	return strings.Split(below, "/")
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
	end      context.CancelFunc
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
	alive, end := context.WithCancel(context.Background())
	p.end = end
	p.next = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			drop(w)
		},
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.BaseContext = func(net.Listener) context.Context { return alive }
	p.server.StartTLS() // Without TLS, a kubeconfig's credentials are not sent.
	return p, nil
}

// URL is the address for clients.
func (p *Proxy) URL() string { return p.server.URL }

// CA is the certificate by which clients know the proxy, in PEM.
func (p *Proxy) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

// Stop ends the proxy and all connections: also those that a client, which still runs, makes
// meanwhile, for the server waits until all requests are answered.
func (p *Proxy) Stop() {
	close(p.stop)
	p.end()
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
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !r.URL.Query().Has("dryRun") {
		p.writes++
		request.Write = p.writes
	}
	if p.rule == nil {
		return Fault{}
	}
	fault := p.rule(request)
	if fault.happens() {
		p.injected++
	}
	return fault
}
