// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// concurrency is that of the limit, and the default of the operator.
const concurrency = 10

// stage is a world with the contestants.
type stage struct {
	sizes   sizes
	w       *world.World
	c       client.WithWatch
	path    string
	op      *operator.Operator
	metrics string
}

// open starts a world.
func (b *bench) open(ctx context.Context, o world.Options) (*stage, error) {
	o.AddToScheme = kit.World().AddToScheme
	w, err := world.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &stage{sizes: b.sizes, w: w, path: b.manager}
	if s.c, err = client.NewWithWatch(w.Config(), client.Options{Scheme: w.Client().Scheme()}); err != nil {
		w.Stop()
		return nil, err
	}
	return s, nil
}

func (s *stage) close() { s.w.Stop() }

// install installs the chart with its default values and starts the operator.
func (s *stage) install(ctx context.Context) error {
	return s.run(ctx, operator.Options{})
}

// run starts the operator with these options, and metrics that anyone may read.
func (s *stage) run(ctx context.Context, o operator.Options) (err error) {
	if s.metrics, err = s.w.ReservePort(); err != nil {
		return err
	}
	o.Args = append(o.Args, "--metrics-bind-address="+s.metrics, "--metrics-secure=false")
	s.op, err = operator.Install(ctx, s.w, s.path, o)
	return err
}

// restart ends the operator and starts it again.
func (s *stage) restart(ctx context.Context) error {
	if err := s.op.Stop(ctx); err != nil {
		return err
	}
	return s.op.Start(ctx)
}

// startUp starts the operator and returns how long it took until it had evaluated every
// trigger.
func (s *stage) startUp(ctx context.Context, count int) (time.Duration, error) {
	start := time.Now()
	if err := s.op.Start(ctx); err != nil {
		return 0, err
	}
	for {
		f, err := s.scrape(ctx)
		if err != nil {
			return 0, err
		}
		if f.reconciled("valuestrigger") >= float64(count) && f.queued() == 0 && f.working() == 0 {
			return time.Since(start), nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// quiet waits until the operator has nothing to do for the given time.
func (s *stage) quiet(ctx context.Context, length time.Duration) error {
	const step = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last float64
	since := time.Now()
	for {
		f, err := s.scrape(ctx)
		if err != nil {
			return err
		}
		done := f.sum("controller_runtime_reconcile_total") + f.writes()
		if done != last || f.queued() > 0 || f.working() > 0 {
			last, since = done, time.Now()
		} else if time.Since(since) >= length {
			return nil
		}
		if err := pause(ctx, step); err != nil {
			return err
		}
	}
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// many does something n times, several at a time.
func many(n int, do func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}

func (s *stage) namespace(ctx context.Context, name string) error {
	err := s.c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	return client.IgnoreAlreadyExists(err)
}

// chartNamespace makes a namespace from whose chart releases can be installed.
func (s *stage) chartNamespace(ctx context.Context, name string) error {
	if err := s.namespace(ctx, name); err != nil {
		return err
	}
	return s.w.PublishChart(ctx, name, kit.ChartName, world.TestChart())
}
