// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// The go command compiles all packages again for other flags, and for another CGO_ENABLED: that takes
// minutes. So what a developer runs after "make demo" has the flags of "make demo": none but for the linker.
func TestBuild_links_what_the_demo_has_compiled(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	out, err := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-n", "-C", root, "build", "demo").Output()
	g.Expect(err).NotTo(HaveOccurred())
	found := 0
	for _, line := range strings.Split(string(out), "\n") {
		if !strings.Contains(line, "go build ") && !strings.Contains(line, "go run ") {
			continue
		}
		found++
		g.Expect(line).NotTo(MatchRegexp(`CGO_ENABLED|GOFLAGS|-trimpath|-race|-tags|-gcflags|-buildmode`))
	}
	g.Expect(found).To(Equal(3), string(out))
	g.Expect(string(out)).To(ContainSubstring("kubectl-vt"), "the short name of the plugin")
}
