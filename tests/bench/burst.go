// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
)

// flood is what one contestant made of many edits in a short time.
type flood struct {
	revisions, requests int
	arrived             time.Duration // from the last edit
	calls               figures       // of ours
	deepest             float64
}

// burst edits one ConfigMap many times, of each contestant in turn.
func burst(ctx context.Context, b *bench) (Result, error) {
	d, err := b.openTurns(ctx)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	floods := map[string]flood{}
	for _, who := range []string{ours, flux, limit} {
		if floods[who], err = d.flood(ctx, b.sizes, who); err != nil {
			return Result{}, fmt.Errorf("%s: %w", who, err)
		}
	}
	o, f, l := floods[ours], floods[flux], floods[limit]
	edits := float64(b.sizes.burst)
	what := fmt.Sprintf("burst of %d edits in %s", b.sizes.burst, b.sizes.burstTime)
	requests := row(what+": requests to the HelmRelease", "", float64(o.requests), edits/10, "a tenth of the edits")
	requests.Limit = new(float64(l.requests))
	revisions := Row{What: what + ": Helm revisions", Ours: new(float64(o.revisions)), Flux: new(float64(f.revisions)), Limit: new(float64(l.revisions))}
	// One sample of two humps that are 0.6 s apart: no figure to hold anyone to.
	arrived := Row{What: what + ": last edit to last content rendered", Unit: "s",
		Ours: new(o.arrived.Seconds()), Flux: new(f.arrived.Seconds()), Limit: new(l.arrived.Seconds())}
	return Result{Rows: []Row{
		requests, revisions, arrived,
		row(what+": all API requests of the operator, for each edit", "", (o.calls.writes()+o.calls.requests("GET"))/edits, 3, "3"),
		row(what+": most objects in the work queues", "", o.deepest, 10, "10"),
	}}, nil
}

// flood makes the edits, evenly, and waits until the last of them has arrived.
func (d *turns) flood(ctx context.Context, size sizes, who string) (flood, error) {
	var out flood
	if err := d.quiet(ctx, time.Second); err != nil {
		return out, err
	}
	before, err := d.scrape(ctx)
	if err != nil {
		return out, err
	}
	hr := d.releases.get(who, app)
	tokens := map[string]bool{}
	var mu sync.Mutex
	count := func(hr *helmv2.HelmRelease) {
		mu.Lock()
		defer mu.Unlock()
		if hr.Namespace == who && hr.Annotations[meta.ReconcileRequestAnnotation] != "" {
			tokens[hr.Annotations[meta.ReconcileRequestAnnotation]] = true
		}
	}
	d.releases.listen(count)
	defer d.releases.listen(nil)

	last := strings.TrimSpace(content(firstOfBurst + size.burst - 1))
	rendered := d.rendered.when(who, app, func(cm *corev1.ConfigMap) bool { return strings.Contains(cm.Data["values"], last) })
	if out.deepest, err = d.editAll(ctx, size, who); err != nil {
		return out, err
	}
	edited := time.Now()
	at, err := rendered.wait(ctx, "the last content")
	if err != nil {
		return out, err
	}
	out.arrived = at.Sub(edited)
	if err := d.releases.until(ctx, who, app, upgraded(0, "")); err != nil {
		return out, err
	}
	if who == ours {
		if err := d.triggers.until(ctx, ours, auto(app), delivered); err != nil {
			return out, err
		}
	}
	if err := d.quiet(ctx, time.Second); err != nil {
		return out, err
	}
	after, err := d.scrape(ctx)
	if err != nil {
		return out, err
	}
	out.calls = after.since(before)
	mu.Lock()
	defer mu.Unlock()
	out.requests = len(tokens)
	out.revisions = d.releases.get(who, app).Status.History.Latest().Version - hr.Status.History.Latest().Version
	return out, nil
}

// firstOfBurst is a round that no other scenario gets to.
const firstOfBurst = 1_000_000

// editAll makes the edits. It returns how much waited in the work queues of the operator
// at the worst.
func (d *turns) editAll(ctx context.Context, size sizes, who string) (deepest float64, err error) {
	start := time.Now()
	for i := range size.burst {
		if err := pause(ctx, time.Until(start.Add(time.Duration(i)*size.burstTime/time.Duration(size.burst)))); err != nil {
			return 0, err
		}
		if err := d.edit(ctx, who, sourceName, firstOfBurst+i); err != nil {
			return 0, err
		}
		if i%100 == 50 {
			f, err := d.scrape(ctx)
			if err != nil {
				return 0, err
			}
			deepest = max(deepest, f.queued())
		}
	}
	return deepest, nil
}
