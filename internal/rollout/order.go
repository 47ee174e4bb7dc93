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
			t := p.Targets[i]
			if !t.Wants || t.Standing != standing {
				continue
			}
			if standing == UnderWay {
				p.admit([]int{i}) // It has its place already.
				continue
			}
			if first := order.first(i); first != "" {
				p.Held[i] = first
				continue
			}
			if turn.Targets = append(turn.Targets, i); len(turn.Targets) <= free {
				p.admit([]int{i})
			} else {
				p.Held[i] = waits
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
	reason  string
}

// order returns that of the stage: dependents wait for what they depend on or, backwards,
// are waited for by it.
func (p *planner) order(st *stage, backwards bool) order {
	o := order{targets: p.Targets, reason: "waits for %s, which it depends on"}
	if backwards {
		o.reason = "waits for %s, which depends on it"
	}
	if !slices.ContainsFunc(st.members, func(i int) bool { return len(p.Targets[i].DependsOn) > 0 }) {
		return o
	}
	index := make(map[string]int, len(st.members))
	for _, i := range st.members {
		index[p.Targets[i].Name] = i
	}
	o.waits = make(map[int][]int, len(st.members))
	for _, i := range st.members {
		for _, name := range p.Targets[i].DependsOn {
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
	return o
}

// first says for which release of the stage a target waits, which must have come to an
// end before it is triggered, or nothing. Of those that depend on each other in a circle,
// none waits for another.
func (o order) first(i int) string {
	for _, d := range o.waits[i] {
		switch o.targets[d].Standing {
		case Due, UnderWay, Busy:
			if !o.leads(d, i, map[int]bool{}) {
				return fmt.Sprintf(o.reason, o.targets[d].Name)
			}
		case Current, Failed, Out:
		}
	}
	return ""
}

// leads reports whether a target waits for another, if only through others.
func (o order) leads(from, to int, seen map[int]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	for _, d := range o.waits[from] {
		if !seen[d] && o.leads(d, to, seen) {
			return true
		}
	}
	return false
}
