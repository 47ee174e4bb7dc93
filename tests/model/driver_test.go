// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// driver tells one story: it makes random operations in a world of its own, fixes what
// it has broken, and looks at what has come of it.
type driver struct {
	ctx  context.Context
	seed uint64
	w    *world.World
	c    client.Client

	fleet    *fleet
	seen     *witness
	managers []*manager
	outages  []time.Time // of helm-controller and the API server
	closers  []func()
	requests int
	// events reports that the operator may still try to send events that it could not.
	events bool

	mu     sync.Mutex
	begun  time.Time
	lines  []line
	counts map[string]int
}

// line is one line of the story.
type line struct {
	at   time.Time
	text string
}

// story is what to tell.
type story struct {
	seed uint64
	ops  int
	skip map[int]bool
}

// chapter is after how many operations everything settles, and is checked.
const chapter = 40

// tell tells a story and returns what is wrong with its end, as an error that holds all
// of it.
func tell(ctx context.Context, s story) (counts map[string]int, err error) {
	d := &driver{ctx: ctx, seed: s.seed, begun: time.Now(), counts: map[string]int{}}
	defer func() {
		counts = d.counts
		if err != nil {
			err = d.report(err)
		} else if *storyFlag {
			fmt.Fprintln(os.Stderr, d.report(errors.New("all is well")))
		}
		for _, c := range d.closers {
			c()
		}
	}()
	rng := rand.New(rand.NewPCG(s.seed, 0))
	d.fleet = newFleet(rng)
	if err := d.begin(rng); err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	for i := 1; i <= s.ops; i++ {
		// Each operation has its own numbers, so that it is the same whatever is skipped.
		if !s.skip[i] {
			if err := d.step(i, rand.New(rand.NewPCG(s.seed, uint64(i)))); err != nil {
				return nil, fmt.Errorf("operation %d: %w", i, err)
			}
		}
		if i%chapter == 0 || i == s.ops {
			if err := d.rest(); err != nil {
				return nil, err
			}
		}
	}
	return nil, d.tally()
}

// rest fixes everything, and looks at what has come of it: first with what is broken and
// is to be rolled back, and at the end once more.
func (d *driver) rest() error {
	rng := rand.New(rand.NewPCG(d.seed, 1<<32))
	if err := d.fix(); err != nil {
		return fmt.Errorf("fix: %w", err)
	}
	if err := d.settle(rng, 0); err != nil {
		return err
	}
	betrayed, err := d.betray(rng)
	if err == nil && betrayed {
		err = d.settle(rng, 4)
	}
	if err != nil {
		return err
	}
	d.count("rests")
	d.events = false
	return nil
}

// settle waits until what is broken is refused, fixes it, and verifies that all is well.
func (d *driver) settle(rng *rand.Rand, kills int) error {
	if err := d.refusing(rng, kills); err != nil {
		return err
	}
	if err := d.fixGates(true); err != nil {
		return fmt.Errorf("fix: %w", err)
	}
	return d.verify()
}

// begin makes a world with the fleet in it.
func (d *driver) begin(rng *rand.Rand) error {
	var err error
	d.w, err = world.Start(d.ctx, world.Options{
		AddToScheme:        kit.World().AddToScheme,
		HelmControllerArgs: helmArgs,
	})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, d.w.Stop)
	d.c = d.w.Client()
	d.begun = time.Now()
	for _, ns := range []string{"flux-system", "apps", "config", teamNS, edgeNS, vaultNS} {
		if err := d.writeNamespace(ns); err != nil {
			return err
		}
		if d.fleet.charts[ns] != nil {
			if err := d.writeChart(ns); err != nil {
				return err
			}
		}
	}
	if d.seen, err = d.observe(); err != nil {
		return err
	}
	if err := d.storeKeys(); err != nil {
		return err
	}
	replicas := 1
	if chance(rng, 0.4) {
		replicas = 2
	}
	if err := d.startManagers(replicas); err != nil {
		return err
	}
	if replicas > 1 && chance(rng, 0.5) { // The second comes later.
		if err := d.managers[1].end(d, false); err != nil {
			return err
		}
	}
	if chance(rng, 0.5) {
		return d.populate()
	}
	// The operator meets a running cluster.
	for _, m := range d.managers {
		if err := m.end(d, false); err != nil {
			return err
		}
	}
	if err := d.populate(); err != nil {
		return err
	}
	d.pause(rng)
	for _, m := range d.managers {
		m.start(d)
	}
	return nil
}

// populate writes the whole fleet.
func (d *driver) populate() error {
	for _, s := range d.fleet.sources {
		s.written = time.Now()
	}
	d.fleet.made(time.Now(), "the beginning")
	for _, s := range d.fleet.sources {
		d.note("there is %s: %t, group %s, labelled for %v in %q, read by Flux: %t", s.id(), s.exists, s.group, s.contract, s.contractNS, s.fluxWatch)
		if s.exists {
			if err := d.writeSource(s); err != nil {
				return err
			}
		}
	}
	for _, r := range d.fleet.releases {
		d.note("there is %s: %t, tier %s, every %s, depends on %q, reads %s", r.id(), r.exists, r.tier, r.interval, r.dependsOn, r.reading())
		if r.exists {
			if err := d.writeRelease(r); err != nil {
				return err
			}
		}
	}
	for _, t := range d.fleet.triggers {
		if t.exists {
			d.note("there is %s", t)
			if err := d.writeTrigger(t); err != nil {
				return err
			}
		}
	}
	return d.populateGates()
}

func (r *release) reading() string {
	var names []string
	for _, read := range r.reads {
		names = append(names, fmt.Sprintf("%s optional=%t", read.source.id(), read.optional))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// step makes one operation and pauses.
func (d *driver) step(i int, rng *rand.Rand) error {
	d.fleet.changes = i
	total, possible := 0, slices.Concat(operations, gateOperations)
	for _, o := range possible {
		total += o.weight
	}
	// An operation that is not possible now makes room for another.
	for range 20 {
		at := rng.IntN(total)
		for _, o := range possible {
			if at -= o.weight; at >= 0 {
				continue
			}
			text, err := o.do(d, rng)
			if err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
			if text == "" {
				break
			}
			d.count("operations")
			d.count(o.kind)
			d.pause(rng)
			return nil
		}
	}
	return nil
}

// pause lets a random time go by: mostly next to none, so that operations overlap.
func (d *driver) pause(rng *rand.Rand) {
	limit := pick(rng, 5, 50, 50, 200, 500, 2500)
	select {
	case <-d.ctx.Done():
	case <-time.After(time.Duration(rng.IntN(limit)) * time.Millisecond):
	}
}

// act changes the fleet, notes what that entitles to, and then the API server.
func (d *driver) act(text string, change func(), write func() error) (string, error) {
	d.handled()
	at := time.Now()
	change()
	d.fleet.made(at, text)
	d.note("%d: %s", d.fleet.changes, text)
	return text, write()
}

// note adds to the story.
func (d *driver) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line{time.Now(), fmt.Sprintf(format, args...)})
}

// count counts what happened, for the summary.
func (d *driver) count(what string) { d.add(what, 1) }

func (d *driver) add(what string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[what] += n
}

// failure says which promise an error is about.
func failure(err error) string {
	switch text := err.Error(); {
	case strings.Contains(firstLine(err), "doubled:"):
		return "doubles"
	case strings.HasPrefix(text, atTheEnd):
		return "losses"
	default:
		return "other failures"
	}
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}
