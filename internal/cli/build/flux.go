// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"cmp"
	"maps"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
)

// fluxGroup is the API group of kustomize-controller.
const fluxGroup = "kustomize.toolkit.fluxcd.io"

// flux is a Flux Kustomization.
type flux struct{ document lint.Document }

func isFlux(object map[string]any) bool {
	version, _ := object["apiVersion"].(string)
	return object["kind"] == "Kustomization" && strings.HasPrefix(version, fluxGroup+"/")
}

func (k flux) text(path ...string) string {
	text, _, _ := unstructured.NestedString(k.document.Object, path...)
	return text
}

func (k flux) namespace() string { return k.text("metadata", "namespace") }
func (k flux) key() string       { return k.namespace() + "/" + k.text("metadata", "name") }
func (k flux) String() string    { return "Kustomization " + strings.TrimPrefix(k.key(), "/") }
func (k flux) path() string      { return cmp.Or(k.text("spec", "path"), ".") }

// source is where it reads its path, by kind and namespace/name.
func (k flux) source() string {
	return k.text("spec", "sourceRef", "kind") + " " +
		cmp.Or(k.text("spec", "sourceRef", "namespace"), k.namespace()) + "/" + k.text("spec", "sourceRef", "name")
}

// elsewhere names the cluster that it applies to, "" for its own.
func (k flux) elsewhere() string {
	ref := []string{"spec", "kubeConfig", "secretRef", "name"}
	if name := k.text(ref...); name != "" {
		return k.namespace() + "/" + name
	}
	ref[2] = "configMapRef"
	if name := k.text(ref...); name != "" {
		return "ConfigMap " + k.namespace() + "/" + name
	}
	return ""
}

// cluster is what is applied together.
type cluster struct {
	*builder
	documents []lint.Document
	known     map[string]bool
	waiting   []flux

	// whole is true if the root of the cluster is in the tree, with what it patches into
	// Flux Kustomizations.
	whole bool
}

// add takes in objects, and follows the Flux Kustomizations among them.
func (c *cluster) add(documents []lint.Document) {
	c.documents = append(c.documents, documents...)
	for _, d := range documents {
		if isFlux(d.Object) {
			c.follow(flux{d})
		}
	}
}

func (c *cluster) follow(k flux) {
	if !c.known[k.key()] {
		c.known[k.key()] = true
		c.waiting = append(c.waiting, k)
	}
}

// run builds all Flux Kustomizations, and those that they apply. Those come first whose
// variables are known.
func (c *cluster) run() {
	for len(c.waiting) > 0 {
		next := 0
		for i, k := range c.waiting {
			if c.variables(k).found {
				next = i
				break
			}
		}
		k := c.waiting[next]
		c.waiting = append(c.waiting[:next:next], c.waiting[next+1:]...)
		r := c.prepare(k, c.variables(k))
		maps.Copy(c.reads, r.fs.reads)
		c.builder.findings = append(c.builder.findings, r.findings...)
		if where := k.elsewhere(); where != "" {
			c.in(where).documents = append(c.in(where).documents, r.documents...)
			continue
		}
		c.add(r.documents)
	}
}

// in returns another cluster, by how it is reached.
func (b *builder) in(where string) *cluster {
	if b.remote[where] == nil {
		b.remote[where] = &cluster{builder: b, known: map[string]bool{}}
	}
	return b.remote[where]
}

// prepare builds what a Flux Kustomization names.
func (c *cluster) prepare(k flux, vars variables) *run {
	r := c.newRun("")
	r.file, r.line, r.flux, r.variables = k.document.File, k.document.LineOf("path"), k, vars
	if c.sources != nil && !c.sources[k.source()] {
		r.report(lint.Note, ruleNotBuilt, k.String(), "its source %s is not this tree: what it applies is not checked", k.source())
		return r
	}
	dir := c.scan.resolve(k.path())
	switch {
	case dir == "" && c.sources != nil:
		r.report(lint.Error, ruleBuild, k.String(), "spec.path: there is no directory %s in the tree", k.path())
		return r
	case dir == "" || c.sources == nil && c.scan.isTop(dir):
		r.report(lint.Note, ruleNotBuilt, k.String(), "spec.path %s of its source %s is not in this tree: what it applies is not checked", k.path(), k.source())
		return r
	}
	r.dir, r.fs.root = dir, dir

	// Components and patches are those of the Kustomization, written into that of the
	// directory, as kustomize-controller does it.
	manifest, path, err := c.generate(k, dir)
	if err != nil {
		r.report(lint.Error, ruleBuild, k.String(), "kustomization %s cannot be built: %s", c.scan.shown(dir), r.describe(err))
		return r
	}
	r.fs.overlay[path] = manifest
	r.documents = r.build(k.String())
	return r
}

func (c *cluster) generate(k flux, dir string) (manifest []byte, path string, err error) {
	object := unstructured.Unstructured{Object: k.document.Object}
	generator := fluxkustomize.NewGenerator(c.scan.root, object)
	if !c.scan.hasKustomization(dir) {
		ignored, err := c.scan.ignored(dir)
		if err != nil {
			return nil, "", err
		}
		generator = fluxkustomize.NewGeneratorWithIgnore(c.scan.root, ignored, object)
	}
	manifest, path, _, err = generator.GenerateManifest(dir)
	return manifest, path, err
}

// mark sets the labels and annotations that a Kustomization gives to all that it applies.
func (k flux) mark(object map[string]any) {
	for _, field := range []string{"labels", "annotations"} {
		common, _, _ := unstructured.NestedStringMap(k.document.Object, "spec", "commonMetadata", field)
		for key, value := range common {
			_ = unstructured.SetNestedField(object, value, "metadata", field, key) // What is malformed there is reported by lint.
		}
	}
}

// absolute returns a path that a build reports, below its root.
func (r *run) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.dir, path)
}
