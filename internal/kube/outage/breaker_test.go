// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package outage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
)

// server answers in place of an API server.
type server struct {
	mu       sync.Mutex
	answer   func(*http.Request) (*http.Response, error)
	requests []time.Time
	writes   int
}

// RoundTrip implements http.RoundTripper.
func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	answer := s.answer
	s.requests = append(s.requests, time.Now())
	if req.Method != http.MethodGet {
		s.writes++
	}
	s.mu.Unlock()
	return answer(req)
}

func (s *server) set(answer func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) counts() (requests, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests), s.writes
}

func status(code int) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: io.NopCloser(strings.NewReader("text"))}, nil
	}
}

func refused(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

// silent answers when the client gives up.
func silent(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func request(ctx context.Context, method, query string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, method, "https://api.invalid/api/v1/configmaps?"+query, http.NoBody)
	if err != nil {
		panic(err)
	}
	return req
}

// down makes a breaker see that a server does not answer.
func down(rt http.RoundTripper) {
	for range failuresToClose {
		_, _ = rt.RoundTrip(request(context.Background(), http.MethodPatch, ""))
	}
}

func TestGate_while_nobody_answers_requests_are_few_however_many_ask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		s := &server{answer: refused}
		rt := New(logr.Discard()).Wrap(s)
		down(rt)
		before, _ := s.counts()
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		for range 100 {
			done.Go(func() { _, _ = rt.RoundTrip(request(ctx, http.MethodGet, "")) })
		}
		time.Sleep(10 * time.Minute)
		after, _ := s.counts()
		g.Expect(after-before).To(BeNumerically("~", 600, 60), "one a second")
		cancel()
		done.Wait()
	})
}

func TestGate_reads_are_answered_at_once_when_the_server_is_back(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		s := &server{answer: status(http.StatusServiceUnavailable)}
		rt := New(logr.Discard()).Wrap(s)
		down(rt)
		answers := make(chan int, 100)
		for range cap(answers) {
			go func() {
				resp, err := rt.RoundTrip(request(t.Context(), http.MethodGet, ""))
				if err == nil {
					answers <- resp.StatusCode
					_ = resp.Body.Close()
				}
			}()
		}
		time.Sleep(time.Hour)
		g.Expect(answers).To(BeEmpty(), "no read fails because of an outage")
		s.set(status(http.StatusOK))
		time.Sleep(2 * probeInterval)
		synctest.Wait()
		g.Expect(answers).To(HaveLen(cap(answers)))
	})
}

func TestGate_a_write_waits_too_and_does_not_find_out_while_a_read_can(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		s := &server{answer: refused}
		rt := New(logr.Discard()).Wrap(s)
		down(rt)
		_, before := s.counts()
		read, cancel := context.WithCancel(t.Context())
		go func() { _, _ = rt.RoundTrip(request(read, http.MethodGet, "")) }()
		synctest.Wait()
		var failed error
		go func() { _, failed = rt.RoundTrip(request(t.Context(), http.MethodPatch, "")) }()
		time.Sleep(time.Minute)
		_, writes := s.counts()
		g.Expect(writes).To(Equal(before))

		cancel()
		time.Sleep(3 * probeInterval)
		synctest.Wait()
		_, writes = s.counts()
		g.Expect(writes).To(Equal(before + 1))
		g.Expect(failed).To(MatchError("connection refused"), "no one knows whether it was carried out")
	})
}

func TestGate_the_first_request_is_sent_at_once_and_the_others_wait_for_its_answer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		var lines []string
		answer := make(chan struct{})
		s := &server{answer: func(req *http.Request) (*http.Response, error) {
			<-answer
			return status(http.StatusOK)(req)
		}}
		rt := New(funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})).Wrap(s)
		start := time.Now()
		var done sync.WaitGroup
		for range 10 {
			done.Go(func() {
				resp, err := rt.RoundTrip(request(t.Context(), http.MethodGet, ""))
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(resp.Body.Close()).To(Succeed())
			})
		}
		synctest.Wait()
		requests, _ := s.counts()
		g.Expect(requests).To(Equal(1))
		close(answer)
		done.Wait()
		g.Expect(time.Since(start)).To(BeZero())
		g.Expect(lines).To(BeEmpty(), "nothing was out of order")
	})
}

func TestGate_closes_only_when_nothing_is_answered(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		closes  bool
	}{
		"refused":                {[]func(*http.Request) (*http.Response, error){refused}, true},
		"by a proxy":             {[]func(*http.Request) (*http.Response, error){status(http.StatusBadGateway)}, true},
		"out of service":         {[]func(*http.Request) (*http.Response, error){status(http.StatusServiceUnavailable)}, true},
		"out of time":            {[]func(*http.Request) (*http.Response, error){status(http.StatusGatewayTimeout)}, true},
		"one in five answered":   {[]func(*http.Request) (*http.Response, error){refused, refused, refused, refused, status(http.StatusOK)}, false},
		"conflicts":              {[]func(*http.Request) (*http.Response, error){status(http.StatusConflict)}, false},
		"throttled":              {[]func(*http.Request) (*http.Response, error){status(http.StatusTooManyRequests)}, false},
		"forbidden":              {[]func(*http.Request) (*http.Response, error){status(http.StatusForbidden)}, false},
		"errors of the server's": {[]func(*http.Request) (*http.Response, error){status(http.StatusInternalServerError)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: status(http.StatusOK)}
				breaker := New(logr.Discard())
				rt := breaker.Wrap(s)
				_, _ = rt.RoundTrip(request(t.Context(), http.MethodGet, ""))
				for i := range 3 * failuresToClose {
					s.set(tt.answers[i%len(tt.answers)])
					_, _ = rt.RoundTrip(request(t.Context(), http.MethodPatch, ""))
				}
				NewWithT(t).Expect(breaker.opened != nil).To(Equal(tt.closes))
			})
		})
	}
}

func TestGate_who_gives_up_says_nothing_about_the_server(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		breaker := New(logr.Discard())
		rt := breaker.Wrap(&server{answer: silent})
		for range 2 * failuresToClose {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := rt.RoundTrip(request(ctx, http.MethodGet, ""))
			g.Expect(err).To(MatchError(context.DeadlineExceeded))
			cancel()
		}
		g.Expect(breaker.failures).To(BeZero())
	})
}

func TestGate_who_waits_can_give_up(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		breaker := New(logr.Discard())
		rt := breaker.Wrap(&server{answer: refused})
		down(rt)
		for _, method := range []string{http.MethodGet, http.MethodPatch} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err := rt.RoundTrip(request(ctx, method, ""))
			g.Expect(err).To(MatchError(context.DeadlineExceeded))
			cancel()
		}
		g.Expect(breaker.reads).To(BeZero())
	})
}

func TestGate_tells_the_beginning_and_the_end_once(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		var lines []string
		s := &server{answer: refused}
		rt := New(funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})).Wrap(s)
		down(rt)
		go func() {
			time.Sleep(10 * time.Minute)
			s.set(status(http.StatusOK))
		}()
		resp, err := rt.RoundTrip(request(t.Context(), http.MethodGet, ""))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(resp.Body.Close()).To(Succeed())
		g.Expect(lines).To(HaveExactElements(
			And(ContainSubstring("does not answer"), ContainSubstring("connection refused")),
			And(ContainSubstring("the API server answers"), ContainSubstring("10m"))))
	})
}
