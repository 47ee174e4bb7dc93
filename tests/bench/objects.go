// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// smallBytes is the content of objects of which only the number counts.
	smallBytes = 64
)

// objectGrowth measures what one more ConfigMap or Secret costs that nothing refers to.
func objectGrowth(ctx context.Context, b *bench) (Result, error) {
	s, err := b.open(ctx, world.Options{NoAudit: true, NoHelmController: true})
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	if err := s.install(ctx); err != nil {
		return Result{}, err
	}
	var n []int
	var resident, peak, live []float64
	last := 0
	for _, count := range b.sizes.objects {
		if err := s.fill(ctx, last, count, smallBytes); err != nil {
			return Result{}, err
		}
		last = count
		say("%d ConfigMaps and Secrets", count)
		if err := s.restart(ctx); err != nil {
			return Result{}, err
		}
		m, err := s.weigh(ctx)
		if err != nil {
			return Result{}, err
		}
		n = append(n, 2*count)
		resident, peak, live = append(resident, m.resident), append(peak, m.peak), append(live, m.live)
	}
	most := n[len(n)-1]
	what := fmt.Sprintf("memory for each of %d unreferenced objects", most)
	return Result{
		Rows: []Row{
			row(what+": resident", "KiB", slope(n, resident)*1024, 1, "1 KiB"),
			row(what+": live heap", "KiB", slope(n, live)*1024, 1, "1 KiB"),
		},
		Growth: []Growth{
			grows("memory with unreferenced objects: resident", "MiB", n, resident),
			grows("memory with unreferenced objects: peak of a start", "MiB", n, peak),
		},
	}, nil
}

// weight is the memory of the operator in MiB.
type weight struct{ resident, peak, live float64 }

// weigh measures the memory of the idle operator: after a garbage collection, which
// Go does at the latest two minutes after the last, and some time to give pages back.
func (s *stage) weigh(ctx context.Context) (weight, error) {
	if err := s.quiet(ctx, s.sizes.rest); err != nil {
		return weight{}, err
	}
	for range 2 { // What a sync.Pool holds goes with the second collection.
		if _, err := s.fetch(ctx, "/debug/pprof/heap?gc=1"); err != nil {
			return weight{}, err
		}
	}
	f, err := s.scrape(ctx)
	if err != nil {
		return weight{}, err
	}
	if err := pause(ctx, s.sizes.giveBack); err != nil {
		return weight{}, err
	}
	m := weight{live: f.sum("go_memstats_heap_alloc_bytes") / (1 << 20)}
	m.resident, m.peak, err = memoryOf(s.op.Process())
	return m, err
}
