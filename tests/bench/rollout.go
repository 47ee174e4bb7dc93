// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// rollOut measures what a rollout in stages writes, with copies. A status has an entry for
// each target, and bounds hold only by what is stored.
func rollOut(ctx context.Context, b *bench) (Result, error) {
	f, err := b.openFans(ctx, world.Options{}, publishing)
	if err != nil {
		return Result{}, err
	}
	defer f.close()
	var result Result
	growth := map[string]*Growth{}
	for _, n := range b.sizes.fan {
		fan, err := f.fan(ctx, rolloutShape, n)
		if err != nil {
			return Result{}, fmt.Errorf("rollout to %d: %w", n, err)
		}
		var took time.Duration
		events, err := f.calls(ctx, func() (err error) {
			took, err = f.roll(ctx, fan, 1)
			return err
		})
		if err != nil {
			return Result{}, fmt.Errorf("rollout to %d: %w", n, err)
		}
		statuses, bytes := fan.statuses[0], 0.0
		for _, size := range f.patches(fan) {
			bytes += float64(size)
		}
		what := fmt.Sprintf("rollout to %d in %d stages, a tenth of each at a time", n, len(rolloutStages))
		writes := row(what+": writes for each, without events", "", count(events, true, "helmreleases", "valuestriggers", "configmaps")/float64(n), 3.1, "copy, request, proof, and a tenth of a status")
		writes.Note = tally(events)
		result.Rows = []Row{ // Those of the last and largest number count.
			writes,
			row(what+": reads for each", "", gets(events)/float64(n), 1.2, "1, for the proof"),
			row(what+": status writes", "", statuses, float64(n)/10, "a tenth of the targets"),
			{What: what + ": size of a status write", Unit: "KiB", Ours: new(bytes / statuses / 1024)},
			{What: what + ": edit to the last delivery", Unit: "s", Ours: new(took.Seconds())},
		}
		note(growth, "statuses", "rollout: status writes", "", statuses)
		note(growth, "bytes", "rollout: all status writes", "KiB", bytes/1024)
	}
	result.Growth = listed(growth, b.sizes.fan, "statuses", "bytes")
	return result, nil
}

// roll edits the ConfigMap, answers requests as they come, and returns how long it took
// until all was delivered.
func (f *fans) roll(ctx context.Context, fan *fan, round int) (time.Duration, error) {
	f.begin(fan)
	digest := f.triggers.get(fan.namespace, fan.shape).Status.LastDigest
	changed := f.triggers.when(fan.namespace, fan.shape, func(vt *triggerv1.ValuesTrigger) bool { return vt.Status.LastDigest != digest })
	arrived := f.triggers.when(fan.namespace, fan.shape, func(vt *triggerv1.ValuesTrigger) bool {
		return vt.Status.LastDigest != digest && delivered(vt)
	})
	start := time.Now()
	if err := f.edit(ctx, fan.namespace, sourceName, round); err != nil {
		return 0, err
	}
	if _, err := changed.wait(ctx, "the rollout to "+fan.namespace); err != nil {
		return 0, err
	}
	if err := f.finish(ctx, fan); err != nil {
		return 0, err
	}
	at, err := arrived.wait(ctx, "the end of the rollout to "+fan.namespace)
	return at.Sub(start), err
}

// patches returns the bytes of each status write of the last round.
func (f *fans) patches(fan *fan) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sizes []int
	versions := f.versions[fan.namespace]
	for i := 1; i < len(versions); i++ {
		patch, _ := client.MergeFrom(bare(versions[i-1])).Data(bare(versions[i])) // Never fails: both come from JSON.
		sizes = append(sizes, len(patch))
	}
	return sizes
}

// bare returns what the operator writes of a ValuesTrigger.
func bare(vt *triggerv1.ValuesTrigger) *triggerv1.ValuesTrigger {
	return &triggerv1.ValuesTrigger{Status: vt.Status}
}
