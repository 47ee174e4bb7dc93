// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// fanOut measures triggers alone: helm-controller is stopped.
func fanOut(ctx context.Context, b *bench) (Result, error) {
	f, err := b.openFans(ctx, world.Options{NoAudit: true}, operator.Options{})
	if err != nil {
		return Result{}, err
	}
	defer f.close()
	var result Result
	growth := map[string]*Growth{}
	for _, n := range b.sizes.fan {
		if result.Rows, err = f.measure(ctx, n, growth); err != nil { // Those of the last and largest number count.
			return Result{}, err
		}
	}
	result.Growth = listed(growth, b.sizes.fan, limit, labelledShape, discoveredShape, declaredShape, "status")
	return result, nil
}

// measure lets all contestants take turns with n HelmReleases each.
func (f *fans) measure(ctx context.Context, n int, growth map[string]*Growth) ([]Row, error) {
	all, err := f.takeTurns(ctx, n, 0, limit, labelledShape, discoveredShape, declaredShape)
	if err != nil {
		return nil, err
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

// listed returns what was noted, in this order.
func listed(growth map[string]*Growth, n []int, keys ...string) []Growth {
	var all []Growth
	for _, key := range keys {
		g := growth[key]
		all = append(all, grows(g.What, g.Unit, n, g.Values))
	}
	return all
}
