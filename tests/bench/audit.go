// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

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
