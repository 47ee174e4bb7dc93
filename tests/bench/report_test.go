// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestReport(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	against := against("latency, p50", 12.3, 10, 1.5, "1.5x the limit")
	against.Limit = new(10.0)
	report := &Report{
		Form: "full", Machine: Machine{Cores: 2, MemoryGiB: 23, Platform: "linux/amd64"},
		Versions: map[string]string{"Go": "1.26", "etcd": "v3"},
		Results: map[string]Result{
			"deliveries": {Commit: "abc", Rows: []Row{against, {What: "without a target", Unit: "s", Ours: new(2.0), Note: "as it is"}}},
			"memory":     {Commit: "def", Rows: []Row{row("memory", "MiB", 70, 64, "64 MiB")}, Growth: []Growth{grows("memory", "MiB", []int{1, 2}, []float64{1, 4})}},
		},
	}
	text := report.Markdown()
	for _, line := range []string{
		"Machine: 2 cores, 23 GiB memory, linux/amd64. Form: full.",
		"Versions: Go 1.26, etcd v3, operator abc, def.",
		"| latency, p50 | 12.3 ms |  | 10.0 ms | 1.23 | 1.5x the limit | yes |",
		"| without a target | 2 s |  |  |  |  |  |",
		"| memory | 70.0 MiB |  |  |  | 64 MiB | **no** |",
		"| memory | 1, 2 | 1, 4 MiB | linear or better | **no** |",
		"without a target: as it is.",
	} {
		g.Expect(strings.Split(text, "\n")).To(ContainElement(line))
	}

	page := filepath.Join(t.TempDir(), "page.md")
	g.Expect(os.WriteFile(page, []byte("before\n"+beginMarker+"\nold\n"+endMarker+"\nafter\n"), 0o600)).To(Succeed())
	g.Expect(report.WritePage(page)).To(Succeed())
	g.Expect(report.WritePage(page)).To(Succeed())
	written, err := os.ReadFile(page)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(written)).To(Equal("before\n" + beginMarker + "\n\n" + strings.TrimSpace(text) + "\n\n" + endMarker + "\nafter\n"))

	file := filepath.Join(t.TempDir(), "sub", "report.json")
	g.Expect(report.Write(file)).To(Succeed())
	read, err := readReport(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(read).To(Equal(report))
}

func TestReport_aPageWithoutMarkersIsLeftAlone(t *testing.T) {
	t.Parallel()
	_, err := splice("no markers", "text")
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring(beginMarker)))
}
