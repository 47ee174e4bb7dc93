// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// sizes says how much is measured.
type sizes struct {
	name string

	// edits of each contestant in the scenario deliveries; fluxEdits of Flux's watch.
	edits, fluxEdits int

	// rest is how long a process may settle before its memory is measured, and
	// giveBack how long the operator gets to return pages after a collection.
	rest, giveBack time.Duration

	// fan are the numbers of HelmReleases of the fan-outs, rounds how often each.
	fan    []int
	rounds int

	// scale are the numbers of HelmReleases of one trigger, scaleRounds how often each, and
	// staged those that a change is also rolled out to in stages.
	scale       []int
	scaleRounds int
	staged      []int

	// burst is the number of edits, made in burstTime.
	burst     int
	burstTime time.Duration

	// plain ConfigMaps and as many Secrets of 4 KiB, and Helm's own Secrets.
	plain, helm int

	// objects are the numbers of ConfigMaps, with as many Secrets.
	objects []int

	// triggers are the numbers of generated triggers; idle is measured at idleAt.
	triggers []int
	idleAt   int
	idle     time.Duration

	// interval of the trigger whose copies are evaluated again.
	interval time.Duration

	// deliveries made by this many releases at a time.
	deliveries, releases int
}

var full = sizes{
	name:  "full",
	edits: 200, fluxEdits: 100,
	rest: 15 * time.Second, giveBack: 10 * time.Second,
	fan: []int{125, 250, 500}, rounds: 5,
	scale: []int{500, 2000, 10000}, scaleRounds: 2, staged: []int{500, 2000, 10000},
	burst: 1000, burstTime: 10 * time.Second,
	plain: 5000, helm: 1000,
	objects:  []int{12500, 25000, 50000},
	triggers: []int{500, 1000, 2000, 5000}, idleAt: 2000, idle: 90 * time.Second,
	interval:   time.Minute,
	deliveries: 1000, releases: 50,
}

var short = sizes{
	name:  "quick",
	edits: 20, fluxEdits: 20,
	rest: 15 * time.Second, giveBack: 10 * time.Second,
	fan: []int{125, 250, 500}, rounds: 1,
	scale: []int{500, 2000}, scaleRounds: 1, staged: []int{500, 2000},
	burst: 1000, burstTime: 10 * time.Second,
	plain: 5000, helm: 100,
	objects:  []int{2500, 5000, 10000},
	triggers: []int{250, 500, 1000}, idleAt: 1000, idle: 20 * time.Second,
	interval:   10 * time.Second,
	deliveries: 100, releases: 20,
}
