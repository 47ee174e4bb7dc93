// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func row(lead string, cells ...string) Row {
	r := Row{Lead: lead}
	for _, cell := range cells {
		r.Cells = append(r.Cells, Cell{Text: cell})
	}
	return r
}

func wrapped(r Row) Row {
	r.Wrap = true
	return r
}

func loose(r Row) Row {
	r.Loose = true
	return r
}

func TestTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		style Style
		rows  []Row
		want  string
	}{
		{"nothing", Style{}, nil, ""},
		{"columns", Style{}, []Row{row("", "NAME", "STATE", "AGE"), row("", "a-long-name", "Ready", "5m")},
			"NAME          STATE   AGE\na-long-name   Ready   5m\n"},
		{"the end of a short line", Style{}, []Row{row("", "a", "long"), row("", "b", "c", "d")}, "a   long\nb   c      d\n"},
		{"the end of a loose line pushes nothing aside", Style{}, []Row{loose(row("", "a", "a very long message")), row("", "b", "c", "d")},
			"a   a very long message\nb   c   d\n"},
		{"a column without words is left out", Style{}, []Row{row("", "a", "", "x"), row("", "b", "", "y")}, "a   x\nb   y\n"},
		{"branches belong to the first column", Style{}, []Row{row("", "platform", "x"), row("├─ ", "a", "y"), row("└─ ", "bcd", "")},
			"platform   x\n├─ a       y\n└─ bcd\n"},
		{"cut where the terminal ends", Style{Width: 29}, []Row{row("", "a", "1234567890123456789012345678")}, "a   123456789012345678901234…\n"},
		{"not to nothing", Style{Width: 10}, []Row{row("", "a", "12345678901234567890123456")}, "a   1234567890123456789…\n"},
		{"wrapped between the branches", Style{Width: 29}, []Row{
			wrapped(row("", "a", "12345 78901 34567 90123 567890")), wrapped(row("├─ ", "b", "12345 78901 34567 90123 567890")),
			row("│  └─ ", "c"), wrapped(row("└─ ", "d", "123456789012345678901234567890"))},
			"a\n│  12345 78901 34567 90123\n│  567890\n├─ b\n│  │  12345 78901 34567 90123\n│  │  567890\n│  └─ c\n└─ d\n      12345678901234567890123\n      4567890\n"},
		{"not wrapped where there is room", Style{Width: 29}, []Row{wrapped(row("", "a", "12345 78901"))}, "a   12345 78901\n"},
		{"letters, not bytes", Style{}, []Row{row("", "äöü", "x"), row("", "abc", "y")}, "äöü   x\nabc   y\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(c.style.Table(c.rows)).To(Equal(c.want))
		})
	}
}

func TestTable_colours_words_and_no_blanks(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	rows := []Row{{Cells: []Cell{{"a", Bad}, {"", Good}, {"x", Plain}}}, {Lead: "└─ ", Cells: []Cell{{"b", Plain}, {"c", Plain}, {"y", Dim}}}}
	g.Expect(Style{Colour: true}.Table(rows)).To(Equal("\x1b[31ma\x1b[0m          x\n\x1b[2m└─ \x1b[0mb   c   \x1b[2my\x1b[0m\n"))
	g.Expect(Style{}.Table(rows)).To(Equal("a          x\n└─ b   c   y\n"))
}

func TestAge(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := Style{Now: time.Unix(1000, 0)}
	g.Expect(s.Age(time.Unix(700, 0))).To(Equal("5m"))
	g.Expect(s.Age(time.Unix(2000, 0))).To(Equal("0s"), "a clock that is ahead")
	g.Expect(s.Age(time.Time{})).To(BeEmpty())
}

func TestPlural(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect([]string{Plural(0, "error"), Plural(1, "error"), Plural(2, "error"), Plural(2, "delivery")}).
		To(Equal([]string{"0 errors", "1 error", "2 errors", "2 deliveries"}))
}
