// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// A Git host offers these to anyone who opens an issue or a pull request. Each place is one
// that it looks in.
func TestCommunity_a_Git_host_finds_the_pages(t *testing.T) {
	for _, path := range []string{
		"docs/CONTRIBUTING.md", "docs/SECURITY.md", "LICENSE", ".github/PULL_REQUEST_TEMPLATE.md",
		".github/ISSUE_TEMPLATE/config.yml", ".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/feature.yml",
	} {
		NewWithT(t).Expect(filepath.Join(operator.Root(), path)).To(BeARegularFile())
	}
}

// issueForm is what a Git host requires of a form.
type issueForm struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Labels      []string `json:"labels"`
	Body        []struct {
		Type       string `json:"type"`
		ID         string `json:"id"`
		Attributes struct {
			Label       string `json:"label"`
			Value       string `json:"value"`
			Description string `json:"description"`
			Placeholder string `json:"placeholder"`
			Render      string `json:"render"`
			Options     []any  `json:"options"`
		} `json:"attributes"`
		Validations struct {
			Required bool `json:"required"`
		} `json:"validations"`
	} `json:"body"`
}

func TestCommunity_forms_are_valid_and_ask_for_the_plugin(t *testing.T) {
	g := NewWithT(t)
	form := func(name string) issueForm {
		var f issueForm
		g.Expect(yaml.UnmarshalStrict([]byte(read(t, filepath.Join(operator.Root(), ".github", "ISSUE_TEMPLATE", name))), &f)).To(Succeed(), name)
		g.Expect(f.Name).NotTo(BeEmpty())
		g.Expect(f.Description).NotTo(BeEmpty())
		ids := map[string]bool{}
		for _, field := range f.Body {
			switch field.Type {
			case "markdown":
				g.Expect(field.Attributes.Value).NotTo(BeEmpty())
				continue
			case "dropdown", "checkboxes":
				g.Expect(field.Attributes.Options).NotTo(BeEmpty())
			default:
				g.Expect(field.Type).To(BeElementOf("input", "textarea"))
			}
			g.Expect(field.Attributes.Label).NotTo(BeEmpty())
			g.Expect(ids).NotTo(HaveKey(field.ID), "an ID twice")
			ids[field.ID] = true
		}
		return f
	}
	form("feature.yml")
	var asked []string
	for _, field := range form("bug.yml").Body {
		if field.Validations.Required {
			asked = append(asked, field.Attributes.Description)
		}
	}
	for _, command := range []string{"kubectl valuestrigger version", "kubectl valuestrigger why", "kubectl valuestrigger tree"} {
		g.Expect(asked).To(ContainElement(ContainSubstring(command)), "what a report must have")
	}
	g.Expect(read(t, filepath.Join(operator.Root(), ".github", "PULL_REQUEST_TEMPLATE.md"))).To(ContainSubstring("kubectl valuestrigger"))
}

// What these pages ask people to run exists.
func TestCommunity_commands_exist(t *testing.T) {
	g := NewWithT(t)
	var help bytes.Buffer
	g.Expect(cli.Run(t.Context(), []string{"help"}, cli.Env{Out: &help, Err: &help})).To(BeZero())
	makefile := read(t, filepath.Join(operator.Root(), "Makefile"))

	plugin := regexp.MustCompile("kubectl valuestrigger ([a-z]+)")
	target := regexp.MustCompile("(?m)(?:`|^ *)make ([a-z-]+)")
	found := 0
	err := filepath.WalkDir(filepath.Join(operator.Root(), ".github"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(filepath.Dir(path)) == "workflows" {
			return err
		}
		for _, match := range plugin.FindAllStringSubmatch(read(t, path), -1) {
			found++
			g.Expect(help.String()).To(MatchRegexp(`(?m)^ +%s `, match[1]), path)
		}
		for _, match := range target.FindAllStringSubmatch(read(t, path), -1) {
			found++
			g.Expect(makefile).To(ContainSubstring("\n"+match[1]+":"), path)
		}
		return nil
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(BeNumerically(">=", 5))
}

// Links to the pages of the repository, from where relative ones do not work.
func TestCommunity_links_lead_to_pages(t *testing.T) {
	absolute := regexp.MustCompile(`https://github\.com/nebius/helmrelease-trigger-operator/blob/main/([^\s)#"']+)`)
	for _, form := range []string{"bug.yml", "feature.yml", "config.yml"} {
		for _, match := range absolute.FindAllStringSubmatch(read(t, filepath.Join(operator.Root(), ".github", "ISSUE_TEMPLATE", form)), -1) {
			NewWithT(t).Expect(filepath.Join(operator.Root(), match[1])).To(BeAnExistingFile(), form)
		}
	}
}

// A decision record is a page, found by its number in the index.
func TestDecisions_are_numbered_short_and_listed(t *testing.T) {
	g := NewWithT(t)
	dir := filepath.Join(operator.Root(), "docs", "internal", "decisions")
	records, err := filepath.Glob(filepath.Join(dir, "[0-9]*.md"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(records)).To(BeNumerically(">=", 7))
	slices.Sort(records)
	index := read(t, filepath.Join(dir, "README.md"))
	for i, record := range records {
		name := filepath.Base(record)
		g.Expect(name).To(MatchRegexp(`^%04d-[a-z0-9-]+\.md$`, i+1))
		text := read(t, record)
		title, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		g.Expect(title).To(HavePrefix(fmt.Sprintf("%d. ", i+1)))
		g.Expect(index).To(ContainSubstring("[%s](%s)", title, name))
		for _, part := range []string{"What surprises", "Why", "What it costs", "What holds it"} {
			g.Expect(text).To(ContainSubstring("\n## " + part + "\n"))
		}
		g.Expect(strings.Count(text, "\n")).To(BeNumerically("<=", 60), "more than a page: %s", name)
	}
}
