// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Spec describes a program to run in a world.
type Spec struct {
	// Name names the log file. Runs of the same name append to one file.
	Name string
	// Path of the executable.
	Path string
	Args []string
	// Env is added to a small environment of the world's own: PATH, HOME,
	// TMPDIR and KUBECONFIG (of the cluster admin). Nothing of the caller's
	// environment gets through.
	Env []string
	// Dir is the working directory, default: the world's.
	Dir string
}

// Process is a program running in a world. It ends at the latest with the
// world, even if the world's own process is killed.
type Process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid once done is closed
}

// Run starts a program; it does not wait until the program is of any use.
func (w *World) Run(s Spec) (*Process, error) {
	if !isFile(s.Path) {
		return nil, fmt.Errorf("starting %s: no such program: %s", s.Name, s.Path)
	}
	path := w.LogPath(s.Name)
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.Name, err)
	}
	defer log.Close()
	cmd := w.reaper.command(s.Path, s.Args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(w.environ(), s.Env...)
	if cmd.Dir = s.Dir; cmd.Dir == "" {
		cmd.Dir = w.dir
	}
	p, err := w.launch(s.Name, cmd)
	if err != nil {
		return nil, err
	}
	p.log = path
	return p, nil
}

func (w *World) launch(name string, cmd *exec.Cmd) (*Process, error) {
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &Process{name: name, cmd: cmd, done: make(chan struct{})}
	w.track(p)
	go func() {
		p.err = cmd.Wait()
		w.reaper.forget(cmd.Process.Pid)
		close(p.done)
	}()
	return p, nil
}

// environ is what every program gets to see of the outside.
func (w *World) environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(w.dir, "home"),
		"TMPDIR=" + filepath.Join(w.dir, "tmp"),
		"KUBECONFIG=" + w.Kubeconfig(),
	}
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// LogPath returns the file that holds the program's output.
func (p *Process) LogPath() string { return p.log }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running reports whether the program has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Signal sends a signal to the program. To one that has ended it is a no-op.
func (p *Process) Signal(sig os.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling %s: %w", p.name, err)
	}
	return nil
}

// Kill ends the program and its children with SIGKILL, and returns when the
// program is gone.
func (p *Process) Kill() {
	if p.Running() {
		_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	}
	<-p.done
}

// Stop asks the program to end with SIGTERM and waits for that; if ctx ends
// first, it kills the program and returns an error.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	start := time.Now()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("%s ignored SIGTERM for %s and was killed: %w",
			p.name, time.Since(start).Round(time.Millisecond), ctx.Err())
	}
}

// Wait waits for the program to end by itself. The error is nil for exit code
// 0, else an *exec.ExitError, or that of ctx if it ends first.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s to end: %w", p.name, ctx.Err())
	}
}

// Tail returns the last n lines of the program's output.
func (p *Process) Tail(n int) string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return tail(string(data), n)
}
