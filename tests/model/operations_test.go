// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"math/rand/v2"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// operation is something that can happen. It returns what it did, or nothing if it is
// not possible now.
type operation struct {
	weight int
	kind   string
	do     func(d *driver, rng *rand.Rand) (string, error)
}

// Kinds of operations, for the summary.
const (
	onSources  = "edits of sources"
	onReleases = "edits of releases"
	onTriggers = "edits of triggers"
	onCharts   = "edits of charts"
	onGates    = "edits about copies and gates"
	troubles   = "troubles"
)

// operations are all that can happen, by how often they do.
var operations = []operation{
	{14, onSources, editSource},
	{4, onSources, breakSource},
	{4, onSources, deleteSource},
	{6, onSources, createSource},
	{2, onSources, recreateSource},
	{5, onSources, labelSource},
	{2, onSources, excludeSource},
	{5, onSources, touchSource},

	{3, onReleases, deleteRelease},
	{5, onReleases, createRelease},
	{1, onReleases, recreateRelease},
	{6, onReleases, suspendRelease},
	{4, onReleases, bindRelease},
	{2, onReleases, editRelease},
	{2, onReleases, optOutRelease},
	{2, onReleases, touchRelease},
	{5, onReleases, requestRelease},

	{3, onTriggers, deleteTrigger},
	{4, onTriggers, createTrigger},
	{1, onTriggers, recreateTrigger},
	{3, onTriggers, editTrigger},
	{3, onTriggers, suspendTrigger},
	{2, onTriggers, requestTrigger},
	{5, onTriggers, meddle},
	{3, onTriggers, tamper},
	{1, onTriggers, labelNamespace},

	{3, onCharts, changeChart},

	{24, troubles, troubleManager},
	{8, troubles, troubleLease},
	{2, troubles, troubleHelm},
	{1, troubles, troubleAPI},
}

// among returns one of the elements that fit, or nil.
func among[T any](rng *rand.Rand, from []*T, fits func(*T) bool) *T {
	for _, x := range some(rng, from, len(from)) {
		if fits(x) {
			return x
		}
	}
	return nil
}

func existingSource(s *source) bool   { return s.exists }
func existingRelease(r *release) bool { return r.exists }
func existingTrigger(t *trigger) bool { return t.exists }

func (d *driver) onSource(rng *rand.Rand, fits func(*source) bool, do func(s *source) (string, func())) (string, error) {
	s := among(rng, d.fleet.sources, fits)
	if s == nil {
		return "", nil
	}
	text, change := do(s)
	return d.act(text, change, func() error { return d.writeSource(s) })
}

func editSource(d *driver, rng *rand.Rand) (string, error) {
	return d.onSource(rng, existingSource, func(s *source) (string, func()) {
		what := pick(rng, valuesKey, otherKey, "all")
		// A fixed source may just as well be left broken.
		fix := s.broken != "" && what != otherKey
		return fmt.Sprintf("edit %s of %s (fixed: %t)", what, s.id(), fix), func() {
			d.fleet.edit(s, what != otherKey, what != valuesKey)
			if fix {
				s.broken = ""
			}
			d.fleet.changedContent(s)
		}
	})
}

func breakSource(d *driver, rng *rand.Rand) (string, error) {
	return d.onSource(rng, existingSource, func(s *source) (string, func()) {
		how := pick(rng, rejected, rejected, failing, malformed, keyless)
		return fmt.Sprintf("break %s: %s", s.id(), how), func() {
			s.broken = how
			d.fleet.edit(s, true, false)
			d.fleet.changedContent(s)
		}
	})
}

func deleteSource(d *driver, rng *rand.Rand) (string, error) {
	return d.onSource(rng, existingSource, func(s *source) (string, func()) {
		return "delete " + s.id(), func() {
			s.exists = false
			d.fleet.changedContent(s)
		}
	})
}

func createSource(d *driver, rng *rand.Rand) (string, error) {
	return d.onSource(rng, func(s *source) bool { return !s.exists }, func(s *source) (string, func()) {
		return d.creation(rng, s)
	})
}

// creation brings a source back, as it was or with other content.
func (d *driver) creation(rng *rand.Rand, s *source) (string, func()) {
	same := chance(rng, 0.5)
	return fmt.Sprintf("create %s (as before: %t)", s.id(), same), func() {
		s.exists = true
		s.incarnation++
		d.fleet.edit(s, !same, !same)
		d.fleet.changedContent(s)
	}
}

func recreateSource(d *driver, rng *rand.Rand) (string, error) {
	s := among(rng, d.fleet.sources, existingSource)
	if s == nil {
		return "", nil
	}
	if text, err := d.act("delete "+s.id()+" for a moment", func() { s.exists = false }, func() error { return d.remove(s.object()) }); err != nil {
		return text, err
	}
	text, change := d.creation(rng, s)
	return d.act(text, change, func() error { return d.writeSource(s) })
}

func labelSource(d *driver, rng *rand.Rand) (string, error) {
	return d.onSource(rng, existingSource, func(s *source) (string, func()) {
		if s.contract != nil && chance(rng, 0.4) {
			return fmt.Sprintf("unlabel %s", s.id()), func() { s.contract = nil }
		}
		before := *s
		d.fleet.label(rng, s)
		after := *s
		*s = before
		return fmt.Sprintf("label %s for %v in %s", s.id(), after.contract, after.contractNS), func() { *s = after }
	})
}

func excludeSource(d *driver, rng *rand.Rand) (string, error) {
	return d.onSource(rng, existingSource, func(s *source) (string, func()) {
		return fmt.Sprintf("exclude %s: %t", s.id(), !s.excluded), func() {
			s.excluded = !s.excluded
			s.contract = nil
		}
	})
}

func touchSource(d *driver, rng *rand.Rand) (string, error) {
	return d.onSource(rng, existingSource, func(s *source) (string, func()) {
		return "edit metadata of " + s.id(), func() { s.note++ }
	})
}

func deleteRelease(d *driver, rng *rand.Rand) (string, error) {
	r := among(rng, d.fleet.releases, existingRelease)
	if r == nil {
		return "", nil
	}
	if err := d.startHelm(); err != nil { // Its finalizer needs it.
		return "", err
	}
	return d.deletion(r)
}

func (d *driver) deletion(r *release) (string, error) {
	return d.act("delete "+r.id(), func() {
		r.exists = false
		if r.suspended {
			r.fresh = true // helm-controller leaves the installation alone, and will find it again.
			return
		}
		r.ledger = newLedger()
		r.begun = time.Now()
		for _, t := range d.fleet.triggers {
			delete(t.asked, r)
		}
	}, func() error {
		return d.wait("delete "+r.id(), func() error { return client.IgnoreNotFound(d.c.Delete(d.ctx, r.object())) })
	})
}

func createRelease(d *driver, rng *rand.Rand) (string, error) {
	r := among(rng, d.fleet.releases, func(r *release) bool { return !r.exists })
	if r == nil {
		return "", nil
	}
	if err := d.startHelm(); err != nil {
		return "", err
	}
	return d.recreation(r)
}

func (d *driver) recreation(r *release) (string, error) {
	if err := d.remove(r.object()); err != nil { // It may still be terminating.
		return "", err
	}
	return d.act("create "+r.id(), func() { r.exists = true }, func() error { return d.writeRelease(r) })
}

func recreateRelease(d *driver, rng *rand.Rand) (string, error) {
	r := among(rng, d.fleet.releases, existingRelease)
	if r == nil {
		return "", nil
	}
	if err := d.startHelm(); err != nil {
		return "", err
	}
	if text, err := d.deletion(r); err != nil {
		return text, err
	}
	return d.recreation(r)
}

func (d *driver) onRelease(rng *rand.Rand, do func(r *release) (string, func())) (string, error) {
	r := among(rng, d.fleet.releases, existingRelease)
	if r == nil {
		return "", nil
	}
	text, change := do(r)
	return d.act(text, change, func() error { return d.writeRelease(r) })
}

func suspendRelease(d *driver, rng *rand.Rand) (string, error) {
	return d.onRelease(rng, func(r *release) (string, func()) {
		return fmt.Sprintf("suspend %s: %t", r.id(), !r.suspended), func() { r.suspended = !r.suspended }
	})
}

func bindRelease(d *driver, rng *rand.Rand) (string, error) {
	return d.onRelease(rng, func(r *release) (string, func()) {
		if len(r.reads) > 0 && chance(rng, 0.5) {
			i := rng.IntN(len(r.reads))
			return fmt.Sprintf("%s reads %s no more", r.id(), r.reads[i].source.id()), func() {
				r.reads = append(r.reads[:i:i], r.reads[i+1:]...)
			}
		}
		s := among(rng, d.fleet.sources, func(s *source) bool { return s.ns == r.ns && !r.readsFrom(s) })
		if s == nil {
			return "edit metadata of " + r.id(), func() { r.note++ }
		}
		read := reading{source: s, optional: chance(rng, 0.3)}
		return fmt.Sprintf("%s reads %s, optional: %t", r.id(), s.id(), read.optional), func() {
			r.reads = append(r.reads[:len(r.reads):len(r.reads)], read)
		}
	})
}

func editRelease(d *driver, rng *rand.Rand) (string, error) {
	return d.onRelease(rng, func(r *release) (string, func()) {
		return "edit values of " + r.id(), func() { r.inline = d.fleet.next() }
	})
}

func optOutRelease(d *driver, rng *rand.Rand) (string, error) {
	return d.onRelease(rng, func(r *release) (string, func()) {
		return fmt.Sprintf("opt %s out: %t", r.id(), !r.optOut), func() { r.optOut = !r.optOut }
	})
}

func touchRelease(d *driver, rng *rand.Rand) (string, error) {
	return d.onRelease(rng, func(r *release) (string, func()) {
		return "edit metadata of " + r.id(), func() { r.note++ }
	})
}
