// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// calls returns the requests that the operator makes while something is done, without
// those of its leader election and of watches. The world must have an audit log.
func (s *stage) calls(ctx context.Context, do func() error) ([]world.AuditEvent, error) {
	mark, err := s.w.AuditMark(ctx)
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	return s.w.AuditEvents(ctx, mark, func(e world.AuditEvent) bool {
		return e.User == s.op.User() && e.Namespace != operator.Namespace && e.Verb != "watch" && e.Verb != "list"
	})
}

// during counts reads of single objects and writes.
func (s *stage) during(ctx context.Context, do func() error) (reads, writes int, err error) {
	events, err := s.calls(ctx, do)
	for _, e := range events {
		switch {
		case e.Write():
			writes++
		case e.Verb == "get" && e.Resource != "":
			reads++
		}
	}
	return reads, writes, err
}

// gets counts reads of single objects.
func gets(events []world.AuditEvent) float64 {
	n := 0.0
	for _, e := range events {
		if e.Verb == "get" && e.Resource != "" {
			n++
		}
	}
	return n
}

// tally says how often what was requested, with the answer where that is not a success.
func tally(events []world.AuditEvent) string {
	counts := map[string]int{}
	for _, e := range events {
		what := e.Verb + " " + e.Resource
		if e.Subresource != "" {
			what += "/" + e.Subresource
		}
		if e.DryRun {
			what = "dry run of " + what
		}
		if e.Code >= 300 {
			what += fmt.Sprintf(" (%d)", e.Code)
		}
		counts[what]++
	}
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[what], what))
	}
	return strings.Join(texts, ", ")
}
