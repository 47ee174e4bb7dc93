// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// publishing is an installation that may write copies.
var publishing = operator.Options{Values: []string{"--set=publish.enabled=true"}}

// copying measures spec.publish: a copy of the ConfigMap for each HelmRelease.
func copying(ctx context.Context, b *bench) (Result, error) {
	result, err := copyTimes(ctx, b)
	if err != nil {
		return Result{}, err
	}
	costs, err := copyCosts(ctx, b)
	if err != nil {
		return Result{}, err
	}
	result.Rows = append(result.Rows, costs...)
	return result, nil
}

// copyTimes lets triggers with and without copies take turns with a limit that writes
// copies too. The first round makes the limit's.
func copyTimes(ctx context.Context, b *bench) (Result, error) {
	f, err := b.openFans(ctx, world.Options{NoAudit: true}, publishing)
	if err != nil {
		return Result{}, err
	}
	defer f.close()
	var result Result
	growth := map[string]*Growth{}
	for _, n := range b.sizes.fan {
		all, err := f.takeTurns(ctx, n, 1, copyingLimit, declaredShape, copiesShape)
		if err != nil {
			return Result{}, err
		}
		base, without, with := all[0].took.median(), all[1].took.median(), all[2].took.median()
		r := against(fmt.Sprintf("copies: edit to the last of %d requests", n), with, base, 2, "2x the limit")
		r.Limit, r.Note = &base, fmt.Sprintf("%s ms without copies", number(without))
		statuses := row(fmt.Sprintf("copies: status writes for %d targets until all are delivered", n), "",
			all[2].statuses.median(), float64(n)/10, "a tenth of the targets")
		result.Rows = []Row{r, statuses} // Those of the last and largest number count.
		note(growth, copyingLimit, "copies of the limit", "ms", base)
		note(growth, copiesShape, "copies", "ms", with)
	}
	result.Growth = listed(growth, b.sizes.fan, copyingLimit, copiesShape)
	return result, nil
}

// copyCosts measures memory and requests with copies, and what they are without.
func copyCosts(ctx context.Context, b *bench) ([]Row, error) {
	f, err := b.openFans(ctx, world.Options{}, publishing)
	if err != nil {
		return nil, err
	}
	defer f.close()
	n := b.sizes.fan[len(b.sizes.fan)-1]
	without, err := f.fan(ctx, declaredShape, n)
	if err != nil {
		return nil, err
	}
	if err := f.restart(ctx); err != nil {
		return nil, err
	}
	light, err := f.weighRound(ctx, without, 1)
	if err != nil {
		return nil, err
	}
	if err := f.remove(ctx, without); err != nil {
		return nil, err
	}

	with, err := f.fan(ctx, copiesShape, n)
	if err != nil {
		return nil, err
	}
	rows, err := f.countRound(ctx, with, 1)
	if err != nil {
		return nil, err
	}
	started, err := f.countStart(ctx, n)
	if err != nil {
		return nil, err
	}
	heavy, err := f.weighRound(ctx, with, 2)
	if err != nil {
		return nil, err
	}
	idle, err := f.countPass(ctx, with)
	if err != nil {
		return nil, err
	}
	rows = append(rows, append(started, idle...)...)
	what := fmt.Sprintf("memory with %d copies, after a delivery", n)
	resident, peak := row(what+": resident", "MiB", heavy.resident, 64, "64 MiB"), row(what+": peak", "MiB", heavy.peak, 64, "64 MiB")
	resident.Note, peak.Note = number(light.resident)+" MiB without copies", number(light.peak)+" MiB without copies"
	each := Row{What: "memory for each copy: live heap", Unit: "KiB", Ours: new((heavy.live - light.live) / float64(n) * 1024)}
	return append(rows, resident, peak, each), nil
}

// weighRound measures the memory after a delivery.
func (f *fans) weighRound(ctx context.Context, fan *fan, round int) (weight, error) {
	if err := f.round(ctx, fan, round); err != nil {
		return weight{}, err
	}
	return f.weigh(ctx)
}

// countRound counts the requests to the API server for a delivery.
func (f *fans) countRound(ctx context.Context, fan *fan, round int) ([]Row, error) {
	events, err := f.calls(ctx, func() error { return f.round(ctx, fan, round) })
	if err != nil {
		return nil, err
	}
	n := float64(len(fan.names))
	writes := row("copies: writes for one delivery, without events", "", count(events, true, "helmreleases", "valuestriggers", "configmaps")/n, 3.1, "copy, request, proof, and a tenth of a status")
	writes.Note = tally(events)
	return []Row{writes, row("copies: reads for one delivery", "", gets(events)/n, 1.1, "1, for the proof")}, nil
}

// countStart counts the requests of a start with one trigger and its copies.
func (f *fans) countStart(ctx context.Context, n int) ([]Row, error) {
	if err := f.op.Stop(ctx); err != nil {
		return nil, err
	}
	var took time.Duration
	events, err := f.calls(ctx, func() (err error) {
		if took, err = f.startUp(ctx, 1); err != nil {
			return err
		}
		return f.quiet(ctx, time.Second)
	})
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("copies: start with %d of them", n)
	return []Row{
		{What: what + ": until the trigger is reconciled", Unit: "s", Ours: new(took.Seconds())},
		row(what+": reads, for each", "", gets(events)/float64(n), 1.1, "1"),
		row(what+": writes", "", count(events, true, "helmreleases", "valuestriggers", "configmaps"), 0, "0"),
	}, nil
}

// countPass counts the requests of the passes by which a trigger makes sure at its
// interval that nothing has changed.
func (f *fans) countPass(ctx context.Context, fan *fan) ([]Row, error) {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: fan.namespace, Name: fan.shape}}
	patch := fmt.Appendf(nil, `{"spec":{"interval":%q}}`, f.sizes.interval)
	if err := f.c.Patch(ctx, vt, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return nil, err
	}
	if err := f.quiet(ctx, time.Second); err != nil {
		return nil, err
	}
	before, err := f.scrape(ctx)
	if err != nil {
		return nil, err
	}
	events, err := f.calls(ctx, func() error { return pause(ctx, f.sizes.interval*3/2) })
	if err != nil {
		return nil, err
	}
	after, err := f.scrape(ctx)
	if err != nil {
		return nil, err
	}
	passes := after.since(before).reconciled("valuestrigger")
	if passes == 0 {
		return nil, errors.New("the trigger has not been evaluated again at its interval")
	}
	what := fmt.Sprintf("copies: looking at %d again at the interval", len(fan.names))
	return []Row{
		row(what+": writes", "", count(events, true, "helmreleases", "valuestriggers", "configmaps", "events"), 0, "0"),
		row(what+": reads", "", gets(events)/passes, 2, "2"),
	}, nil
}

// remove deletes the namespace of a fan, which is seen to be gone.
func (f *fans) remove(ctx context.Context, fan *fan) error {
	for _, obj := range []client.Object{&triggerv1.ValuesTrigger{}, &helmv2.HelmRelease{}, &corev1.ConfigMap{}} {
		if err := f.c.DeleteAllOf(ctx, obj, client.InNamespace(fan.namespace)); err != nil {
			return err
		}
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fan.namespace}}
	for err := f.c.Delete(ctx, namespace); !apierrors.IsNotFound(err); err = f.c.Get(ctx, client.ObjectKeyFromObject(namespace), namespace) {
		if err != nil {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return f.quiet(ctx, time.Second)
}
