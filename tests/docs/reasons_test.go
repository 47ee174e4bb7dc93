// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

var (
	row    = regexp.MustCompile("(?m)^\\| `(\\w+)` \\|")
	tables = regexp.MustCompile(`(?m)(?:^\|.*\n)+`)
)

// What a reason or a state means is on the generated page alone: a second table would soon differ.
func TestDocs_no_other_page_has_a_table_of_reasons(t *testing.T) {
	t.Parallel()
	generated := filepath.Join(operator.Root(), "docs", "api", "v1beta1")
	known := map[string]bool{}
	for _, match := range row.FindAllStringSubmatch(read(t, filepath.Join(generated, "reasons.md")), -1) {
		known[match[1]] = true
	}
	NewWithT(t).Expect(len(known)).To(BeNumerically(">", 40))
	for _, page := range pages(t) {
		if filepath.Dir(page) == generated {
			continue
		}
		for _, table := range tables.FindAllString(read(t, page), -1) {
			if found := explained(table, known); len(found) > 2 { // The states that the plugin shows share two words with the API.
				t.Errorf("%s explains %s again; link docs/api/v1beta1/reasons.md", page, strings.Join(found, ", "))
			}
		}
	}
}

// explained returns the reasons and states that rows of a table begin with, or have in the second cell.
func explained(table string, known map[string]bool) []string {
	var found []string
	for _, line := range strings.Split(table, "\n") {
		cells := strings.SplitN(line, " | ", 3)
		for _, cell := range cells[:min(2, len(cells))] {
			name := strings.Trim(cell, "| ")
			if word := strings.Trim(name, "`"); word != name && known[word] {
				found = append(found, word)
			}
		}
	}
	return found
}
