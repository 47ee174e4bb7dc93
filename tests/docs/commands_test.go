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

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
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

// kubectlWrites is a command that sets something, with the lines that continue it. In Go it
// ends with its string.
var kubectlWrites = regexp.MustCompile("kubectl (?:annotate|label|patch) (?:[^\n\"`]*\\\\\n)*[^\n`]*")

// setsMetadata is an assignment of a label or annotation, and setsField a patch of what Flux
// applies, other than content: of that, Git has the last word, whatever the manager.
var (
	selected     = regexp.MustCompile(` -l \S+`)
	setsMetadata = regexp.MustCompile(`kubectl (annotate|label) .*\S=\S`)
	setsField    = regexp.MustCompile(`kubectl patch .*\{"(spec|metadata":\{"(annotations|labels))"`)
)

// What people set on objects that Flux applies stays only under a field manager that
// kustomize-controller does not clean up: it removes what those whose names begin with
// "kubectl" have set, at its next reconciliation.
func TestDocs_what_kubectl_sets_stays_under_Flux(t *testing.T) {
	files := pages(t)
	for _, dir := range []string{"internal", "api", "cmd", "config", "tests/demo"} {
		for _, suffix := range []string{".go", ".yaml", ".txt", ".md"} {
			walk(t, filepath.Join(operator.Root(), dir), suffix, func(path string) { files = append(files, path) })
		}
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		for _, command := range kubectlWrites.FindAllString(string(text), -1) {
			whole := selected.ReplaceAllString(strings.NewReplacer("--field-manager=", "--field-manager ", "\\\n", " ").Replace(command), "")
			if !setsMetadata.MatchString(whole) && !setsField.MatchString(whole) {
				continue
			}
			found++
			if !strings.Contains(whole, "--field-manager "+triggerv1.ManualFieldManager) && !strings.Contains(whole, "--field-manager %s") {
				t.Errorf("%s does not stay on an object from Git; write --field-manager=%s:\n%s", file, triggerv1.ManualFieldManager, command)
			}
		}
	}
	NewWithT(t).Expect(found).To(BeNumerically(">=", 15))
}
