// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// violation is a spec that breaks one rule of the schema.
type violation struct {
	// rule is the path of the schema and its keyword, or the message of its CEL
	// rule, as rulesOf lists them.
	rule string
	// field is where the error must point to, value what to put there. A nil value
	// takes it away.
	field string
	value any
	// message must be part of the error: what is wrong, and what would be right.
	message string
	// more are edits besides, as field and value.
	more []any
}

const (
	namespaceName = "must be the name of a namespace: lower-case letters, digits and '-', with a letter or digit at both ends"
	objectName    = "must be the name of an object: lower-case letters, digits, '-' and '.', with a letter or digit at both ends"
	accountName   = "serviceAccountName must be the name of a ServiceAccount in the namespace of the ValuesTrigger: lower-case letters, digits, '-' and '.'"
	keyName       = "must be a key of a ConfigMap or Secret: letters, digits, '-', '_' and '.'"
	labelKey      = "should match '^([-a-z0-9.]{1,253}/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$'"
	labelValue    = "should match '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$'"
	duration      = `should match '^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$'`
	forces        = `supported values: "Auto", "Always", "Never"`
	oneOfBoth     = "set exactly one of name and selector"

	// What follows differs between versions of Kubernetes.
	tooLong = "Too long: may not be "
)

func violations() []violation {
	all := []violation{
		{rule: "spec: required sources", field: "spec.sources", message: "Required value"},
		{rule: "spec: required targets", field: "spec.targets", message: "Required value"},
		{rule: "spec.sources: minItems", field: "spec.sources", value: []any{}, message: "should have at least 1 items"},
		{rule: "spec.sources: maxItems", field: "spec.sources", message: "must have at most 64 items",
			value: repeat(65, func(int) any { return map[string]any{"kind": "ConfigMap", "name": "a"} })},
		{rule: "spec.targets: minItems", field: "spec.targets", value: []any{}, message: "should have at least 1 items"},
		{rule: "spec.targets: maxItems", field: "spec.targets", message: "must have at most 64 items",
			value: repeat(65, func(int) any { return map[string]any{"name": "a"} })},

		{rule: "spec.force: enum", field: "spec.force", value: "Sometimes", message: forces},
		{rule: "spec.interval: pattern", field: "spec.interval", value: "10", message: duration},
		{rule: "spec.interval: maxLength", field: "spec.interval", value: strings.Repeat("0", 30) + "10m",
			message: tooLong},
		{rule: "spec.interval: interval must be between 10s and 24h", field: "spec.interval", value: "9s",
			message: "interval must be between 10s and 24h"},
		{rule: "spec.interval: interval must be between 10s and 24h", field: "spec.interval", value: "24h1s",
			message: "interval must be between 10s and 24h"},
		{rule: "spec.timeout: pattern", field: "spec.timeout", value: "-5m", message: duration},
		{rule: "spec.timeout: maxLength", field: "spec.timeout", value: strings.Repeat("0", 31) + "5m",
			message: tooLong},
		{rule: "spec.timeout: timeout must be between 1s and 24h", field: "spec.timeout", value: "999ms",
			message: "timeout must be between 1s and 24h"},
		{rule: "spec.timeout: timeout must be between 1s and 24h", field: "spec.timeout", value: "25h",
			message: "timeout must be between 1s and 24h"},
		{rule: "spec.revisionHistoryLimit: minimum", field: "spec.revisionHistoryLimit", value: int64(0),
			message: "should be greater than or equal to 1"},
		{rule: "spec.revisionHistoryLimit: maximum", field: "spec.revisionHistoryLimit", value: int64(51),
			message: "should be less than or equal to 50"},
		{rule: "spec.serviceAccountName: maxLength", field: "spec.serviceAccountName", value: strings.Repeat("a", 254),
			message: tooLong},
		{rule: "spec.serviceAccountName: " + accountName, field: "spec.serviceAccountName", value: "Not_Mine", message: accountName},

		{rule: "spec.sources[]: required kind", field: "spec.sources[0].kind", message: "Required value"},
		{rule: "spec.sources[].kind: enum", field: "spec.sources[0].kind", value: "Deployment",
			message: `supported values: "ConfigMap", "Secret"`},
		{rule: "spec.sources[].force: enum", field: "spec.sources[0].force", value: "auto", message: forces},
		{rule: "spec.sources[].keys: minItems", field: "spec.sources[0].keys", value: []any{}, message: "should have at least 1 items"},
		{rule: "spec.sources[].keys: maxItems", field: "spec.sources[0].keys", message: "must have at most 64 items",
			value: repeat(65, func(i int) any { return fmt.Sprint("key", i) })},
		{rule: "spec.sources[].keys: set", field: "spec.sources[0].keys[1]", message: "Duplicate value",
			more: []any{"spec.sources[0].keys", []any{"a", "a"}}},
		{rule: "spec.sources[].keys[]: minLength", field: "spec.sources[0].keys[0]", message: "should be at least 1 chars long",
			more: []any{"spec.sources[0].keys", []any{""}}},
		{rule: "spec.sources[].keys[]: maxLength", field: "spec.sources[0].keys[0]", message: tooLong,
			more: []any{"spec.sources[0].keys", []any{strings.Repeat("a", 254)}}},
		{rule: "spec.sources[].keys[]: " + keyName, field: "spec.sources[0].keys[0]", message: keyName,
			more: []any{"spec.sources[0].keys", []any{"a/b"}}},

		{rule: "spec.targets[]: set at most one of namespace and namespaceSelector", field: "spec.targets[0]",
			message: "set at most one of namespace and namespaceSelector",
			more:    []any{"spec.targets[0].namespace", "apps", "spec.targets[0].namespaceSelector", map[string]any{}}},
	}
	for _, list := range []string{"spec.sources", "spec.targets"} {
		all = append(all, nameViolations(list)...)
		all = append(all, selectorViolations(list, "selector")...)
	}
	all = append(all, selectorViolations("spec.targets", "namespaceSelector")...)
	all = append(all, selectorViolations("spec.rollout.stages", "selector")...)
	all = append(append(all, gateViolations()...), publishViolations()...)
	return append(all, analysisViolations()...)
}

// nameViolations are those that references to sources and to targets share.
func nameViolations(list string) []violation {
	rule, field := list+"[]", list+"[0]"
	return []violation{
		{rule: rule + ": " + oneOfBoth, field: field, message: oneOfBoth, more: []any{field + ".name", nil}},
		{rule: rule + ": " + oneOfBoth, field: field, message: oneOfBoth, more: []any{field + ".selector", map[string]any{}}},
		{rule: rule + ".name: minLength", field: field + ".name", value: "", message: "should be at least 1 chars long"},
		{rule: rule + ".name: maxLength", field: field + ".name", value: strings.Repeat("a", 254), message: tooLong},
		{rule: rule + ".name: " + objectName, field: field + ".name", value: "My_App", message: objectName},
		{rule: rule + ".namespace: minLength", field: field + ".namespace", value: "", message: "should be at least 1 chars long"},
		{rule: rule + ".namespace: maxLength", field: field + ".namespace", value: strings.Repeat("a", 64), message: tooLong},
		{rule: rule + ".namespace: " + namespaceName, field: field + ".namespace", value: "my.apps", message: namespaceName},
	}
}

// selectorViolations are those of every label selector.
func selectorViolations(list, name string) []violation {
	rule, field := list+"[]."+name, list+"[0]."+name
	with := func(edits ...any) []any {
		switch {
		case list == "spec.rollout.stages": // There is none yet.
			return append([]any{"spec.rollout", map[string]any{"stages": []any{map[string]any{"name": "all"}}}}, edits...)
		case name == "selector":
			return append([]any{list + "[0].name", nil}, edits...)
		}
		return edits
	}
	labels, exprs := field+".matchLabels", field+".matchExpressions"
	expression := func(key, operator any, values ...any) []any {
		expr := map[string]any{}
		for name, value := range map[string]any{"key": key, "operator": operator} {
			if value != nil {
				expr[name] = value
			}
		}
		if len(values) > 0 {
			expr["values"] = values
		}
		return with(exprs, []any{expr})
	}
	match := func(value any) []any { return with(labels, value) }
	each := rule + ".matchExpressions[]"
	const inAndNotIn = "values must be set for the operators In and NotIn, and only for these"
	many := repeat(33, func(i int) any { return map[string]any{"key": fmt.Sprint("k", i), "operator": "Exists"} })

	return []violation{
		{rule: rule + ".matchLabels: maxProperties", field: labels, message: "must have at most 32 items", more: match(manyLabels(33))},
		{rule: rule + ".matchLabels{}: maxLength", field: labels + ".a", message: tooLong,
			more: match(map[string]any{"a": strings.Repeat("a", 64)})},
		{rule: rule + ".matchLabels{}: pattern", field: labels + ".a", message: labelValue, more: match(map[string]any{"a": "b c"})},
		{rule: rule + ".matchExpressions: maxItems", field: exprs, message: "must have at most 32 items",
			more: with(exprs, many)},
		{rule: each + ": required key", field: exprs + "[0].key", message: "Required value", more: expression(nil, "Exists")},
		{rule: each + ": required operator", field: exprs + "[0].operator", message: "Required value", more: expression("a", nil)},
		{rule: each + ".key: minLength", field: exprs + "[0].key", message: "should be at least 1 chars long", more: expression("", "Exists")},
		{rule: each + ".key: maxLength", field: exprs + "[0].key", message: tooLong,
			more: expression(strings.Repeat("a", 318), "Exists")},
		{rule: each + ".key: pattern", field: exprs + "[0].key", message: labelKey, more: expression("a b", "Exists")},
		{rule: each + ".operator: enum", field: exprs + "[0].operator", message: `supported values: "In", "NotIn", "Exists", "DoesNotExist"`,
			more: expression("a", "Equals", "b")},
		{rule: each + ".values: maxItems", field: exprs + "[0].values", message: "must have at most 64 items",
			more: expression("a", "In", repeat(65, func(i int) any { return fmt.Sprint(i) })...)},
		{rule: each + ".values[]: maxLength", field: exprs + "[0].values[0]", message: tooLong,
			more: expression("a", "In", strings.Repeat("a", 64))},
		{rule: each + ".values[]: pattern", field: exprs + "[0].values[0]", message: labelValue, more: expression("a", "In", "-")},
		{rule: each + ": " + inAndNotIn, field: exprs + "[0]", message: inAndNotIn, more: expression("a", "In")},
		{rule: each + ": " + inAndNotIn, field: exprs + "[0]", message: inAndNotIn, more: expression("a", "Exists", "b")},
	}
}

const valid = `{sources: [{kind: ConfigMap, name: a}], targets: [{name: a}]}`

func TestViolations(t *testing.T) {
	needWorld(t)
	for i, tt := range violations() {
		t.Run(fmt.Sprintf("%s #%d", tt.rule, i), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			obj := trigger(g, valid)
			edits := tt.more
			if len(edits) == 0 {
				edits = []any{tt.field, tt.value}
			}
			for i := 0; i < len(edits); i += 2 {
				edit(g, obj, edits[i].(string), edits[i+1])
			}
			err := w.Client().Create(t.Context(), obj, client.DryRunAll)
			g.Expect(err).To(MatchError(ContainSubstring(tt.field + ": ")))
			g.Expect(err).To(MatchError(ContainSubstring(tt.message)))
		})
	}
}

// edit puts the value at a path such as spec.sources[0].name.
func edit(g Gomega, obj *unstructured.Unstructured, path string, value any) {
	var at any = obj.Object
	steps := strings.Split(strings.ReplaceAll(path, "[0]", ".0"), ".")
	for _, step := range steps[:len(steps)-1] {
		if list, ok := at.([]any); ok {
			at = list[0]
			continue
		}
		fields := at.(map[string]any)
		if fields[step] == nil {
			fields[step] = map[string]any{}
		}
		at = fields[step]
	}
	fields, ok := at.(map[string]any)
	g.Expect(ok).To(BeTrue(), "cannot edit %s", path)
	last := steps[len(steps)-1]
	if value == nil {
		delete(fields, last)
		return
	}
	fields[last] = value
}

func repeat(n int, item func(i int) any) []any {
	items := make([]any, 0, n)
	for i := range n {
		items = append(items, item(i))
	}
	return items
}

func manyLabels(n int) map[string]any {
	labels := map[string]any{}
	for i := range n {
		labels[fmt.Sprint("label", i)] = "value"
	}
	return labels
}
