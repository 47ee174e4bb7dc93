// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// answerTimeout is longer than the minute after which the API server itself gives
	// a request up. Without an answer by then, none will come.
	answerTimeout = 75 * time.Second

	// watchGrace is what a watch gets beyond the time it asked for, at the end of which
	// the API server closes it. One that is still open then is open on one side only.
	watchGrace = 30 * time.Second
)

// errSilence reports that a request was answered by no one.
var errSilence = errors.New("no answer in time")

// transport sends requests through the breaker.
type transport struct {
	breaker *Breaker
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper. A read that gets no answer waits with the
// others if the breaker is closed. A write returns its error: it may have been carried out.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	read := (req.Method == http.MethodGet || req.Method == http.MethodHead) && (req.Body == nil || req.Body == http.NoBody)
	for {
		if err := t.breaker.pass(req.Context(), read); err != nil {
			if req.Body != nil {
				_ = req.Body.Close() // A transport does that in any case.
			}
			return nil, err
		}
		resp, err := t.send(req)
		switch {
		case err == nil && !absent(resp.StatusCode):
			t.breaker.answered()
			return resp, nil
		case err != nil && req.Context().Err() != nil:
			return nil, err // Says nothing about the API server.
		}
		if closed := t.breaker.failed(reason(resp, err)); !closed || !read {
			return resp, err
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
	}
}

// absent reports whether an answer is one that is given instead of the API server's, or by
// one that cannot do its work.
func absent(code int) bool {
	return code == http.StatusBadGateway || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout
}

func reason(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("answer %s", resp.Status)
}

// send sends a request, and ends it when it cannot be answered any more.
func (t *transport) send(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	limit, watch := patience(req)
	timer := time.AfterFunc(limit, func() { cancel(errSilence) })
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		timer.Stop()
		if cause := context.Cause(ctx); errors.Is(cause, errSilence) {
			err = cause
		}
		cancel(nil)
		return nil, err
	}
	if !watch {
		timer.Stop()
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: ctx, done: func() {
		timer.Stop()
		cancel(nil)
	}}
	return resp, nil
}

// WrappedRoundTripper lets client-go find the transport beneath.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// patience returns how long to wait for an answer, or for the end of a watch.
func patience(req *http.Request) (limit time.Duration, watch bool) {
	query := req.URL.Query()
	seconds, err := strconv.Atoi(query.Get("timeoutSeconds"))
	if query.Get("watch") != "true" || err != nil {
		return answerTimeout, false
	}
	return time.Duration(seconds)*time.Second + watchGrace, true
}

// body is that of an answer.
type body struct {
	io.ReadCloser
	ctx  context.Context
	done func()
}

// Read implements io.Reader. A watch that was ended looks as if the API server had
// closed it: it goes on where it was.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && errors.Is(context.Cause(b.ctx), errSilence) {
		err = io.EOF
	}
	return n, err
}

// Close implements io.Closer, and releases what belongs to the request.
func (b *body) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}
