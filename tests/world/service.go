// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// lavish has a component collect garbage less often than by default. It takes more memory, and
// less of the cores, on which many worlds go side by side. The limit is for above what twenty thousand
// releases take: at it, an API server does little but collect garbage.
var lavish = []string{"GOGC=300", "GOMEMLIMIT=4GiB"}

// service is a component: a program with fixed arguments that can be stopped
// and started again at will.
type service struct {
	program string
	args    []string
	extra   []string // given by the caller, they win
	env     []string
	ready   func(context.Context) error
	process *Process
}

// lookup finds a component and what runs of it. The caller holds w.mu.
func (w *World) lookup(component string) (*service, error) {
	s := w.services[component]
	if s == nil {
		return nil, fmt.Errorf("this world has no component %q", component)
	}
	return s, nil
}

// StartComponent starts a component that does not run and waits until it is
// ready. Extra arguments come after the world's own, so they win; they replace
// those of the run before and of Options.
func (w *World) StartComponent(ctx context.Context, component string, extra ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, err := w.lookup(component)
	if err != nil {
		return err
	}
	s.extra = extra
	return w.startService(ctx, s)
}

func (w *World) startService(ctx context.Context, s *service) error {
	if s.process != nil && s.process.Running() {
		return fmt.Errorf("starting %s: it runs already", s.program)
	}
	path, err := w.builder.find(ctx, s.program)
	if err != nil {
		return err
	}
	s.process, err = w.Run(Spec{
		Name: s.program,
		Path: path,
		Args: append(append([]string(nil), s.args...), s.extra...),
		Env:  append(slices.Clone(lavish), s.env...),
	})
	if err != nil {
		return err
	}
	if err := poll(ctx, s.process, s.ready); err != nil {
		return fmt.Errorf("waiting for %s to be ready: %w\n%s", s.program, err, s.process.Tail(20))
	}
	return nil
}

// StopComponent ends a component with SIGTERM and waits until it is gone. If
// it is not within ten seconds, or when ctx ends, it is killed, which is an
// error. Stopping what does not run is none.
func (w *World) StopComponent(ctx context.Context, component string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, err := w.lookup(component)
	if err != nil {
		return err
	}
	return stopService(ctx, s)
}

func stopService(ctx context.Context, s *service) error {
	if s.process == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return s.process.Stop(ctx)
}

// KillComponent ends a component with SIGKILL and waits until it is gone.
func (w *World) KillComponent(component string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, err := w.lookup(component)
	if err != nil {
		return err
	}
	if s.process != nil {
		s.process.Kill()
	}
	return nil
}

// RestartComponent stops a component and starts it with the arguments of the
// run before. It returns when the component is ready again.
func (w *World) RestartComponent(ctx context.Context, component string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, err := w.lookup(component)
	if err != nil {
		return err
	}
	if err := stopService(ctx, s); err != nil {
		return err
	}
	return w.startService(ctx, s)
}

// Component returns the process of a component, nil if it never ran.
func (w *World) Component(component string) *Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.services[component]; s != nil {
		return s.process
	}
	return nil
}

// poll repeats check until it succeeds. It gives up when ctx ends, or at once
// when the process that should bring the success about has ended.
func poll(ctx context.Context, p *Process, check func(context.Context) error) error {
	var ended <-chan struct{}
	if p != nil {
		ended = p.Done()
	}
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-ended:
			return fmt.Errorf("it ended: %w", errors.Join(p.err, err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
