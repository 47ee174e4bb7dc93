// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// The keys of every source: releases read the first by valuesFrom, nothing but a lookup
// shows the second.
const (
	valuesKey = "values.yaml"
	otherKey  = "other"
)

// Ways in which the content of a source can be broken.
const (
	rejected    = "reject" // rendered and refused by the API server: a failed revision
	failing     = "fail"   // not rendered: no revision
	malformed   = "malformed"
	rejectedFor = "rejectFor" // rendered and refused for one release of a gate
	keyless     = "keyless"   // without the key of the values: no revision, unless optional
)

// Labels that selectors of declared triggers look at.
const (
	groupLabel = "group"
	tierLabel  = "tier"
	envLabel   = "env"
)

// fleet is what the users want, and what the story is about: few objects, so that much
// happens to each of them. Everything that the driver writes follows from it.
type fleet struct {
	sources  []*source
	releases []*release
	triggers []*trigger
	charts   map[string]*chartState
	gates    []*gate

	// prod are the namespaces that selectors of namespaces match.
	prod map[string]bool

	// counter makes every content another one.
	counter int
	changes int // number of the operation that is being made
}

// chartState is the source of the charts in one namespace.
type chartState struct {
	version  int
	broken   bool
	notReady bool
	written  []time.Time
}

// source is a ConfigMap or Secret.
type source struct {
	kind, ns, name string

	exists bool
	// incarnation counts creations.
	incarnation int
	values      int
	other       int
	broken      string
	// written is when anything of it was last written: managed fields do not tell
	// metadata from content.
	written time.Time
	// edited is when its content was.
	edited time.Time

	// contract names HelmReleases in contractNS, nil if the object is not labelled.
	contract   []string
	contractNS string
	// omitNS leaves out the annotation that defaults to flux-system.
	omitNS   bool
	excluded bool

	group     string
	fluxWatch bool
	note      int
}

// release is a HelmRelease.
type release struct {
	ns, name string

	exists    bool
	suspended bool
	optOut    bool
	reads     []reading
	inline    int
	dependsOn string
	interval  time.Duration
	tier      string
	note      int

	// written is when its spec was written, and forcedAt when a person had to help.
	written  []time.Time
	forcedAt time.Time

	ledger
}

// reading is an entry of valuesFrom.
type reading struct {
	source   *source
	optional bool
}

// trigger is a declared ValuesTrigger.
type trigger struct {
	ns, name string

	exists    bool
	suspended bool
	force     triggerv1.ForcePolicy
	sources   []triggerSource
	targets   []triggerTarget
	note      int

	// asked are the targets for which a person has asked it for a forced delivery, nil
	// if no one has, or once that is handled: until then, it is due to targets that come
	// later too.
	asked map[*release]bool
}

// triggerSource is a source by name, or of a kind in a namespace by group.
type triggerSource struct {
	source          *source
	kind, ns, group string
	keys            []string
	optional        bool
	force           triggerv1.ForcePolicy
}

// triggerTarget is a release by name, or in a namespace by tier, or by tier in all
// namespaces of production.
type triggerTarget struct {
	release  *release
	ns, tier string
}

func (s *source) id() string  { return s.kind + "/" + s.ns + "/" + s.name }
func (r *release) id() string { return r.ns + "/" + r.name }
func (t *trigger) id() string { return t.ns + "/" + t.name }

// data is the content of a source.
func (s *source) data() map[string]string {
	values := fmt.Sprintf("%s: %d\n", s.name, s.values)
	switch s.broken {
	case rejected, failing:
		values += s.broken + ": true\n"
	case malformed:
		values = fmt.Sprintf("]: [%d", s.values)
	case keyless:
		return map[string]string{otherKey: fmt.Sprint(s.other)}
	}
	return map[string]string{valuesKey: values, otherKey: fmt.Sprint(s.other)}
}

// names reports whether the contract of a source names a release.
func (s *source) names(r *release) bool {
	return s.exists && s.contractNS == r.ns && slices.Contains(s.contract, r.name)
}

func (r *release) readsFrom(s *source) bool {
	return slices.ContainsFunc(r.reads, func(read reading) bool { return read.source == s })
}

// next returns a number that was never used before.
func (f *fleet) next() int {
	f.counter++
	return f.counter
}

// edit gives a source other content.
func (f *fleet) edit(s *source, values, other bool) {
	if values {
		s.values = f.next()
	}
	if other {
		s.other = f.next()
	}
}

// newFleet draws what there is at the beginning.
func newFleet(rng *rand.Rand) *fleet {
	f := &fleet{
		charts: map[string]*chartState{"flux-system": {version: 1}, "apps": {version: 1}, teamNS: {version: 1}, edgeNS: {version: 1}},
		prod:   map[string]bool{"flux-system": chance(rng, 0.5), "apps": true},
	}
	for i, at := range []struct{ kind, ns string }{
		{"ConfigMap", "flux-system"}, {"Secret", "flux-system"}, {"ConfigMap", "flux-system"},
		{"ConfigMap", "apps"}, {"Secret", "apps"}, {"ConfigMap", "apps"},
		{"ConfigMap", "config"}, {"Secret", "config"},
	} {
		s := &source{
			kind: at.kind, ns: at.ns, name: "s" + fmt.Sprint(i+1), exists: chance(rng, 0.85),
			group: pick(rng, "x", "y"), fluxWatch: chance(rng, 0.2),
		}
		f.edit(s, true, true)
		f.sources = append(f.sources, s)
	}
	for i := range 6 {
		r := &release{
			ns: []string{"flux-system", "apps"}[i/3], name: "r" + fmt.Sprint(i+1), exists: chance(rng, 0.9),
			interval: time.Hour, tier: pick(rng, "gold", "silver"), ledger: newLedger(),
		}
		if chance(rng, 0.15) {
			r.interval = 5 * time.Second
		}
		if i%3 == 1 && chance(rng, 0.3) {
			r.dependsOn = f.releases[i-1].name
		}
		for _, s := range f.sources {
			if s.ns == r.ns && chance(rng, 0.35) {
				r.reads = append(r.reads, reading{source: s, optional: chance(rng, 0.3)})
			}
		}
		f.releases = append(f.releases, r)
	}
	for _, s := range f.sources {
		if chance(rng, 0.5) {
			f.label(rng, s)
		}
	}
	for i, ns := range []string{"flux-system", "apps", "config"} {
		t := &trigger{ns: ns, name: "t" + fmt.Sprint(i+1)}
		f.draw(rng, t)
		t.exists = chance(rng, 0.5)
		f.triggers = append(f.triggers, t)
	}
	f.gates = append(f.gates, newGate(rng, f))
	return f
}

// label makes a source one of the contract, with targets of its own.
func (f *fleet) label(rng *rand.Rand, s *source) {
	s.excluded = false
	s.contractNS = pick(rng, "flux-system", "apps")
	s.omitNS = s.contractNS == triggerv1.DefaultFluxcdNamespace && chance(rng, 0.5)
	s.contract = nil
	for _, r := range some(rng, f.releases, 6) {
		if r.ns == s.contractNS && (len(s.contract) == 0 || chance(rng, 0.4)) {
			s.contract = append(s.contract, r.name)
		}
	}
}

// draw gives a declared trigger another spec.
func (f *fleet) draw(rng *rand.Rand, t *trigger) {
	t.force = pick(rng, triggerv1.ForceAuto, triggerv1.ForceAuto, triggerv1.ForceAlways, triggerv1.ForceNever)
	t.sources, t.targets = nil, nil
	keys := func() []string {
		return pick(rng, nil, nil, nil, []string{valuesKey}, []string{otherKey})
	}
	if chance(rng, 0.3) {
		t.sources = append(t.sources, triggerSource{
			kind: pick(rng, "ConfigMap", "Secret"), ns: pick(rng, "flux-system", "apps", "config"), group: pick(rng, "x", "y"),
			keys: keys(), optional: true,
		})
	} else {
		for _, s := range some(rng, f.sources, 1+rng.IntN(3)) {
			t.sources = append(t.sources, triggerSource{
				source: s, keys: keys(), optional: chance(rng, 0.3), force: pick(rng, "", "", triggerv1.ForceAlways, triggerv1.ForceAuto),
			})
		}
	}
	if chance(rng, 0.4) {
		t.targets = append(t.targets, triggerTarget{ns: pick(rng, "flux-system", "apps", ""), tier: pick(rng, "gold", "silver")})
		return
	}
	for _, r := range some(rng, f.releases, 1+rng.IntN(3)) {
		t.targets = append(t.targets, triggerTarget{release: r})
	}
}

// String says what a trigger is about, for the story.
func (t *trigger) String() string {
	var parts []string
	for _, s := range t.sources {
		name := fmt.Sprintf("%ss of group %s in %s", s.kind, s.group, s.ns)
		if s.source != nil {
			name = s.source.id()
		}
		parts = append(parts, fmt.Sprintf("%s keys=%v optional=%t force=%s", name, s.keys, s.optional, s.force))
	}
	parts = append(parts, "to")
	for _, target := range t.targets {
		name := fmt.Sprintf("tier %s in %q", target.tier, target.ns)
		if target.release != nil {
			name = target.release.id()
		}
		parts = append(parts, name)
	}
	return fmt.Sprintf("%s force=%s suspended=%t: %s", t.id(), t.force, t.suspended, strings.Join(parts, ", "))
}

func chance(rng *rand.Rand, p float64) bool { return rng.Float64() < p }

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// some returns n of the elements, in another order.
func some[T any](rng *rand.Rand, from []T, n int) []T {
	shuffled := slices.Clone(from)
	rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	return shuffled[:min(n, len(shuffled))]
}
