// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package lint looks at manifests, as they are in Git, for what would not work once they
// are applied: references to nothing, names that do not match, labels that get in each
// other's way.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity of a finding.
type Severity string

// Severities.
const (
	// Error does not work.
	Error Severity = "error"
	// Warning may be meant, or may be somewhere else.
	Warning Severity = "warning"
	// Note says what was not checked.
	Note Severity = "note"
)

// Finding is something to look at.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`

	// Object is kind and namespace/name.
	Object  string `json:"object,omitempty"`
	Message string `json:"message"`
}

// Options of a run.
type Options struct {
	// Namespace of manifests that name none.
	Namespace string

	// Complete reports that the manifests are all there is: what they refer to and do
	// not hold is an error, not a warning.
	Complete bool

	// NoCrossNamespaceRefs reports that the operator runs with that flag.
	NoCrossNamespaceRefs bool
}

// Result of a run.
type Result struct {
	Findings []Finding `json:"findings"`

	// Objects is how many manifests were checked that concern the operator.
	Objects  int `json:"objects"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
}

// Run looks at manifests, of which each set is applied to a cluster of its own. Problems of
// reading them are reported beside what is found.
func Run(sets [][]Document, problems []Finding, o Options) Result {
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	result := Result{Findings: slices.Clone(problems)}
	seen := map[string]bool{}
	for _, documents := range sets {
		s := gather(documents, o)
		s.addCopies()
		for _, r := range s.resources {
			s.check(r)
			seen[fmt.Sprint(r.File, r.Line, r)] = true
		}
		result.Findings = append(result.Findings, s.findings...)
	}
	result.Objects = len(seen)
	slices.SortFunc(result.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Object+a.Rule+a.Message, b.Object+b.Rule+b.Message))
	})
	result.Findings = slices.Compact(result.Findings)
	if result.Findings == nil {
		result.Findings = []Finding{}
	}
	for _, f := range result.Findings {
		switch f.Severity {
		case Error:
			result.Errors++
		case Warning:
			result.Warnings++
		case Note:
			result.Notes++
		}
	}
	return result
}

// check looks at one manifest.
func (s *set) check(r *resource) {
	s.checkMetadata(r)
	switch {
	case r.isContent():
		s.checkContent(r)
	case r.release != nil:
		s.checkRelease(r)
	case r.trigger != nil:
		s.checkTrigger(r)
	}
}
