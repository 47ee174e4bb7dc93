// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package text_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a line", "install failed: 2  of 3", "install failed: 2  of 3"},
		{"other scripts", "größer als 日本", "größer als 日本"},
		{"many lines", "one:\n\ttwo\r\n\n  three\n", "one: two three"},
		{"a terminal's orders", "a\x1b[31mb\x00c\x7fd", "a [31mb c d"},
		{"what turns a text round", "a\u202eb\u2028c\u200bd", "a b c d"},
		{"blanks that are none", "a\u00a0b\u3000c", "a b c"},
		{"bytes that are no characters", "a\xff\xfeb\x80", "a\uFFFDb\uFFFD"},
		{"as long as it may be", strings.Repeat("a", 40), strings.Repeat("a", 40)},
		{"longer", strings.Repeat("a", 41), strings.Repeat("a", 37) + "…"},
		{"longer, of characters with two bytes", strings.Repeat("é", 21), strings.Repeat("é", 18) + "…"},
		{"short, and long where it is stored", strings.Repeat("<", 7), strings.Repeat("<", 6) + "…"},
		{"quotes", strings.Repeat(`"\`, 10), strings.Repeat(`"\`, 10)},
		{"blanks without end", "a" + strings.Repeat("\n", 10000), "a…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(text.Line(c.text, 40)).To(Equal(c.want))
		})
	}
}

func TestWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a field manager", "kubectl-client-side-apply", "kubectl-client-side-apply"},
		{"who would end the line", "me\nINFO all well, by \x1b[31mroot\u202e", "me_INFO_all_well__by__[31mroot_"},
		{"who would speak for the operator", "me via ValuesTrigger apps/other", "me_via_ValuesTrigger_apps/other"},
		{"letters that look like blanks", "me\u3164via\u2800x", "me_via_x"},
		{"letters that turn the line round", "שלום", "____"},
		{"bytes that are no characters", "a\xffb", "a_b"},
		{"a long one", strings.Repeat("a", 65), strings.Repeat("a", 64) + "…"},
		{"a long one in another script", strings.Repeat("é", 128), strings.Repeat("_", 64) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(text.Word(c.text)).To(Equal(c.want))
		})
	}
}

func TestSome(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(text.Some(nil, 2)).To(BeEmpty())
	g.Expect(text.Some([]string{"a", "b"}, 2)).To(Equal("a, b"))
	g.Expect(text.Some([]string{"a", "b", "c", "d"}, 2)).To(Equal("a, b and 2 more"))
}

// Whatever others wrote: what is repeated of it is one line that can be read and stored.
func FuzzLine(f *testing.F) {
	f.Add("", uint16(0))
	f.Add("a\nb\x1b[31m\u202e\xff", uint16(20))
	f.Add(strings.Repeat("\x80", 100), uint16(10))
	f.Add(strings.Repeat("<", 100), uint16(100))
	f.Add(strings.Repeat(" \n", 1000)+"é", uint16(100))
	f.Fuzz(func(t *testing.T, in string, bound uint16) {
		most := int(bound) + 3
		out := text.Line(in, most)
		encoded, err := json.Marshal(out)
		if err != nil || len(encoded)-2 > most {
			t.Errorf("%q is stored in %d bytes, more than %d", out, len(encoded)-2, most)
		}
		if !utf8.ValidString(out) || strings.ContainsFunc(out, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q is not a line", out)
		}
		if again := text.Line(out, most); again != out {
			t.Errorf("%q is written as %q and then as %q", in, out, again)
		}
		if len(in) < most/6 && solid(out) != solid(in) {
			t.Errorf("%q is written as %q", in, out)
		}
	})
}

// Whatever a client calls itself: it is one word among the operator's.
func FuzzWord(f *testing.F) {
	f.Add("kubectl-edit")
	f.Add("a via ValuesTrigger b\n")
	f.Add(strings.Repeat("\U0001F600", 70))
	f.Fuzz(func(t *testing.T, in string) {
		out := strings.TrimSuffix(text.Word(in), "…")
		if len(out) > 64 || strings.ContainsFunc(out, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ',' }) {
			t.Errorf("%q is written as %q", in, out)
		}
	})
}

// solid returns what of a text can be seen.
func solid(in string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(in, "\uFFFD"))
}

func TestJSON(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	value := map[string]any{"rule": "a < b && c > d", "raw": json.RawMessage(`{"x":"<y>"}`)}
	line, err := text.JSON(value, "")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(line)).To(Equal(`{"raw":{"x":"<y>"},"rule":"a < b && c > d"}`))
	lines, err := text.JSON(value, "  ")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(lines)).To(Equal("{\n  \"raw\": {\n    \"x\": \"<y>\"\n  },\n  \"rule\": \"a < b && c > d\"\n}"))

	// No character has a value read otherwise than it is, such as one that reverses what follows it.
	hidden, err := text.JSON([]string{"10\u202e001\u202c \u200b\U000e0041", "é 😀"}, "  ")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(hidden)).To(Equal("[\n  \"10\\u202e001\\u202c \\u200b\\udb40\\udc41\",\n  \"é 😀\"\n]"))
	var read []string
	g.Expect(json.Unmarshal(hidden, &read)).To(Succeed())
	g.Expect(read).To(Equal([]string{"10\u202e001\u202c \u200b\U000e0041", "é 😀"}))
	_, err = text.JSON(make(chan int), "")
	g.Expect(err).To(HaveOccurred())
}
