// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package budget bounds the content of ConfigMaps and Secrets that is in memory at a time,
// for all who read, compare, compose and write it together: a bound for each of them says
// nothing about their product.
package budget

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// MaxObject is the most that one ConfigMap or Secret holds, in bytes, keys included: the
// API server stores no more.
const MaxObject = 1 << 20

// Budget is a number of bytes that many share. It is safe for concurrent use. Who waits
// for it is served in turn, so that what is large is not skipped for ever.
//
// Who holds a part of it takes no second one before giving the first back: then whatever
// waits gets its part in the end.
type Budget struct {
	all  *semaphore.Weighted
	size int64
}

// New returns a Budget of so many bytes.
func New(size int64) *Budget {
	return &Budget{all: semaphore.NewWeighted(size), size: size}
}

// Take waits for so many bytes: the most that is about to be read. More than there are at
// all count as all of them, so that what is larger than the bound passes alone.
func (b *Budget) Take(ctx context.Context, bytes int) (*Part, error) {
	n := b.bounded(bytes)
	if err := b.all.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return &Part{of: b, bytes: n}, nil
}

// Try returns so many bytes if they are free now, nil otherwise.
func (b *Budget) Try(bytes int) *Part {
	if int64(bytes) > b.size || !b.all.TryAcquire(int64(bytes)) {
		return nil
	}
	return &Part{of: b, bytes: int64(bytes)}
}

func (b *Budget) bounded(bytes int) int64 {
	return min(int64(max(bytes, 0)), b.size)
}

// Part is a share of a Budget. It is not safe for concurrent use.
type Part struct {
	of    *Budget
	bytes int64
}

// Shrink gives back all but so many bytes, as soon as it is known how many are needed.
func (p *Part) Shrink(bytes int) {
	if n := p.of.bounded(bytes); n < p.bytes {
		p.of.all.Release(p.bytes - n)
		p.bytes = n
	}
}

// Return gives all of it back. To do so again does nothing.
func (p *Part) Return() { p.Shrink(0) }
