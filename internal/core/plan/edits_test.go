// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestEditors(t *testing.T) {
	t.Parallel()
	edited := func(id, by string) Source { return Source{ID: id, Digest: "sha256:1", EditedBy: by} }
	gone := Source{ID: "c"}
	for _, c := range []struct {
		name    string
		sources []Source
		diff    Diff
		want    []string
	}{
		{"of what changed", []Source{edited("a", "jane"), edited("b", "tom")}, Diff{Changed: []string{"b"}}, []string{"tom"}},
		{"and of what was added", []Source{edited("a", "jane"), edited("b", "tom")}, Diff{Changed: []string{"b"}, Added: []string{"a"}}, []string{"jane", "tom"}},
		{"each once", []Source{edited("a", "jane"), edited("b", "jane")}, Diff{Changed: []string{"a", "b"}}, []string{"jane"}},
		{"of all, if nothing changed", []Source{edited("a", "jane"), edited("b", "tom"), gone}, Diff{}, []string{"jane", "tom"}},
		{"of all, if something was removed", []Source{edited("a", "jane")}, Diff{Removed: []string{"b"}}, []string{"jane"}},
		{"not known of one that changed", []Source{edited("a", ""), edited("b", "tom")}, Diff{Changed: []string{"a"}}, []string{""}},
		{"not known of one whose editors no one records", []Source{edited("a", ""), edited("b", "tom")}, Diff{Changed: []string{"b"}}, []string{"", "tom"}},
		{"not known of one that was deleted", []Source{edited("a", "jane"), gone}, Diff{Changed: []string{"c"}}, []string{""}},
		{"one that is not there matters no more", []Source{edited("a", "jane"), gone}, Diff{Changed: []string{"a"}}, []string{"jane"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(Editors(c.sources, c.diff)).To(Equal(c.want))
		})
	}
}
