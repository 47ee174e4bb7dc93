// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"sync"
)

// problem is something to tell the owner of an object.
type problem struct {
	reason  string
	message string
}

// reported remembers what was said of which object, so that an event is emitted when
// a problem appears and not at every resync. After a restart it is said again.
type reported struct {
	mu       sync.Mutex
	problems map[string][]problem
}

func newReported() *reported {
	return &reported{problems: map[string][]problem{}}
}

// each calls say for the problems of an object that were not there at the call
// before.
func (r *reported) each(object string, problems []problem, say func(problem)) {
	r.mu.Lock()
	before := r.problems[object]
	if len(problems) == 0 {
		delete(r.problems, object)
	} else {
		r.problems[object] = slices.Clone(problems)
	}
	r.mu.Unlock()

	for _, p := range problems {
		if !slices.Contains(before, p) {
			say(p)
		}
	}
}

// forget drops an object that is gone.
func (r *reported) forget(object string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.problems, object)
}
