// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// expectations are the requests of this process that the cache may not show yet, as Kubernetes' own controllers
// keep them: a release of which one is unmet is read from the API server, so that a request counts from the
// moment on at which it is made. A new process needs none: its cache begins with what there is then.
type expectations struct {
	mu     sync.Mutex
	tokens map[types.NamespacedName]expectation
}

type expectation struct {
	token string
	at    time.Time
}

// expect notes what was requested of a release last.
func (e *expectations) expect(release types.NamespacedName, token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tokens == nil {
		e.tokens = map[types.NamespacedName]expectation{}
	}
	e.tokens[release] = expectation{token: token, at: time.Now()}
}

// unmet reports whether what was last requested of a release is not in a version of it.
func (e *expectations) unmet(release types.NamespacedName, r plan.Release) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	last, found := e.tokens[release]
	if !found {
		return false
	}
	// One that is deleted and made again never had it.
	if !r.Record.Before(last.token) || time.Since(last.at) > time.Minute {
		delete(e.tokens, release)
		return false
	}
	return true
}
