// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package build returns what directories of manifests come to when they are applied. It
// runs the libraries of kustomize and of kustomize-controller, from the roots that the
// Flux Kustomizations in the directories name.
package build

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
)

// Rules of the findings of this package.
const (
	ruleBuild    = "build"
	ruleNotBuilt = "not-built"
)

// Tree is what directories come to.
type Tree struct {
	// Clusters hold the manifests that are applied together.
	Clusters [][]lint.Document
	Findings []lint.Finding
}

// builder builds kustomizations, and remembers what each has read.
type builder struct {
	scan     *scan
	findings []lint.Finding

	// reads are the files that went into any build of a root.
	reads map[string]bool

	// named are the directories that Flux Kustomizations name.
	named map[string]bool

	// sources are those of which the tree is the content, by id; nil if that is not known.
	sources map[string]bool

	clusters []*cluster
	remote   map[string]*cluster
}

// library is held while kustomize's library is used, which keeps its schema in the process.
var library sync.Mutex

// Directories returns what is applied of directories. It is safe for concurrent use.
func Directories(dirs []string) (Tree, error) {
	library.Lock()
	defer library.Unlock()
	s, err := newScan(dirs)
	if err != nil {
		return Tree{}, err
	}
	b := &builder{scan: s, reads: map[string]bool{}, named: map[string]bool{}, remote: map[string]*cluster{}}
	b.bootstrapped()
	b.others()

	tree := Tree{Findings: b.findings}
	for _, c := range b.clusters {
		if len(c.documents) > 0 {
			tree.Clusters = append(tree.Clusters, c.documents)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.remote)) {
		tree.Clusters = append(tree.Clusters, b.remote[key].documents)
	}
	return tree, nil
}

func (b *builder) cluster() *cluster {
	c := &cluster{builder: b, known: map[string]bool{}}
	b.clusters = append(b.clusters, c)
	return c
}

// roots returns the Flux Kustomizations that apply themselves.
func (b *builder) roots() []flux {
	var roots, top []flux
	for _, k := range b.scan.flux {
		switch dir := b.scan.resolve(k.path()); {
		case dir == "" || !isBelow(k.document.File, dir):
		case !b.scan.isTop(dir):
			roots = append(roots, k)
		case k.text("spec", "sourceRef", "name") == k.text("metadata", "name"):
			top = append(top, k) // Any other source has a top, too.
		}
	}
	if len(roots) == 0 {
		roots = top
	}
	slices.SortStableFunc(roots, func(x, y flux) int { return strings.Compare(x.document.File, y.document.File) })
	return roots
}

// bootstrapped builds the clusters whose root is in the tree.
func (b *builder) bootstrapped() {
	roots := b.roots()
	for _, k := range roots {
		if b.sources == nil {
			b.sources = map[string]bool{}
		}
		b.sources[k.source()] = true
	}
	for _, k := range b.scan.flux {
		if dir := b.scan.resolve(k.path()); dir != "" && !b.scan.isTop(dir) && (b.sources == nil || b.sources[k.source()]) {
			b.named[dir] = true
		}
	}
	for _, k := range roots {
		if b.reads[k.document.File] {
			continue // Another root applies it.
		}
		c := b.cluster()
		c.whole = true
		c.follow(k)
		c.run()
	}
}

// run is one build of a kustomization.
type run struct {
	*builder
	dir string
	fs  *recorder

	// file is what a problem is reported at.
	file string
	line int

	documents []lint.Document
	findings  []lint.Finding

	// variables are filled in by Flux, and labels and annotations set.
	variables variables
	flux      flux
}

func (b *builder) newRun(dir string) *run {
	r := &run{builder: b, dir: dir, file: b.scan.kustomizations[dir], line: 1}
	r.fs = &recorder{FileSystem: b.scan.fs, root: dir, reads: map[string]bool{}, overlay: map[string][]byte{}}
	return r
}

func (r *run) report(severity lint.Severity, rule, object, format string, args ...any) {
	r.findings = append(r.findings, lint.Finding{
		File: r.scan.shown(cmp.Or(r.file, r.dir)), Line: r.line, Severity: severity, Rule: rule, Object: object, Message: fmt.Sprintf(format, args...),
	})
}

// build returns what kustomize makes of the directory. What is remote is reported, and
// left out.
func (r *run) build(object string) []lint.Document {
	all, err := fluxkustomize.Build(r.fs, r.dir)
	for _, remote := range r.fs.remote {
		r.findings = append(r.findings, lint.Finding{
			File: r.scan.shown(remote.file), Line: remote.line, Severity: lint.Note, Rule: ruleNotBuilt, Object: object,
			Message: fmt.Sprintf("%s is not fetched: what it holds is not checked", remote.url),
		})
	}
	switch {
	case err != nil && len(r.fs.remote) > 0:
		r.report(lint.Note, ruleNotBuilt, object, "kustomization %s is not built without what is not fetched: nothing of it is checked", r.scan.shown(r.dir))
		return nil
	case err != nil:
		r.report(lint.Error, ruleBuild, object, "kustomization %s cannot be built: %s", r.scan.shown(r.dir), r.describe(err))
		return nil
	}
	var out []lint.Document
	for _, res := range all.Resources() {
		out = append(out, r.document(res)...)
	}
	return out
}

// describe returns what kustomize says, without what its parser quotes: that may be out of
// a Secret.
func (r *run) describe(err error) string {
	text := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), r.scan.root+string(filepath.Separator), "")), " ")
	if i := strings.Index(" "+text, " yaml: "); i >= 0 {
		before, after := text[:i], text[i:]
		in := ""
		if j := strings.LastIndex(after, " in File: "); j >= 0 {
			in = after[j:]
		}
		text = before + "no valid YAML" + in
	}
	return lint.Quotes(text)
}

func isBelow(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}
