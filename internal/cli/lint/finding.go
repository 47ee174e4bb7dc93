// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package lint looks at manifests, as they are in Git, for what would not work once they
// are applied: references to nothing, names that do not match, labels that get in each
// other's way.
package lint

import (
	"cmp"
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

	// Complete tells that the manifests are all there is: what they refer to and do
	// not hold is an error, not a warning.
	Complete bool

	// NoCrossNamespaceRefs tells that the operator runs with that flag.
	NoCrossNamespaceRefs bool
}

// Result of a run.
type Result struct {
	Findings []Finding `json:"findings"`

	// Objects is how many manifests were looked at that concern the operator.
	Objects  int `json:"objects"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
}

// Run looks at manifests. Problems of reading them are reported beside what is found.
func Run(documents []Document, problems []Finding, o Options) Result {
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	s := gather(documents, o)
	s.addCopies()
	s.findings = append(s.findings, problems...)
	for _, r := range s.resources {
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

	slices.SortFunc(s.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Object+a.Rule+a.Message, b.Object+b.Rule+b.Message))
	})
	result := Result{Findings: slices.Compact(s.findings), Objects: len(s.resources)}
	if result.Findings == nil {
		result.Findings = []Finding{}
	}
	for _, f := range result.Findings {
		if f.Severity == Error {
			result.Errors++
		} else {
			result.Warnings++
		}
	}
	return result
}
