// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// maxSettling is how often one change after the other may have changes settle, as a
	// multiple of the time for one, and leastMaxSettling what that is at least: a large
	// Kustomization takes its time.
	maxSettling      = 10
	leastMaxSettling = time.Minute

	// applyingDelay is when to look again at a tool that is still applying.
	applyingDelay = 500 * time.Millisecond
)

// settler waits until the sources have settled: until they have not changed for the
// quiet period of the spec, and until the tool that has applied a change has applied what
// belongs to it. Both begin when the operator sees the content for the first time, by its
// own clock. What it waits for is in the record of the rollout.
type settler struct {
	now             time.Time
	quiet, maxDelay time.Duration

	settle   time.Duration
	applied  *triggerv1.SettlingStatus
	applying bool
}

func settlerOf(in Input) settler {
	return settler{now: in.Now, quiet: in.Quiet, maxDelay: in.MaxDelay, settle: in.Settle, applied: in.Applied, applying: in.Applying}
}

// begin begins to wait, if there is something to wait for. A change that comes while
// another one waits joins it.
func (w settler) begin(s, previous *triggerv1.RolloutStatus) {
	joined := previous
	if joined != nil && joined.UnsettledSince == nil {
		joined = nil
	}
	switch {
	case w.settle <= 0:
	case w.applied != nil:
		s.Settling = w.applied.DeepCopy()
		s.Settling.Since = micro(w.now)
	case joined != nil && joined.Settling != nil:
		s.Settling = joined.Settling.DeepCopy()
		s.Settling.Since = notBegun(s.Settling.Since, w.now)
	}
	if w.quiet <= 0 && s.Settling == nil {
		return
	}
	s.UnsettledSince = earlier(w.now)
	if joined != nil {
		s.UnsettledSince = notAfter(joined.UnsettledSince.DeepCopy(), w.now)
	}
}

// align stops waiting for what there is nothing to wait for any more.
func (w settler) align(s *triggerv1.RolloutStatus) {
	if w.settle <= 0 || s.UnsettledSince == nil {
		s.Settling = nil
	}
	if w.quiet <= 0 && s.Settling == nil {
		s.UnsettledSince = nil
	}
}

// endSettling ends the wait.
func endSettling(s *triggerv1.RolloutStatus) { s.UnsettledSince, s.Settling = nil, nil }

// isSettling reports whether the sources have yet to settle. It ends the wait if they have, or if every target
// runs the content.
func (w settler) isSettling(s *triggerv1.RolloutStatus, targets group) bool {
	if s.UnsettledSince == nil {
		return false
	}
	if w.quietFor(s) <= 0 && w.settlesFor(s) <= 0 || targets.idle() {
		endSettling(s)
		return false
	}
	return true
}

// wait holds all targets until the sources have settled.
func (w settler) wait(s *triggerv1.RolloutStatus, targets group) step {
	quiet, settles := w.quietFor(s), w.settlesFor(s)
	why := "waits until the sources have not changed for " + w.quiet.String() + " (spec.quietPeriod)"
	if settles > 0 {
		why = "waits for a change to settle: " + s.Settling.Source
		if s.Settling.AppliedBy != "" {
			why += ", applied by " + s.Settling.AppliedBy
		}
	} else {
		s.Settling = nil
	}
	targets.hold(why)
	return step{phase: triggerv1.RolloutSettling, after: sooner(quiet, settles)}
}

// quietFor returns how long the quiet period still lasts.
func (w settler) quietFor(s *triggerv1.RolloutStatus) time.Duration {
	if w.quiet <= 0 {
		return 0
	}
	return min(left(s.ChangedAt.Time, w.quiet, w.now), left(s.UnsettledSince.Time, max(w.maxDelay, w.quiet), w.now))
}

// settlesFor returns how long the change of a tool still settles. What the spec allows for
// the quiet period comes before.
func (w settler) settlesFor(s *triggerv1.RolloutStatus) time.Duration {
	if s.Settling == nil {
		return 0
	}
	remains := left(s.Settling.Since.Time, w.settle, w.now)
	if remains <= 0 && w.applying {
		remains = applyingDelay
	}
	most := max(maxSettling*w.settle, leastMaxSettling)
	if w.quiet > 0 {
		most += max(w.maxDelay, w.quiet)
	}
	return min(remains, left(s.UnsettledSince.Time, most, w.now))
}

// Settled reports whether what was settling before has settled with this decision:
// what rests on it is to be evaluated again.
func (d Decision) Settled(previous *triggerv1.RolloutStatus) bool {
	return previous != nil && previous.Settling != nil && d.Status.Settling == nil
}

// settles says what the Ready condition says of a change that settles.
func settles(s *triggerv1.SettlingStatus) string {
	if s.AppliedBy == "" {
		return s.Source + " has changed; it settles until what belongs to the change is applied"
	}
	return fmt.Sprintf("%s has changed; it settles until %s has applied what belongs to the change", s.Source, s.AppliedBy)
}

// micro returns a time as it is stored where whole seconds are too long.
func micro(t time.Time) *metav1.MicroTime {
	return new(metav1.NewMicroTime(t.Truncate(time.Microsecond)))
}

// notBegun returns a time, or now if it is missing or not come yet.
func notBegun(t *metav1.MicroTime, now time.Time) *metav1.MicroTime {
	if t == nil || t.After(now) {
		return micro(now)
	}
	return t
}
