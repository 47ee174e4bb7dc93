// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	// With retries after 1, 2, 4 and 5 seconds a restart of the receiver is
	// survived, and one event holds up the others for no longer.
	maxRetryWait = 5 * time.Second

	// maxAnswer is how much of an answer is kept; it is only logged.
	maxAnswer = 4 << 10
)

// client returns a copy of Flux's client that gives up when the operator stops,
// and that does not leak the connection of an answer with a body.
func (r *Recorder) client(flux *retryablehttp.Client) *retryablehttp.Client {
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.HTTPClient.Timeout = flux.HTTPClient.Timeout
	client.HTTPClient.Transport = readAnswers{flux.HTTPClient.Transport}
	client.RetryMax = flux.RetryMax
	client.RetryWaitMin = flux.RetryWaitMin
	client.RetryWaitMax = maxRetryWait
	client.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		// notification-controller answers 429 to what it has got already.
		r.taken = err == nil && (resp.StatusCode < http.StatusBadRequest || resp.StatusCode == http.StatusTooManyRequests)
		if r.stopping.Load() {
			return false, nil
		}
		return flux.CheckRetry(ctx, resp, err)
	}
	return client
}

// readAnswers is a transport that reads answers to their end: Flux's recorder
// does not close them, which would keep a connection and two goroutines for each
// event that is answered with a text.
type readAnswers struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t readAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer of the events receiver: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// discard is the Kubernetes half of the forwarding recorder: those events were
// recorded before.
type discard struct{}

func (discard) Event(runtime.Object, string, string, string) {}

func (discard) Eventf(runtime.Object, string, string, string, ...any) {}

func (discard) AnnotatedEventf(runtime.Object, map[string]string, string, string, string, ...any) {}
