// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// everyHour is the set of all hours as package cron has it.
const everyHour = 1<<24 - 1

// margin is more than clocks are ever changed by at once.
const margin = 3 * time.Hour

// window is one that was parsed.
type window struct {
	spec     *cron.SpecSchedule
	location *time.Location
	duration time.Duration
}

func (w window) open(at time.Time) bool {
	start := w.next(at.Add(-w.duration))
	return !start.IsZero() && !start.After(at)
}

// next returns the first start after a time, zero if there is none.
//
// A start at a certain hour goes by the clocks on the wall, once a day: when that hour
// is left out in spring it comes when the clocks have been changed, and when it comes
// twice in autumn, the first one counts. A start in every hour goes by the time that
// passes. Package cron is only asked about clocks that are never changed.
func (w window) next(after time.Time) time.Time {
	after = after.In(w.location)
	if w.spec.Hour&everyHour == everyHour {
		return w.nextInZone(after)
	}
	wall := wallClock(after).Add(-margin)
	for {
		if wall = w.spec.Next(wall); wall.IsZero() {
			return wall
		}
		if start := instant(wall, w.location); start.After(after) {
			return start
		}
	}
}

// nextInZone looks for a start until the clocks are changed, and on from there.
func (w window) nextInZone(after time.Time) time.Time {
	for {
		_, end := after.ZoneBounds()
		wall := w.spec.Next(wallClock(after))
		if wall.IsZero() {
			return wall
		}
		start := after.Add(wall.Sub(wallClock(after)))
		if end.IsZero() || start.Before(end) {
			return start
		}
		if w.spec.Next(wallClock(end).Add(-time.Nanosecond)).Equal(wallClock(end)) {
			return end
		}
		after = end
	}
}

// wallClock returns what a clock on the wall shows, as if it were in UTC.
func wallClock(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant returns when the clocks of a place first show a time, and if they never do,
// when they were changed past it.
func instant(wall time.Time, location *time.Location) time.Time {
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, location)
	begin, end := near.ZoneBounds()
	zones := []time.Time{near}
	if !begin.IsZero() {
		zones = append(zones, begin.Add(-time.Second))
	}
	if !end.IsZero() {
		zones = append(zones, end)
	}
	var first time.Time
	for _, zone := range zones {
		_, offset := zone.Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(location)
		if wallClock(t).Equal(wall) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	switch {
	case !first.IsZero():
		return first
	case end.IsZero() || !begin.IsZero() && near.Sub(begin) < end.Sub(near):
		return begin
	default:
		return end
	}
}
