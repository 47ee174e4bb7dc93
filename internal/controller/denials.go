// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// firstDenial is when to ask again for what the API server has just refused. It
	// refuses for a moment, too, what it grants: after its own start, for example.
	firstDenial = 10 * time.Second

	// maxDenial bounds the time between two attempts.
	maxDenial = 10 * time.Minute
)

// denials remembers since when something is refused to the operator, or to an account
// in whose name it acts. RBAC changes are not observable, so the
// request is retried after as long as it has been refused, which makes few attempts.
type denials struct {
	mu    sync.Mutex
	since map[ctrl.Request]time.Time
}

func newDenials() *denials {
	return &denials{since: map[ctrl.Request]time.Time{}}
}

// again notes a refusal, and returns when to try again and whether it is the first.
func (d *denials) again(req ctrl.Request) (after time.Duration, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	since, found := d.since[req]
	if !found {
		since = time.Now()
		d.since[req] = since
	}
	return min(max(time.Since(since), firstDenial), maxDenial), !found
}

// over forgets a refusal.
func (d *denials) over(req ctrl.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.since, req)
}
