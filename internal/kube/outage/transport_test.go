// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
)

func TestTransport_a_request_that_nobody_answers_ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		s := &server{answer: status(http.StatusOK)}
		rt := New(logr.Discard()).Wrap(s)
		_, err := rt.RoundTrip(request(t.Context(), http.MethodGet, ""))
		g.Expect(err).NotTo(HaveOccurred())
		s.set(silent)
		start := time.Now()
		_, err = rt.RoundTrip(request(t.Context(), http.MethodGet, ""))
		g.Expect(err).To(MatchError(errSilence))
		g.Expect(time.Since(start)).To(Equal(answerTimeout))
	})
}

// open answers with a stream that ends with the request.
func open(req *http.Request) (*http.Response, error) {
	in, out := io.Pipe()
	go func() {
		<-req.Context().Done()
		_ = out.CloseWithError(req.Context().Err())
	}()
	return &http.Response{StatusCode: http.StatusOK, Body: in}, nil
}

func TestTransport_a_watch_that_outlives_its_time_ends_as_if_it_were_closed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		rt := New(logr.Discard()).Wrap(&server{answer: open})
		start := time.Now()
		resp, err := rt.RoundTrip(request(t.Context(), http.MethodGet, "watch=true&timeoutSeconds=300"))
		g.Expect(err).NotTo(HaveOccurred())
		text, err := io.ReadAll(resp.Body)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(text).To(BeEmpty())
		g.Expect(time.Since(start)).To(Equal(5*time.Minute + watchGrace))
		g.Expect(resp.Body.Close()).To(Succeed())
	})
}

func TestTransport_an_answer_may_be_read_for_as_long_as_it_takes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		rt := New(logr.Discard()).Wrap(&server{answer: open})
		resp, err := rt.RoundTrip(request(t.Context(), http.MethodGet, ""))
		g.Expect(err).NotTo(HaveOccurred())
		read := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(resp.Body)
			read <- err
		}()
		time.Sleep(time.Hour)
		g.Expect(read).To(BeEmpty())
		g.Expect(resp.Body.Close()).To(Succeed())
		g.Expect(<-read).To(HaveOccurred())
	})
}
