// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
)

// advance triggers as many targets of the stage as may be in progress, each after those of the
// stage that it depends on.
func (st *stage) advance() []Turn { return st.fill(false) }

// recede triggers the targets of the stage the other way round, each before those that it
// depends on.
func (st *stage) recede() []Turn { return st.fill(true) }

// fill gives the free places to those of the targets whose turn it is, and returns the turn if more wait for
// one. Those that were refused before come last.
func (st *stage) fill(backwards bool) []Turn {
	order := orderOf(st.members, backwards)
	members := st.members.len()
	limit := Limit(st.spec, members)
	free := limit - st.counts[UnderWay]
	turn := Turn{Places: max(0, free)}
	waits := fmt.Sprintf("queued: stage %s allows %d at a time", st.Name, limit)
	for _, standing := range []Standing{UnderWay, Due, Out} {
		if st.counts[standing] == 0 {
			continue
		}
		for i := range members {
			if backwards {
				i = members - 1 - i
			}
			t := st.members.at(i)
			if !t.Wants || t.Standing != standing {
				continue
			}
			if standing == UnderWay {
				t.admit() // It has its place already.
				continue
			}
			if first := order.first(i); first != "" {
				t.Held = first
				continue
			}
			if turn.Targets = append(turn.Targets, t.index); len(turn.Targets) <= free {
				t.admit()
			} else {
				t.Held = waits
			}
		}
	}
	if free > 0 && len(turn.Targets) > free {
		return []Turn{turn}
	}
	return nil
}

// order knows which members of a stage wait for which others, by their places in the group.
type order struct {
	members group
	waits   [][]int
	circles []int
	reason  string
}

// orderOf returns that of the members of a stage: dependents wait for what they depend on or, backwards,
// are waited for by it.
func orderOf(members group, backwards bool) order {
	o := order{members: members, reason: "waits for %s, which it depends on"}
	if backwards {
		o.reason = "waits for %s, which depends on it"
	}
	if !members.contains(func(t target) bool { return len(t.DependsOn) > 0 }) {
		return o
	}
	named := make(map[string]int, members.len())
	for i, t := range members.each() {
		named[t.Name] = i
	}
	o.waits = make([][]int, members.len())
	for i, t := range members.each() {
		for _, name := range t.DependsOn {
			d, found := named[name]
			switch {
			case !found || d == i:
			case backwards:
				o.waits[d] = append(o.waits[d], i)
			default:
				o.waits[i] = append(o.waits[i], d)
			}
		}
	}
	o.circles = circlesOf(o.waits)
	return o
}

// first says for which release of the stage a member waits, which must have come to an
// end before it is triggered, or nothing. Of those that depend on each other in a circle,
// none waits for another.
func (o order) first(i int) string {
	if o.waits == nil {
		return ""
	}
	for _, d := range o.waits[i] {
		switch o.members.at(d).Standing {
		case Due, UnderWay, Busy:
			if o.circles[d] != o.circles[i] {
				return fmt.Sprintf(o.reason, o.members.at(d).Name)
			}
		case Current, Failed, Out:
		}
	}
	return ""
}

// circlesOf numbers the nodes of a graph so that exactly those that wait for each other, if only through others,
// have the same number: the strongly connected components, by Tarjan's algorithm ("Depth-first search and linear
// graph algorithms", SIAM Journal on Computing 1, 1972). It takes time in proportion to the edges.
func circlesOf(waits [][]int) []int {
	circles, number, low := make([]int, len(waits)), make([]int, len(waits)), make([]int, len(waits))
	visited := 0
	var open []int
	var visit func(i int)
	visit = func(i int) {
		visited++
		number[i], low[i] = visited, visited
		open = append(open, i)
		for _, d := range waits[i] {
			if number[d] == 0 {
				visit(d)
				low[i] = min(low[i], low[d])
			} else if circles[d] == 0 {
				low[i] = min(low[i], number[d])
			}
		}
		if low[i] != number[i] {
			return
		}
		for { // What was opened since is one circle.
			last := open[len(open)-1]
			open = open[:len(open)-1]
			circles[last] = number[i]
			if last == i {
				return
			}
		}
	}
	for i := range waits {
		if number[i] == 0 {
			visit(i)
		}
	}
	return circles
}
