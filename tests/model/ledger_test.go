// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file counts effective changes: those that entitle a release to one more Helm
// revision. An operation is effective for a release, once, if by it
//
//   - the release is created; once more for each trigger with a source that is to force
//     it and so young that the installation may or may not have seen it;
//   - the values that it is composed of become others, or the chart does. What cannot
//     be composed or rendered makes no revision, so that only the next state that can
//     be counts. What the API server refuses makes a failed revision, and counts;
//   - the content of a source changes in the keys that count, or such a source is
//     bound to the release for the first time with that content, and the policy is to
//     force. Unbinding and binding again makes no difference, and neither does a missing
//     required source that comes back as it was;
//     A change that is both in the values and forced counts once, but twice where
//     Flux follows the source by itself, as the documentation of the guarantees says;
//   - somebody asks for a forced upgrade, on the HelmRelease or on a trigger of it;
//   - its spec changes after a failed revision: helm-controller then tries once more.
//
// Nothing else is: crashes, restarts, API faults, suspending and resuming, metadata,
// requests without force, editing and deleting generated triggers.

// effective is an operation that entitles a release to a revision.
type effective struct {
	at time.Time
	// op is the number of the operation.
	op int
	// forced tells that the revision may have the values of the one before.
	forced bool
	why    string
}

// ledger is the account of one installation of a release.
type ledger struct {
	changes []effective

	// fresh tells that the release has been created since it was last looked at.
	fresh bool
	// values and spec are what was last seen of them.
	values string
	spec   string
	// failed tells that there may have been a failed revision.
	failed bool
	// forced is the content of forced dependencies, bound are all bindings ever.
	forced map[string]string
	bound  map[string]bool
	// stale are sources whose content changed when nothing was to force it: what a
	// lookup shows of them is nobody's duty.
	stale map[*source]bool
}

func newLedger() ledger {
	return ledger{fresh: true, forced: map[string]string{}, bound: map[string]bool{}, stale: map[*source]bool{}}
}

// suspectAge is how old content must be at the creation of a release to be provably
// older than its installation: times are stored in seconds, and the operator allows
// for two more.
const suspectAge = 4 * time.Second

// made notes what an operation that has changed the fleet entitles each release to.
func (f *fleet) made(at time.Time, why string) {
	for _, r := range f.releases {
		if !r.exists {
			continue
		}
		if r.fresh {
			// Where an installation was left behind, an upgrade takes it over.
			r.entitle(f, at, len(r.changes) > 0, "creation by: "+why)
		}
		fresh := r.fresh
		values, spec, forced := f.reasons(r, at)
		switch {
		case fresh:
			for range forced {
				r.entitle(f, at, true, "forced at creation by: "+why)
			}
		case values || spec || forced > 0:
			r.entitle(f, at, spec || forced > 0, fmt.Sprintf("values %t, spec after failure %t, forced by %d triggers by: %s", values, spec, forced, why))
		}
		if !fresh && values && forced > 0 && r.followed() {
			r.entitle(f, at, false, "Flux, which may be faster: "+why)
		}
	}
}

// followed tells whether helm-controller may find changed values by itself in the moment
// in which they are to be forced, and make two revisions of them.
func (r *release) followed() bool {
	return r.interval < time.Minute || slices.ContainsFunc(r.reads, func(read reading) bool { return read.source.fluxWatch })
}

// entitle notes an effective change.
func (r *release) entitle(f *fleet, at time.Time, forced bool, why string) {
	if r.exists {
		r.changes = append(r.changes, effective{at: at, op: f.changes, forced: forced, why: why})
	}
}

// reasons brings the ledger of a release up to the fleet, and says what was effective:
// other values, another spec after a failure, and the number of triggers that force.
func (f *fleet) reasons(r *release, at time.Time) (values, spec bool, forced int) {
	composed, possible := f.composed(r)
	values = possible && r.values != "" && r.values != composed
	spec = r.failed && r.describe() != r.spec
	r.spec = r.describe()
	if possible {
		r.values = composed
		r.failed = r.failed || strings.Contains(composed, rejected+": true")
	}
	forced = f.forcing(r, at)
	r.fresh = false
	return values, spec, forced
}

// forcing returns the number of triggers with forced dependencies that have become others.
func (f *fleet) forcing(r *release, at time.Time) int {
	changed := map[string]bool{}
	// Derived ones count even where a declared trigger takes over: until that has
	// come through, the generated one delivers.
	for _, b := range append(f.declared(r), f.derived(r)...) {
		key := b.by + "|" + b.source.id() + fmt.Sprint(b.keys)
		content, known := b.content()
		// A new installation is younger than what was there before it.
		proven := r.fresh && at.Sub(b.source.edited) > suspectAge
		if b.forces(r) && known && r.forced[key] != contentKey(b, content) {
			r.forced[key] = contentKey(b, content)
			changed[b.by] = changed[b.by] || !proven
		}
		if !r.bound[key] {
			r.bound[key] = true
			delete(r.stale, b.source)
		}
	}
	forced := 0
	for _, is := range changed {
		if is {
			forced++
		}
	}
	return forced
}

// contentKey tells contents apart as digests do.
func contentKey(b binding, content string) string {
	if b.source.kind == "Secret" && b.source.exists {
		return fmt.Sprint(b.source.incarnation, content)
	}
	return content
}

// changedContent notes that a source has changed: it is to be seen in a lookup by
// those releases that are forced to.
func (f *fleet) changedContent(s *source) {
	for _, r := range f.releases {
		delete(r.stale, s)
		forced := false
		for _, b := range f.bindings(r) {
			forced = forced || b.source == s && b.forces(r)
		}
		if !forced {
			r.stale[s] = true
		}
	}
}

// composed returns what the values of a release are made of, and false if they cannot
// be composed or rendered.
func (f *fleet) composed(r *release) (string, bool) {
	c := f.charts[r.ns]
	text := fmt.Sprintf("chart %d inline %d", c.version, r.inline)
	possible := !c.broken && !c.notReady
	for _, read := range r.reads {
		switch {
		case read.source.exists:
			text += "\n" + read.source.data()[valuesKey]
			possible = possible && read.source.broken != failing && read.source.broken != malformed
		case !read.optional:
			possible = false
		}
	}
	return text, possible
}

// describe is the spec of a release, to see changes of it.
func (r *release) describe() string {
	text := fmt.Sprint(r.suspended, r.inline, r.dependsOn, r.interval)
	for _, read := range r.reads {
		text += fmt.Sprint(read.source.id(), read.optional)
	}
	return text
}
