// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

const (
	one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
	two = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: two\n"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		content  string
		want     []string
		problems []string
	}{
		{"nothing", "", nil, nil},
		{"comments alone", "# a\n---\n# b\n---\n", nil, nil},
		{"one", one, []string{"1 one"}, nil},
		{"several, with comments before them", "# said\n\n" + one + "---\n# said\n" + two + "...\n", []string{"3 one", "8 two"}, nil},
		{"separators with comments and content", "--- # said\n" + one + "--- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}\n", []string{"2 one", "5 two"}, nil},
		{"a line that only begins like a separator", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata:\n  a: |\n    ---\n  b: |\n    ----\n", []string{"1 one"}, nil},
		{"Windows", "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: one}\r\n---\r\n" + two, []string{"1 one", "5 two"}, nil},
		{"a byte order mark", "\xef\xbb\xbf" + one, []string{"1 one"}, nil},
		{"JSON", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}`, []string{"1 one"}, nil},
		{"a list", "apiVersion: v1\nkind: List\nitems:\n- " + `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"}}` + "\n- 1\n- {a: b}\n", []string{"1 one"}, nil},
		{"values of a chart", "replicas: 1\nimage: {tag: a}\n", nil, nil},
		{"no map", "- a\n---\n" + one, []string{"3 one"}, []string{"1 not read: a manifest is a map"}},
		{"not YAML, reported by line and without content", one + "---\na: b\nc: hunter2: x\n", []string{"1 one"}, []string{"6 not read: no valid YAML"}},
		{"a template of Helm", "a: {{ .Values.a }}\nkind: ConfigMap\n", nil, []string{"1 not read: no valid YAML"}},
		{"a key twice", "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: hunter2\n  a: c\n", nil, []string{`5 not read: the key "a" is there twice`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			documents, findings := Parse("f.yaml", []byte(c.content))
			var got, problems []string
			for _, d := range documents {
				got = append(got, fmt.Sprintf("%d %s", d.Line, d.Object["metadata"].(map[string]any)["name"]))
				g.Expect(d.File).To(Equal("f.yaml"))
			}
			for _, f := range findings {
				problems = append(problems, fmt.Sprintf("%d %s", f.Line, f.Message))
				g.Expect(f.Message).NotTo(ContainSubstring("hunter2"))
			}
			g.Expect(got).To(Equal(c.want))
			g.Expect(problems).To(Equal(c.problems))
		})
	}
}

func TestDocument_LineOf(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	documents, _ := Parse("f.yaml", []byte("# said\n"+two))
	g.Expect(documents[0].LineOf("name: two")).To(Equal(5))
	g.Expect(documents[0].LineOf("name")).To(Equal(5))
	g.Expect(documents[0].LineOf("meta")).To(Equal(2), "no word of its own")
	g.Expect(documents[0].LineOf("absent")).To(Equal(2))
	g.Expect(documents[0].LineOf("")).To(Equal(2))
}
