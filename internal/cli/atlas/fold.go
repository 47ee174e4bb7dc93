// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package atlas

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

const (
	// maxDrawn bounds the points that are drawn, maxTall those in one column, and maxEdges what joins them.
	maxDrawn = 150
	maxTall  = 60
	maxEdges = 450

	// pageOfGroup is how many members of an open group are drawn at a time, and smallestGroup how many
	// are worth a group.
	pageOfGroup   = 48
	smallestGroup = 4
)

// folding is how much is folded into groups: the higher, the more.
type folding int

// Levels of folding.
const (
	unfolded folding = iota
	byCopies
	byStage
	bySources
	byNamespace
	byState
)

// groupOf returns the group in which a point is folded at a level, "" if it stands for itself. What is
// folded together is of one column and in one state.
func (a *Atlas) groupOf(at int, l folding) string {
	p := a.points[at]
	kind := p.Kind
	if p.column == Copies {
		kind = "" // A release has those of both kinds.
	}
	var words []string
	switch {
	case p.count > 1:
		return ""
	case l == byState:
		words = []string{kind, p.state}
	case l == byNamespace:
		words = []string{kind, p.state, p.Namespace}
	case p.column == Copies && l >= byCopies, p.column == Releases && l >= byStage, p.column == Sources && l >= bySources:
		words = []string{kind, p.state, p.trigger, p.stage}
	default:
		return ""
	}
	return strconv.Itoa(int(l)) + "|" + strconv.Itoa(int(p.column)) + "|" + strings.Join(words, "|")
}

// isIn reports whether a point is in a group.
func (a *Atlas) isIn(group string, at int) bool {
	word, _, _ := strings.Cut(group, "|")
	l, err := strconv.Atoi(word)
	return err == nil && a.groupOf(at, folding(l)) == group
}

// Drawn is a point of the picture: an object, or a group of them.
type Drawn struct {
	ID     string
	Column Column
	Kind   string
	Label  string
	About  string
	State  string
	Count  int

	// Group is set if it is one, and can be opened.
	Group string

	first *point
	down  []*Drawn
	up    []*Drawn
}

// Picture is what of the map is drawn.
type Picture struct {
	Drawn []*Drawn

	// Objects are how many these stand for, Found how many the filter names, and of those the ones
	// from First to Last are drawn, counted from 1; they are zero if all are.
	Objects, Found, First, Last int
	Page, Pages                 int
}

// Draw folds what a filter wants until it fits.
func (a *Atlas) Draw(f Filter) (Picture, error) {
	found, err := a.wanted(f)
	if err != nil {
		return Picture{}, err
	}
	out := Picture{Found: len(found)}
	open := map[int]bool{}
	shown := found
	if f.Group != "" || f.Query != "" {
		out.Pages = max(1, (len(found)+pageOfGroup-1)/pageOfGroup)
		out.Page = min(max(1, f.Page), out.Pages)
		from := (out.Page - 1) * pageOfGroup
		shown = found[from:min(len(found), from+pageOfGroup)]
		out.First, out.Last = min(from+1, len(found)), from+len(shown)
		for _, at := range shown {
			open[at] = true
		}
	}
	if !f.IsEmpty() {
		shown = a.around(shown)
	} else {
		slices.SortFunc(shown, a.compare)
	}
	for l, fit := unfolded, false; !fit; l++ {
		if out.Drawn = a.fold(shown, open, l); l == byState {
			break
		}
		fit = fits(out.Drawn)
	}
	for _, d := range out.Drawn {
		out.Objects += d.Count
	}
	return out, nil
}

func fits(all []*Drawn) bool {
	edges, tall := 0, [Copies + 1]int{}
	for _, d := range all {
		edges += len(d.down)
		tall[d.Column]++
	}
	return len(all) <= maxDrawn && slices.Max(tall[:]) <= maxTall && edges <= maxEdges
}

// fold draws points, folded at a level but for those that are open. It gives up at the first that is too many.
func (a *Atlas) fold(points []int, open map[int]bool, l folding) []*Drawn {
	sizes := map[string]int{}
	for _, at := range points {
		if group := a.groupOf(at, l); group != "" && !open[at] {
			sizes[group]++
		}
	}
	var out []*Drawn
	byKey := map[string]*Drawn{}
	of := make(map[int]*Drawn, len(points))
	for _, at := range points {
		p := a.points[at]
		group := a.groupOf(at, l)
		if open[at] || sizes[group] < smallestGroup && l < byState {
			group = ""
		}
		key := cmp.Or(group, p.id)
		if byKey[key] == nil {
			byKey[key] = &Drawn{ID: key, Column: p.column, Kind: p.Kind, State: p.state, Group: group, first: p}
			out = append(out, byKey[key])
			if len(out) > maxDrawn && l < byState {
				return out
			}
		}
		of[at] = byKey[key]
		of[at].Count += p.count
	}
	a.joinDrawn(points, of)
	for _, d := range out {
		d.Label, d.About = d.words(l)
	}
	return out
}

// joinDrawn joins what is drawn, given what each point is drawn as.
func (a *Atlas) joinDrawn(points []int, of map[int]*Drawn) {
	joined := map[[2]*Drawn]bool{}
	for _, at := range points {
		for _, next := range a.points[at].down {
			from, to := of[at], of[next]
			if edge := [2]*Drawn{from, to}; to != nil && !joined[edge] {
				joined[edge] = true
				from.down, to.up = append(from.down, to), append(to.up, from)
			}
		}
	}
}

// words names what is drawn, and says what it is in.
func (d *Drawn) words(l folding) (label, about string) {
	p := d.first
	switch {
	case p.count > 1:
		return layout.Plural(p.count, p.Kind), "only counted by " + p.trigger
	case d.Group == "":
		return p.Name, p.Namespace
	case l == byState:
		about = "in all namespaces"
	case l == byNamespace:
		about = "in " + p.Namespace
	case p.stage != "":
		about = fmt.Sprintf("stage %s, %s", p.stage, p.trigger)
	default:
		about = "of " + p.trigger
	}
	kind := p.Kind
	if d.Column == Copies {
		kind = "copy"
		if d.Count > 1 {
			return strconv.Itoa(d.Count) + " copies", about
		}
	}
	return layout.Plural(d.Count, kind), about
}
