// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// maxWidth is how far lines go where no one says how wide the terminal is.
const maxWidth = 120

// screen prints for people: in colour and in place on a terminal, plain lines
// elsewhere.
type screen struct {
	io.Writer
	terminal, colour bool
	width            int

	// mu keeps apart what a step and its clock print.
	mu sync.Mutex
}

func newScreen(out *os.File) *screen {
	s := &screen{Writer: out, width: maxWidth}
	if columns := columnsOf(out); columns > 0 && os.Getenv("TERM") != "dumb" {
		s.terminal = true
		s.width = max(60, min(columns, maxWidth))
		s.colour = os.Getenv("NO_COLOR") == ""
	}
	return s
}

// columnsOf returns the width of a terminal, 0 for anything else.
func columnsOf(file *os.File) int {
	var size struct{ rows, columns, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0
	}
	if size.columns == 0 {
		return 80 // A terminal that does not know its size.
	}
	return int(size.columns)
}

func (s *screen) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *screen) bold(text string) string { return s.paint("1", text) }
func (s *screen) dim(text string) string  { return s.paint("2", text) }
func (s *screen) good(text string) string { return s.paint("32", text) }
func (s *screen) bad(text string) string  { return s.paint("31", text) }

// step says what is being done, that it still is, and how long it took. What do
// returns, if anything, is said in the end.
func (s *screen) step(doing string, do func() (string, error)) error {
	start := time.Now()
	report := func(mark, text string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		room := s.width - 13
		fmt.Fprintf(s, "%s %-*s %7.1f s", mark, room, cut(text, room), time.Since(start).Seconds())
	}
	var clock sync.WaitGroup
	done := make(chan struct{})
	if s.terminal {
		clock.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				report("\r"+s.dim("▸"), doing)
				select {
				case <-done:
					fmt.Fprint(s, "\r")
					return
				case <-tick.C:
				}
			}
		})
	} else {
		s.line("▸ %s", doing)
	}
	text, err := do()
	close(done)
	clock.Wait()

	mark := s.good("✓")
	if err != nil {
		mark = s.bad("✗")
	}
	if text == "" {
		text = doing
	}
	report(mark, text)
	s.line("")
	return err
}

// note says, during a step, what has come about, and how long after its start.
func (s *screen) note(start time.Time, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := cut(fmt.Sprintf("%5.1f s  %s", time.Since(start).Seconds(), text), s.width)
	if s.terminal {
		line = fmt.Sprintf("\r%-*s", s.width, line) // It takes the place of the clock.
	}
	s.line("%s", line)
}

// fit shortens every line to the width.
func (s *screen) fit(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = cut(line, s.width)
	}
	return strings.Join(lines, "\n")
}

func cut(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}
