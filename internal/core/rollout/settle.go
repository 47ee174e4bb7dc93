// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file waits until the sources have settled: until they have not changed for the
// quiet period of the spec, and until the tool that has applied a change has applied what
// belongs to it. Both begin when the operator sees the content for the first time, by its
// own clock.

const (
	// maxSettling is how often one change after the other may have changes settle, as a
	// multiple of the time for one, and leastMaxSettling what that is at least: a large
	// Kustomization takes its time.
	maxSettling      = 10
	leastMaxSettling = time.Minute

	// applyingDelay is when to look again at a tool that is still applying.
	applyingDelay = 500 * time.Millisecond
)

// unsettle begins to wait, if there is something to wait for. A change that comes while
// another one waits joins it.
func (p *planner) unsettle() {
	s, joined := p.Status, p.Previous
	if joined != nil && joined.UnsettledSince == nil {
		joined = nil
	}
	switch {
	case p.Settle <= 0:
	case p.Applied != nil:
		s.Settling = p.Applied.DeepCopy()
		s.Settling.Since = micro(p.Now)
	case joined != nil:
		s.Settling = joined.Settling.DeepCopy()
	}
	if p.Quiet <= 0 && s.Settling == nil {
		return
	}
	s.UnsettledSince = earlier(p.Now)
	if joined != nil {
		s.UnsettledSince = notAfter(joined.UnsettledSince.DeepCopy(), p.Now)
	}
}

// rest ends the wait.
func (p *planner) rest() { p.Status.UnsettledSince, p.Status.Settling = nil, nil }

// settling waits until the sources have settled, or every target runs the content.
func (p *planner) settling() bool {
	s := p.Status
	if s.UnsettledSince == nil {
		return false
	}
	quiet, settles := p.quietFor(), p.settlesFor()
	if quiet <= 0 && settles <= 0 || p.idle() {
		p.rest()
		return false
	}
	p.look(quiet)
	p.look(settles)
	s.Phase = triggerv1.RolloutSettling
	why := "waits until the sources have not changed for " + p.Quiet.String() + " (spec.quietPeriod)"
	if settles > 0 {
		why = "waits for a change to settle: " + s.Settling.Source
		if s.Settling.AppliedBy != "" {
			why += ", applied by " + s.Settling.AppliedBy
		}
	} else {
		s.Settling = nil
	}
	p.hold(p.all(), why)
	return true
}

// quietFor returns how long the quiet period still lasts.
func (p *planner) quietFor() time.Duration {
	if p.Quiet <= 0 {
		return 0
	}
	return min(p.since(p.Status.ChangedAt.Time, p.Quiet), p.since(p.Status.UnsettledSince.Time, max(p.MaxDelay, p.Quiet)))
}

// settlesFor returns how long the change of a tool still settles. What the spec allows for
// the quiet period comes before.
func (p *planner) settlesFor() time.Duration {
	if p.Status.Settling == nil {
		return 0
	}
	left := p.since(p.Status.Settling.Since.Time, p.Settle)
	if left <= 0 && p.Applying {
		left = applyingDelay
	}
	most := max(maxSettling*p.Settle, leastMaxSettling)
	if p.Quiet > 0 {
		most += max(p.MaxDelay, p.Quiet)
	}
	return min(left, p.since(p.Status.UnsettledSince.Time, most))
}

// since returns how much is left of a time that began at another one.
func (p *planner) since(began time.Time, lasts time.Duration) time.Duration {
	return began.Add(lasts).Sub(p.Now)
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
