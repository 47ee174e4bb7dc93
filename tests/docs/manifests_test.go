// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package docs holds the documentation to what it says.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/ssa/utils"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// yamlBlock matches manifests, also those that a command applies.
var yamlBlock = regexp.MustCompile("(?ms)^(?:```yaml|kubectl apply -f - <<'EOT')\n(.*?)^(?:```|EOT)$")

// Every manifest that a reader may copy is accepted by the API server.
func TestDocs_every_manifest_is_valid(t *testing.T) {
	w := world.ForTest(t, world.Options{
		NoHelmController: true,
		CRDs:             []string{filepath.Join(operator.Root(), "config", "crd", "bases")},
	})
	g := NewWithT(t)
	known := map[string]bool{}
	manifests := 0
	for _, file := range pages(t) {
		text, err := os.ReadFile(file)
		g.Expect(err).NotTo(HaveOccurred())
		for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(block[1], "apiVersion:") {
				continue // Values, or a part of something.
			}
			objects, err := utils.ReadObjects(strings.NewReader(block[1]))
			g.Expect(err).NotTo(HaveOccurred(), "%s:\n%s", file, block[1])
			for _, obj := range objects {
				manifests++
				if namespace := obj.GetNamespace(); namespace != "" && !known[namespace] {
					g.Expect(client.IgnoreAlreadyExists(w.Client().Create(t.Context(), newNamespace(namespace)))).To(Succeed())
					known[namespace] = true
				}
				obj.SetManagedFields(nil)
				if obj.GetNamespace() == "" && obj.GetKind() != "Namespace" {
					obj.SetNamespace("default")
				}
				err := w.Client().Create(t.Context(), obj.DeepCopy(), client.DryRunAll)
				if meta.IsNoMatchError(err) {
					continue // A kind of someone else's, that no world serves.
				}
				g.Expect(client.IgnoreAlreadyExists(err)).To(Succeed(), "%s: %s\n%s", filepath.Base(file), utils.FmtUnstructured(obj), block[1])
			}
		}
	}
	g.Expect(manifests).To(BeNumerically(">", 5))
}

// Every test that a page names exists.
func TestDocs_every_named_test_exists(t *testing.T) {
	var code strings.Builder
	for _, dir := range []string{"api", "internal", "tests"} {
		walk(t, filepath.Join(operator.Root(), dir), "_test.go", func(path string) {
			text, err := os.ReadFile(path)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			code.Write(text)
		})
	}
	named := regexp.MustCompile(`\b(Test|Fuzz)[A-Z][A-Za-z0-9]*_?[A-Za-z0-9_]*`)
	for _, file := range pages(t) {
		text, err := os.ReadFile(file)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		for _, name := range named.FindAllString(string(text), -1) {
			// A page may also name all tests of a kind by what they begin with.
			kind := "func " + strings.TrimSuffix(name, "_") + "_"
			if !strings.Contains(code.String(), "func "+name+"(") && !strings.Contains(code.String(), kind) {
				t.Errorf("%s names %s, which does not exist", filepath.Base(file), name)
			}
		}
	}
}

// The story of an edit names the functions that it goes through, and the phases of a pass and the steps of a decision
// their types and files.
func TestDocs_the_story_of_an_edit_names_functions_that_exist(t *testing.T) {
	g := NewWithT(t)
	var code strings.Builder
	walk(t, filepath.Join(operator.Root(), "internal"), ".go", func(path string) {
		text, err := os.ReadFile(path)
		g.Expect(err).NotTo(HaveOccurred())
		code.Write(text)
	})
	page, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "architecture.md"))
	g.Expect(err).NotTo(HaveOccurred())
	for _, c := range []struct {
		section string
		names   int
		folder  string
	}{
		{"The story of an edit", 15, "internal/delivery"},
		{"The phases of a pass", 10, "internal/delivery"},
		{"The steps of a decision about one target", 10, "internal/core/plan"},
		{"The phases of a decision about all targets", 10, "internal/core/rollout"},
	} {
		_, story, found := strings.Cut(string(page), "\n## "+c.section+"\n")
		g.Expect(found).To(BeTrue())
		story, _, _ = strings.Cut(story, "\n## ")
		names := regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(story, -1)
		g.Expect(len(names)).To(BeNumerically(">=", c.names))
		for _, name := range names {
			declared := regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type )` + name[1] + `\b`)
			g.Expect(declared.MatchString(code.String())).To(BeTrue(), name[1])
		}
		for _, file := range regexp.MustCompile("`([a-z]+\\.go)`").FindAllStringSubmatch(story, -1) {
			g.Expect(filepath.Join(operator.Root(), c.folder, file[1])).To(BeARegularFile())
		}
	}
}

// pages returns the README and everything in docs.
func pages(t *testing.T) []string {
	t.Helper()
	files := []string{filepath.Join(operator.Root(), "README.md")}
	for _, dir := range []string{"docs", ".github", "config/chart"} {
		walk(t, filepath.Join(operator.Root(), dir), ".md", func(path string) { files = append(files, path) })
	}
	return files
}

func walk(t *testing.T, dir, suffix string, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, suffix) {
			visit(path)
		}
		return err
	})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

func newNamespace(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
}
