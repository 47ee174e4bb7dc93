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

// tree is a working tree of Git in a directory of its own.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		NewWithT(t).Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		NewWithT(t).Expect(os.WriteFile(path, []byte(content), 0o644)).To(Succeed())
	}
	NewWithT(t).Expect(os.MkdirAll(filepath.Join(dir, ".git"), 0o755)).To(Succeed())
	return dir
}

// generating is a kustomization that gives a ConfigMap another name for each content.
var generating = map[string]string{
	"kustomization.yaml": "namespace: apps\nresources:\n- app.yaml\n- https://example.com/more\nconfigMapGenerator:\n- name: values\n  files: [values.yaml]\n",
	"values.yaml":        "replicas: 3\n",
	"app.yaml":           "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: one\nspec:\n  valuesFrom:\n  - kind: ConfigMap\n    name: values\n",
}

func TestLint_builds_directories(t *testing.T) {
	t.Parallel()
	dir := tree(t, generating)
	for _, args := range [][]string{{dir}, {filepath.Join(dir, "kustomization.yaml")}} {
		got := (&call{}).run(t, append([]string{"lint"}, args...)...)
		NewWithT(t).Expect([]any{got.code, got.err}).To(Equal([]any{1, ""}))
		golden(t, "lint-built.txt", strings.ReplaceAll(got.out, dir, "clusters"))
	}
	t.Run("what is not built is not a fault", func(t *testing.T) {
		t.Parallel()
		dir := tree(t, map[string]string{"kustomization.yaml": "resources: [https://example.com/more]\n"})
		got := (&call{}).run(t, "lint", "--strict", dir)
		NewWithT(t).Expect(got.code).To(Equal(0))
		NewWithT(t).Expect(got.out).To(ContainSubstring("0 errors, 0 warnings, 1 note in 0 manifests"))
	})
	t.Run("what cannot be built is", func(t *testing.T) {
		t.Parallel()
		dir := tree(t, map[string]string{"kustomization.yaml": "resources: [absent.yaml]\n"})
		got := (&call{}).run(t, "lint", dir)
		NewWithT(t).Expect(got.code).To(Equal(1))
		NewWithT(t).Expect(got.out).To(HavePrefix(dir + "/kustomization.yaml:1: error: kustomization " + dir + " cannot be built: "))
	})
}

func TestPreview_builds_directories(t *testing.T) {
	t.Parallel()
	files := map[string]string{"secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nsops: {}\n", "same.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\n"}
	for name, content := range generating {
		files[name] = content
	}
	files["kustomization.yaml"] = strings.Replace(files["kustomization.yaml"], "- app.yaml", "- app.yaml\n- secret.yaml\n- same.yaml", 1) +
		"configurations: [names.yaml]\n"
	files["names.yaml"] = "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{path: spec/valuesFrom/name, kind: HelmRelease}]}]\n"
	dir := tree(t, files)
	got := (&call{objects: append(readers(), configMap("apps", "same", nil))}).run(t, "preview", "-f", dir)
	NewWithT(t).Expect(got.code).To(Equal(0))
	golden(t, "preview-built.txt", strings.ReplaceAll(got.err+got.out, dir, "clusters"))

	broken := tree(t, map[string]string{"kustomization.yaml": "resources: [absent.yaml]\n"})
	got = (&call{}).run(t, "preview", "-f", broken)
	NewWithT(t).Expect(got.code).To(Equal(1))
	NewWithT(t).Expect(got.err).To(HavePrefix("error: " + broken + "/kustomization.yaml:1: kustomization " + broken + " cannot be built: "))
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"names and kinds", []string{"__complete", "tree", "-n", "apps", ""}, "api-auto\ncron-auto\nnew\nplatform\nconfigmap/\nsecret/\nhelmrelease/\n:6\n"},
		{"not what is given", []string{"__complete", "suspend", "-n", "apps", "api-auto", ""}, "cron-auto\nnew\nplatform\n:4\n"},
		{"names of a kind", []string{"__complete", "tree", "-n", "apps", "cm/"}, "cm/api-values\ncm/unread\n:4\n"},
		{"releases", []string{"__complete", "why", "-n", "apps", ""}, "api\nbatch\ncron\nout\nprivate\nweb\nconfigmap/\nsecret/\n:6\n"},
		{"formats", []string{"__complete", "tree", "-o", ""}, "text\njson\nyaml\nname\nwide\n:4\n"},
		{"objects to delete", []string{"__complete", "preview", "-n", "apps", "--delete", ""}, "configmap/\nsecret/\n:6\n"},
		{"names of objects to delete", []string{"__complete", "preview", "-n", "apps", "--delete", "cm/u"}, "cm/api-values\ncm/unread\n:4\n"},
		{"a release", []string{"__complete", "history", "-n", "apps", "--release", ""}, "api\nbatch\ncron\nout\nprivate\nweb\n:4\n"},
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
