// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
)

// others builds what no root that is known reaches: kustomizations, and manifests outside
// of any, with the Flux Kustomizations among them.
func (b *builder) others() {
	reached := b.reached()
	var all []*run
	for _, dir := range slices.Sorted(maps.Keys(b.scan.kustomizations)) {
		if !b.named[dir] && !reached[b.scan.kustomizations[dir]] && !b.scan.isComponent(dir) {
			r := b.newRun(dir)
			r.documents = r.build("")
			all = append(all, r)
		}
	}
	var roots [][]lint.Document
	for _, r := range all {
		isBase := slices.ContainsFunc(all, func(other *run) bool { return other != r && other.fs.reads[r.file] })
		if !isBase {
			maps.Copy(reached, r.fs.reads)
			b.findings = append(b.findings, r.findings...)
			roots = append(roots, r.documents)
		}
	}
	common, apart := separate(roots)
	common = append(common, b.scan.plain(reached, b.named)...)
	b.findings = append(b.findings, b.scan.problems(reached)...)
	if len(apart) == 0 {
		apart = [][]lint.Document{nil}
	}
	for _, documents := range apart {
		c := b.cluster()
		c.add(documents)
		c.add(common)
		c.run()
	}
}

// separate returns what roots apply that can be in one cluster, and for the others, such as
// the overlays of several clusters with one base, what each of these gets.
func separate(roots [][]lint.Document) (common []lint.Document, apart [][]lint.Document) {
	count := map[string]int{}
	for _, documents := range roots {
		for id := range ids(documents) {
			count[id]++
		}
	}
	var taken []map[string]bool
	for _, documents := range roots {
		own := ids(documents)
		if !overlap(own, func(id string) bool { return count[id] > 1 }) {
			common = append(common, documents...)
			continue
		}
		i := slices.IndexFunc(taken, func(other map[string]bool) bool {
			return !overlap(own, func(id string) bool { return other[id] })
		})
		if i < 0 {
			i, taken, apart = len(taken), append(taken, map[string]bool{}), append(apart, nil)
		}
		maps.Copy(taken[i], own)
		apart[i] = append(apart[i], documents...)
	}
	return common, apart
}

func overlap(own map[string]bool, with func(id string) bool) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(own)), with)
}

// ids returns what documents are, by kind, namespace and name.
func ids(documents []lint.Document) map[string]bool {
	out := map[string]bool{}
	for _, d := range documents {
		u := unstructured.Unstructured{Object: d.Object}
		out[u.GetKind()+" "+u.GetNamespace()+"/"+u.GetName()] = true
	}
	return out
}

// reached returns the files that are read when all Flux Kustomizations of the tree are
// built, also those to which no root leads.
func (b *builder) reached() map[string]bool {
	reached := maps.Clone(b.reads)
	for _, k := range b.scan.flux {
		if !b.reads[k.document.File] {
			c := &cluster{builder: b, known: map[string]bool{}}
			maps.Copy(reached, c.prepare(k, variables{}).fs.reads)
		}
	}
	return reached
}
