// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
)

func TestBudget_bounds_all_together_and_serves_all(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const size = 10
	b := New(size)
	var inUse, most atomic.Int64
	var group sync.WaitGroup
	for i := range 500 {
		bytes := 1 + rand.IntN(2*size)
		group.Go(func() {
			part, err := b.Take(t.Context(), bytes)
			if err != nil {
				t.Errorf("part %d of %d bytes: %v", i, bytes, err)
				return
			}
			defer part.Return()
			now := inUse.Add(min(int64(bytes), size))
			defer inUse.Add(-min(int64(bytes), size))
			for last := most.Load(); now > last && !most.CompareAndSwap(last, now); last = most.Load() {
			}
		})
	}
	group.Wait()
	g.Expect(most.Load()).To(BeNumerically("<=", size))
	g.Expect(b.Try(size)).NotTo(BeNil(), "all of it has been given back")
}

func TestBudget_what_is_larger_passes_alone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	b := New(10)
	large, err := b.Take(t.Context(), 1000)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(b.Try(1)).To(BeNil())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.Take(ctx, 1)
	g.Expect(err).To(MatchError(context.Canceled), "who stops waiting takes nothing")

	large.Shrink(4)
	large.Shrink(9)
	small := b.Try(6)
	g.Expect(small).NotTo(BeNil(), "what is not needed is given back, once")
	g.Expect(b.Try(1)).To(BeNil())
	large.Return()
	large.Return()
	small.Return()
	g.Expect(b.Try(11)).To(BeNil(), "more than there is at all")
	g.Expect(b.Try(10)).NotTo(BeNil())
}
