// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

const (
	// maxLanes bounds the triggers that are drawn, maxBars the changes, and maxListed the rows of the table.
	maxLanes  = 40
	maxBars   = 400
	maxListed = 200

	// narrowest is the least width of a bar, in percent.
	narrowest = 0.4

	// day is how far back is shown unless someone wants more.
	day = 24 * time.Hour
)

// timeSpans are the times that can be chosen, and what a word for them is short for.
var timeSpans = []struct {
	Word, Name string
	back       time.Duration
}{{"1h", "last hour", time.Hour}, {"24h", "last 24 hours", day}, {"7d", "last 7 days", 7 * day}, {"30d", "last 30 days", 30 * day}, {"all", "all that is on record", 0}}

// timelineFilter says which changes are wanted.
type timelineFilter struct {
	// Span is a word of timeSpans. From and To are dates or times, and win.
	Span, From, To string

	Object, Person, Outcome string
	Rows                    int
}

// bounds returns between which times changes are wanted; zero for without a bound.
func (f timelineFilter) bounds(now time.Time) (from, to time.Time, err error) {
	for _, s := range timeSpans {
		if s.Word == f.Span && s.back > 0 {
			from = now.Add(-s.back)
		}
	}
	if f.From != "" {
		if from, err = parseTime(f.From); err != nil {
			return from, to, err
		}
	}
	if f.To != "" {
		if to, err = parseTime(f.To); err != nil {
			return from, to, err
		}
		if len(f.To) == len(time.DateOnly) {
			to = to.Add(day) // The whole of that day.
		}
	}
	return from, to, nil
}

// parseTime reads a day, what a form sends, or RFC 3339. It is in UTC, as all times of the page.
func parseTime(word string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", time.RFC3339} {
		if at, err := time.Parse(layout, word); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: give a day such as 2026-01-31, or a time such as 2026-01-31T15:04", word)
}

// keep returns the changes that a filter wants, the newest first.
func (f timelineFilter) keep(all []history.Entry, now time.Time) ([]history.Entry, error) {
	from, to, err := f.bounds(now)
	if err != nil {
		return nil, err
	}
	return history.Filter{From: from, To: to, Object: f.Object, Person: f.Person, Outcome: triggerv1.ChangeOutcome(f.Outcome)}.Keep(all), nil
}

// changesOf returns what triggers have on record.
func changesOf(c graph.Cluster) []history.Entry {
	var out []history.Entry
	for i := range c.Triggers {
		if vt := &c.Triggers[i]; len(vt.Status.History) > 0 {
			out = append(out, history.Changes(vt, c.Members(vt).Targets)...)
		}
	}
	return out
}

// timeline is what is drawn of changes.
type timeline struct {
	// Lanes are the triggers that changed last, at most so many, and Hidden how many others there are.
	Lanes  []timeLane
	Hidden int
	Ticks  []timeTick

	// Rows are the newest changes, Total all that are wanted, and Earlier those on record before the time
	// that is shown.
	Rows    []changeRow
	Total   int
	Earlier int

	// Incomplete are triggers that have not on record all that changed in this time.
	Incomplete []string
}

// timeLane is a trigger with its changes as bars.
type timeLane struct {
	Trigger string
	Bars    []timeBar
}

// timeBar is a change from its edit until it was delivered. X and Width are percentages of the time shown.
type timeBar struct {
	changeRow
	X, Width string
	Open     bool
	Marks    []timeMark
}

// timeMark is something that happened to a change.
type timeMark struct {
	X, Kind, Text string
}

// timeTick is a time on the axis.
type timeTick struct{ X, Text string }

// timelineOf draws changes, which are sorted, the newest first.
func timelineOf(c graph.Cluster, kept []history.Entry, f timelineFilter) timeline {
	rows := rowsOf(kept)
	out := timeline{Total: len(kept), Rows: rows[:min(len(rows), max(f.Rows, maxListed))]}
	from, to, _ := f.bounds(c.Now)
	if to.IsZero() || to.After(c.Now) {
		to = c.Now
	}
	first := from
	if len(kept) > 0 && kept[len(kept)-1].Time.After(from) {
		oldest := kept[len(kept)-1].Time
		first = oldest.Add(-to.Sub(oldest) / 50) // Nothing is drawn before it.
	}
	scale := newTimeScale(first, to)
	out.Ticks = scale.ticks()
	rollouts := map[string]*triggerv1.ValuesTrigger{}
	for i := range c.Triggers {
		vt := &c.Triggers[i]
		rollouts[binding.TriggerObject(vt).Key()] = vt
		if !from.IsZero() && f.Span != "all" && history.Incomplete(vt, from) {
			out.Incomplete = append(out.Incomplete, binding.TriggerObject(vt).Key())
		}
	}
	lanes := map[string]int{}
	for i, e := range rows {
		_, seen := lanes[e.Trigger]
		switch {
		case !seen && len(out.Lanes) == maxLanes:
			out.Hidden++
			lanes[e.Trigger] = -1
		case !seen:
			lanes[e.Trigger], out.Lanes = len(out.Lanes), append(out.Lanes, timeLane{Trigger: e.Trigger})
		}
		if at := lanes[e.Trigger]; at >= 0 && i < maxBars {
			out.Lanes[at].Bars = append(out.Lanes[at].Bars, scale.bar(e, rollouts[e.Trigger]))
		}
	}
	return out
}

// timeScale places times between two others.
type timeScale struct{ from, to time.Time }

func newTimeScale(from, to time.Time) timeScale {
	if to.Sub(from) < time.Minute {
		from = to.Add(-time.Minute)
	}
	return timeScale{from, to}
}

// share returns where a time is, from 0 to 100.
func (s timeScale) share(at time.Time) float64 {
	return min(100, max(0, 100*at.Sub(s.from).Seconds()/s.to.Sub(s.from).Seconds()))
}

func percent(share float64) string { return strconv.FormatFloat(share, 'f', 2, 64) + "%" }

func (s timeScale) at(at time.Time) string { return percent(s.share(at)) }

// bar draws a change. One that is in progress ends now.
func (s timeScale) bar(e changeRow, vt *triggerv1.ValuesTrigger) timeBar {
	end, open := e.Time, e.Duration == nil && e.Outcome == triggerv1.ChangeInProgress
	if e.Duration != nil {
		end = e.Time.Add(e.Duration.Duration)
	} else if open {
		end = s.to
	}
	b := timeBar{changeRow: e, X: s.at(e.Time), Width: percent(max(narrowest, s.share(end)-s.share(e.Time))), Open: open}
	b.Marks = s.marks(e, end, vt)
	return b
}

// marks draws what happened to a change that had its outcome at a time.
func (s timeScale) marks(e changeRow, end time.Time, vt *triggerv1.ValuesTrigger) []timeMark {
	var out []timeMark
	add := func(at time.Time, kind, text string) {
		if !at.Before(s.from) && !at.After(s.to) {
			out = append(out, timeMark{X: s.at(at), Kind: kind, Text: text + " at " + at.UTC().Format("2006-01-02 15:04:05 UTC")})
		}
	}
	for _, a := range e.Approvals {
		add(a.Time.Time, "approval", "stage "+a.Stage+" approved by "+history.Person(a.User, a.Manager))
	}
	if o := e.Override; o != nil {
		add(o.Time.Time, "override", "overridden by "+history.Person(o.User, o.Manager)+": "+line(o.Message))
	}
	if p := e.Rejection; p != nil {
		add(p.Time.Time, "rejection", "rejected by "+history.Person(p.User, p.Manager))
	}
	if r := e.Restores; r != nil {
		add(r.Time.Time, "rollback", fmt.Sprintf("rolled back to revision %d by %s", r.Revision, history.Person(r.User, r.Manager)))
	}
	if e.Duration != nil && e.Outcome == triggerv1.ChangeHalted {
		add(end, "halt", "halted: "+reasonOf(e.Entry))
	}
	if e.Outcome == triggerv1.ChangeRolledBack {
		at := end
		if r := rolloutOf(e.Entry, vt); r != nil && r.Rollback != nil && r.Rollback.StartedAt != nil {
			at = r.Rollback.StartedAt.Time
		}
		add(at, "rollback", "rolled back: "+reasonOf(e.Entry))
	}
	return out
}

// rolloutOf returns the rollout of a change, if it is the present one.
func rolloutOf(e history.Entry, vt *triggerv1.ValuesTrigger) *triggerv1.RolloutStatus {
	if vt == nil || vt.Status.Rollout == nil || vt.Status.Rollout.Digest != e.Digest || len(vt.Status.History) == 0 || !vt.Status.History[0].Time.Time.Equal(e.Time) {
		return nil
	}
	return vt.Status.Rollout
}

// reasonOf says why the rollout of a change stopped.
func reasonOf(e history.Entry) string { return cmp.Or(line(e.Reason), "delivered to "+e.Delivered) }

// ticks returns some round times of the axis.
func (s timeScale) ticks() []timeTick {
	const most = 6
	step := time.Minute
	for _, next := range []time.Duration{5, 15, 60, 3 * 60, 6 * 60, 24 * 60, 2 * 24 * 60, 7 * 24 * 60, 30 * 24 * 60, 365 * 24 * 60} {
		if s.to.Sub(s.from)/step < most {
			break
		}
		step = next * time.Minute
	}
	format := "15:04"
	if step >= day {
		format = "Jan 2"
	} else if s.to.Sub(s.from) > day {
		format = "Jan 2 15:04"
	}
	var out []timeTick
	for at := s.from.Truncate(step).Add(step); at.Before(s.to) && len(out) < 2*most; at = at.Add(step) {
		out = append(out, timeTick{s.at(at), at.UTC().Format(format)})
	}
	return out
}
