// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"encoding/json"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	NewWithT(t).Expect(yaml.Unmarshal([]byte(text), &out)).To(Succeed())
	return out
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		before, after string
		secrets       []Contribution
		want          []string
	}{
		{"nothing", "a: 1", "a: 1", nil, nil},
		{"the order of keys and comments are nothing", "a: 1\nb: 2", "b: 2 # said\na: 1", nil, nil},
		{"no values at all", "{}", "{}", nil, nil},
		{"added, removed, changed", "a: 1\nb: 2", "b: 3\nc: {d: x}", nil, []string{
			"a removed 1 -> ", "b changed 2 -> 3", `c.d added  -> "x"`,
		}},
		{"another type", "a: 1", `a: "1"`, nil, []string{`a changed 1 -> "1"`}},
		{"null is a value", "a: 1", "a: null", nil, []string{"a changed 1 -> null"}},
		{"an empty map is a value", "a: {}", "a: {b: 1}", nil, []string{"a removed {} -> ", "a.b added  -> 1"}},
		{"lists by index", "a: [1, 2]", "a: [1, 3, {b: 4}]", nil, []string{"a[1] changed 2 -> 3", "a[2].b added  -> 4"}},
		{"keys that could be mistaken", "{}", `{"a.b": {"": 1, "[0]": 2, "c d": 3}}`, nil, []string{
			`"a.b"."" added  -> 1`, `"a.b"."[0]" added  -> 2`, `"a.b"."c d" added  -> 3`,
		}},
		{"what a Secret sets is masked", "db: {password: old, host: a}", "db: {password: hunter2, host: b}",
			[]Contribution{{Secret: "Secret apps/db", Values: values(t, "db: {password: hunter2}")}},
			[]string{`db.host changed "a" -> "b"`, "db.password changed (Secret apps/db)"}},
		{"what a Secret no longer sets is masked", "db: {password: hunter2}", "{}",
			[]Contribution{{Secret: "Secret apps/db", Values: values(t, "db: {password: hunter2}")}, {Secret: "Secret apps/db"}},
			[]string{"db.password removed (Secret apps/db)"}},
		{"below what a Secret sets as a whole", "{}", "db: {x: {z: hunter2}}",
			[]Contribution{{Secret: "Secret apps/db", Values: values(t, "db: hunter2")}},
			[]string{"db.x.z added (Secret apps/db)"}},
		{"above what a Secret sets", "db: {password: hunter2}", "db: hunter2",
			[]Contribution{{Secret: "Secret apps/db", Values: values(t, "db: {password: hunter2}")}},
			[]string{"db added (Secret apps/db)", "db.password removed (Secret apps/db)"}},
		{"an element of a list", "a: [{b: 1, c: 1}]", "a: [{b: 2, c: 2}]",
			[]Contribution{{Secret: "Secret apps/db", Values: values(t, "a: [{b: 2}]")}},
			[]string{"a[0].b changed (Secret apps/db)", "a[0].c changed 1 -> 2"}},
		{"with a targetPath not even the path below it", "auth: {}", "auth: {hunter2: {hunter3: x}}",
			[]Contribution{{Secret: "Secret apps/db", TargetPath: "auth", Values: values(t, "auth: {hunter2: {hunter3: x}}")}},
			[]string{"auth changed (Secret apps/db)"}},
		{"with a targetPath not even a path elsewhere, as a comma in a password makes it", "auth: a", "auth: a\nhunter2: b",
			[]Contribution{{Secret: "Secret apps/db", TargetPath: "auth", Values: values(t, "auth: a\nhunter2: b")}},
			[]string{"auth added (Secret apps/db)"}},
		{"the targetPath wins over the path of another Secret", "{}", "auth: {hunter2: b}",
			[]Contribution{
				{Secret: "Secret apps/a", Values: values(t, "auth: {hunter2: b}")},
				{Secret: "Secret apps/b", TargetPath: "auth", Values: values(t, "auth: {hunter2: b}")},
			},
			[]string{"auth added (Secret apps/b)"}},
		{"an empty Secret masks nothing", "a: 1", "a: 2", []Contribution{{Secret: "Secret apps/db", Values: map[string]any{}}}, []string{"a changed 1 -> 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			differences := Values(values(t, c.before), values(t, c.after), c.secrets...)
			var got []string
			for _, d := range differences {
				text := fmt.Sprintf("%s %s %s -> %s", d.Path, d.Op, string(d.Before), string(d.After))
				if d.Secret != "" {
					g.Expect(d.Before).To(BeNil())
					g.Expect(d.After).To(BeNil())
					text = fmt.Sprintf("%s %s (%s)", d.Path, d.Op, d.Secret)
				}
				got = append(got, text)
			}
			g.Expect(got).To(Equal(c.want))

			raw, err := json.Marshal(differences)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(raw)).NotTo(ContainSubstring("hunter"))
		})
	}
}
