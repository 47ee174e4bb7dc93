// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
)

// sentRequests remembers the requests of this process until they are seen in the cache,
// so that they are counted from the moment on at which they are made.
type sentRequests struct {
	mu     sync.Mutex
	tokens map[types.NamespacedName]sentRequest
}

type sentRequest struct {
	token string
	at    time.Time
}

func (s *sentRequests) note(release types.NamespacedName, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[types.NamespacedName]sentRequest{}
	}
	s.tokens[release] = sentRequest{token: token, at: time.Now()}
}

// missing reports whether what was last sent to a release is not in a version of it.
func (s *sentRequests) missing(release types.NamespacedName, r plan.Release) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, found := s.tokens[release]
	if !found {
		return false
	}
	// One that is deleted and made again never had it.
	if !r.Record.Before(last.token) || time.Since(last.at) > time.Minute {
		delete(s.tokens, release)
		return false
	}
	return true
}
