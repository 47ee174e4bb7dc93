// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

func TestDashboard_is_in_order(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	dashboard, err := LoadDashboard()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(dashboard.UID).To(Equal("helmrelease-trigger-operator"))

	variables := map[string]bool{"__rate_interval": true}
	for _, variable := range dashboard.Templating.List {
		variables[variable.Name] = true
	}
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, panel := range dashboard.Panels {
		g.Expect(ids).NotTo(HaveKey(panel.ID), panel.Title)
		ids[panel.ID] = true
		for x := range panel.GridPos.W {
			for y := range panel.GridPos.H {
				cell := [2]int{panel.GridPos.X + x, panel.GridPos.Y + y}
				g.Expect(taken).NotTo(HaveKey(cell), "%s lies on %s", panel.Title, taken[cell])
				g.Expect(cell[0]).To(BeNumerically("<", 24), panel.Title)
				taken[cell] = panel.Title
			}
		}
		if panel.Type == "row" {
			continue
		}
		g.Expect(panel.Targets).NotTo(BeEmpty(), panel.Title)
		refs := map[string]bool{}
		for _, target := range panel.Targets {
			g.Expect(refs).NotTo(HaveKey(target.RefID), panel.Title)
			refs[target.RefID] = true
			for _, name := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				g.Expect(variables).To(HaveKey(name[1]), target.Expr)
			}
		}
	}
}

// What is said of the metrics is in three places: where they are made, in the panels and
// alerts, and on the page.
func TestPage_names_every_metric(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	named := regexp.MustCompile(`\btrigger_[a-z_]+`)
	page := readPage(t)
	made := map[string]bool{}
	for _, dir := range []string{"internal/kube/metrics", "internal/kube/notify", "internal/app"} {
		files, err := filepath.Glob(filepath.Join(operator.Root(), dir, "*.go"))
		g.Expect(err).NotTo(HaveOccurred())
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred())
			for _, name := range regexp.MustCompile(`"(trigger_[a-z][a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
				made[name[1]] = true
			}
		}
	}
	g.Expect(len(made)).To(BeNumerically(">", 8))
	for name := range made {
		g.Expect(page).To(ContainSubstring("| `"+name+"` |"), "its row in the table of docs/monitoring.md")
	}
	for _, name := range named.FindAllString(page, -1) {
		name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		g.Expect(made).To(HaveKey(name), "docs/monitoring.md names it")
	}
}
