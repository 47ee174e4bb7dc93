// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
)

// advance asks as many targets of a stage as may be under way, each after those of the
// stage that it depends on. Those that were refused before come last.
func (p *planner) advance(st *stage) {
	limit := p.limit(st)
	free := limit - st.counts[UnderWay]
	order := p.order(st)
	turn := fmt.Sprintf("waits for its turn in stage %s, of which %d may be under way", st.Name, limit)
	for _, standing := range []Standing{UnderWay, Due, Out} {
		for _, i := range st.members {
			t := p.Targets[i]
			if !t.Wants || t.Standing != standing {
				continue
			}
			if standing == UnderWay {
				p.admit([]int{i}) // It has its place already.
				continue
			}
			if before := order.before(i); before != "" {
				p.Held[i] = "waits for " + before + ", which it depends on"
				continue
			}
			if free <= 0 {
				p.Held[i] = turn
				continue
			}
			p.admit([]int{i})
			free--
		}
	}
}

// order knows which targets of a stage depend on which.
type order struct {
	targets []Target
	index   map[string]int
}

func (p *planner) order(st *stage) order {
	o := order{targets: p.Targets}
	if !slices.ContainsFunc(st.members, func(i int) bool { return len(p.Targets[i].DependsOn) > 0 }) {
		return o
	}
	o.index = make(map[string]int, len(st.members))
	for _, i := range st.members {
		o.index[p.Targets[i].Name] = i
	}
	return o
}

// before returns a release of the stage that must have come to an end before a target is
// asked, or nothing. Of those that depend on each other in a circle, none waits for
// another.
func (o order) before(i int) string {
	for _, name := range o.targets[i].DependsOn {
		d, found := o.index[name]
		if !found || d == i {
			continue
		}
		switch o.targets[d].Standing {
		case Due, UnderWay, Busy:
			if !o.leads(d, i, map[int]bool{}) {
				return name
			}
		case Current, Failed, Out:
		}
	}
	return ""
}

// leads tells whether a target depends on another, if only through others.
func (o order) leads(from, to int, seen map[int]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	for _, name := range o.targets[from].DependsOn {
		if d, found := o.index[name]; found && !seen[d] && o.leads(d, to, seen) {
			return true
		}
	}
	return false
}
