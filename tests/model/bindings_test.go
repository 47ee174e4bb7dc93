// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// binding is a source of a release, by one trigger.
type binding struct {
	source *source
	// by is the declared trigger, empty for the generated one.
	by       string
	keys     []string
	optional bool
	force    triggerv1.ForcePolicy
}

// forces reports whether a change of the source takes a forced upgrade of the release.
func (b binding) forces(r *release) bool {
	return b.force == triggerv1.ForceAlways || b.force == triggerv1.ForceAuto && !r.readsFrom(b.source)
}

// selects reports whether a key of the source counts.
func (b binding) selects(key string) bool {
	return len(b.keys) == 0 || slices.Contains(b.keys, key)
}

// content returns the part of the source that counts, and whether there is any.
func (b binding) content() (string, bool) {
	if !b.source.exists || b.source.excluded && b.by != "" {
		return "absent", b.optional
	}
	text, data := "", b.source.data()
	for _, key := range []string{valuesKey, otherKey} {
		value, found := data[key]
		if !found && slices.Contains(b.keys, key) && !b.optional {
			return "absent", false
		}
		if found && b.selects(key) {
			text += key + "\n" + value
		}
	}
	return text, true
}

// resolve returns the sources of a declared trigger.
func (f *fleet) resolve(t *trigger) []binding {
	var bindings []binding
	for _, ref := range t.sources {
		force := ref.force
		if force == "" {
			force = t.force
		}
		for _, s := range f.sources {
			matches := s == ref.source
			if ref.source == nil {
				matches = s.exists && !s.excluded && s.kind == ref.kind && s.ns == ref.ns && s.group == ref.group
			}
			if matches {
				bindings = append(bindings, binding{source: s, by: t.id(), keys: ref.keys, optional: ref.optional, force: force})
			}
		}
	}
	return bindings
}

// hasTarget reports whether a declared trigger has the release as a target.
func (f *fleet) hasTarget(t *trigger, r *release) bool {
	return slices.ContainsFunc(t.targets, func(target triggerTarget) bool {
		if target.release != nil {
			return target.release == r
		}
		return (target.ns == r.ns || target.ns == "" && f.prod[r.ns]) && target.tier == r.tier
	})
}

// declared returns the sources that declared triggers deliver to a release.
func (f *fleet) declared(r *release) []binding {
	var bindings []binding
	for _, t := range f.triggers {
		if t.exists && f.hasTarget(t, r) {
			bindings = append(bindings, f.resolve(t)...)
		}
	}
	return bindings
}

// derived returns the sources that the contract and autodiscovery give a release.
func (f *fleet) derived(r *release) []binding {
	if !r.exists || r.optOut {
		return nil
	}
	var bindings []binding
	for _, s := range f.sources {
		labelled := s.names(r)
		i := slices.IndexFunc(r.reads, func(read reading) bool { return read.source == s })
		switch {
		case i < 0 && !labelled, s.exists && s.excluded:
			continue
		case i < 0:
			bindings = append(bindings, binding{source: s, force: triggerv1.ForceAlways})
		case labelled:
			bindings = append(bindings, binding{source: s, force: triggerv1.ForceAlways, optional: r.reads[i].optional})
		default:
			bindings = append(bindings, binding{source: s, force: triggerv1.ForceAuto, keys: []string{valuesKey}, optional: r.reads[i].optional})
		}
	}
	return bindings
}

// generated returns the sources of the generated trigger: those derived ones that no
// declared trigger has taken over, with all keys that count.
func (f *fleet) generated(r *release) []binding {
	declared := f.declared(r)
	return slices.DeleteFunc(f.derived(r), func(b binding) bool {
		return slices.ContainsFunc(declared, func(d binding) bool {
			covers := len(d.keys) == 0 || len(b.keys) > 0 && d.selects(b.keys[0])
			return d.source == b.source && covers
		})
	})
}

// bindings returns all by which a release gets what its sources hold.
func (f *fleet) bindings(r *release) []binding {
	return append(f.declared(r), f.generated(r)...)
}

// bound reports whether a release gets the values of a source delivered.
func (f *fleet) bound(r *release, s *source) bool {
	return slices.ContainsFunc(f.bindings(r), func(b binding) bool { return b.source == s && b.selects(valuesKey) })
}
