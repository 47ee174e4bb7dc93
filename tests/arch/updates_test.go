// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// renovate is what is tested of .github/renovate.json.
type renovate struct {
	IgnorePaths    *[]string `json:"ignorePaths"`
	CustomManagers []struct {
		Files   []string `json:"managerFilePatterns"`
		Strings []string `json:"matchStrings"`
	} `json:"customManagers"`
	PackageRules []struct {
		Files   []string `json:"matchFileNames"`
		Enabled *bool    `json:"enabled"`
	} `json:"packageRules"`
}

// updates returns what the configuration finds in a file: modules and versions.
func (r renovate) updates(g Gomega, path string) map[string]string {
	content, err := os.ReadFile(filepath.Join(root, path))
	g.Expect(err).NotTo(HaveOccurred())
	found := map[string]string{}
	for _, manager := range r.CustomManagers {
		for _, files := range manager.Files {
			g.Expect(files).To(And(HavePrefix("/"), HaveSuffix("/")), "a regular expression")
			if !regexp.MustCompile(strings.Trim(files, "/")).MatchString(path) {
				continue
			}
			for _, expression := range manager.Strings {
				match := regexp.MustCompile(expression)
				for _, m := range match.FindAllSubmatch(content, -1) {
					found[string(m[match.SubexpIndex("depName")])] = string(m[match.SubexpIndex("currentValue")])
				}
			}
		}
	}
	return found
}

var (
	required = regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) (v\S+)(?: // indirect)?$`)
	replaced = regexp.MustCompile(`(?m)^\s+(k8s\.io/\S+) => \S+ (v\S+)$`)
	tool     = regexp.MustCompile(`(?m)^(?:tool)?\s+(\S+\.\S+/\S+)$`)
)

// TestUpdatesKnowEveryPin: what is pinned outside of a go.mod is found, since no
// updater looks there by itself, and with the version that is in use.
func TestUpdatesKnowEveryPin(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var config renovate
	read := func(path string) string {
		content, err := os.ReadFile(filepath.Join(root, path))
		g.Expect(err).NotTo(HaveOccurred())
		return string(content)
	}
	g.Expect(json.Unmarshal([]byte(read(".github/renovate.json")), &config)).To(Succeed())
	g.Expect(config.IgnorePaths).To(HaveValue(BeEmpty()), "the preset config:recommended ignores tests")

	pins, err := filepath.Glob(filepath.Join(root, "tests", "world", "components", "*.mod"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(pins)).To(BeNumerically(">", 10))
	for _, pin := range pins {
		path := "tests/world/components/" + filepath.Base(pin)
		content := read(path)
		want := map[string]string{}
		tools := tool.FindAllStringSubmatch(content, -1)
		for _, m := range required.FindAllStringSubmatch(content, -1) {
			for _, t := range tools {
				if hasPrefix(t[1], []string{m[1]}) {
					want[m[1]] = m[2]
				}
			}
			if len(tools) == 0 { // Nothing is built from it: all that it requires is meant.
				want[m[1]] = m[2]
			}
		}
		for _, m := range replaced.FindAllStringSubmatch(content, -1) {
			want[m[1]] = m[2]
		}
		g.Expect(want).NotTo(BeEmpty(), path)
		g.Expect(config.updates(g, path)).To(Equal(want), path)
	}

	want := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\w+_VERSION +:= (v\S+)$`).FindAllStringSubmatch(read("Makefile"), -1) {
		want[m[1]] = m[1]
	}
	for _, version := range config.updates(g, "Makefile") {
		g.Expect(want).To(HaveKey(version))
		delete(want, version)
	}
	g.Expect(want).To(BeEmpty(), "versions of tools in the Makefile without a comment for renovate")
	g.Expect(config.updates(g, ".github/workflows/release.yaml")).To(HaveLen(1))
	g.Expect(config.updates(g, "config/release/krew_test.go")).To(HaveKey("sigs.k8s.io/krew"))

	for _, rule := range config.PackageRules {
		for _, files := range rule.Files {
			found, err := filepath.Glob(filepath.Join(root, files))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(found).NotTo(BeEmpty(), files)
		}
	}
}

// TestFluxOfTheTestWorld: the CRDs are those of the controllers.
func TestFluxOfTheTestWorld(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	versions := func(name string) map[string]string {
		content, err := os.ReadFile(filepath.Join(root, "tests", "world", "components", name+".mod"))
		g.Expect(err).NotTo(HaveOccurred())
		found := map[string]string{}
		for _, m := range required.FindAllStringSubmatch(string(content), -1) {
			found[m[1]] = m[2]
		}
		return found
	}
	crds := versions("flux-crds")
	g.Expect(crds).NotTo(BeEmpty())
	for module, version := range crds {
		g.Expect(versions(strings.TrimPrefix(module, "github.com/fluxcd/"))).To(HaveKeyWithValue(module, version))
	}
}
