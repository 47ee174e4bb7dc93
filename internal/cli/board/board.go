// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package board says what is shown of ValuesTriggers while they are watched: of one its stages with
// the releases in them, of many which need a person first. Of objects it makes values, of values
// lines; where they are shown is for others to decide.
package board

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Board is what is shown of a ValuesTrigger.
type Board struct {
	graph.Trigger

	// Change is the one that is delivered, or was last.
	Change Change `json:"change,omitzero"`

	// Clocks are what the rollout waits for and ends by itself.
	Clocks []Clock `json:"clocks,omitempty"`

	// Lanes are the stages with their HelmReleases, or all HelmReleases where there are no stages.
	Lanes []Lane `json:"lanes"`

	// Troubles are why HelmReleases do not have the content, worst first.
	Troubles []Trouble `json:"troubles,omitempty"`

	// Notes are what a person did about it.
	Notes []string `json:"notes,omitempty"`

	// Next is what a person can do now.
	Next []graph.Step `json:"next,omitempty"`
}

// Change is what is delivered.
type Change struct {
	Digest      string       `json:"digest,omitempty"`
	Cause       string       `json:"cause,omitempty"`
	GitRevision string       `json:"gitRevision,omitempty"`
	Time        *metav1.Time `json:"time,omitempty"`
}

// Clock is something that ends by itself.
type Clock struct {
	What string      `json:"what"`
	Ends metav1.Time `json:"ends"`
}

// Lane is a stage with its HelmReleases.
type Lane struct {
	graph.Stage
	Cells []Cell `json:"helmReleases,omitempty"`

	// Unknown is how many HelmReleases it has beside them.
	Unknown int `json:"unknown,omitempty"`

	// Counts are by the status where it lists all HelmReleases. Where it does not, they are those that it
	// counts itself, which what was read of HelmReleases may lag behind.
	Counts map[triggerv1.TargetState]int `json:"counts,omitempty"`
}

// Cell is a HelmRelease.
type Cell struct {
	Namespace string                `json:"namespace"`
	Name      string                `json:"name"`
	State     triggerv1.TargetState `json:"state"`
}

// Trouble is why some HelmReleases do not have the content.
type Trouble struct {
	State   triggerv1.TargetState `json:"state"`
	Message string                `json:"message"`
	Count   int                   `json:"count"`

	// First of them, as namespace/name.
	First string `json:"first"`
}

// Of returns what is shown of a ValuesTrigger, which has been described.
func Of(vt *triggerv1.ValuesTrigger, t graph.Trigger) Board {
	return Board{
		Trigger: t, Change: change(vt), Clocks: clocks(vt, t), Lanes: lanes(t),
		Troubles: troubles(t), Notes: notes(vt, t.Message), Next: t.Steps(),
	}
}

// change returns the newest entry of the history about the content that is delivered or, after a rollback, rejected:
// the newest of all is then what takes its place.
func change(vt *triggerv1.ValuesTrigger) Change {
	c := Change{Digest: vt.Status.LastDigest}
	if s := vt.Status.Rollout; s != nil {
		c.Digest, c.Time = s.Digest, s.ChangedAt
	}
	i := slices.IndexFunc(vt.Status.History, func(h triggerv1.Change) bool { return h.Digest == c.Digest })
	if i < 0 {
		return c
	}
	newest := vt.Status.History[i]
	c.Cause, c.GitRevision = newest.Cause, newest.GitRevision
	c.Time = cmp.Or(c.Time, &newest.Time)
	return c
}

func clocks(vt *triggerv1.ValuesTrigger, t graph.Trigger) []Clock {
	var out []Clock
	for _, st := range t.Stages {
		if st.SoaksUntil != nil {
			out = append(out, Clock{"stage " + st.Name + " soaks until", *st.SoaksUntil})
		}
		if a := st.Analysis; st.Present && a != nil && a.MeasuredAt != nil && a.Failed == "" {
			out = append(out, Clock{"stage " + st.Name + " is measured again at", metav1.NewTime(rollout.Clock(vt)(a.MeasuredAt.Add(a.Interval.Duration)))})
		}
	}
	s := vt.Status.Rollout
	if s == nil {
		return out
	}
	clock := rollout.Clock(vt)
	if s.Phase == triggerv1.RolloutAwaitingWindow && s.NextWindow != nil {
		out = append(out, Clock{"the window opens at", metav1.NewTime(clock(s.NextWindow.Opens.Time))})
	}
	quiet := vt.Spec.QuietPeriod.Duration
	if s.Phase == triggerv1.RolloutSettling && s.Settling == nil && quiet > 0 && s.ChangedAt != nil {
		ends := s.ChangedAt.Add(quiet)
		if s.UnsettledSince != nil {
			ends = earliest(ends, s.UnsettledSince.Add(vt.GetMaxDelay()))
		}
		out = append(out, Clock{"the quiet period ends at", metav1.NewTime(clock(ends))})
	}
	return out
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// lanes puts HelmReleases into their stages. They keep their places while their states change.
func lanes(t graph.Trigger) []Lane {
	lane := func(st graph.Stage, targets []graph.Target) Lane {
		l := Lane{Stage: st, Counts: map[triggerv1.TargetState]int{}}
		for _, target := range targets {
			l.Cells = append(l.Cells, Cell{target.Namespace, target.Name, target.State})
			if t.Unlisted == 0 {
				l.Counts[target.State]++
			}
		}
		if t.Unlisted > 0 {
			l.Counts[triggerv1.TargetDelivered], l.Counts[triggerv1.TargetFailed] = int(st.Delivered), int(st.Failed)
		}
		slices.SortFunc(l.Cells, func(a, b Cell) int { return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name)) })
		return l
	}
	var out []Lane
	for _, st := range t.Stages {
		l := lane(st, t.InStage(st.Name))
		l.Unknown = max(0, int(st.Targets)-len(l.Cells))
		out = append(out, l)
	}
	rest := lane(graph.Stage{}, t.InStage(""))
	if len(t.Stages) == 0 {
		rest.Targets, rest.Delivered, rest.Failed = t.Summary.Total, t.Summary.Delivered, t.Summary.Failed
		rest.Unknown = t.CountedOnly
		if t.Unlisted > 0 {
			rest.Counts = graph.ByState(t.Summary)
		}
	} else {
		rest.Targets = int32(len(rest.Cells)) //nolint:gosec // There are no more than 10,000.
	}
	if len(t.Stages) == 0 || len(rest.Cells) > 0 {
		out = append(out, rest)
	}
	return out
}

// troubles counts what is alike. The rarest of a state comes first, since it is easily missed.
func troubles(t graph.Trigger) []Trouble {
	known := map[Trouble]int{}
	var out []Trouble
	for _, target := range t.Targets {
		if target.State == triggerv1.TargetDelivered || target.Message == "" {
			continue
		}
		key := Trouble{State: target.State, Message: graph.Impersonal(target)}
		i, seen := known[key]
		if !seen {
			i = len(out)
			known[key] = i
			out = append(out, Trouble{State: target.State, Message: target.Message, First: target.Key()})
		}
		out[i].Count++
	}
	slices.SortStableFunc(out, func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(slices.Index(graph.TargetSeverity, a.State), slices.Index(graph.TargetSeverity, b.State)), cmp.Compare(a.Count, b.Count))
	})
	return out
}

// notes says who suspended, overrode, rejected or rolled back, unless a message does.
func notes(vt *triggerv1.ValuesTrigger, message string) []string {
	var out []string
	by := func(user string) string {
		if user == "" {
			return ""
		}
		return " by " + user
	}
	if vt.Spec.Suspend {
		out = append(out, "suspended"+by(vt.Annotations[triggerv1.SuspendedByAnnotation]))
	}
	if s := vt.Status.Rollout; s != nil && s.Overridden {
		user := ""
		if h := vt.Status.History; len(h) > 0 && h[0].Override != nil {
			user = cmp.Or(h[0].Override.User, h[0].Override.Manager)
		}
		out = append(out, "quiet period, windows and stages are overridden"+by(user))
	}
	if restored := vt.Status.Restored; restored != nil {
		out = append(out, "rolled back on request"+by(cmp.Or(restored.User, restored.Manager)))
	}
	if h := vt.Status.History; len(h) > 0 && h[0].Rejection != nil {
		out = append(out, "rejected"+by(cmp.Or(h[0].Rejection.User, h[0].Rejection.Manager)))
	}
	return slices.DeleteFunc(out, func(note string) bool { return strings.Contains(message, note) })
}
