// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Summary counts triggers by state, and HelmReleases by the worst of their states.
type Summary struct {
	Triggers map[State]int                 `json:"triggers"`
	Releases map[triggerv1.TargetState]int `json:"helmReleases"`
}

// Summarize counts. HelmReleases that are only counted, by several triggers perhaps, count each time.
func Summarize(triggers []Trigger) Summary {
	s := Summary{Triggers: map[State]int{}, Releases: map[triggerv1.TargetState]int{}}
	worst := map[binding.Object]triggerv1.TargetState{}
	for _, t := range triggers {
		s.Triggers[t.State]++
		for _, target := range t.Targets {
			old, seen := worst[target.Object]
			if !seen || byRank(TargetSeverity, target.State, old) < 0 {
				worst[target.Object] = target.State
			}
		}
		for state, n := range t.Unnamed() {
			s.Releases[state] += n
		}
	}
	for _, state := range worst {
		s.Releases[state]++
	}
	return s
}

// ByState returns how many targets are in which state.
func ByState(s triggerv1.TargetSummary) map[triggerv1.TargetState]int {
	return map[triggerv1.TargetState]int{
		triggerv1.TargetFailed: int(s.Failed), triggerv1.TargetMissing: int(s.Missing), triggerv1.TargetHeld: int(s.Held),
		triggerv1.TargetTriggered: int(s.Triggered), triggerv1.TargetPending: int(s.Pending), triggerv1.TargetDelivered: int(s.Delivered),
	}
}

// Unnamed returns how many targets in which state are only counted.
func (t Trigger) Unnamed() map[triggerv1.TargetState]int {
	unnamed := map[triggerv1.TargetState]int{}
	if t.CountedOnly == 0 {
		return unnamed // What differs then has changed since it was counted.
	}
	unnamed = ByState(t.Summary)
	for _, target := range t.Targets {
		unnamed[target.State]--
	}
	maps.DeleteFunc(unnamed, func(_ triggerv1.TargetState, n int) bool { return n <= 0 })
	return unnamed
}

// Sort orders triggers, worst first.
func Sort(triggers []Trigger) {
	slices.SortFunc(triggers, func(a, b Trigger) int {
		if order := byRank(Severity, a.State, b.State); order != 0 {
			return order
		}
		return strings.Compare(a.Key(), b.Key())
	})
}

// Counts writes counts in an order, as in "1 Failed, 2 Delivered".
func Counts[T ~string](order []T, counts map[T]int) string {
	var parts []string
	for _, state := range order {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}

// Reason is what is wrong with some HelmReleases.
type Reason struct {
	State   triggerv1.TargetState
	Message string
	Count   int
}

// Reasons returns what is wrong, most frequent first. Messages that differ in nothing but
// the HelmRelease and its revision count as one.
func Reasons(triggers []Trigger) []Reason {
	var out []Reason
	known := map[Reason]int{}
	for _, t := range triggers {
		for _, target := range t.Targets {
			if target.State == triggerv1.TargetDelivered {
				continue
			}
			key := Reason{State: target.State, Message: Impersonal(target)}
			i, seen := known[key]
			if !seen {
				i = len(out)
				known[key] = i
				out = append(out, key)
			}
			out[i].Count++
		}
	}
	slices.SortStableFunc(out, func(a, b Reason) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// Impersonal returns the message of a target without its name.
func Impersonal(t Target) string {
	key := t.Key()
	for _, personal := range []string{fmt.Sprintf("%s.v%d", key, t.Revision+1), fmt.Sprintf("%s.v%d", key, t.Revision), key} {
		t.Message = strings.ReplaceAll(t.Message, personal, "…")
	}
	return t.Message
}
