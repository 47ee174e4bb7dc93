// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	ours  = "ours"
	flux  = "flux"
	limit = "limit"

	app = "app"

	// hump splits deliveries, in milliseconds more than the median of the limit:
	// helm-controller waits up to a second for its own cache now and then.
	hump = 400
)

// turns measures one delivery after the other, of each contestant in turn.
type turns struct {
	*stage
	releases *watcher[*helmv2.HelmRelease]
	triggers *watcher[*triggerv1.ValuesTrigger]
	rendered *watcher[*corev1.ConfigMap]

	asked, changed map[string]*samples
	proven         samples
}

// deliveries measures latency, delivery and proof.
func deliveries(ctx context.Context, b *bench) (Result, error) {
	d, err := b.openTurns(ctx)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	for round := 1; round <= b.sizes.edits; round++ {
		order := []string{ours, flux, limit}
		if round > b.sizes.fluxEdits {
			order = []string{ours, limit}
		}
		for i := range order {
			if err := d.turn(ctx, order[(i+round)%len(order)], round); err != nil {
				return Result{}, fmt.Errorf("round %d: %w", round, err)
			}
		}
	}
	return d.result(), nil
}

// openTurns makes a world with one release for each contestant.
func (b *bench) openTurns(ctx context.Context) (*turns, error) {
	s, err := b.open(ctx, world.Options{NoAudit: true})
	if err != nil {
		return nil, err
	}
	d, err := s.prepareTurns(ctx)
	if err != nil {
		s.close()
	}
	return d, err
}

// prepareTurns installs one release for each contestant.
func (s *stage) prepareTurns(ctx context.Context) (*turns, error) {
	if err := s.install(ctx); err != nil {
		return nil, err
	}
	if err := s.startLimit(ctx); err != nil {
		return nil, err
	}
	d := &turns{stage: s, asked: map[string]*samples{}, changed: map[string]*samples{}}
	var err error
	if d.releases, err = watchAll[*helmv2.HelmRelease](ctx, s.c, &helmv2.HelmReleaseList{}, nil); err != nil {
		return nil, err
	}
	if d.triggers, err = watchAll[*triggerv1.ValuesTrigger](ctx, s.c, &triggerv1.ValuesTriggerList{}, nil); err != nil {
		return nil, err
	}
	if d.rendered, err = watchAll[*corev1.ConfigMap](ctx, s.c, &corev1.ConfigMapList{}, nil); err != nil {
		return nil, err
	}
	for _, who := range []string{ours, flux, limit} {
		d.asked[who], d.changed[who] = &samples{}, &samples{}
		if err := s.chartNamespace(ctx, who); err != nil {
			return nil, err
		}
		cm := values(who, sourceName, 0)
		hr := kit.Release(who, app, kit.Reads(triggerv1.ConfigMapKind, sourceName))
		switch who {
		case flux:
			cm.Labels[meta.LabelKeyWatch] = meta.LabelValueWatchEnabled
			optedOut(hr)
		case limit:
			cm.Labels[limitLabel], cm.Annotations[limitTargets] = "true", app
			optedOut(hr)
		}
		if err := s.c.Create(ctx, cm); err != nil {
			return nil, err
		}
		if err := s.c.Create(ctx, hr); err != nil {
			return nil, err
		}
		if err := d.releases.until(ctx, who, app, upgraded(0, "")); err != nil {
			return nil, err
		}
	}
	return d, d.triggers.until(ctx, ours, auto(app), delivered)
}

// auto returns the name of the ValuesTrigger that is generated for a release.
func auto(release string) string { return generated.Names(release)[0] }

// upgraded reports that helm-controller is done with a newer revision than the given one,
// and with any request but the given one.
func upgraded(revision int, request string) func(*helmv2.HelmRelease) bool {
	return func(hr *helmv2.HelmRelease) bool {
		latest := hr.Status.History.Latest()
		requested := hr.Annotations[meta.ReconcileRequestAnnotation]
		return latest != nil && latest.Version > revision && latest.Status == "deployed" &&
			conditions.IsReady(hr) && !conditions.IsReconciling(hr) && hr.Status.ObservedGeneration == hr.Generation &&
			(requested == "" || requested != request && requested == hr.Status.LastHandledReconcileAt)
	}
}

// turn edits the source of one contestant and waits for all that comes of it.
func (d *turns) turn(ctx context.Context, who string, round int) error {
	before := d.releases.get(who, app)
	request, digest := before.Annotations[meta.ReconcileRequestAnnotation], ""
	if who == ours {
		digest = d.triggers.get(ours, auto(app)).Status.LastDigest
	}
	asked := d.releases.when(who, app, func(hr *helmv2.HelmRelease) bool {
		return hr.Annotations[meta.ReconcileRequestAnnotation] != request
	})
	ready := d.releases.when(who, app, upgraded(before.Status.History.Latest().Version, request))
	rendered := d.rendered.when(who, app, func(cm *corev1.ConfigMap) bool {
		return strings.Contains(cm.Data["values"], strings.TrimSpace(content(round)))
	})
	proven := d.triggers.when(who, auto(app), func(vt *triggerv1.ValuesTrigger) bool {
		return vt.Status.LastDigest != digest && delivered(vt)
	})

	start := time.Now()
	if err := d.edit(ctx, who, sourceName, round); err != nil {
		return err
	}
	at, err := rendered.wait(ctx, "the object of "+who)
	if err != nil {
		return err
	}
	d.changed[who].addTime(at.Sub(start))
	readyAt, err := ready.wait(ctx, "Ready of "+who)
	if err != nil || who == flux {
		return err
	}
	if at, err = asked.wait(ctx, "the request of "+who); err != nil {
		return err
	}
	d.asked[who].addTime(at.Sub(start))
	if who != ours {
		return nil
	}
	if at, err = proven.wait(ctx, "the proof"); err != nil {
		return err
	}
	d.proven.addTime(at.Sub(readyAt))
	return nil
}

func (d *turns) result() Result {
	o, f, l := *d.changed[ours], *d.changed[flux], *d.changed[limit]
	border := l.median() + hump
	p50 := against("latency: edit to request, p50", d.asked[ours].median(), d.asked[limit].median(), 1.5, "1.5x the limit")
	p50.Limit = new(d.asked[limit].median())
	p99 := Row{What: "latency: edit to request, p99", Unit: "ms", Ours: new(d.asked[ours].percentile(99)), Limit: new(d.asked[limit].percentile(99))}
	all := against("delivery: edit to changed object, p50", o.median(), f.median(), 1.1, "1.10x Flux's watch")
	all.Flux, all.Limit = new(f.median()), new(l.median())
	quick := against("delivery: quick hump, p50", o.below(border).median(), f.below(border).median(), 1.1, "1.10x Flux's watch")
	quick.Flux, quick.Limit = new(f.below(border).median()), new(l.below(border).median())
	slow := Row{What: "delivery: share in the slow hump", Unit: "%"}
	for s, share := range map[*samples]**float64{&o: &slow.Ours, &f: &slow.Flux, &l: &slow.Limit} {
		*share = new(100 * float64(len(s.above(border))) / float64(len(*s)))
	}
	slow.Note = fmt.Sprintf("more than %.0f ms after the edit; median there %s ms ours, %s ms Flux, %s ms limit",
		border, number(o.above(border).median()), number(f.above(border).median()), number(l.above(border).median()))
	return Result{Rows: []Row{
		p50, p99, all, quick, slow,
		row("proof: HelmRelease Ready to Delivered, p50", "ms", d.proven.median(), 100, "100 ms"),
		{What: "proof: HelmRelease Ready to Delivered, p99", Unit: "ms", Ours: new(d.proven.percentile(99))},
	}}
}
