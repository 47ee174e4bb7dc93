// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"cmp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/fluxcd/pkg/ssa/utils"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
)

// variables are what postBuild of a Flux Kustomization fills in.
type variables struct {
	values map[string]string

	// found is true if all that the Kustomization refers to is there, and complete if there
	// are no others. Otherwise what is not known stays as it is written.
	found, complete bool
}

// variables returns those of a Kustomization, as far as they are in it or in ConfigMaps
// that the cluster has.
func (c *cluster) variables(k flux) variables {
	vars := variables{values: map[string]string{}, found: true}
	from, _, _ := unstructured.NestedSlice(k.document.Object, "spec", "postBuild", "substituteFrom")
	for _, entry := range from {
		ref, _ := entry.(map[string]any)
		here := false
		for _, d := range c.documents {
			u := unstructured.Unstructured{Object: d.Object}
			if ref["kind"] != "ConfigMap" || u.GetKind() != "ConfigMap" || u.GetName() != ref["name"] || u.GetNamespace() != k.namespace() {
				continue
			}
			data, _, _ := unstructured.NestedStringMap(d.Object, "data")
			for name, value := range data {
				vars.values[name] = strings.ReplaceAll(value, "\n", "")
			}
			here = true
		}
		vars.found = vars.found && here
	}
	inline, _, _ := unstructured.NestedStringMap(k.document.Object, "spec", "postBuild", "substitute")
	for name, value := range inline {
		vars.values[name] = strings.ReplaceAll(value, "\n", "")
	}
	vars.complete = vars.found && c.whole
	return vars
}

// substitute is the annotation and label that takes an object out of the substitution.
const substitute = "kustomize.toolkit.fluxcd.io/substitute"

// fill replaces variables as kustomize-controller does.
func (v variables) fill(res *resource.Resource, text string) (string, error) {
	if len(v.values) == 0 || res.GetLabels()[substitute] == "disabled" || res.GetAnnotations()[substitute] == "disabled" {
		return text, nil
	}
	return envsubst.Eval(text, func(name string) (string, bool) {
		value, known := v.values[name]
		if !known && !v.complete {
			return "${" + name + "}", true
		}
		return value, true
	})
}

// originAnnotation is how kustomize says where an object comes from.
const originAnnotation = "config.kubernetes.io/origin"

// document returns an object with where it comes from, none if it cannot be read.
func (r *run) document(res *resource.Resource) []lint.Document {
	origin, err := res.GetOrigin()
	if err != nil || origin == nil {
		origin = &resource.Origin{}
	}
	id := res.OrgId()
	text, err := res.AsYAML()
	if err != nil {
		r.report(lint.Error, ruleBuild, id.String(), "cannot be read")
		return nil
	}
	filled, err := r.variables.fill(res, string(text))
	if err != nil {
		r.report(lint.Error, ruleBuild, id.Kind+" "+id.Name, "postBuild: %s", err)
		return nil
	}
	read, err := utils.ReadObject(strings.NewReader(filled))
	if err != nil {
		r.report(lint.Error, ruleBuild, id.Kind+" "+id.Name, "is not a valid manifest once variables are filled in")
		return nil
	}
	object := read.Object
	unstructured.RemoveNestedField(object, "metadata", "annotations", originAnnotation)
	r.flux.mark(object)

	d := r.origin(cmp.Or(origin.Path, origin.ConfiguredIn), id)
	d.Object = object
	return []lint.Document{d}
}

// origin returns the document that an object was written as, or that generates it, for
// findings to point at.
func (r *run) origin(path string, id resid.ResId) lint.Document {
	if path == "" {
		return lint.Document{File: r.scan.shown(r.dir), Line: 1}
	}
	absolute := r.absolute(path)
	found, name := lint.Document{Line: 1}, id.Name
	best := -1
	if f, err := r.scan.read(absolute); err == nil {
		for _, d := range f.documents {
			for kind, names := range namesIn(d.Object) {
				for _, written := range names {
					likeness := 0
					switch {
					case kind == id.Kind && written == id.Name:
						likeness = 3
					case kind == id.Kind && strings.Contains(id.Name, written):
						likeness = 2 // With a prefix or suffix.
					}
					if likeness > best || likeness == best && best == 2 && len(written) > len(name) {
						best, found, name = likeness, d, written
					}
				}
			}
		}
	}
	found.File = r.scan.shown(absolute)
	if best == 2 {
		found.Written = name
	}
	return found
}

// namesIn returns the names of the objects that a document is or generates, by kind.
func namesIn(object map[string]any) map[string][]string {
	u := unstructured.Unstructured{Object: object}
	out := map[string][]string{u.GetKind(): {u.GetName()}}
	for kind, field := range map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"} {
		generators, _ := object[field].([]any)
		for _, entry := range generators {
			generator, _ := entry.(map[string]any)
			if name, _ := generator["name"].(string); name != "" {
				out[kind] = append(out[kind], name)
			}
		}
	}
	return out
}
