// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	. "github.com/onsi/gomega"
)

// go.mod names the version of Go. What cannot read it there says the same.
func TestVersionOfGo(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	find := func(file, pattern string) string {
		content, err := os.ReadFile(filepath.Join(root, file))
		g.Expect(err).NotTo(HaveOccurred())
		match := regexp.MustCompile(`(?m)` + pattern).FindSubmatch(content)
		g.Expect(match).To(HaveLen(2), "%s in %s", pattern, file)
		return string(match[1])
	}
	minor := find("go.mod", `^go (1\.\d+)\.\d+$`)

	g.Expect(find("go.mod", `^toolchain go(1\.\d+)\.\d+$`)).To(Equal(minor))
	g.Expect(find("config/release/go.mod", `^go (1\.\d+)\.\d+$`)).To(Equal(minor))
	g.Expect(find("Dockerfile", ` golang:(1\.\d+) `)).To(Equal(minor))
	g.Expect(find("README.md", `with Go (1\.\d+),`)).To(Equal(minor))
}
