// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package model runs random stories on a real API server with the real helm-controller
// and asks of the end of each what the operator promises. A story is drawn from a seed:
// the operations are the same each time, their timing is not.
package model

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

var (
	seedFlag     = flag.Uint64("model.seed", 0, "the seed of the only story; 0 for those that always run")
	opsFlag      = flag.Int("model.ops", 40, "operations in a story")
	durationFlag = flag.Duration("model.duration", 0, "go on with new seeds for this time")
	parallelFlag = flag.Int("model.parallel", 2, "scenarios at a time, each in a world of its own")
	skipFlag     = flag.String("model.skip", "", "operations to leave out, such as 3,7-12")
	shrinkFlag   = flag.Bool("model.shrink", false, "tell a failed story again without some operations, to find those that matter")

	managerFlag = flag.String("model.manager", "", "a manager that is built already")

	storyFlag = flag.Bool("model.story", false, "print also the stories that end well")

	// binary is the manager.
	binary string
)

// seeds run each time: the second has two replicas and leader election. Others run each night.
var seeds = []uint64{1, 2}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if binary = *managerFlag; binary != "" || testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "model-")
	if err == nil {
		defer os.RemoveAll(dir)
		binary, err = operator.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func TestModel(t *testing.T) {
	if testing.Short() {
		return // It takes a world.
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	skip, err := numbers(*skipFlag)
	if err != nil {
		t.Fatal(err)
	}
	todo := make(chan uint64)
	go func() {
		defer close(todo)
		draw(ctx, todo)
	}()

	var mu sync.Mutex
	total, begun := map[string]int{"stories": 0, "losses": 0, "doubles": 0}, time.Now()
	var group sync.WaitGroup
	for range *parallelFlag {
		group.Go(func() {
			for seed := range todo {
				s := story{seed: seed, ops: *opsFlag, skip: skip}
				counts, err := tell(ctx, s)
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				total["stories"]++
				if err != nil {
					total[failure(err)]++
				}
				for what, n := range counts {
					total[what] += n
				}
				mu.Unlock()
				if err != nil {
					t.Errorf("seed %d: %v\nreplay: go test ./tests/model -run TestModel -model.seed=%d -model.ops=%d", seed, err, seed, *opsFlag)
					fmt.Fprintf(os.Stderr, "model: seed %d fails: %s\n", seed, firstLine(err))
					if *shrinkFlag {
						t.Log(shrink(ctx, s))
					}
				} else if *durationFlag > 0 {
					fmt.Fprintf(os.Stderr, "model: seed %d: %s\n", seed, summary(counts, time.Since(begun)))
				}
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		t.Error("interrupted")
	}
	t.Log(summary(total, time.Since(begun)))
}

// draw sends the seeds of all stories to tell.
func draw(ctx context.Context, todo chan<- uint64) {
	first := slices.Clone(seeds)
	switch {
	case *seedFlag != 0:
		first = []uint64{*seedFlag}
	case *durationFlag > 0:
		first = nil
	}
	next := uint64(time.Now().UnixMilli())
	for end := time.Now().Add(*durationFlag); len(first) > 0 || time.Now().Before(end); {
		seed := next
		if len(first) > 0 {
			seed, first = first[0], first[1:]
		} else {
			next++
		}
		select {
		case todo <- seed:
		case <-ctx.Done():
			return
		}
	}
}

// numbers reads a list such as 3,7-12.
func numbers(text string) (map[int]bool, error) {
	set := map[int]bool{}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		from, to, ranged := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			return nil, err
		}
		last := first
		if ranged {
			if last, err = strconv.Atoi(to); err != nil {
				return nil, err
			}
		}
		for i := first; i <= last; i++ {
			set[i] = true
		}
	}
	return set, nil
}

// shrink leaves out chunks of a failed story, smaller and smaller, as long as it fails.
// Timing is not repeated, so the outcome is a hint.
func shrink(ctx context.Context, s story) string {
	skip := maps.Clone(s.skip)
	if skip == nil {
		skip = map[int]bool{}
	}
	var last error
	for size := (s.ops + 1) / 2; size > 0; size /= 2 {
		for from := 1; from <= s.ops; from += size {
			without := maps.Clone(skip)
			for i := from; i < from+size && i <= s.ops; i++ {
				without[i] = true
			}
			if len(without) == len(skip) || ctx.Err() != nil {
				continue
			}
			if _, err := tell(ctx, story{seed: s.seed, ops: s.ops, skip: without}); err != nil {
				skip, last = without, err
				fmt.Fprintf(os.Stderr, "model: seed %d fails with %d operations: %s\n", s.seed, s.ops-len(skip), firstLine(err))
			}
		}
	}
	var list []string
	for _, i := range slices.Sorted(maps.Keys(skip)) {
		list = append(list, strconv.Itoa(i))
	}
	return fmt.Sprintf("the smallest story: -model.seed=%d -model.ops=%d -model.skip=%s\n%v", s.seed, s.ops, strings.Join(list, ","), last)
}
