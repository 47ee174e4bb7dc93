// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// The ways in which one ConfigMap reaches many HelmReleases.
const (
	labelledShape   = "labelled"
	discoveredShape = "autodiscovered"
	declaredShape   = "declared"
)

// answerPause is the time between two answers to the requests of a declared trigger:
// a busy helm-controller finishes a hundred releases in a second.
const answerPause = 10 * time.Millisecond

// fans measures how fast one edit reaches many HelmReleases.
type fans struct {
	*stage
	releases *watcher[*helmv2.HelmRelease]

	mu     sync.Mutex
	before map[string]string          // the request before the round, by namespace/name
	tokens map[string]map[string]bool // those of the round
	writes map[string]int             // of ValuesTriggers, by namespace
}

// fan is one fleet of one contestant.
type fan struct {
	*fleet
	shape string
	took  samples
	// statuses are the writes of the status until all was delivered.
	statuses samples
}

// fanOut measures triggers alone: helm-controller is stopped.
func fanOut(ctx context.Context, b *bench) (Result, error) {
	s, err := b.open(ctx, world.Options{NoAudit: true, NoHelmController: true})
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	f := &fans{stage: s, tokens: map[string]map[string]bool{}, writes: map[string]int{}}
	if err := f.prepare(ctx); err != nil {
		return Result{}, err
	}
	var result Result
	growth := map[string]*Growth{}
	for _, n := range b.sizes.fan {
		rows, err := f.measure(ctx, n, b.sizes.rounds, growth)
		if err != nil {
			return Result{}, err
		}
		result.Rows = rows // Those of the last and largest number count.
	}
	for _, what := range []string{limit, labelledShape, discoveredShape, declaredShape, "status"} {
		g := growth[what]
		result.Growth = append(result.Growth, grows(g.What, g.Unit, b.sizes.fan, g.Values))
	}
	return result, nil
}

func (f *fans) prepare(ctx context.Context) (err error) {
	if err := f.install(ctx); err != nil {
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
	_, err = watchAll(ctx, f.c, &triggerv1.ValuesTriggerList{}, func(vt *triggerv1.ValuesTrigger) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.writes[vt.Namespace]++
	})
	return err
}

// measure lets all contestants take turns with n HelmReleases each.
func (f *fans) measure(ctx context.Context, n, rounds int, growth map[string]*Growth) ([]Row, error) {
	var all []*fan
	for _, shape := range []string{limit, labelledShape, discoveredShape, declaredShape} {
		fan, err := f.fan(ctx, shape, n)
		if err != nil {
			return nil, fmt.Errorf("%s with %d: %w", shape, n, err)
		}
		all = append(all, fan)
	}
	for round := 1; round <= rounds; round++ {
		for _, fan := range all {
			if err := f.round(ctx, fan, round); err != nil {
				return nil, fmt.Errorf("%s with %d, round %d: %w", fan.shape, n, round, err)
			}
		}
	}
	var rows []Row
	base := all[0].took.median()
	note(growth, limit, "fan-out of the limit", "ms", base)
	for _, fan := range all[1:] {
		most, target := 1.5, "1.5x the limit"
		if fan.shape == declaredShape {
			most, target = 2, "2x the limit"
		}
		what := fmt.Sprintf("fan-out %s: edit to the last of %d requests", fan.shape, n)
		r := against(what, fan.took.median(), base, most, target)
		r.Limit = &base
		rows = append(rows, r)
		note(growth, fan.shape, "fan-out "+fan.shape, "ms", fan.took.median())
	}
	writes := all[3].statuses.median()
	note(growth, "status", "fan-out declared: entries in status writes", "", writes*float64(n))
	return append(rows, row(fmt.Sprintf("fan-out declared: status writes for %d targets until all are delivered", n), "", writes, float64(n)/10, "a tenth of the targets")), nil
}

func note(growth map[string]*Growth, key, what, unit string, value float64) {
	if growth[key] == nil {
		growth[key] = &Growth{What: what, Unit: unit}
	}
	growth[key].Values = append(growth[key].Values, value)
}

// fan makes a fleet whose releases depend on one ConfigMap in the way of the shape.
func (f *fans) fan(ctx context.Context, shape string, n int) (*fan, error) {
	namespace := fmt.Sprintf("%s-%d", shape, n)
	cm := values(namespace, sourceName, 0)
	var modify []func(*helmv2.HelmRelease)
	switch shape {
	case limit:
		cm.Labels[limitLabel], cm.Annotations[limitTargets] = "true", "all"
		modify = append(modify, reading(sourceName), optedOut)
	case labelledShape:
		cm.Labels[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueEnabled
		cm.Annotations[triggerv1.HRNameAnnotation], cm.Annotations[triggerv1.HRNSAnnotation] = "all", namespace
	case discoveredShape:
		modify = append(modify, reading(sourceName))
	case declaredShape:
		modify = append(modify, func(hr *helmv2.HelmRelease) { hr.Labels[declaredShape] = namespace })
	}
	fleet, err := f.fleet(ctx, namespace, n, cm, modify...)
	if err != nil {
		return nil, err
	}
	if shape == declaredShape {
		if err := f.c.Create(ctx, declared(namespace)); err != nil {
			return nil, err
		}
	}
	if err := fleet.settle(ctx, 0); err != nil {
		return nil, err
	}
	return &fan{fleet: fleet, shape: shape}, f.quiet(ctx, time.Second)
}

func declared(namespace string) *triggerv1.ValuesTrigger {
	return &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: declaredShape},
		Spec: triggerv1.ValuesTriggerSpec{
			Sources: []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: sourceName}},
			Targets: []triggerv1.TargetReference{{Selector: &triggerv1.Selector{
				MatchLabels: map[string]triggerv1.LabelValue{declaredShape: triggerv1.LabelValue(namespace)},
			}}},
		},
	}
}

// round edits the ConfigMap and waits for the last request. Each release must have got
// one, and no more when all has come to rest.
func (f *fans) round(ctx context.Context, fan *fan, round int) error {
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
	f.before = requests
	clear(f.tokens)
	f.writes[fan.namespace] = 0
	f.mu.Unlock()

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

	between := time.Duration(0)
	if fan.shape == declaredShape {
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
	fan.statuses = append(fan.statuses, float64(f.writes[fan.namespace]))
	return nil
}
