// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
)

// checkout is a working tree of Git in a directory of its own.
func checkout(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for name, content := range files {
		path := filepath.Join(dir, name)
		NewWithT(t).Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
		NewWithT(t).Expect(os.WriteFile(path, []byte(content), 0o644)).To(Succeed())
	}
	NewWithT(t).Expect(os.MkdirAll(filepath.Join(dir, ".git"), 0o755)).To(Succeed())
	return dir
}

// fleet is the tree of a cluster: a Flux Kustomization for each application.
func fleet(t *testing.T) string {
	t.Helper()
	dir := checkout(t, nil)
	NewWithT(t).Expect(os.CopyFS(dir, os.DirFS("testdata/fleet"))).To(Succeed())
	return dir
}

// written is what Directories returns, as text.
func written(t *testing.T, dir string, below ...string) (sets [][]string, findings []string) {
	t.Helper()
	dirs := []string{dir}
	for i, name := range below {
		dirs = append(dirs[:i], filepath.Join(dir, name))
	}
	tree, err := Directories(dirs)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, documents := range tree.Clusters {
		var set []string
		for _, d := range documents {
			u := unstructured.Unstructured{Object: d.Object}
			set = append(set, strings.ReplaceAll(fmt.Sprintf("%s:%d %s %s/%s", d.File, d.Line, u.GetKind(), u.GetNamespace(), u.GetName()), dir+"/", ""))
		}
		sets = append(sets, set)
	}
	for _, f := range tree.Findings {
		findings = append(findings, strings.NewReplacer(dir+"/", "", dir, ".").Replace(fmt.Sprintf("%s:%d %s %s %s: %s", f.File, f.Line, f.Severity, f.Rule, f.Object, f.Message)))
	}
	return sets, findings
}

func kustomization(name, path, more string) string {
	return fmt.Sprintf(`apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: %s, namespace: flux-system}
spec:
  path: %s
  sourceRef: {kind: GitRepository, name: flux-system}
%s`, name, path, more)
}

func object(kind, name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: %s, namespace: apps}\n", kind, name)
}

// Every release has a kustomization of its own, which a Flux Kustomization names and gives
// a namespace, labels and variables. What is applied has no fault, and the files of other
// tools are none of it.
func TestDirectories_build_what_Flux_applies(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	dir := fleet(t)
	tree, err := Directories([]string{dir})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(tree.Findings).To(BeEmpty())
	g.Expect(tree.Clusters).To(HaveLen(1))

	result := lint.Run(tree.Clusters, tree.Findings, lint.Options{Complete: true})
	g.Expect(result.Findings).To(BeEmpty())
	g.Expect(result.Objects).To(Equal(10))
	releases := 0
	for _, d := range tree.Clusters[0] {
		u := unstructured.Unstructured{Object: d.Object}
		if u.GetKind() != "HelmRelease" {
			continue
		}
		releases++
		g.Expect(u.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/name", u.GetName()), "commonMetadata")
		host, _, _ := unstructured.NestedString(u.Object, "spec", "values", "host")
		g.Expect(host).To(Equal(u.GetName()+".example.com"), "postBuild, with a ConfigMap of the tree")
		g.Expect(u.GetAnnotations()).NotTo(HaveKey(originAnnotation))
		g.Expect(d.File).To(HaveSuffix(u.GetName() + "/app/helmrelease.yaml"))
	}
	g.Expect(releases).To(Equal(3))
}

func TestDirectories_below_the_root_of_a_cluster(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	dir := fleet(t)
	for _, below := range []string{"kubernetes", "kubernetes/apps", "kubernetes/apps/media", "kubernetes/apps/web/blog/ks.yaml/.."} {
		tree, err := Directories([]string{filepath.Join(dir, below)})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(lint.Run(tree.Clusters, tree.Findings, lint.Options{Complete: true}).Findings).To(BeEmpty(), below)
	}
}

func TestDirectories_without_Flux(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		files    map[string]string
		want     [][]string
		findings []string
	}{
		{"manifests alone", map[string]string{
			"a/one.yaml": object("ConfigMap", "one"), "two.json": `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"two"}}`,
			"values.yaml": "a: 1\n", "list.yaml": "- a\n", "template.yaml": "kind: {{ .Kind }}\napiVersion: v1\n", ".hidden/a.yaml": object("ConfigMap", "a"),
		}, [][]string{{"a/one.yaml:1 ConfigMap apps/one", "two.json:1 Secret /two"}}, nil},
		{"a manifest that cannot be read", map[string]string{"a.yaml": "apiVersion: v1\nkind: ConfigMap\na: b: hunter2\n"}, nil,
			[]string{"a.yaml:3 warning syntax : not read: no valid YAML"}},
		{"a kustomization, with what it generates", map[string]string{
			"kustomization.yaml": "# Said.\nnamespace: apps\nnamePrefix: my-\nresources: [one.yaml]\nconfigMapGenerator:\n- name: two\n  literals: [a=b]\n  options: {disableNameSuffixHash: true}\n",
			"one.yaml":           "# Said.\n---\n" + object("Secret", "other") + "---\n" + object("ConfigMap", "one"), "not-listed.yaml": object("ConfigMap", "three"),
		}, [][]string{{"one.yaml:3 Secret apps/my-other", "one.yaml:7 ConfigMap apps/my-one", "kustomization.yaml:2 ConfigMap apps/my-two"}}, nil},
		{"an overlay of a base, with a component", map[string]string{
			"base/kustomization.yaml": "resources: [one.yaml]\n", "base/one.yaml": object("ConfigMap", "one"),
			"prod/kustomization.yaml":   "resources: [../base]\ncomponents: [../extra]\nnameSuffix: -prod\n",
			"extra/kustomization.yaml":  "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [two.yaml]\n",
			"extra/two.yaml":            object("ConfigMap", "two"),
			"unused/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [three.yaml]\n", "unused/three.yaml": object("ConfigMap", "three"),
		}, [][]string{{"base/one.yaml:1 ConfigMap apps/one-prod", "extra/two.yaml:1 ConfigMap apps/two-prod"}}, nil},
		{"overlays of several clusters, with what all have", map[string]string{
			"base/kustomization.yaml": "resources: [one.yaml]\n", "base/one.yaml": object("ConfigMap", "one"), "dev/kustomization.yaml": "resources: [../base]\n",
			"prod/kustomization.yaml": "resources: [../base]\n", "extra/kustomization.yaml": "resources: [two.yaml]\n", "extra/two.yaml": object("ConfigMap", "two"),
		}, [][]string{{"base/one.yaml:1 ConfigMap apps/one", "extra/two.yaml:1 ConfigMap apps/two"}, {"base/one.yaml:1 ConfigMap apps/one", "extra/two.yaml:1 ConfigMap apps/two"}}, nil},
		{"a kustomization that cannot be built", map[string]string{
			"a/kustomization.yaml": "resources: [absent.yaml]\n", "b/kustomization.yaml": "resources: [one.yaml]\n", "b/one.yaml": object("ConfigMap", "one"),
		}, [][]string{{"b/one.yaml:1 ConfigMap apps/one"}}, []string{"a/kustomization.yaml:1 error build : kustomization a cannot be built: accumulating resources"}},
		{"a file of a kustomization that cannot be read", map[string]string{
			"kustomization.yaml": "resources: [one.yaml]\n", "one.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: [`hunter2`: x\n",
		}, nil, []string{"kustomization.yaml:1 error build : kustomization . cannot be built: accumulating resources"}},
		{"a chart to inflate", map[string]string{"kustomization.yaml": "helmCharts: [{name: a, repo: https://example.com}]\n"}, nil,
			[]string{"kustomization.yaml:1 error build : kustomization . cannot be built: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			sets, findings := written(t, checkout(t, c.files))
			g.Expect(sets).To(Equal(c.want))
			g.Expect(findings).To(HaveLen(len(c.findings)), strings.Join(findings, "\n"))
			for i, want := range c.findings {
				g.Expect(findings[i]).To(HavePrefix(want))
				g.Expect(findings[i]).NotTo(ContainSubstring("hunter2"))
			}
		})
	}
}

func TestDirectories_with_Flux(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		files    map[string]string
		want     [][]string
		findings []string
	}{
		{"a directory without a kustomization", map[string]string{
			"cluster/apps.yaml": kustomization("apps", "./apps", ""), "apps/a/one.yaml": object("ConfigMap", "one"),
			"apps/b/kustomization.yaml": "resources: [two.yaml]\n", "apps/b/two.yaml": object("ConfigMap", "two"), "apps/b/three.yaml": object("ConfigMap", "three"),
		}, [][]string{{"cluster/apps.yaml:1 Kustomization flux-system/apps", "apps/a/one.yaml:1 ConfigMap apps/one", "apps/b/two.yaml:1 ConfigMap apps/two"}}, nil},
		{"two clusters, of which each has its own", map[string]string{
			"base/one.yaml": object("ConfigMap", "one"), "base/kustomization.yaml": "resources: [one.yaml]\n",
			"clusters/dev/flux.yaml": kustomization("flux-system", "clusters/dev", "") + "---\n" + kustomization("apps", "base", ""), "clusters/prod/flux.yaml": kustomization("flux-system", "clusters/prod", "") + "---\n" + kustomization("apps", "base", "  targetNamespace: prod\n"),
		}, [][]string{
			{"clusters/dev/flux.yaml:1 Kustomization flux-system/flux-system", "clusters/dev/flux.yaml:8 Kustomization flux-system/apps", "base/one.yaml:1 ConfigMap apps/one"},
			{"clusters/prod/flux.yaml:1 Kustomization flux-system/flux-system", "clusters/prod/flux.yaml:8 Kustomization flux-system/apps", "base/one.yaml:1 ConfigMap prod/one"},
		}, nil},
		{"another source, and a path that is not there", map[string]string{
			"cluster/flux.yaml": kustomization("flux-system", "cluster", "") + "---\n" + kustomization("absent", "./absent", "") + "---\n" + strings.Replace(kustomization("other", "./", ""), "name: flux-system}", "name: other}", 1),
		}, [][]string{{"cluster/flux.yaml:1 Kustomization flux-system/flux-system", "cluster/flux.yaml:8 Kustomization flux-system/absent", "cluster/flux.yaml:15 Kustomization flux-system/other"}}, []string{
			"cluster/flux.yaml:12 error build Kustomization flux-system/absent: spec.path: there is no directory ./absent in the tree",
			"cluster/flux.yaml:19 note not-built Kustomization flux-system/other: its source GitRepository flux-system/other is not this tree: what it applies is not checked",
		}},
		{"a path of which the root of the tree is not known", map[string]string{"flux.yaml": kustomization("absent", "./absent", "") + "---\n" + kustomization("top", "./", "")}, [][]string{{
			"flux.yaml:1 Kustomization flux-system/absent", "flux.yaml:8 Kustomization flux-system/top",
		}}, []string{
			"flux.yaml:5 note not-built Kustomization flux-system/absent: spec.path ./absent of its source GitRepository flux-system/flux-system is not in this tree",
			"flux.yaml:12 note not-built Kustomization flux-system/top: spec.path ./ of its source GitRepository flux-system/flux-system is not in this tree",
		}},
		{"what source-controller leaves out", map[string]string{
			".sourceignore": "/cluster/playbooks/\n*.tpl.yaml\n", "cluster/flux.yaml": kustomization("flux-system", "cluster", ""), "cluster/a/.sops.yaml": "a: 1\n",
			"cluster/playbooks/site.yaml": "- a\n", "cluster/a/x.tpl.yaml": "{{ a }}\n",
		}, [][]string{{"cluster/flux.yaml:1 Kustomization flux-system/flux-system"}}, nil},
		{"another cluster", map[string]string{
			"cluster/flux.yaml": kustomization("flux-system", "cluster", "") + "---\n" + kustomization("far", "far", "  kubeConfig: {secretRef: {name: far}}\n"), "far/one.yaml": object("ConfigMap", "one"),
		}, [][]string{{"cluster/flux.yaml:1 Kustomization flux-system/flux-system", "cluster/flux.yaml:8 Kustomization flux-system/far"}, {"far/one.yaml:1 ConfigMap apps/one"}}, nil},
		{"a variable that cannot be read", map[string]string{
			"cluster/flux.yaml": kustomization("flux-system", "cluster", "  postBuild: {substitute: {a: b}}\n"), "cluster/one.yaml": object("ConfigMap", "one") + "data: {a: '${'}\n",
		}, [][]string{{"cluster/flux.yaml:1 Kustomization flux-system/flux-system"}}, []string{"cluster/flux.yaml:5 error build ConfigMap one: postBuild: "}},
		{"a kustomization that cannot be built", map[string]string{
			"cluster/flux.yaml": kustomization("flux-system", "cluster", "") + "---\n" + kustomization("apps", "apps", ""), "apps/kustomization.yaml": "resources: [absent.yaml]\n",
		}, [][]string{{"cluster/flux.yaml:1 Kustomization flux-system/flux-system", "cluster/flux.yaml:8 Kustomization flux-system/apps"}}, []string{
			"cluster/flux.yaml:12 error build Kustomization flux-system/apps: kustomization apps cannot be built: accumulating resources",
		}},
		{"not a manifest where kustomize-controller takes all files for one", map[string]string{
			"cluster/flux.yaml": kustomization("flux-system", "cluster", ""), "cluster/values.yaml": "a: 1\n",
		}, nil, []string{"cluster/flux.yaml:5 error build Kustomization flux-system/flux-system: kustomization cluster cannot be built: failed to decode Kubernetes YAML from cluster/values.yaml: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			sets, findings := written(t, checkout(t, c.files))
			g.Expect(sets).To(Equal(c.want))
			g.Expect(findings).To(HaveLen(len(c.findings)), strings.Join(findings, "\n"))
			for i, want := range c.findings {
				g.Expect(findings[i]).To(HavePrefix(want))
			}
		})
	}
}

// What a kustomization would fetch is not fetched, whatever refers to it.
func TestDirectories_ask_no_network(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = fmt.Fprint(w, object("ConfigMap", "fetched"))
	}))
	t.Cleanup(server.Close)
	t.Setenv("PATH", "") // No git.
	for _, c := range []struct {
		name, kustomization string
		file                string
		built               bool
	}{
		{"a resource", "resources: [one.yaml, URL]", "", true},
		{"a base in Git", "resources: [one.yaml, 'URL/a/b.git//c?ref=main']", "", true},
		{"a base over SSH", "resources: [one.yaml, 'git@URL:a/b']", "", true},
		{"a component", "resources: [one.yaml]\ncomponents: [URL]", "", true},
		{"a CRD", "resources: [one.yaml]\ncrds: [URL]", "", true},
		{"nothing else", "resources: [URL]", "", false},
		{"a patch", "resources: [one.yaml]\npatches: [{path: URL}]", "", false},
		{"a strategic merge patch", "resources: [one.yaml]\npatchesStrategicMerge: [URL]", "", false},
		{"a file of a generator", "configMapGenerator: [{name: a, files: [a=URL]}]", "", false},
		{"the variables of a generator", "secretGenerator: [{name: a, envs: [URL]}]", "", false},
		{"a schema", "resources: [one.yaml]\nopenapi: {path: URL}", "", false},
		{"a configuration", "resources: [one.yaml]\nconfigurations: [URL]", "", false},
		{"a patch of a transformer", "resources: [one.yaml]\ntransformers: [two.yaml]", "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: URL\n", false},
		{"a patch of what is fetched", "resources: [URL]\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: fetched}}'}]", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			fill := strings.NewReplacer("git@URL", "git@"+strings.TrimPrefix(server.URL, "http://"), "URL", server.URL+"/x.yaml")
			sets, findings := written(t, checkout(t, map[string]string{
				"kustomization.yaml": fill.Replace(c.kustomization), "one.yaml": object("ConfigMap", "one"), "two.yaml": fill.Replace(c.file),
			}))
			g.Expect(asked).To(BeZero())
			g.Expect(sets != nil).To(Equal(c.built), "%v", findings)
			g.Expect(findings[0]).To(MatchRegexp(`^(kustomization|two).yaml:1 note not-built : .* is not fetched: what it holds is not checked$|^kustomization.yaml:2 note`))
			for _, f := range findings {
				g.Expect(f).To(ContainSubstring(" note not-built "))
			}
		})
	}
}

// What a generator names, or a prefix renames, is not what a HelmRelease and a
// ValuesTrigger refer to, unless kustomize knows their fields.
func TestDirectories_names_that_kustomize_changes(t *testing.T) {
	t.Parallel()
	reference, err := os.ReadFile("../../../config/kustomize/name-reference.yaml")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	files := map[string]string{
		"name-reference.yaml": string(reference), "values.yaml": "a: 1\n",
		"fixed.yaml": object("ConfigMap", "fixed") + "data: {values.yaml: ''}\n",
		"hr.yaml":    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: apps}\nspec:\n  dependsOn: [{name: web}]\n  valuesFrom:\n  - {kind: ConfigMap, name: web-values}\n  - {kind: Secret, name: web-keys}\n  - {kind: ConfigMap, name: fixed}\n  - {kind: ConfigMap, name: elsewhere, optional: true}\n",
		"vt.yaml":    "apiVersion: trigger.nebius.ai/v1beta1\nkind: ValuesTrigger\nmetadata: {name: web, namespace: apps}\nspec:\n  sources:\n  - {kind: ConfigMap, name: web-values}\n  - {kind: Secret, name: web-keys}\n  - {kind: ConfigMap, selector: {}}\n  targets:\n  - {name: web}\n  - {selector: {}}\n",
	}
	const generators = "resources: [hr.yaml, vt.yaml, fixed.yaml]\nnamespace: apps\nconfigMapGenerator: [{name: web-values, files: [values.yaml]}]\nsecretGenerator: [{name: web-keys, files: [values.yaml]}]\n"
	for _, c := range []struct {
		name, kustomization string
		want                []string
	}{
		{"no hash", generators + "generatorOptions: {disableNameSuffixHash: true}\n", nil},
		{"a hash, with the reference", generators + "configurations: [name-reference.yaml]\n", nil},
		{"a hash and a prefix, with the reference", generators + "namePrefix: my-\nconfigurations: [name-reference.yaml]\n", nil},
		{"a hash", generators, []string{
			"hr.yaml:7 error renamed HelmRelease apps/web: valuesFrom: kustomize names ConfigMap apps/web-values web-values-2c7b8tcg92, and does not know that this field refers to it; set generatorOptions.disableNameSuffixHash, or list a nameReference for this field under configurations, as in config/kustomize/name-reference.yaml",
			"hr.yaml:8 error renamed HelmRelease apps/web: valuesFrom: kustomize names Secret apps/web-keys web-keys-",
			"vt.yaml:6 error renamed ValuesTrigger apps/web: spec.sources[0]: kustomize names ConfigMap apps/web-values web-values-",
			"vt.yaml:7 error renamed ValuesTrigger apps/web: spec.sources[1]: kustomize names Secret apps/web-keys web-keys-",
		}},
		{"a prefix", strings.Replace(generators, "configMapGenerator", "namePrefix: my-\ngeneratorOptions: {disableNameSuffixHash: true}\nconfigMapGenerator", 1), []string{
			"hr.yaml:7 error renamed HelmRelease apps/my-web: valuesFrom: kustomize names ConfigMap apps/web-values my-web-values, and does not know that this field refers to it; list a nameReference",
			"hr.yaml:8 error renamed HelmRelease apps/my-web: valuesFrom: kustomize names Secret apps/web-keys my-web-keys, and",
			"hr.yaml:9 error renamed HelmRelease apps/my-web: valuesFrom: kustomize names ConfigMap apps/fixed my-fixed, and",
			"vt.yaml:3 error renamed ValuesTrigger apps/my-web: spec.targets[0]: kustomize names HelmRelease apps/web my-web, and",
			"vt.yaml:6 error renamed ValuesTrigger apps/my-web: spec.sources[0]: kustomize names ConfigMap apps/web-values my-web-values, and",
			"vt.yaml:7 error renamed ValuesTrigger apps/my-web: spec.sources[1]: kustomize names Secret apps/web-keys my-web-keys, and",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			files := maps.Clone(files)
			files["kustomization.yaml"] = c.kustomization
			dir := checkout(t, files)
			tree, err := Directories([]string{dir})
			g.Expect(err).NotTo(HaveOccurred())
			var got []string
			for _, f := range lint.Run(tree.Clusters, tree.Findings, lint.Options{Complete: true}).Findings {
				got = append(got, strings.ReplaceAll(fmt.Sprintf("%s:%d %s %s %s: %s", f.File, f.Line, f.Severity, f.Rule, f.Object, f.Message), dir+"/", ""))
			}
			g.Expect(got).To(HaveLen(len(c.want)), strings.Join(got, "\n"))
			for i, want := range c.want {
				g.Expect(got[i]).To(HavePrefix(want))
			}
		})
	}
}
