// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package atlas joins sources, ValuesTriggers, HelmReleases and copies to a map, and folds it until it can be read.
package atlas

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Column is how far right a point of the map is.
type Column int

// Columns of the map.
const (
	Sources Column = iota
	Triggers
	Releases
	Copies
)

// Words of states that are not those of a target or of a trigger.
const (
	stateAbsent    = "Absent"
	StateNoTrigger = "NoTrigger"

	// unfound stands for what a selector has not found.
	unfound = "*"
)

// point is an object of the map.
type point struct {
	binding.Object
	id     string
	column Column

	// state is that of the object in its column, "" for a source that is there.
	state  string
	labels map[string]string

	// trigger is the first that has it, namespace/name, and stage the one of that trigger.
	trigger, stage string

	// count is how many HelmReleases it stands for: more than one if they are only counted.
	count int

	// up and down are the points before and after it.
	up, down []int
}

// Atlas is everything that can be on the map.
type Atlas struct {
	points []*point
	byID   map[string]int
	joined map[[2]int]bool
}

// Of joins what depends on what.
func Of(c graph.Cluster) *Atlas {
	a := &Atlas{byID: map[string]int{}, joined: map[[2]int]bool{}}
	known := make(map[binding.Object]*helmv2.HelmRelease, len(c.Releases))
	for i := range c.Releases {
		known[binding.ReleaseObject(&c.Releases[i])] = &c.Releases[i]
	}
	for i := range c.Triggers {
		a.addTrigger(&c.Triggers[i], c.Describe(&c.Triggers[i]), known)
	}
	for i := range c.Releases {
		a.addReader(&c.Releases[i])
	}
	return a
}

// addTrigger adds a trigger with its sources, HelmReleases and copies.
func (a *Atlas) addTrigger(vt *triggerv1.ValuesTrigger, t graph.Trigger, known map[binding.Object]*helmv2.HelmRelease) {
	at := a.point(t.Object, Triggers)
	a.points[at].state, a.points[at].labels, a.points[at].trigger = string(t.State), vt.Labels, t.Key()
	for _, s := range t.Sources {
		if s.Name == "" {
			s.Name = unfound
		}
		from := a.point(s.Object, Sources)
		if s.Absent {
			a.points[from].state = stateAbsent
		}
		a.join(from, at)
		a.belongs(from, t.Key(), "")
	}
	for _, target := range t.Targets {
		to := a.point(target.Object, Releases)
		p := a.points[to]
		if p.state == "" || slices.Index(graph.TargetSeverity, target.State) < slices.Index(graph.TargetSeverity, triggerv1.TargetState(p.state)) {
			p.state = string(target.State)
		}
		if hr := known[target.Object]; hr != nil {
			p.labels = hr.Labels
		}
		a.join(at, to)
		a.belongs(to, t.Key(), target.Stage)
		for _, c := range target.Copies {
			copied := a.point(c.Object, Copies)
			a.points[copied].state = string(c.State)
			a.join(to, copied)
			a.belongs(copied, t.Key(), target.Stage)
		}
	}
	for state, n := range t.Unnamed() {
		counted := a.point(binding.Object{Kind: helmv2.HelmReleaseKind, Namespace: t.Key(), Name: "counted as " + string(state)}, Releases)
		a.points[counted].state, a.points[counted].count = string(state), n
		a.join(at, counted)
		a.belongs(counted, t.Key(), "")
	}
}

// addReader adds what a HelmRelease reads and no trigger follows for it.
func (a *Atlas) addReader(hr *helmv2.HelmRelease) {
	o := binding.ReleaseObject(hr)
	followed := map[binding.Object]bool{}
	if at, seen := a.byID[o.ID()]; seen {
		for _, next := range a.points[at].down {
			followed[a.points[next].Object] = true
		}
		for _, trigger := range a.points[at].up {
			for _, source := range a.points[trigger].up {
				followed[a.points[source].Object] = true
			}
		}
	}
	for _, read := range binding.ReadsOf(hr) {
		if followed[read.Object] {
			continue
		}
		to := a.point(o, Releases)
		if a.points[to].state == "" {
			a.points[to].state, a.points[to].labels = StateNoTrigger, hr.Labels
		}
		if from := a.point(read.Object, Sources); a.points[from].column == Sources {
			a.join(from, to)
		}
	}
}

// point returns the number of an object on the map.
func (a *Atlas) point(o binding.Object, c Column) int {
	id := o.ID()
	if at, seen := a.byID[id]; seen {
		return at
	}
	a.byID[id] = len(a.points)
	a.points = append(a.points, &point{Object: o, id: id, column: c, count: 1})
	return len(a.points) - 1
}

func (a *Atlas) join(from, to int) {
	if edge := [2]int{from, to}; !a.joined[edge] {
		a.joined[edge] = true
		a.points[from].down, a.points[to].up = append(a.points[from].down, to), append(a.points[to].up, from)
	}
}

func (a *Atlas) belongs(at int, trigger, stage string) {
	if p := a.points[at]; p.trigger == "" {
		p.trigger, p.stage = trigger, stage
	}
}

// Filter says what of the map is wanted.
type Filter struct {
	Query, Namespace, State, Label string

	// Object is the ID of a point, and Group the key of a group that is open.
	Object, Group string
	Page          int
}

// IsEmpty reports whether all is wanted.
func (f Filter) IsEmpty() bool {
	f.Page = 0
	return f == Filter{}
}

// wanted returns the points that a filter names, sorted by name; an error if its labels are malformed.
func (a *Atlas) wanted(f Filter) ([]int, error) {
	selector, err := labels.Parse(f.Label)
	if err != nil {
		return nil, fmt.Errorf("label: %w", err)
	}
	var out []int
	for i, p := range a.points {
		switch {
		case f.Object != "" && p.id != f.Object,
			f.Namespace != "" && p.Namespace != f.Namespace,
			f.State != "" && p.state != f.State,
			f.Label != "" && (p.column != Triggers && p.column != Releases || !selector.Matches(labels.Set(p.labels))),
			!text.HasWords(f.Query, p.String()),
			f.Group != "" && !a.isIn(f.Group, i):
			continue
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(x, y int) int { return a.compare(x, y) })
	return out, nil
}

// around returns some points with all that leads to them and all that they lead to.
func (a *Atlas) around(points []int) []int {
	found := map[int]bool{}
	for _, next := range []func(*point) []int{func(p *point) []int { return p.up }, func(p *point) []int { return p.down }} {
		visited := map[int]bool{}
		for queue := slices.Clone(points); len(queue) > 0; queue = queue[1:] {
			if at := queue[0]; !visited[at] {
				visited[at] = true
				queue = append(queue, next(a.points[at])...)
			}
		}
		maps.Copy(found, visited)
	}
	return slices.SortedFunc(maps.Keys(found), a.compare)
}

// compare orders points by column, what needs attention first, and name.
func (a *Atlas) compare(x, y int) int {
	p, q := a.points[x], a.points[y]
	if p.column != q.column {
		return int(p.column - q.column)
	}
	if order := rankOf(p.state) - rankOf(q.state); order != 0 {
		return order
	}
	return strings.Compare(p.id, q.id)
}

// rankOf orders the words of states, what needs attention first.
func rankOf(state string) int {
	if i := slices.Index(graph.TargetSeverity, triggerv1.TargetState(state)); i >= 0 {
		return i
	}
	if i := slices.Index(graph.Severity, graph.State(state)); i >= 0 {
		return i
	}
	return len(graph.Severity)
}

// Find returns the state of an object, false if it is not on the map.
func (a *Atlas) Find(id string) (state string, found bool) {
	at, found := a.byID[id]
	if !found {
		return "", false
	}
	return a.points[at].state, true
}

// Namespaces returns those of all objects, sorted.
func (a *Atlas) Namespaces() []string {
	found := map[string]bool{}
	for _, p := range a.points {
		found[p.Namespace] = true
	}
	return slices.Sorted(maps.Keys(found))
}
