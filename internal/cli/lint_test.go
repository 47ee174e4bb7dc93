// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

func TestLint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"apps/app.yaml":          "# The app.\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: app\n  namespace: apps\nspec:\n  valuesFrom:\n  - kind: ConfigMap\n    name: app-values\n",
		"apps/flags.yaml":        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: flags\n  namespace: config\n  labels:\n    nebius.ai/helmrelease-trigger-operator: \"true\"\n  annotations:\n    nebius.ai/helmreleases-name: ap\n    nebius.ai/helmreleases-namespace: apps\n",
		"chart/templates/a.yaml": "a: {{ .Values.a }}\n",
		".git/a.yaml":            "a: b: c\n",
		"README.md":              "a: b: c\n",
	} {
		path := filepath.Join(dir, name)
		NewWithT(t).Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		NewWithT(t).Expect(os.WriteFile(path, []byte(content), 0o644)).To(Succeed())
	}
	for _, c := range []struct {
		golden string
		args   []string
		code   int
	}{
		{"lint.txt", []string{dir}, 0},
		{"lint-strict.txt", []string{dir, "--strict"}, 1},
		{"lint-complete.txt", []string{filepath.Join(dir, "apps"), "--complete"}, 1},
		{"lint.json", []string{filepath.Join(dir, "apps"), "-o", "json"}, 0},
		{"lint-file.txt", []string{filepath.Join(dir, "chart/templates/a.yaml")}, 1},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			got := (&call{}).run(t, append([]string{"lint"}, c.args...)...)
			NewWithT(t).Expect([]any{got.code, got.err}).To(Equal([]any{c.code, ""}))
			golden(t, c.golden, strings.ReplaceAll(got.out, dir, "clusters"))
		})
	}
	t.Run("standard input", func(t *testing.T) {
		t.Parallel()
		in := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {nebius.ai/helmreleases-name: a}}\n"
		got := (&call{in: in}).run(t, "lint", "-")
		NewWithT(t).Expect(got).To(Equal(answer{"-:3: error: ConfigMap default/a: annotation nebius.ai/helmreleases-name does nothing without the label nebius.ai/helmrelease-trigger-operator: \"true\" [unlabelled]\n1 error, 0 warnings in 1 manifest\n", "", 1}))
	})
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"names and kinds", []string{"__complete", "tree", "-n", "apps", ""}, "api\ncron\nnew\nplatform\nconfigmap/\nsecret/\nhelmrelease/\n:6\n"},
		{"not what is given", []string{"__complete", "suspend", "-n", "apps", "api", ""}, "cron\nnew\nplatform\n:4\n"},
		{"names of a kind", []string{"__complete", "tree", "-n", "apps", "cm/"}, "cm/api-values\ncm/nobody\n:4\n"},
		{"releases", []string{"__complete", "why", "-n", "apps", ""}, "api\nbatch\ncron\nout\nprivate\nweb\n:4\n"},
		{"formats", []string{"__complete", "tree", "-o", ""}, "text\njson\nyaml\n:4\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: estate()}).run(t, c.args...)
			g.Expect(got.out).To(Equal(c.want))
			asked := (&call{objects: estate(), name: "kubectl_complete-valuestrigger"}).run(t, c.args[1:]...)
			g.Expect(asked.out).To(Equal(c.want), "as kubectl asks")
		})
	}
}
