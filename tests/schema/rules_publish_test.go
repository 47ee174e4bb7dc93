// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schema

import "strings"

const (
	nameEnd  = "must be the end of a name: lower-case letters, digits and '-', with a letter or digit at both ends"
	needsIt  = "publishAs of a source needs publish"
	goesBack = "onFailure Rollback needs publish: only copies can be given their earlier content"
)

// publishViolations are those of copies.
func publishViolations() []violation {
	const (
		name      = "spec.publish.name"
		publishAs = "spec.sources[0].publishAs"
	)
	valid := func(field string, value any) []any {
		return []any{"spec.publish", map[string]any{"name": "a"}, field, value}
	}
	all := []violation{
		{rule: "spec: " + needsIt, field: "spec", message: needsIt, more: []any{publishAs, "a"}},
		{rule: "spec.publish: required name", field: name, message: "Required value", more: valid(name, nil)},
		{rule: "spec.publish.deletionPolicy: enum", field: "spec.publish.deletionPolicy", message: `supported values: "Orphan", "Delete"`,
			more: valid("spec.publish.deletionPolicy", "Keep")},
	}
	for rule, field := range map[string]string{name: name, "spec.sources[].publishAs": publishAs} {
		all = append(all,
			violation{rule: rule + ": minLength", field: field, message: "should be at least 1 chars long", more: valid(field, "")},
			violation{rule: rule + ": maxLength", field: field, message: tooLong, more: valid(field, strings.Repeat("a", 64))},
			violation{rule: rule + ": " + nameEnd, field: field, message: nameEnd, more: valid(field, "a.b")})
	}
	return all
}
