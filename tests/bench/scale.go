// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// maxStatus is how large a status may be, maxWritten how much of it may be written for each
	// release until all have a change, and maxResident what each may take, in KiB.
	maxStatus, maxWritten, maxResident = 64, 1, 15

	// maxStart is how long a start may take, in seconds.
	maxStart = 60

	// fewReleases are delivered to before the operator is weighed for the first time.
	fewReleases = 10

	// canary is the stage of the first hundredth of the releases.
	canary = "canary"
)

// scaling is one trigger with many releases, beside a bare client with as many.
type scaling struct {
	*fans
	n         int
	bare, fan *fan

	// base is the operator with those of the bare client only, after it has delivered to a few others: what it
	// has to load for that is not for each release.
	base weight

	rows   []Row
	growth map[string]*Growth
}

// scale measures one trigger with more and more HelmReleases: half of them read its ConfigMap
// through valuesFrom, the charts of the others look it up.
func scale(ctx context.Context, b *bench) (Result, error) {
	var result Result
	growth := map[string]*Growth{}
	for _, n := range b.sizes.scale {
		say("one trigger for %d releases", n)
		rows, err := b.scaleTo(ctx, n, growth)
		if err != nil {
			return Result{}, fmt.Errorf("%d releases: %w", n, err)
		}
		result.Rows = append(result.Rows, rows...)
	}
	result.Growth = listed(growth, b.sizes.scale, limit, scaleShape, "delivered", "written", "resident", "start")
	return result, nil
}

// scaleTo measures one size in a world of its own.
func (b *bench) scaleTo(ctx context.Context, n int, growth map[string]*Growth) ([]Row, error) {
	f, err := b.openFans(ctx, world.Options{}, operator.Options{})
	if err != nil {
		return nil, err
	}
	defer f.close()
	s := &scaling{fans: f, n: n, growth: growth}
	if err := s.populate(ctx); err != nil {
		return nil, err
	}
	if err := s.deliver(ctx); err != nil {
		return nil, err
	}
	if err := s.start(ctx, s.what()); err != nil {
		return nil, err
	}
	if slices.Contains(b.sizes.staged, n) {
		if err := s.stages(ctx); err != nil {
			return nil, fmt.Errorf("in stages: %w", err)
		}
	}
	return s.rows, nil
}

func (s *scaling) what() string { return fmt.Sprintf("one trigger for %d", s.n) }

// populate makes both fleets, and weighs the operator before it has a trigger.
func (s *scaling) populate(ctx context.Context) (err error) {
	if s.bare, err = s.fans.fan(ctx, limit, s.n); err != nil {
		return err
	}
	if err := s.restart(ctx); err != nil {
		return err
	}
	few, err := s.fans.fan(ctx, scaleShape, fewReleases)
	if err != nil {
		return err
	}
	if err := s.round(ctx, few, 1); err != nil {
		return fmt.Errorf("%d releases: %w", fewReleases, err)
	}
	if err := s.c.Delete(ctx, s.triggers.get(few.namespace, few.shape)); err != nil {
		return err
	}
	if s.base, err = s.weigh(ctx); err != nil {
		return err
	}
	s.fan, err = s.fans.fan(ctx, scaleShape, s.n)
	return err
}

// deliver lets trigger and bare client take turns.
func (s *scaling) deliver(ctx context.Context) error {
	var arrived, largest, written samples
	var notes string
	for round := 1; round <= s.sizes.scaleRounds; round++ {
		if err := s.reach(ctx, s.bare, round); err != nil {
			return fmt.Errorf("the limit, round %d: %w", round, err)
		}
		took, err := s.arrive(ctx, round, func() error { return s.reach(ctx, s.fan, round) })
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		w := s.written(s.fan)
		arrived, largest, written = append(arrived, took.Seconds()), append(largest, w.largest), append(written, w.total/float64(s.n))
		notes = w.String()
	}
	m, err := s.weigh(ctx)
	if err != nil {
		return err
	}
	base := s.bare.took.median()
	reached := against(s.what()+": edit to the last request", s.fan.took.median(), base, 1.5, "1.5x the limit")
	reached.Limit = &base
	s.rows = append(s.rows, reached)
	s.addStatus(s.what(), largest, written, notes)
	s.rows = append(s.rows,
		Row{What: s.what() + ": edit to all Delivered", Unit: "s", Ours: new(arrived.median()), Note: fmt.Sprintf("the requests were answered in %s at least", time.Duration(s.n)*answerPause)},
	)
	s.addMemory("after a delivery", m)
	note(s.growth, limit, "one trigger: edit to the last request of the limit", "ms", base)
	note(s.growth, scaleShape, "one trigger: edit to the last request", "ms", s.fan.took.median())
	note(s.growth, "delivered", "one trigger: edit to all Delivered", "s", arrived.median())
	note(s.growth, "written", "one trigger: status written", "KiB", written.median()*float64(s.n)/1024)
	note(s.growth, "resident", "one trigger: memory of the releases, resident", "MiB", m.resident-s.base.resident)
	return nil
}

// arrive returns how long it takes from an edit, which has to be made, until all releases are
// Delivered. Requests are answered after that is done.
func (s *scaling) arrive(ctx context.Context, round int, do func() error) (time.Duration, error) {
	digest := s.triggers.get(s.fan.namespace, s.fan.shape).Status.LastDigest
	arrived := s.triggers.when(s.fan.namespace, s.fan.shape, func(vt *triggerv1.ValuesTrigger) bool {
		return vt.Status.LastDigest != digest && delivered(vt)
	})
	start := time.Now()
	if err := do(); err != nil {
		return 0, err
	}
	if err := s.finish(ctx, s.fan); err != nil {
		return 0, err
	}
	at, err := arrived.wait(ctx, fmt.Sprintf("round %d to be Delivered", round))
	return at.Sub(start), err
}

// start starts the operator with all releases delivered.
func (s *scaling) start(ctx context.Context, what string) error {
	if err := s.op.Stop(ctx); err != nil {
		return err
	}
	var took time.Duration
	_, writes, err := s.during(ctx, func() (err error) {
		if took, err = s.startUp(ctx, 1); err != nil {
			return err
		}
		return s.quiet(ctx, time.Second)
	})
	if err != nil {
		return err
	}
	s.rows = append(s.rows,
		row(what+": start until all is evaluated", "s", took.Seconds(), maxStart, fmt.Sprintf("%d s", maxStart)),
		row(what+": writes of a start", "", float64(writes), 0, "0"),
	)
	if what == s.what() {
		note(s.growth, "start", "one trigger: start until all is evaluated", "s", took.Seconds())
	}
	return nil
}

// stages has a change rolled out to a hundredth of the releases, then to a tenth of the others
// at a time.
func (s *scaling) stages(ctx context.Context) error {
	vt := s.triggers.get(s.fan.namespace, s.fan.shape).DeepCopy()
	old := vt.DeepCopy()
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		{Name: canary, Selector: kit.Selecting(stageLabel, canary)},
		{Name: "rest", MaxConcurrency: new(intstr.FromString("10%"))},
	}}
	if err := s.c.Patch(ctx, vt, client.MergeFrom(old)); err != nil {
		return err
	}
	if err := s.quiet(ctx, time.Second); err != nil {
		return err
	}
	took, err := s.roll(ctx, s.fan, s.sizes.scaleRounds+1)
	if err != nil {
		return err
	}
	what := s.what() + " in stages"
	w := s.written(s.fan)
	s.addStatus(what, samples{w.largest}, samples{w.total / float64(s.n)}, w.String())
	s.rows = append(s.rows, Row{What: what + ": edit to all Delivered", Unit: "s", Ours: new(took.Seconds())})
	m, err := s.weigh(ctx)
	if err != nil {
		return err
	}
	s.addMemory("after a rollout in stages", m)
	return s.start(ctx, what)
}

func (s *scaling) addStatus(what string, largest, written samples, notes string) {
	each := row(what+": status written for each", "KiB", slices.Max(written)/1024, maxWritten, fmt.Sprintf("%d KiB", maxWritten))
	each.Note = notes
	s.rows = append(s.rows, row(what+": largest status", "KiB", slices.Max(largest)/1024, maxStatus, fmt.Sprintf("%d KiB", maxStatus)), each)
}

// addMemory adds what each release takes: the difference to the operator without them.
func (s *scaling) addMemory(when string, m weight) {
	kib := func(with, without float64) float64 { return (with - without) / float64(s.n) * 1024 }
	resident := row(fmt.Sprintf("%s: memory for each, %s: resident", s.what(), when), "KiB", kib(m.resident, s.base.resident), maxResident, fmt.Sprintf("%d KiB", maxResident))
	resident.Note = fmt.Sprintf("%s KiB of live heap; %s MiB resident in all, %s MiB at the peak", number(kib(m.live, s.base.live)), number(m.resident), number(m.peak))
	s.rows = append(s.rows, resident)
}

// writing is what was written of a status in a round, in bytes: the whole of it each time, as
// it is stored and sent to who watches, and the patches that it took.
type writing struct {
	writes, largest, total, patches float64
}

// String implements fmt.Stringer.
func (w writing) String() string {
	return fmt.Sprintf("%.0f writes, of %s KiB in all as patches", w.writes, number(w.patches/1024))
}

// written measures the versions of a trigger that the watch has seen in the last round.
func (f *fans) written(fan *fan) writing {
	var w writing
	for _, size := range f.patches(fan) {
		w.patches += float64(size)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, vt := range f.versions[fan.namespace] {
		data, _ := json.Marshal(vt.Status) // Never fails: it comes from JSON.
		w.largest = max(w.largest, float64(len(data)))
		if i > 0 && !equality.Semantic.DeepEqual(vt.Status, f.versions[fan.namespace][i-1].Status) {
			w.writes++
			w.total += float64(len(data))
		}
	}
	return w
}

// halfReading has every other HelmRelease read the ConfigMap.
func halfReading(hr *helmv2.HelmRelease) {
	if hr.Name[len(hr.Name)-1]%2 == 0 {
		kit.Reads(triggerv1.ConfigMapKind, sourceName)(hr)
	}
}

// canaries returns what puts the first hundredth of n HelmReleases into a stage.
func canaries(n int) func(*helmv2.HelmRelease) {
	last := nameOf(max(1, n/100) - 1)
	return func(hr *helmv2.HelmRelease) {
		if hr.Name <= last {
			hr.Labels[stageLabel] = canary
		}
	}
}
