// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// heavy is what the manager must not be linked with, and why one is tempted to. All of
// the program that runs is in memory, and of what registers itself at the start, all.
var heavy = map[string]string{
	"k8s.io/apiserver":         "the metrics filter of controller-runtime; internal/kube/guard does the same",
	"github.com/google/cel-go": "comes with k8s.io/apiserver",
	"google.golang.org/grpc":   "comes with k8s.io/apiserver",
	"go.opentelemetry.io":      "comes with k8s.io/apiserver",

	"charm.land":                      "draws the boards of the plugin",
	"github.com/charmbracelet":        "comes with charm.land",
	"github.com/modelcontextprotocol": "serves assistants in the plugin",
}

func TestManagerStaysSmall(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd")
	cmd.Dir = root
	out, err := cmd.Output()
	g.Expect(err).NotTo(HaveOccurred())
	packages := strings.Fields(string(out))
	g.Expect(packages).To(ContainElement(module + "/internal/kube/guard"))
	for _, pkg := range packages {
		for path, why := range heavy {
			g.Expect(hasPrefix(pkg, []string{path})).To(BeFalse(), "the manager is linked with %s: %s", pkg, why)
		}
	}
}
