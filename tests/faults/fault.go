// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
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

	// Delay holds the request back first, Hold until it is closed. With Drop it is a
	// request that runs into a timeout.
	Delay time.Duration
	Hold  <-chan struct{}

	// CloseAfter ends a watch after that time, StallAfter lets it go silent.
	CloseAfter time.Duration
	StallAfter time.Duration

	// Expired answers a watch with a stream that says that the version is too old: 410
	// Gone, as an event.
	Expired bool

	// Then is called when the fault has happened: at the drop, or before the
	// answer.
	Then func()
}

// happens reports whether the fault is one.
func (f Fault) happens() bool {
	return f.Code != 0 || f.Drop || f.Expired || f.Delay > 0 || f.Hold != nil || f.CloseAfter > 0 || f.StallAfter > 0
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
	case fault.Expired:
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"type":"ERROR","object":%s}`+"\n", status(Fault{Code: http.StatusGone}))
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

var reasons = map[int]string{
	http.StatusForbidden: "Forbidden", http.StatusConflict: "Conflict", http.StatusGone: "Expired",
	http.StatusTooManyRequests: "TooManyRequests", http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusGatewayTimeout: "Timeout",
}

// status returns what the API server writes in the place of an object.
func status(fault Fault) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"injected fault","reason":%q,"code":%d,"details":{"retryAfterSeconds":%d}}`,
		reasons[fault.Code], fault.Code, fault.RetryAfter)
}

// answer writes a status as the API server would.
func answer(w http.ResponseWriter, fault Fault) {
	w.Header().Set("Content-Type", "application/json")
	if fault.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(fault.RetryAfter))
	}
	w.WriteHeader(fault.Code)
	_, _ = fmt.Fprint(w, status(fault))
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

// discard takes an answer that no one is to see.
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
