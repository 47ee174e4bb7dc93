// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// hint says which resource was perhaps meant, "" if none comes to mind: one of the same
// name elsewhere, or of nearly the same name.
func (s *set) hint(kind, namespace, name string) string {
	best, nearest := "", 3
	for _, r := range s.of(kind) {
		switch {
		case r.key.Name == name:
			return fmt.Sprintf("; there is one in namespace %s", r.key.Namespace)
		case r.key.Namespace == namespace:
			if d := distance(r.key.Name, name); d < min(nearest, len(name)) {
				best, nearest = fmt.Sprintf("; did you mean %s?", r.key.Name), d
			}
		}
	}
	return best
}

// hashPattern is what kustomize appends to the names of what it generates.
var hashPattern = regexp.MustCompile(`-[2456789bcdfghkmt]{10}$`)

// checkRenamed reports a reference by the name that an object had before kustomize changed
// it, and reports whether that is so.
func (s *set) checkRenamed(r *resource, field, kind, namespace, name string) bool {
	for _, other := range s.of(kind) {
		hashed := hashPattern.MatchString(other.key.Name)
		if other.key.Namespace != namespace || other.Written != name && !(hashed && hashPattern.ReplaceAllString(other.key.Name, "") == name) {
			continue
		}
		fix := "list a nameReference for this field under configurations, as in config/kustomize/name-reference.yaml"
		if hashed {
			fix = "set generatorOptions.disableNameSuffixHash, or " + fix
		}
		s.report(r, Error, "renamed", name, "%s: kustomize names %s %s/%s %s, and does not know that this field refers to it; %s", field, kind, namespace, name, other.key.Name, fix)
		return true
	}
	return false
}

// distance is the number of letters to insert, remove or replace, up to a bound.
func distance(a, b string) int {
	const bound = 64
	if len(a) > bound || len(b) > bound {
		return bound
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// isVariable reports whether Flux, or something else, is still to fill in a part of the
// text: nothing can be said of it.
func isVariable(text string) bool { return strings.Contains(text, "${") }

func isName(name string) bool {
	return isVariable(name) || len(validation.IsDNS1123Subdomain(name)) == 0
}

func isNamespace(name string) bool {
	return isVariable(name) || len(validation.IsDNS1123Label(name)) == 0
}
