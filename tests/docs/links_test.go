// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

var (
	link     = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]*))?\)`)
	code     = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	linked   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	unlinked = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// Links between pages lead somewhere, down to the heading.
func TestDocs_every_relative_link_leads_to_a_file_and_its_heading(t *testing.T) {
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			file, anchor := match[1], match[2]
			if strings.Contains(file, "://") {
				continue
			}
			to := page
			if file != "" {
				to = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: link to %s", filepath.Base(page), file)
			} else if anchor != "" && filepath.Ext(to) == ".md" && !headings(t, to)[anchor] {
				t.Errorf("%s: %s has no heading %s", filepath.Base(page), filepath.Base(to), anchor)
			}
		}
	}
}

// headings returns what links to the headings of a page are called.
func headings(t *testing.T, page string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(code.ReplaceAllString(read(t, page), ""), -1) {
		text := strings.ToLower(linked.ReplaceAllString(match[1], "$1"))
		all[strings.ReplaceAll(unlinked.ReplaceAllString(text, ""), " ", "-")] = true
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(text)
}
