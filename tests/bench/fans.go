// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// answerPause is the time between two answers to the requests of a declared trigger:
// a busy helm-controller finishes a hundred releases in a second.
const answerPause = 10 * time.Millisecond

// fans measures how one edit reaches many HelmReleases, without helm-controller.
type fans struct {
	*stage
	releases *watcher[*helmv2.HelmRelease]
	triggers *watcher[*triggerv1.ValuesTrigger]

	mu     sync.Mutex
	before map[string]string          // the request before the round, by namespace/name
	tokens map[string]map[string]bool // those of the round

	// versions of ValuesTriggers in the round, by namespace. The first is from before.
	versions map[string][]*triggerv1.ValuesTrigger
}

// fan is one fleet of one contestant.
type fan struct {
	*fleet
	shape string
	took  samples
	// statuses are the writes of the status until all was delivered.
	statuses samples
}

// openFans makes a world with the operator and the limit, and watches what they do.
func (b *bench) openFans(ctx context.Context, o world.Options, install operator.Options) (*fans, error) {
	o.NoHelmController = true
	s, err := b.open(ctx, o)
	if err != nil {
		return nil, err
	}
	f := &fans{stage: s, tokens: map[string]map[string]bool{}, versions: map[string][]*triggerv1.ValuesTrigger{}}
	if err := f.prepare(ctx, install); err != nil {
		s.close()
		return nil, err
	}
	return f, nil
}

// close ends the watches before their world, which they would go on to look for.
func (f *fans) close() {
	f.releases.stop()
	f.triggers.stop()
	f.stage.close()
}

func (f *fans) prepare(ctx context.Context, install operator.Options) (err error) {
	if err := f.run(ctx, install); err != nil {
		return err
	}
	if err := f.startLimit(ctx); err != nil {
		return err
	}
	f.releases, err = watchAll(ctx, f.c, &helmv2.HelmReleaseList{}, func(hr *helmv2.HelmRelease) {
		f.mu.Lock()
		defer f.mu.Unlock()
		key, token := hr.Namespace+"/"+hr.Name, hr.Annotations[meta.ReconcileRequestAnnotation]
		if token == f.before[key] {
			return
		}
		if f.tokens[key] == nil {
			f.tokens[key] = map[string]bool{}
		}
		f.tokens[key][token] = true
	})
	if err != nil {
		return err
	}
	f.triggers, err = watchAll(ctx, f.c, &triggerv1.ValuesTriggerList{}, func(vt *triggerv1.ValuesTrigger) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.versions[vt.Namespace] = append(f.versions[vt.Namespace], vt)
	})
	return err
}

// takeTurns makes a fleet of n HelmReleases for each shape and lets them take turns, after
// some rounds that are not measured.
func (f *fans) takeTurns(ctx context.Context, n, unmeasured int, shapes ...string) ([]*fan, error) {
	var all []*fan
	for _, shape := range shapes {
		fan, err := f.fan(ctx, shape, n)
		if err != nil {
			return nil, fmt.Errorf("%s with %d: %w", shape, n, err)
		}
		all = append(all, fan)
	}
	for round := 1; round <= unmeasured+f.sizes.rounds; round++ {
		for _, fan := range all {
			if err := f.round(ctx, fan, round); err != nil {
				return nil, fmt.Errorf("%s with %d, round %d: %w", fan.shape, n, round, err)
			}
			if round <= unmeasured {
				fan.took, fan.statuses = nil, nil
			}
		}
	}
	return all, nil
}

// round edits the ConfigMap and waits for the last request. Each release must have got
// one, and no more when all has settle.
func (f *fans) round(ctx context.Context, fan *fan, round int) error {
	if err := f.reach(ctx, fan, round); err != nil {
		return err
	}
	return f.finish(ctx, fan)
}

// reach edits the ConfigMap and waits for the last request.
func (f *fans) reach(ctx context.Context, fan *fan, round int) error {
	sights := f.begin(fan)
	start := time.Now()
	if err := f.edit(ctx, fan.namespace, sourceName, round); err != nil {
		return err
	}
	last := start
	for i, sight := range sights {
		at, err := sight.wait(ctx, "the request to "+fan.names[i])
		if err != nil {
			return err
		}
		if at.After(last) {
			last = at
		}
	}
	fan.took.addTime(last.Sub(start))
	return nil
}

// begin notes what was before a round, and looks out for its requests.
func (f *fans) begin(fan *fan) []*sight[*helmv2.HelmRelease] {
	var sights []*sight[*helmv2.HelmRelease]
	requests := map[string]string{}
	for _, name := range fan.names {
		before := f.releases.get(fan.namespace, name).Annotations[meta.ReconcileRequestAnnotation]
		requests[fan.namespace+"/"+name] = before
		sights = append(sights, f.releases.when(fan.namespace, name, func(hr *helmv2.HelmRelease) bool {
			return hr.Annotations[meta.ReconcileRequestAnnotation] != before
		}))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = requests
	clear(f.tokens)
	if all := f.versions[fan.namespace]; len(all) > 0 {
		f.versions[fan.namespace] = all[len(all)-1:]
	}
	return sights
}

// finish answers the requests of a round until all is delivered.
func (f *fans) finish(ctx context.Context, fan *fan) error {
	between := time.Duration(0)
	if fan.isDeclared() {
		between = answerPause
	}
	if err := fan.settle(ctx, between); err != nil {
		return err
	}
	if err := f.quiet(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	return f.once(fan)
}

// once checks that each release of a fleet got exactly one request, and notes how often
// the triggers were written.
func (f *fans) once(fan *fan) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range fan.names {
		if n := len(f.tokens[fan.namespace+"/"+name]); n != 1 {
			return fmt.Errorf("%s/%s got %d requests", fan.namespace, name, n)
		}
	}
	fan.statuses = append(fan.statuses, float64(max(0, len(f.versions[fan.namespace])-1)))
	return nil
}
