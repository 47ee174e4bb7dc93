// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// cpu measures what a delivery costs: time of the processor, and requests to the API
// server as its audit log has them.
func cpu(ctx context.Context, b *bench) (Result, error) {
	s, err := b.open(ctx, world.Options{})
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	if err := s.install(ctx); err != nil {
		return Result{}, err
	}
	triggers, err := s.crowd(ctx, b.sizes.releases)
	if err != nil {
		return Result{}, err
	}
	before, err := s.scrape(ctx)
	if err != nil {
		return Result{}, err
	}
	profiler := s.profile(ctx, b.dir)
	events, err := s.calls(ctx, func() error { return s.deliverAll(ctx, triggers, b.sizes) })
	if err != nil {
		return Result{}, err
	}
	after, err := s.scrape(ctx)
	if err != nil {
		return Result{}, err
	}
	parts, err := profiler()
	if err != nil {
		return Result{}, err
	}

	n := float64(b.sizes.deliveries)
	used := after.since(before).sum("process_cpu_seconds_total")
	what := "deliveries by " + fmt.Sprint(b.sizes.releases) + " releases at a time"
	return Result{Rows: []Row{
		{What: fmt.Sprintf("CPU for 1,000 of %d %s", b.sizes.deliveries, what), Unit: "s", Ours: new(used / n * 1000), Note: "largest parts: " + parts},
		row("writes for one delivery, without events", "", count(events, true, "helmreleases", "valuestriggers", "configmaps")/n, 3, "3"),
		{What: "events for one delivery", Ours: new(count(events, true, "events") / n)},
		{What: "reads for one delivery", Ours: new(count(events, false, "helmreleases", "valuestriggers", "configmaps") / n)},
	}}, nil
}

func count(events []world.AuditEvent, writes bool, resources ...string) float64 {
	n := 0.0
	for _, e := range events {
		if e.Write() == writes && strings.Contains(","+strings.Join(resources, ",")+",", ","+e.Resource+",") {
			n++
		}
	}
	return n
}

func crowdName(i int) string { return fmt.Sprintf("app-%02d", i) }

// crowd installs releases with a ConfigMap each, in one namespace.
func (s *stage) crowd(ctx context.Context, n int) (*watcher[*triggerv1.ValuesTrigger], error) {
	triggers, err := watchAll[*triggerv1.ValuesTrigger](ctx, s.c, &triggerv1.ValuesTriggerList{}, nil)
	if err != nil {
		return nil, err
	}
	releases, err := watchAll[*helmv2.HelmRelease](ctx, s.c, &helmv2.HelmReleaseList{}, nil)
	if err != nil {
		return nil, err
	}
	if err := s.chartNamespace(ctx, ours); err != nil {
		return nil, err
	}
	for i := range n {
		if err := s.c.Create(ctx, values(ours, crowdName(i)+"-values", 0)); err != nil {
			return nil, err
		}
		if err := s.c.Create(ctx, kit.Release(ours, crowdName(i), kit.Reads(triggerv1.ConfigMapKind, crowdName(i)+"-values"))); err != nil {
			return nil, err
		}
	}
	for i := range n {
		if err := releases.until(ctx, ours, crowdName(i), upgraded(0, "")); err != nil {
			return nil, err
		}
		if err := triggers.until(ctx, ours, auto(crowdName(i)), delivered); err != nil {
			return nil, err
		}
	}
	return triggers, nil
}

// deliverAll edits all ConfigMaps again and again, each when its release has the content
// before.
func (s *stage) deliverAll(ctx context.Context, triggers *watcher[*triggerv1.ValuesTrigger], size sizes) error {
	var group errgroup.Group
	for i := range size.releases {
		group.Go(func() error {
			for round := 1; round <= size.deliveries/size.releases; round++ {
				digest := triggers.get(ours, auto(crowdName(i))).Status.LastDigest
				proven := triggers.when(ours, auto(crowdName(i)), func(vt *triggerv1.ValuesTrigger) bool {
					return vt.Status.LastDigest != digest && delivered(vt)
				})
				if err := s.edit(ctx, ours, crowdName(i)+"-values", round); err != nil {
					return err
				}
				if _, err := proven.wait(ctx, "a delivery to "+crowdName(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
