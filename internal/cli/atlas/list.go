// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package atlas

import "slices"

// Branch is what is drawn as an item of a nested list, from which the picture is drawn as well: From
// leads to it, and it leads to To.
type Branch struct {
	*Drawn
	From, To []Branch

	// Href leads to what is selected or opened by it, if it can be.
	Href string
}

// List nests what is drawn: triggers with their sources and HelmReleases, these with their copies, and
// after them what no trigger joins.
func (p Picture) List(link func(name, value string) string) []Branch {
	var out []Branch
	item := func(d *Drawn) Branch {
		switch {
		case d.Group != "":
			return Branch{Drawn: d, Href: link("group", d.Group)}
		case d.first.count > 1 || d.first.Name == unfound:
			return Branch{Drawn: d}
		}
		return Branch{Drawn: d, Href: link("object", d.ID)}
	}
	listed := map[*Drawn]bool{}
	for _, d := range p.Drawn {
		if d.Column == Triggers {
			b := nest(d, listed, item)
			for _, up := range d.up {
				b.From = append(b.From, item(up))
				listed[up] = true
			}
			out = append(out, b)
		}
	}
	for _, d := range p.Drawn {
		if d.Column == Releases && (!listed[d] || slices.ContainsFunc(d.up, isSource)) {
			b := item(d)
			if !listed[d] { // Else what is below it is listed.
				b = nest(d, listed, item)
			}
			for _, up := range d.up {
				if isSource(up) {
					b.From = append(b.From, item(up))
					listed[up] = true
				}
			}
			out = append(out, b)
		}
	}
	for _, d := range p.Drawn {
		if !listed[d] {
			out = append(out, item(d))
		}
	}
	return out
}

func isSource(d *Drawn) bool { return d.Column == Sources }

// nest returns an item with what it leads to.
func nest(d *Drawn, listed map[*Drawn]bool, item func(*Drawn) Branch) Branch {
	listed[d] = true
	b := item(d)
	for _, down := range d.down {
		b.To = append(b.To, nest(down, listed, item))
	}
	return b
}
