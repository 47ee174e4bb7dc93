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

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// helmUpgrade is a command, with the lines that continue it.
var helmUpgrade = regexp.MustCompile(`(?m)^ *helm upgrade (?:[^\n]*\\\n)*[^\n]*$`)

// There is one way to upgrade: it keeps the values that the reader has set, and takes the
// defaults of the new chart for others. Only an installation with all values in a file does
// without.
func TestDocs_helm_upgrade_keeps_values(t *testing.T) {
	files := append(pages(t), filepath.Join(operator.Root(), "config", "chart", "templates", "NOTES.txt"))
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		for _, command := range helmUpgrade.FindAllString(string(text), -1) {
			found++
			whole := strings.Contains(command, "--install") && strings.Contains(command, "--values ")
			if !whole && !strings.Contains(command, " --reset-then-reuse-values") || strings.Contains(command, " --reuse-values") {
				t.Errorf("%s loses values, or keeps old defaults; write --reset-then-reuse-values:\n%s", file, command)
			}
		}
	}
	NewWithT(t).Expect(found).To(BeNumerically(">=", 8))
}

// The manifests of the guide to rings go through lint, with the namespaces that it selects.
func TestDocs_lint_finds_no_fault_with_the_rings(t *testing.T) {
	g := NewWithT(t)
	text, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "guides", "ring-deployment.md"))
	g.Expect(err).NotTo(HaveOccurred())
	var manifests []string
	for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(block[1], "apiVersion:") {
			manifests = append(manifests, block[1])
		}
	}
	run := func(text string) []lint.Finding {
		documents, problems := lint.Parse("ring-deployment.md", []byte(text))
		return lint.Run([][]lint.Document{documents}, problems, lint.Options{Complete: true}).Findings
	}
	all := strings.Join(manifests, "---\n")
	g.Expect(run(all)).To(BeEmpty())
	g.Expect(run(strings.Replace(all, "name: shop-platform-values", "name: platform-values", 1))).To(ContainElement(HaveField("Rule", "unread-copy")))
	g.Expect(run(strings.ReplaceAll(all, "allow-from: platform", "allow-from: other"))).To(ContainElement(HaveField("Rule", "allow-from")))
	g.Expect(run(strings.Replace(all, "publish-to: dev, staging, prod", "publish-to: dev, staging", 1))).To(ContainElement(HaveField("Rule", "publish-to")))
}

// What a reader copies is what is tested.
func TestDocs_nameReference_is_that_of_the_repository(t *testing.T) {
	g := NewWithT(t)
	file, err := os.ReadFile(filepath.Join(operator.Root(), "config", "kustomize", "name-reference.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	_, reference, found := strings.Cut(string(file), "nameReference:\n")
	g.Expect(found).To(BeTrue())
	page, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "guides", "kustomize-names.md"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(page)).To(ContainSubstring("```yaml\nnameReference:\n" + reference + "```\n"))
}
