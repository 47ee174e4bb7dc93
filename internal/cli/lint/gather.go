// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// resource is a manifest that concerns the operator, or what one will make.
type resource struct {
	Document
	kind        string
	key         types.NamespacedName
	labels      map[string]string
	annotations map[string]string

	// keys of a ConfigMap or Secret, nil if they are not known.
	keys map[string]bool

	// made reports that something else makes the object out of this manifest.
	made bool

	release *helmv2.HelmRelease
	trigger *triggerv1.ValuesTrigger
}

func (r *resource) isContent() bool {
	return r.kind == triggerv1.ConfigMapKind || r.kind == triggerv1.SecretKind
}

func (r *resource) object() binding.Object {
	return binding.Object{Kind: r.kind, Namespace: r.key.Namespace, Name: r.key.Name}
}

func (r *resource) String() string { return r.kind + " " + r.key.String() }

// set is what is checked.
type set struct {
	Options
	resources []*resource
	byID      map[string]*resource
	findings  []Finding

	// namespaces are those among the manifests.
	namespaces map[string]namespace
}

// report adds a finding about a resource, at the line of a text in its manifest.
func (s *set) report(r *resource, severity Severity, rule, at, format string, args ...any) {
	s.findings = append(s.findings, Finding{
		File: r.File, Line: r.LineOf(at), Severity: severity, Rule: rule, Object: r.String(), Message: fmt.Sprintf(format, args...),
	})
}

// dangling is the severity of a reference to what is not among the manifests.
func (s *set) dangling() Severity {
	if s.Complete {
		return Error
	}
	return Warning
}

func id(kind string, key types.NamespacedName) string { return kind + "/" + key.String() }

// find returns a resource, nil if it is not among the manifests.
func (s *set) find(kind, namespace, name string) *resource {
	return s.byID[id(kind, types.NamespacedName{Namespace: namespace, Name: name})]
}

// of returns the resources of a kind, in the order of the files.
func (s *set) of(kind string) []*resource {
	return slices.DeleteFunc(slices.Clone(s.resources), func(r *resource) bool { return r.kind != kind })
}

// gather picks the manifests that concern the operator.
func gather(documents []Document, o Options) *set {
	s := &set{Options: o, byID: map[string]*resource{}, namespaces: map[string]namespace{}}
	for _, d := range documents {
		for _, r := range s.read(d) {
			if old, twice := s.byID[id(r.kind, r.key)]; twice {
				if !r.made && !old.made {
					s.report(r, Warning, "duplicate", "", "also in %s, line %d: applied together, one overwrites the other", old.File, old.Line)
				}
				if r.made {
					continue
				}
			}
			s.byID[id(r.kind, r.key)] = r
			s.resources = append(s.resources, r)
		}
	}
	return s
}

// read returns what a document is to the operator, or will be made into.
func (s *set) read(d Document) []*resource {
	kind, group := kindOf(d.Object)
	switch {
	case group == "" && kind == namespaceKind:
		s.addNamespace(d)
		return nil
	case group == "" && (kind == triggerv1.ConfigMapKind || kind == triggerv1.SecretKind):
		return s.content(d, kind)
	case group == helmv2.GroupVersion.Group && kind == helmv2.HelmReleaseKind:
		r := s.resource(d, kind, d.Object)
		r.release = &helmv2.HelmRelease{}
		if !s.decode(r, r.release, false) {
			return nil
		}
		r.release.Namespace, r.release.Labels, r.release.Annotations = r.key.Namespace, r.labels, r.annotations
		return []*resource{r}
	case group == triggerv1.GroupVersion.Group && kind == triggerv1.ValuesTriggerKind:
		r := s.resource(d, kind, d.Object)
		r.trigger = &triggerv1.ValuesTrigger{}
		if version := d.Object["apiVersion"]; version != triggerv1.GroupVersion.String() {
			s.report(r, Error, "version", "apiVersion", "apiVersion %v is not served; use %s", version, triggerv1.GroupVersion)
		}
		if !s.decode(r, r.trigger, true) {
			return nil
		}
		r.trigger.Namespace, r.trigger.Labels, r.trigger.Annotations = r.key.Namespace, r.labels, r.annotations
		return []*resource{r}
	}
	return s.makes(d, kind, group)
}

func kindOf(object map[string]any) (kind, group string) {
	kind, _ = object["kind"].(string)
	version, _ := object["apiVersion"].(string)
	group, _, found := strings.Cut(version, "/")
	if !found {
		group = ""
	}
	return kind, group
}

// resource reads the metadata of an object, as far as it is well formed. What is not is
// reported.
func (s *set) resource(d Document, kind string, object map[string]any) *resource {
	metadata := at(object, "metadata")
	r := &resource{Document: d, kind: kind, key: types.NamespacedName{Namespace: text(metadata, "namespace"), Name: text(metadata, "name")}}
	if r.key.Namespace == "" {
		r.key.Namespace = s.Namespace
	}
	r.labels = s.texts(r, at(metadata, "labels"), "label")
	r.annotations = s.texts(r, at(metadata, "annotations"), "annotation")
	return r
}

// texts returns a map of labels or annotations. The API server takes nothing but
// strings, and YAML makes something else of true and 1.
func (s *set) texts(r *resource, values map[string]any, what string) map[string]string {
	out := make(map[string]string, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch value := values[key].(type) {
		case string:
			out[key] = value
		case bool, int64, float64:
			s.report(r, Error, "quotes", key, "%s %s: %v is not a string, and the API server refuses it; write \"%v\"", what, key, value, value)
			out[key] = fmt.Sprint(value)
		case nil:
			out[key] = ""
		default:
			s.report(r, Error, "quotes", key, "%s %s is not a string, and the API server refuses it", what, key)
		}
	}
	return out
}

// decode fills in the typed object. With strict, fields that do not exist are reported.
func (s *set) decode(r *resource, into any, strict bool) bool {
	raw, err := json.Marshal(r.Object)
	if err != nil {
		s.report(r, Error, "schema", "", "cannot be read")
		return false
	}
	problems, err := kjson.UnmarshalStrict(raw, into)
	if err != nil {
		s.report(r, Error, "schema", "spec", "%s", err)
		return false
	}
	for _, problem := range problems {
		if strict {
			s.report(r, Error, "schema", lastField(problem.Error()), "%s; the API server refuses it", problem)
		}
	}
	return true
}

// lastField returns the field that an error of strict decoding names last.
func lastField(message string) string {
	_, path, _ := strings.Cut(message, `"`)
	path, _, _ = strings.Cut(path, `"`)
	return path[strings.LastIndexByte(path, '.')+1:]
}

// at returns a map in a map, nil if there is none.
func at(object map[string]any, path ...string) map[string]any {
	for _, step := range path {
		object, _ = object[step].(map[string]any)
	}
	return object
}

// text returns a string in a map.
func text(object map[string]any, key string) string {
	value, _ := object[key].(string)
	return value
}
