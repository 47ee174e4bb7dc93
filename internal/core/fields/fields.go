// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package fields reads managed fields: which manager owns which field of an object.
package fields

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// prefix marks the name of a field, as opposed to an element of a list.
const prefix = "f:"

// Set is a set of fields with what is below them. What cannot be read has none.
type Set map[string]json.RawMessage

// Of returns the fields that an entry owns.
func Of(entry metav1.ManagedFieldsEntry) Set {
	if entry.FieldsV1 == nil {
		return nil
	}
	return parse(entry.FieldsV1.GetRawBytes())
}

func parse(raw []byte) Set {
	var s Set
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return s
}

// At returns the fields below a field, given by the names on the way to it.
func (s Set) At(path ...string) Set {
	for _, name := range path {
		s = parse(s[prefix+name])
	}
	return s
}

// Has reports whether the field itself, or anything below it, is in the set.
func (s Set) Has(path ...string) bool {
	last := len(path) - 1
	_, found := s.At(path[:last]...)[prefix+path[last]]
	return found
}

// Names returns the names of the fields at the top of the set, in no order.
func (s Set) Names() []string {
	names := make([]string, 0, len(s))
	for key := range s {
		if name, isField := strings.CutPrefix(key, prefix); isField {
			names = append(names, name)
		}
	}
	return names
}

// IsApply reports whether an entry is about what a manager applies, the status left aside.
func IsApply(entry metav1.ManagedFieldsEntry) bool {
	return entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}

// Applied returns the entry of a manager that applies an object server-side, nil if there is none.
func Applied(managed []metav1.ManagedFieldsEntry, manager string) []metav1.ManagedFieldsEntry {
	for _, entry := range managed {
		if entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply {
			return []metav1.ManagedFieldsEntry{entry}
		}
	}
	return nil
}
