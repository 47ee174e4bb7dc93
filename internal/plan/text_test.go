// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	. "github.com/onsi/gomega"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	const digest = "sha256:0123456789abcdef0123"
	for _, c := range []struct {
		name   string
		source Source
		want   string
	}{
		{"no more than what is known", Source{ID: "ConfigMap/apps/a", Digest: digest}, "ConfigMap apps/a sha256:0123456789ab"},
		{"an absent source", Source{ID: "Secret/apps/a", Editor: "kubectl"}, "Secret apps/a absent"},
		{"the editor", Source{ID: "Secret/apps/a", Digest: digest, Editor: "kubectl-edit"}, "Secret apps/a sha256:0123456789ab by kubectl-edit"},
		{"the keys", Source{ID: "Secret/apps/a", Digest: digest, ChangedKeys: []string{"a", "b", "c"}}, "Secret apps/a sha256:0123456789ab (a, b, c)"},
		{"not all of many keys", Source{ID: "Secret/apps/a", Digest: digest, ChangedKeys: []string{"a", "b", "c", "d", "e"}}, "Secret apps/a sha256:0123456789ab (a, b, c and 2 more)"},
		{"an editor who would write lines of his own", Source{ID: "ConfigMap/apps/a", Digest: digest, Editor: "me\nINFO all well, by \x1b[31mroot\u202e"},
			"ConfigMap apps/a sha256:0123456789ab by me_INFO_all_well__by__[31mroot_"},
		{"an editor with a long name", Source{ID: "ConfigMap/apps/a", Digest: digest, Editor: strings.Repeat("é", 128)},
			"ConfigMap apps/a sha256:0123456789ab by " + strings.Repeat("é", 64) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(describe(c.source)).To(Equal(c.want))
		})
	}
}

func TestCause_isBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered()
	for i := range 64 {
		id := fmt.Sprintf("ConfigMap/%063d/%0253d", i, i)
		s.include(id)
		s.source(id).Modified = s.now
		s.source(id).ChangedKeys = []string{strings.Repeat("k", 253), strings.Repeat("k", 252), strings.Repeat("k", 251)}
		s.source(id).Editor = strings.Repeat("é", 128)
	}
	d := s.decide()
	g.Expect(len(d.Request.Cause)).To(BeNumerically("<=", maxText))
	g.Expect(utf8.ValidString(d.Request.Cause)).To(BeTrue())
	g.Expect(d.Request.Cause).To(HaveSuffix("… via ValuesTrigger apps/trigger"))
}

func TestCause_namesTheFirstFew(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered("ConfigMap/apps/a", "ConfigMap/apps/b", "ConfigMap/apps/c", "ConfigMap/apps/d", "ConfigMap/apps/e")
	for _, source := range s.sources {
		s.edit(source.ID)
	}
	g.Expect(s.decide().Request.Cause).To(MatchRegexp(`^ConfigMap apps/a \S+ by kubectl-edit, ConfigMap apps/b \S+ by kubectl-edit, ConfigMap apps/c \S+ by kubectl-edit, and 2 more via ValuesTrigger apps/trigger$`))
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for _, text := range []string{"", "short", strings.Repeat("a", maxText), strings.Repeat("a", maxText+1), strings.Repeat("é", maxText), strings.Repeat("…", maxText)} {
		cut := truncate(text)
		g.Expect(len(cut)).To(BeNumerically("<=", maxText))
		g.Expect(utf8.ValidString(cut)).To(BeTrue())
		if len(text) <= maxText {
			g.Expect(cut).To(Equal(text))
		}
	}
}
