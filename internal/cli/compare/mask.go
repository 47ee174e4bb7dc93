// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// mask knows the paths that Secrets set.
type mask struct {
	root *node
}

// node is a path. Marks are the contributions that end here.
type node struct {
	below map[string]*node
	marks []*Contribution
}

func newMask(secrets []Contribution) *mask {
	m := &mask{root: &node{}}
	for i := range secrets {
		if len(secrets[i].Values) == 0 {
			continue
		}
		walk(nil, secrets[i].Values, func(path []string, _ any) {
			n := m.root
			for _, step := range path {
				n = n.child(step)
			}
			n.marks = append(n.marks, &secrets[i])
		})
	}
	return m
}

func (n *node) child(step string) *node {
	if n.below == nil {
		n.below = map[string]*node{}
	}
	if n.below[step] == nil {
		n.below[step] = &node{}
	}
	return n.below[step]
}

// add notes a difference, masked if a Secret sets the path, something above it or
// something below it.
func (m *mask) add(found map[string]Difference, path string, d Difference) {
	d.Path = shown(path)
	if by := m.by(split(path)); by != nil {
		d.Before, d.After, d.Secret = nil, nil, by.Secret
		if by.TargetPath != "" {
			d.Path = by.TargetPath
		}
	}
	if old, twice := found[d.Path]; twice {
		if d.Op != old.Op {
			d.Op = Changed
		}
		if d.Secret == "" {
			d.Before, d.After, d.Secret = nil, nil, old.Secret
		}
	}
	found[d.Path] = d
}

// by returns the contribution that sets a path; one with a targetPath if there are
// several, since less of it may be shown.
func (m *mask) by(path []string) *Contribution {
	n := m.root
	var marks []*Contribution
	for _, step := range path {
		if n = n.below[step]; n == nil {
			break
		}
		marks = append(marks, n.marks...)
	}
	if n != nil {
		marks = append(marks, n.all()...)
	}
	if len(marks) == 0 {
		return nil
	}
	return slices.MinFunc(marks, func(a, b *Contribution) int {
		if (a.TargetPath == "") != (b.TargetPath == "") {
			return cmp.Compare(len(b.TargetPath), len(a.TargetPath))
		}
		return strings.Compare(a.Secret+separator+a.TargetPath, b.Secret+separator+b.TargetPath)
	})
}

// all returns the marks below a node.
func (n *node) all() []*Contribution {
	var marks []*Contribution
	for _, child := range n.below {
		marks = append(append(marks, child.marks...), child.all()...)
	}
	return marks
}

// Paths are written as Helm's --set takes them, with quotes around keys that could be
// mistaken: image.tag, hosts[0].name, annotations."example.com/a".

func segment(key string) string {
	if key == "" || strings.ContainsAny(key, `.[]"\`+" \t\r\n") || strconv.Quote(key) != `"`+key+`"` {
		return strconv.Quote(key)
	}
	return key
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// separator keeps the steps of a path apart inside of this package: no segment holds it,
// since it would be quoted.
const separator = "\x00"

func join(path []string) string { return strings.Join(path, separator) }

func split(path string) []string { return strings.Split(path, separator) }

// shown writes a path for people.
func shown(path string) string {
	var out strings.Builder
	for i, step := range split(path) {
		if i > 0 && !strings.HasPrefix(step, "[") {
			out.WriteByte('.')
		}
		out.WriteString(step)
	}
	return out.String()
}
