// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"sync"
	"time"
)

// maxRemembered bounds the answers that a cache has.
const maxRemembered = 32

// cache remembers answers that take requests to the API server, so that a page that is rendered again does not
// ask for them each time.
type cache[K comparable, V any] struct {
	mu    sync.Mutex
	known map[K]remembered[V]
}

type remembered[V any] struct {
	value   V
	version string
	at      time.Time
}

// get returns what is known about a key in a version if it is not too old, and else reads it.
func (c *cache[K, V]) get(key K, version string, age time.Duration, now func() time.Time, read func() (V, error)) (V, error) {
	c.mu.Lock()
	known, found := c.known[key]
	c.mu.Unlock()
	if found && known.version == version && now().Sub(known.at) < age {
		return known.value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxRemembered {
		c.known = map[K]remembered[V]{}
	}
	c.known[key] = remembered[V]{value, version, now()}
	return value, nil
}
