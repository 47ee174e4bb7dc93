// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	source := func(name, digest string) Source { return Source{ID: "ConfigMap/apps/" + name, Digest: digest} }
	status := func(name, digest string) triggerv1.SourceStatus {
		return triggerv1.SourceStatus{Kind: "ConfigMap", Namespace: "apps", Name: name, Digest: digest}
	}
	recorded := []triggerv1.SourceStatus{status("a", "1"), status("b", "1"), status("gone", ""), status("z", "1")}
	for _, c := range []struct {
		name    string
		sources []Source
		want    Diff
	}{{
		name:    "nothing changed",
		sources: []Source{source("a", "1"), source("b", "1"), source("gone", ""), source("z", "1")},
	}, {
		name:    "content changed",
		sources: []Source{source("z", "2"), source("b", "1"), source("gone", ""), source("a", "2")},
		want:    Diff{Changed: []string{"ConfigMap/apps/a", "ConfigMap/apps/z"}},
	}, {
		name:    "an optional source came and another went",
		sources: []Source{source("a", "1"), source("b", ""), source("gone", "1"), source("z", "1")},
		want:    Diff{Changed: []string{"ConfigMap/apps/b", "ConfigMap/apps/gone"}},
	}, {
		name:    "sources were taken in and dropped",
		sources: []Source{source("z", "1"), source("y", "1"), source("c", "")},
		want: Diff{
			Added:   []string{"ConfigMap/apps/c", "ConfigMap/apps/y"},
			Removed: []string{"ConfigMap/apps/a", "ConfigMap/apps/b", "ConfigMap/apps/gone"},
		},
	}, {
		name:    "another kind is another source",
		sources: []Source{{ID: "Secret/apps/a", Digest: "1"}, source("b", "1"), source("gone", ""), source("z", "1")},
		want:    Diff{Added: []string{"Secret/apps/a"}, Removed: []string{"ConfigMap/apps/a"}},
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c.want.From, c.want.To = "before", Combined(c.sources)
			for range 20 { // A map is walked in another order each time.
				g.Expect(Compare(recorded, "before", c.sources)).To(Equal(c.want))
			}
		})
	}
}

func TestCombined_dependsOnContentAlone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	sources := []Source{{ID: "ConfigMap/apps/a", Digest: "1"}, {ID: "ConfigMap/apps/b", Digest: "2"}, {ID: "Secret/apps/a"}}
	want := Combined(sources)
	for seed := range 20 {
		shuffled := slices.Clone(sources)
		rand.New(rand.NewSource(int64(seed))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		shuffled[0].Force, shuffled[0].Editor, shuffled[0].Full = triggerv1.ForceAlways, "kubectl", "3"
		g.Expect(Combined(shuffled)).To(Equal(want))
	}
	g.Expect(Combined(sources[:2])).NotTo(Equal(want), "an optional source that is absent is part of it")
	sources[0].Digest, sources[1].Digest = "2", "1"
	g.Expect(Combined(sources)).NotTo(Equal(want), "content belongs to its source")
}
