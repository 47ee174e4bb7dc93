// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// heartbeat is how often a long build says that it is alive.
const heartbeat = 15 * time.Second

// lock makes dir and takes its lock, which holds across processes and ends
// with them. It waits for another holder, and says so.
func (b *builder) lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the cache's lock: %w", err)
	}
	var done func(error)
	for {
		held := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if held == nil {
			break
		}
		if !errors.Is(held, syscall.EWOULDBLOCK) && !errors.Is(held, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("locking the cache: %w", held)
		}
		if done == nil {
			done = b.report("waiting for another build of "+filepath.Base(dir), 0)
			defer func() { done(err) }()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("waiting for another build: %w", context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
	return func() { f.Close() }, nil
}

// report announces a task that takes about expect (0 if no one knows), keeps
// saying that it goes on, and with the returned function tells its end.
func (b *builder) report(task string, expect time.Duration) (done func(error)) {
	start := time.Now()
	about := ""
	if expect > 0 {
		about = fmt.Sprintf(" (about %s on two cores; once, then cached)", expect)
	}
	fmt.Fprintf(b.progress, "world: %s%s\n", task, about)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				fmt.Fprintf(b.progress, "world: still %s, %s\n", task, time.Since(start).Round(time.Second))
			}
		}
	})
	return func(err error) {
		close(stop)
		wg.Wait()
		outcome := "done"
		if err != nil {
			outcome = "failed"
		}
		fmt.Fprintf(b.progress, "world: %s: %s after %s\n", task, outcome, time.Since(start).Round(time.Second))
	}
}
