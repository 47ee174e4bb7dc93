// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1"
)

const (
	// With retries after 1, 2, 4 and 5 seconds a restart of the receiver is
	// survived, and one event holds up the others for no longer.
	maxRetryWait  = 5 * time.Second
	answerTimeout = 5 * time.Second

	// maxAnswer is how much of an answer is read, so that its connection serves the next event.
	maxAnswer = 4 << 10

	// action is what the operator does when it reports an event. Flux's events name one.
	action = "Reconciling"
)

// forwarder posts events to a receiver in the form of Flux. Flux's recorder does not report
// what the receiver refuses, cannot stop retrying, and keeps a connection and two goroutines
// for each answer with a text until it times out.
type forwarder struct {
	client    *retryablehttp.Client
	address   string
	component string
	instance  string
}

// newForwarder returns a forwarder that stops retrying when stopping becomes true.
func newForwarder(address, component string, stopping *atomic.Bool) (*forwarder, error) {
	if _, err := url.Parse(address); err != nil {
		return nil, fmt.Errorf("invalid address of the events receiver: %w", err)
	}
	instance, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("cannot name this instance in events: %w", err)
	}
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.HTTPClient.Timeout = answerTimeout
	client.RetryWaitMax = maxRetryWait
	client.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if stopping.Load() || resp != nil && isDuplicate(resp) {
			return false, nil
		}
		return retryablehttp.ErrorPropagatedRetryPolicy(ctx, resp, err)
	}
	return &forwarder{client: client, address: address, component: component, instance: instance}, nil
}

// isDuplicate reports whether notification-controller has got the event already.
func isDuplicate(resp *http.Response) bool {
	return resp.StatusCode == http.StatusTooManyRequests
}

// post fails if the receiver does not take the event.
func (f *forwarder) post(ev event) error {
	severity := eventv1.EventSeverityInfo
	if ev.eventType == corev1.EventTypeWarning {
		severity = eventv1.EventSeverityError
	}
	body, err := json.Marshal(eventv1.Event{
		InvolvedObject:      *ev.ref,
		Severity:            severity,
		Timestamp:           metav1.Now(),
		Message:             ev.message,
		Reason:              ev.reason,
		Action:              action,
		Metadata:            ev.annotations,
		ReportingController: f.component,
		ReportingInstance:   f.instance,
	})
	if err != nil {
		return fmt.Errorf("cannot encode the event: %w", err)
	}
	resp, err := f.client.Post(f.address, "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return fmt.Errorf("cannot read the answer of the events receiver: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest && !isDuplicate(resp) {
		return fmt.Errorf("the events receiver answered %s", resp.Status)
	}
	return nil
}
