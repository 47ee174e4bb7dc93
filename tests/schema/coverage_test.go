// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// keywords are those of a schema that reject values. A wrong type is left out:
// every field has one.
var keywords = []string{
	"enum", "exclusiveMaximum", "exclusiveMinimum", "maxItems", "maxLength", "maxProperties", "maximum",
	"minItems", "minLength", "minProperties", "minimum", "multipleOf", "pattern",
}

// TestEveryRuleIsTested: anyone who adds a rule to the spec adds a violation of it.
func TestEveryRuleIsTested(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	tested := map[string]bool{}
	for _, v := range violations() {
		tested[v.rule] = true
	}
	g.Expect(slices.Sorted(maps.Keys(tested))).To(Equal(slices.Sorted(slices.Values(rulesOf("spec", specSchema(g))))))
}

// TestEveryFieldIsBounded: no user can make an object, or the operator's work,
// larger than planned. Bounds are what CEL estimates costs by, too.
func TestEveryFieldIsBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	walk("spec", specSchema(g), func(path string, schema map[string]any) {
		var bounds []string
		switch schema["type"] {
		case "string":
			bounds = []string{"maxLength", "enum", "format"}
		case "array":
			bounds = []string{"maxItems"}
		case "object":
			if schema["additionalProperties"] == nil {
				return
			}
			bounds = []string{"maxProperties"}
		default:
			return
		}
		g.Expect(slices.ContainsFunc(bounds, func(name string) bool { return schema[name] != nil })).
			To(BeTrue(), "%s has none of %v", path, bounds)
	})
}

// specSchema returns the schema of the spec of the only version.
func specSchema(g Gomega) map[string]any {
	files, err := filepath.Glob(filepath.Join(crds, "*.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(HaveLen(1))
	data, err := os.ReadFile(files[0])
	g.Expect(err).NotTo(HaveOccurred())
	versions, _, err := unstructured.NestedSlice(decode(g, data)[0].Object, "spec", "versions")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(versions).To(HaveLen(1))
	schema, found, err := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(found).To(BeTrue())
	return schema
}

// rulesOf lists all that the schema rejects, as "path: keyword", "path: required
// field", or "path: message" for CEL. Of a list or map it goes on with path[] or
// path{}.
func rulesOf(root string, schema map[string]any) []string {
	var rules []string
	walk(root, schema, func(path string, schema map[string]any) {
		for _, keyword := range keywords {
			if schema[keyword] != nil {
				rules = append(rules, path+": "+keyword)
			}
		}
		if schema["x-kubernetes-list-type"] == "set" {
			rules = append(rules, path+": set")
		}
		required, _ := schema["required"].([]any)
		for _, field := range required {
			rules = append(rules, fmt.Sprintf("%s: required %s", path, field))
		}
		validations, _ := schema["x-kubernetes-validations"].([]any)
		for _, rule := range validations {
			rules = append(rules, fmt.Sprintf("%s: %s", path, rule.(map[string]any)["message"]))
		}
	})
	return rules
}

func walk(path string, schema map[string]any, visit func(path string, schema map[string]any)) {
	visit(path, schema)
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		walk(path+"."+name, property.(map[string]any), visit)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		walk(path+"[]", items, visit)
	}
	if values, ok := schema["additionalProperties"].(map[string]any); ok {
		walk(path+"{}", values, visit)
	}
}
