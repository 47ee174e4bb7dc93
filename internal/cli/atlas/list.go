// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package atlas

// Branch is what is drawn as an item of a nested list, from which the picture is drawn as well: From
// leads to it, and it leads to To.
type Branch struct {
	*Drawn
	From, To []Branch

	// Href leads to what is selected or opened by it, if it can be.
	Href string
}

// lister makes the list. Listed is what is in it.
type lister struct {
	link   func(name, value string) string
	listed map[*Drawn]bool
}

// List nests what is drawn: triggers with their sources and HelmReleases, these with their copies, and
// after them what no trigger joins.
func (p Picture) List(link func(name, value string) string) []Branch {
	l := lister{link: link, listed: map[*Drawn]bool{}}
	var out []Branch
	for _, d := range p.Drawn {
		if d.Column == Triggers {
			b := l.nest(d)
			b.From = l.sources(d)
			out = append(out, b)
		}
	}
	for _, d := range p.Drawn {
		if d.Column != Releases {
			continue
		}
		below := l.listed[d]
		if from := l.sources(d); len(from) > 0 || !below {
			b := l.item(d)
			if !below { // Else it is listed with a trigger.
				b = l.nest(d)
			}
			b.From = from
			out = append(out, b)
		}
	}
	for _, d := range p.Drawn {
		if !l.listed[d] {
			out = append(out, l.item(d))
		}
	}
	return out
}

// item returns an item by itself.
func (l lister) item(d *Drawn) Branch {
	switch {
	case d.Group != "":
		return Branch{Drawn: d, Href: l.link("group", d.Group)}
	case d.first.count > 1 || d.first.Name == unfound:
		return Branch{Drawn: d}
	}
	return Branch{Drawn: d, Href: l.link("object", d.ID)}
}

// nest returns an item with what it leads to.
func (l lister) nest(d *Drawn) Branch {
	l.listed[d] = true
	b := l.item(d)
	for _, down := range d.down {
		b.To = append(b.To, l.nest(down))
	}
	return b
}

// sources returns the sources that lead to an item.
func (l lister) sources(d *Drawn) []Branch {
	var out []Branch
	for _, up := range d.up {
		if up.Column == Sources {
			out = append(out, l.item(up))
			l.listed[up] = true
		}
	}
	return out
}
