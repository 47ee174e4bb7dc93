// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package schedule says when windows are open. A window starts when a cron
// expression says so, on the clocks of a time zone, and lasts for a time.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // An image need not have the time zones.

	"github.com/robfig/cron/v3"
)

// maxJoined bounds how many windows are joined to tell when the last of them ends.
const maxJoined = 1000

// Window is a window as a user writes it.
type Window struct {
	// Cron has five fields: minute, hour, day of month, month, day of week.
	Cron string

	// TimeZone is an IANA name. Empty means UTC.
	TimeZone string

	// Duration from the start to the end.
	Duration time.Duration
}

// Schedule is a set of windows. The empty one is always open.
type Schedule struct {
	windows []window
}

// Parse reads windows. The error says which of them cannot be used, and why.
func Parse(windows []Window) (Schedule, error) {
	var s Schedule
	for i, w := range windows {
		parsed, err := parse(w)
		if err != nil {
			return Schedule{}, fmt.Errorf("[%d]: %w", i, err)
		}
		s.windows = append(s.windows, parsed)
	}
	return s, nil
}

// parser knows the five fields and nothing else: no seconds, no @every.
var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

func parse(w Window) (window, error) {
	if w.Duration <= 0 {
		return window{}, errors.New("the window must last longer than nothing")
	}
	location, err := load(w.TimeZone)
	if err != nil {
		return window{}, err
	}
	if strings.Contains(w.Cron, "=") { // The parser would take TZ=… for a time zone.
		return window{}, fmt.Errorf("cron %q: the time zone has a field of its own", w.Cron)
	}
	expression, err := parser.Parse(w.Cron)
	if err != nil {
		return window{}, fmt.Errorf("cron %q: %w", w.Cron, err)
	}
	spec, ok := expression.(*cron.SpecSchedule)
	if !ok {
		return window{}, fmt.Errorf("cron %q: five fields are needed", w.Cron)
	}
	spec.Location = time.UTC
	parsed := window{spec: spec, location: location, duration: w.Duration}
	if parsed.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return window{}, fmt.Errorf("cron %q never comes", w.Cron)
	}
	return parsed, nil
}

// load returns a time zone. What the machine takes for local is none: it differs from
// machine to machine.
func load(name string) (*time.Location, error) {
	switch name {
	case "":
		return time.UTC, nil
	case "Local":
		return nil, errors.New("time zone Local: name a zone, such as Europe/Berlin")
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known; use an IANA name, such as Europe/Berlin", name)
	}
	return location, nil
}

// Open reports whether a window is open.
func (s Schedule) Open(at time.Time) bool {
	for _, w := range s.windows {
		if w.open(at) {
			return true
		}
	}
	return len(s.windows) == 0
}

// Next returns when a window opens next after a time at which none is open, and when
// it ends, joined with those that follow without a break. An end of zero is too far
// away to be known, an opening of zero never comes.
func (s Schedule) Next(after time.Time) (opens, closes time.Time) {
	for _, w := range s.windows {
		if start := w.next(after); !start.IsZero() && (opens.IsZero() || start.Before(opens)) {
			opens = start
		}
	}
	if opens.IsZero() {
		return opens, closes
	}
	closes = opens
	for range maxJoined {
		longer := s.endOf(closes)
		if longer.IsZero() {
			return opens, closes
		}
		closes = longer
	}
	return opens, time.Time{}
}

// Local returns a time on the clocks of the window that opens then or, if none does, on those of
// the first window, and of UTC if there is none.
func (s Schedule) Local(t time.Time) time.Time {
	if len(s.windows) == 0 {
		return t.UTC()
	}
	for _, w := range s.windows {
		if w.next(t.Add(-time.Nanosecond)).Equal(t) {
			return t.In(w.location)
		}
	}
	return t.In(s.windows[0].location)
}

// endOf returns the end of a window that is open at a time or begins then, zero if none
// does.
func (s Schedule) endOf(at time.Time) time.Time {
	var end time.Time
	for _, w := range s.windows {
		start := w.next(at.Add(-w.duration))
		if start.IsZero() || start.After(at) {
			continue
		}
		if closes := start.Add(w.duration); closes.After(end) {
			end = closes
		}
	}
	return end
}
