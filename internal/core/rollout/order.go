// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
)

// advance triggers as many targets of a stage as may be in progress, each after those of the
// stage that it depends on.
func (p *planner) advance(st *stage) {
	p.fill(st, st.members, p.order(st, false))
}

// recede triggers the targets of a stage the other way round, each before those that it
// depends on.
func (p *planner) recede(st *stage) {
	members := slices.Clone(st.members)
	slices.Reverse(members)
	p.fill(st, members, p.order(st, true))
}

// fill gives the free places to those of the members whose turn it is. Those that were refused
// before come last.
func (p *planner) fill(st *stage, members []int, order order) {
	limit := p.limit(st)
	free := limit - st.counts[UnderWay]
	turn := Turn{Places: max(0, free)}
	waits := fmt.Sprintf("queued: stage %s allows %d at a time", st.Name, limit)
	for _, standing := range []Standing{UnderWay, Due, Out} {
		for _, i := range members {
			t := p.Input.Targets[i]
			if !t.Wants || t.Standing != standing {
				continue
			}
			if standing == UnderWay {
				p.admit([]int{i}) // It has its place already.
				continue
			}
			if first := order.first(i); first != "" {
				p.Decision.Targets[i].Held = first
				continue
			}
			if turn.Targets = append(turn.Targets, i); len(turn.Targets) <= free {
				p.admit([]int{i})
			} else {
				p.Decision.Targets[i].Held = waits
			}
		}
	}
	if free > 0 && len(turn.Targets) > free {
		p.Turns = append(p.Turns, turn)
	}
}

// order knows which targets of a stage wait for which others of it.
type order struct {
	targets []Target
	waits   map[int][]int
	circles map[int]int
	reason  string
}

// order returns that of the stage: dependents wait for what they depend on or, backwards,
// are waited for by it.
func (p *planner) order(st *stage, backwards bool) order {
	o := order{targets: p.Input.Targets, reason: "waits for %s, which it depends on"}
	if backwards {
		o.reason = "waits for %s, which depends on it"
	}
	if !slices.ContainsFunc(st.members, func(i int) bool { return len(p.Input.Targets[i].DependsOn) > 0 }) {
		return o
	}
	index := make(map[string]int, len(st.members))
	for _, i := range st.members {
		index[p.Input.Targets[i].Name] = i
	}
	o.waits = make(map[int][]int, len(st.members))
	for _, i := range st.members {
		for _, name := range p.Input.Targets[i].DependsOn {
			d, found := index[name]
			switch {
			case !found || d == i:
			case backwards:
				o.waits[d] = append(o.waits[d], i)
			default:
				o.waits[i] = append(o.waits[i], d)
			}
		}
	}
	o.circles = circlesOf(st.members, o.waits)
	return o
}

// first says for which release of the stage a target waits, which must have come to an
// end before it is triggered, or nothing. Of those that depend on each other in a circle,
// none waits for another.
func (o order) first(i int) string {
	for _, d := range o.waits[i] {
		switch o.targets[d].Standing {
		case Due, UnderWay, Busy:
			if o.circles[d] != o.circles[i] {
				return fmt.Sprintf(o.reason, o.targets[d].Name)
			}
		case Current, Failed, Out:
		}
	}
	return ""
}

// circlesOf numbers the members so that exactly those that wait for each other, if only through others, have the
// same number: the strongly connected components, by Tarjan's algorithm ("Depth-first search and linear graph
// algorithms", SIAM Journal on Computing 1, 1972). It takes time in proportion to the edges.
func circlesOf(members []int, waits map[int][]int) map[int]int {
	circles := make(map[int]int, len(members))
	number, low := make(map[int]int, len(members)), make(map[int]int, len(members))
	var open []int
	var visit func(i int)
	visit = func(i int) {
		number[i] = len(number) + 1
		low[i] = number[i]
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
	for _, i := range members {
		if number[i] == 0 {
			visit(i)
		}
	}
	return circles
}
