// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package outage stands between all clients of the operator and the API server. While
// that does not answer, requests wait here, and one a second finds out whether it does
// again. So the number of requests does not grow with the number of objects, and
// nothing is backing off when the API server returns.
package outage

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

const (
	// failuresToClose is how many requests in a row, of all clients together, must
	// have gone without an answer. A single one proves nothing.
	failuresToClose = 5

	// probeInterval is the time between two questions, on average.
	probeInterval = time.Second
)

// Breaker is open while the API server answers.
type Breaker struct {
	log logr.Logger

	mu sync.Mutex

	// failures is the number of requests in a row without an answer.
	failures int

	// opened is nil while the breaker is open, and closed when it opens. Since when it is
	// closed, when the next question is due, and whether that was logged, hold until then.
	opened chan struct{}
	since  time.Time
	probe  time.Time
	logged bool

	// reads is the number of reads that wait.
	reads int
}

// New returns a breaker that opens with the first answer: to start is to wait for the API
// server, too.
func New(log logr.Logger) *Breaker {
	now := time.Now()
	return &Breaker{log: log, opened: make(chan struct{}), since: now, probe: now}
}

// Wrap makes all requests of a transport pass through the breaker.
func (g *Breaker) Wrap(next http.RoundTripper) http.RoundTripper {
	return &transport{breaker: g, next: next}
}

// pass returns when a request may be sent: at once while the breaker is open, else when it
// opens, or when it is this request's turn to find out. That is the turn of a write
// only if no read waits, since a write that fails cannot simply be repeated.
func (g *Breaker) pass(ctx context.Context, read bool) error {
	for {
		opened, wait := g.turn(read)
		if opened == nil {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-opened:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if read {
			g.mu.Lock()
			g.reads--
			g.mu.Unlock()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// turn returns nil if a request may be sent, else what it has to wait for and how long
// before it may ask again.
func (g *Breaker) turn(read bool) (<-chan struct{}, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		return nil, 0
	}
	wait := time.Until(g.probe)
	if wait <= 0 && (read || g.reads == 0) {
		g.probe = time.Now().Add(jittered())
		return nil, 0
	}
	if wait <= 0 {
		wait = jittered()
	}
	if read {
		g.reads++
	}
	return g.opened, wait
}

// answered notes that the API server is there.
func (g *Breaker) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures = 0
	if g.opened == nil {
		return
	}
	close(g.opened)
	g.opened = nil
	if g.logged {
		g.log.Info("the API server answers", "after", time.Since(g.since).Round(time.Second).String())
		g.logged = false
	}
}

// failed notes that a request went without an answer, and reports whether the breaker is
// closed now.
func (g *Breaker) failed(why error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures++; g.failures >= failuresToClose && g.opened == nil {
		g.opened = make(chan struct{})
		g.since = time.Now()
		g.probe = g.since.Add(jittered())
	}
	if g.opened != nil && !g.logged {
		g.log.Error(why, "the API server does not answer: requests wait until it does")
		g.logged = true
	}
	return g.opened != nil
}

// jittered returns a time of probeInterval on average, so that many operators do not
// ask in step.
func jittered() time.Duration {
	return probeInterval/2 + rand.N(probeInterval) //nolint:gosec // No one gains by guessing it.
}
