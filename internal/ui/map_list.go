// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "slices"

// branch is what is drawn as an item of a nested list, from which the picture is drawn as well: From
// leads to it, and it leads to To.
type branch struct {
	*drawn
	From, To []branch

	// Href leads to what is selected or opened by it, if it can be.
	Href string
}

// list nests what is drawn: triggers with their sources and HelmReleases, these with their copies, and
// after them what no trigger joins.
func (p picture) list(link func(name, value string) string) []branch {
	var out []branch
	item := func(d *drawn) branch {
		switch {
		case d.Group != "":
			return branch{drawn: d, Href: link("group", d.Group)}
		case d.first.count > 1 || d.first.Name == unfound:
			return branch{drawn: d}
		}
		return branch{drawn: d, Href: link("object", d.ID)}
	}
	listed := map[*drawn]bool{}
	for _, d := range p.Drawn {
		if d.Column == columnTriggers {
			b := nest(d, listed, item)
			for _, up := range d.up {
				b.From = append(b.From, item(up))
				listed[up] = true
			}
			out = append(out, b)
		}
	}
	for _, d := range p.Drawn {
		if d.Column == columnReleases && (!listed[d] || slices.ContainsFunc(d.up, isSource)) {
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

func isSource(d *drawn) bool { return d.Column == columnSources }

// nest returns an item with what it leads to.
func nest(d *drawn, listed map[*drawn]bool, item func(*drawn) branch) branch {
	listed[d] = true
	b := item(d)
	for _, down := range d.down {
		b.To = append(b.To, nest(down, listed, item))
	}
	return b
}
