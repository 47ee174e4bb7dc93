// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"time"
)

const (
	// maxBody is how much of an answer is read.
	maxBody = 1 << 20

	maxResponseHeader = 64 << 10

	// concurrent is how many requests a provider gets at a time, and waiting how many more wait for
	// their turn. They wait no longer than a request may take.
	concurrent = 8
	waiting    = 512
)

// asker asks one provider.
type asker struct {
	Provider

	files  map[string]string
	header http.Header
	http   *http.Client

	// unusable says why it cannot be used. Empty if it can.
	unusable string

	queue chan struct{}
	turn  chan struct{}
}

// newAsker returns what asks a provider with the files of its Secret.
func newAsker(p Provider, files map[string]string, err error) *asker {
	a := &asker{
		Provider: p, files: files, header: http.Header{},
		queue: make(chan struct{}, concurrent+waiting), turn: make(chan struct{}, concurrent),
	}
	var with login
	if p.Credentials != "" && err == nil {
		with, err = newLogin(files)
	}
	if err != nil {
		a.unusable = fmt.Sprintf("provider %q cannot be used: %s", p.Name, err)
	}
	for name, value := range p.Headers {
		a.header.Set(name, value)
	}
	maps.Copy(a.header, with.header)

	security := &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: with.roots,
		InsecureSkipVerify: p.InsecureSkipVerify, //nolint:gosec // What the administrator has chosen for this provider.
	}
	if with.cert != nil {
		security.Certificates = []tls.Certificate{*with.cert}
	}
	a.http = &http.Client{
		Transport: &http.Transport{
			// Not the proxies of the environment: those may be meant for all but the services of the cluster.
			Proxy:                  proxy(p.ProxyURL),
			DialContext:            (&net.Dialer{Timeout: p.Timeout.Duration}).DialContext,
			TLSClientConfig:        security,
			TLSHandshakeTimeout:    p.Timeout.Duration,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    concurrent,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxResponseHeader,
			DisableCompression:     true,
		},
		// The administrator says where to connect, and no answer does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return a
}

func proxy(address string) func(*http.Request) (*url.URL, error) {
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return nil
	}
	return http.ProxyURL(u)
}

// same reports whether a provider is configured as this one, so that its connections are kept.
func (a *asker) same(p Provider, files map[string]string, err error) bool {
	return reflect.DeepEqual(a.Provider, p) && maps.Equal(a.files, files) && (err == nil || a.unusable != "")
}

// response is what a provider has answered. If there is no answer, problem says why.
type response struct {
	status   int
	body     []byte
	problem  string
	timedOut bool
}

// post sends a request when it is its turn. What it returns to say holds nothing of the address, the
// credentials and the answer but its status.
func (a *asker) post(ctx context.Context, path, contentType string, body []byte) response {
	if a.unusable != "" {
		return response{problem: a.unusable}
	}
	select {
	case a.queue <- struct{}{}:
	default:
		return response{problem: fmt.Sprintf("too many requests wait for provider %q", a.Name)}
	}
	defer func() { <-a.queue }()
	timer := time.NewTimer(a.Timeout.Duration)
	defer timer.Stop()
	select {
	case a.turn <- struct{}{}:
	case <-timer.C:
		return response{problem: fmt.Sprintf("provider %q is busy with other requests for longer than %s", a.Name, a.Timeout.Duration), timedOut: true}
	case <-ctx.Done():
		return response{problem: "the operator has stopped to ask"}
	}
	defer func() { <-a.turn }()
	return a.send(ctx, path, contentType, body)
}

func (a *asker) send(ctx context.Context, path, contentType string, body []byte) response {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout.Duration)
	defer cancel()
	address, err := url.Parse(a.Address)
	if err != nil {
		return response{problem: a.describe(err)}
	}
	if path != "" {
		address = address.JoinPath(path)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return response{problem: a.describe(err)}
	}
	request.Header = a.header.Clone()
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", "application/json")
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "helmrelease-trigger-operator")
	}
	answer, err := a.http.Do(request)
	if err != nil {
		return response{problem: a.describe(err), timedOut: timedOut(err)}
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	switch {
	case err != nil:
		return response{problem: a.describe(err), timedOut: timedOut(err)}
	case len(content) > maxBody:
		return response{problem: fmt.Sprintf("provider %q answers with more than %d bytes", a.Name, maxBody)}
	}
	return response{status: answer.StatusCode, body: content}
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// describe words an error. It quotes nothing: errors of connections hold addresses and what the other
// side has said.
func (a *asker) describe(err error) string {
	var (
		name        *net.DNSError
		operation   *net.OpError
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
	)
	what := "the connection to provider %q has failed"
	switch {
	case timedOut(err):
		return fmt.Sprintf("provider %q has not answered within %s", a.Name, a.Timeout.Duration)
	case errors.As(err, &name):
		what = "the name of the host of provider %q cannot be resolved"
	case errors.As(err, &certificate), errors.As(err, &authority):
		what = "the certificate of provider %q is not valid, or not of an authority that is trusted"
	case errors.As(err, &operation) && operation.Op == "dial":
		what = "provider %q cannot be reached"
	}
	return fmt.Sprintf(what, a.Name)
}
