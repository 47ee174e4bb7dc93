// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"iter"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// target is a target with what is decided of it.
type target struct {
	*Target
	*Admission

	// index among the targets of the decision.
	index int
}

// group is some of the targets of a decision, in the order in which they are triggered. It holds their indexes alone,
// since there may be ten thousand of them.
type group struct {
	targets []Target
	decided []Admission
	indexes []int
}

// groupOf returns all targets of a decision.
func groupOf(targets []Target, decided []Admission) group {
	all := group{targets: targets, decided: decided, indexes: make([]int, len(targets))}
	for i := range all.indexes {
		all.indexes[i] = i
	}
	return all
}

// room returns a group that is empty, and has room for so many of the same targets.
func (g group) room(size int) group {
	g.indexes = make([]int, 0, size)
	return g
}

// add adds one of the targets to the group.
func (g *group) add(t target) { g.indexes = append(g.indexes, t.index) }

func (g group) len() int { return len(g.indexes) }

// at returns one of the targets, by its place in the group.
func (g group) at(place int) target {
	i := g.indexes[place]
	return target{Target: &g.targets[i], Admission: &g.decided[i], index: i}
}

// each returns the targets one after the other, with their places in the group.
func (g group) each() iter.Seq2[int, target] {
	return func(yield func(int, target) bool) {
		for place := range g.indexes {
			if !yield(place, g.at(place)) {
				return
			}
		}
	}
}

// admit lets the requests of the targets through.
func (g group) admit() {
	for _, t := range g.each() {
		t.admit()
	}
}

func (t target) admit() {
	if t.Wants {
		t.Admitted, t.Held = true, ""
	}
}

// hold says why the requests of the targets must wait.
func (g group) hold(why string) {
	for _, t := range g.each() {
		if t.Wants && !t.Admitted {
			t.Held = why
		}
	}
}

// holdRest is hold for those that have no reason to wait yet.
func (g group) holdRest(why string) {
	for _, t := range g.each() {
		if t.Wants && !t.Admitted && t.Held == "" {
			t.Held = why
		}
	}
}

// withdraw holds also what was admitted before it was seen that the content fails.
func (g group) withdraw(why string) {
	for _, t := range g.each() {
		t.Admitted = false
	}
	g.hold(why)
}

// wanting reports whether a request would be made for any of the targets.
func (g group) wanting() bool { return g.contains(func(t target) bool { return t.Wants }) }

// idle reports that every target runs the content.
func (g group) idle() bool { return !g.any(Due, UnderWay, Busy, Failed, Out) }

func (g group) any(standings ...Standing) bool {
	return g.contains(func(t target) bool { return slices.Contains(standings, t.Standing) })
}

func (g group) contains(is func(target) bool) bool {
	for _, t := range g.each() {
		if is(t) {
			return true
		}
	}
	return false
}

// complaint says which target has failed or is out, and why.
func (t Target) complaint() string { return t.Name + ": " + t.Message }

// fails reports that the failure of a target is one of the change.
func (t target) fails() bool { return t.Standing == Failed && !t.UnreadyBefore }

// firstFailed returns the first target whose failure counts.
func (g group) firstFailed() Target {
	for _, t := range g.each() {
		if t.fails() {
			return *t.Target
		}
	}
	return Target{}
}

// unready counts the delivered targets that are not ready, and those of which it is not known, and returns
// the first of the former.
func (g group) unready() (unready, unknown int, first Target) {
	for _, t := range g.each() {
		switch {
		case t.Standing != Current || t.Ready == "True":
		case t.Ready == "False":
			if unready == 0 {
				first = *t.Target
			}
			unready++
		default:
			unknown++
		}
	}
	return unready, unknown, first
}

// releases returns those that run or get the content.
func (g group) releases() []types.NamespacedName {
	releases := make([]types.NamespacedName, 0, g.len())
	for _, t := range g.each() {
		if namespace, name, _ := strings.Cut(t.Name, "/"); t.Standing != Out {
			releases = append(releases, types.NamespacedName{Namespace: namespace, Name: name})
		}
	}
	return releases
}
