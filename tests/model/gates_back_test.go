// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// takesBack reports whether a version is what was delivered to all before, and the trigger had
// noted that it goes back to that.
func (j *judge) takesBack(one *sighting, numbers map[*origin]int) bool {
	digests := j.gate.digests(numbers)
	return slices.ContainsFunc(j.valid(one, j.since(one.at)), func(v sighting) bool {
		if v.gone || v.vt.Status.Rollout == nil || v.vt.Status.Rollout.Rollback == nil {
			return false
		}
		digest := v.vt.Status.Rollout.Rollback.Digest
		return slices.Contains(digests, digest) && slices.ContainsFunc(j.triggers, func(before sighting) bool {
			if before.gone || before.version >= v.version {
				return false
			}
			r := before.vt.Status.Rollout
			return before.gap || r != nil && r.Phase == triggerv1.RolloutFinished && r.Digest == digest
		})
	})
}

// betray breaks what was delivered to all, in those gates that roll back what fails, while
// the operator is killed again and again. It reports whether there are any.
func (d *driver) betray(rng *rand.Rand) (betrayed bool, err error) {
	for _, g := range d.fleet.gates {
		if !g.back {
			continue
		}
		betrayed = true
		o := pick(rng, g.sources...)
		how, next := pick(rng, rejected, failing, rejectedFor, rejectedFor), d.fleet.next()
		if _, err := d.act(fmt.Sprintf("betray with %s: %s %d", o.id(), how, next), func() { o.values, o.broken = next, how }, func() error {
			d.fell(rng)
			return d.writeOrigin(o)
		}); err != nil {
			return betrayed, err
		}
	}
	return betrayed, nil
}

// fell has the managers killed at one of their next writes.
func (d *driver) fell(rng *rand.Rand) {
	for _, m := range d.managers {
		m.plan(0, 1+rng.IntN(6), chance(rng, 0.5))
	}
}

// refusing waits until what fails is rolled back everywhere, before it is fixed. It has not
// to be if nothing was delivered to all before, or if no failure is one of the content, since
// the releases were not ready before. Meanwhile the managers are killed a few times.
func (d *driver) refusing(rng *rand.Rand, kills int) error {
	for _, g := range d.fleet.gates {
		broken := slices.ContainsFunc(g.sources, func(o *origin) bool { return o.broken != "" })
		if !g.back || !broken {
			continue
		}
		outcome := ""
		if err := d.wait(atTheEnd, func() (err error) {
			for _, m := range d.managers {
				if kills > 0 && !m.running() {
					d.fell(rng)
					kills--
				}
			}
			if err := errors.Join(d.keep(), d.unstall(), d.tend()); err != nil {
				return err
			}
			outcome, err = d.refused(g)
			return err
		}); err != nil {
			return err
		}
		d.note("%s has refused what is broken: %s", g.id(), outcome)
		d.count("broken contents " + outcome)
		for _, m := range d.managers {
			m.plan(0, 0, false)
		}
		if err := d.wait("refused, and settling", func() error { return errors.Join(d.keep(), d.silent(rest)) }); err != nil {
			return err
		}
		if _, err := d.refused(g); err != nil {
			return fmt.Errorf("refused, and settled: %w", err)
		}
	}
	return nil
}

// refused returns what has become of broken content, or what is missing to an end.
func (d *driver) refused(g *gate) (string, error) {
	vt := g.object()
	if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(vt), vt); err != nil {
		return "", err
	}
	wrong := func(format string, args ...any) error {
		return problem{release: g.targets[0].release, text: "gate " + g.id() + " with broken content: " + fmt.Sprintf(format, args...)}
	}
	present := map[*origin]int{}
	for _, o := range g.sources {
		present[o] = o.values
	}
	r := vt.Status.Rollout
	if vt.Status.ObservedGeneration != vt.Generation || r == nil || !slices.Contains(g.digests(present), r.Digest) {
		return "", wrong("has not got it: %+v", r)
	}
	switch r.Phase {
	case triggerv1.RolloutHalted:
		if vt.Status.LastDelivered != nil && vt.Status.LastDelivered.Digest != r.Digest {
			return "", wrong("has halted, and does not go back to %s: %s", vt.Status.LastDelivered.Digest, r.Message)
		}
		return "halted", nil
	case triggerv1.RolloutFinished:
		if r.Overridden {
			return "wanted by a person", nil
		}
		for _, t := range vt.Status.Targets {
			if t.State == triggerv1.TargetFailed && !plan.WasUnready(t) {
				return "", wrong("is finished, and %s/%s was ready before it failed: %s", t.Namespace, t.Name, t.Message)
			}
		}
		return "in releases that were not ready before", nil
	case triggerv1.RolloutRollbackHalted:
		// The last release may not have been there, or not ready, when that passed.
		if _, last := g.broken(r.Rollback.Digest); last {
			return "rolled back to what one release cannot run", nil
		}
	case triggerv1.RolloutRolledBack:
		return "rolled back", d.rolledBack(g, vt)
	}
	return "", wrong("the rollout is %s: %s", r.Phase, r.Message)
}

// rolledBack returns an error if not every target runs what was delivered before.
func (d *driver) rolledBack(g *gate, vt *triggerv1.ValuesTrigger) error {
	for _, m := range g.targets {
		values, _, err := d.running(m.release)
		if err != nil {
			return err
		}
		numbers := map[*origin]int{}
		for _, o := range g.sources {
			obj := dataObject(o.kind, m.ns, m.copyName())
			if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
				return about(m.release, "copy %s: %v", o.kind, err)
			}
			number := fmt.Sprint(values[o.name])
			if have := texts(obj)[o.key()]; !strings.HasPrefix(have, o.name+": "+number+"\n") {
				return about(m.release, "the copy %s has %q, and it runs %s of %s", o.kind, have, number, o.id())
			}
			for _, e := range o.editions {
				if fmt.Sprint(e.values) == number {
					numbers[o] = e.values
				}
			}
		}
		last := vt.Status.LastDelivered
		if len(numbers) < len(g.sources) || last == nil || !slices.Contains(g.digests(numbers), last.Digest) || vt.Status.LastDigest != last.Digest {
			return about(m.release, "runs %v, and %+v was delivered before", values, last)
		}
	}
	return nil
}

// broken returns whether content, by its digest, is broken for all releases, or for the last
// one at least.
func (g *gate) broken(digest string) (all, last bool) {
	for _, o := range g.sources {
		for _, e := range o.editions {
			if e.broken != "" && slices.Contains(g.digests(map[*origin]int{o: e.values}), digest) {
				all, last = all || e.broken != rejectedFor, true
			}
		}
	}
	return all, last
}

// soundly returns an error if a gate was ever about to go back to what no release can run.
func (d *driver) soundly(g *gate) error {
	for _, v := range d.seen.of(triggerv1.ValuesTriggerKind, g.ns, g.name) {
		content := v.lastDelivered()
		if content == nil {
			continue
		}
		if all, _ := g.broken(content.Digest); all {
			return problem{release: g.targets[0].release, text: fmt.Sprintf("gate %s: at %.3f it would go back to what is broken, %s", g.id(), v.at.Sub(d.begun).Seconds(), content.Digest)}
		}
	}
	return nil
}

func (s sighting) lastDelivered() *triggerv1.DeliveredContent {
	if s.gone || !s.vt.RollsBack() {
		return nil
	}
	return s.vt.Status.LastDelivered
}
