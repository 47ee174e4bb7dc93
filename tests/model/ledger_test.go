// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"time"
)

// This file counts effective changes: those that entitle a release to one more Helm
// revision. An operation is effective for a release, once, if by it
//
//   - the release is created; once more for each trigger with a source that is to force
//     it, unrecorded;
//   - the values that it is composed of become others, or the chart does. What cannot
//     be composed or rendered makes no revision, so that only the next state that can
//     be counts. What the API server refuses makes a failed revision, and counts;
//   - the content of a source changes in the keys that count, and the policy is to
//     force: once, however many triggers deliver it;
//   - such a source is bound to the release, by a trigger that has not delivered that
//     content before: once for each trigger. Unbinding and binding again makes no
//     difference. One that is created again as it was may be missing in a revision that
//     was made meanwhile.
//     A change that is both in the values and forced counts once, but twice where
//     Flux follows the source by itself, as the documentation of the guarantees says;
//   - someone asks for a forced upgrade, on the HelmRelease or on a trigger of it;
//   - its spec changes after a failed revision: helm-controller counts failures again
//     with each generation, and tries once more.
//
// Nothing else is: crashes, restarts, API faults, suspending and resuming, metadata,
// requests without force, editing and deleting generated triggers.

// effective is an operation that entitles a release to a revision.
type effective struct {
	at time.Time
	// forced reports that the revision may have the values of the one before.
	forced bool
	// lasting reports that no other revision provably does for it: a person has asked for
	// one, a source has gone, or a trigger that has nothing on record meets a source.
	lasting bool
	// retry reports that it is one only if the latest revision failed.
	retry bool
	why   string
}

// ledger is the account of one installation of a release.
type ledger struct {
	changes []effective

	// begun is when the installation before it was deleted. If helm-controller was killed
	// at that, its revisions may still be there.
	begun time.Time

	// fresh reports that the release has been created since it was last evaluated.
	fresh bool
	// values and spec are what was last seen of them.
	values string
	spec   string
	// forced is the content of forced dependencies, bound the content of all when they
	// were last bound, and present are those that are bound.
	forced  map[string]string
	bound   map[string]string
	present map[string]bool
	// born says which incarnation of them was last seen.
	born map[string]int
	// stale are sources whose content changed when nothing was to force it: what a
	// lookup shows of them is no one's duty.
	stale map[*source]bool
}

func newLedger() ledger {
	return ledger{fresh: true, forced: map[string]string{}, bound: map[string]string{}, born: map[string]int{}, stale: map[*source]bool{}}
}

// settled is how old content must be for a revision to have it for certain: times are
// stored in seconds, and helm-controller reads values somewhat earlier than it begins with
// the revision.
const settled = 4 * time.Second

// made notes what an operation that has changed the fleet entitles each release to.
func (f *fleet) made(at time.Time, why string) {
	for _, r := range f.releases {
		if !r.exists {
			continue
		}
		for _, t := range f.triggers {
			if t.exists && t.asked != nil && f.hasTarget(t, r) && !t.asked[r] {
				t.asked[r] = true
				r.entitle(effective{at: at, forced: true, lasting: true, why: t.id() + " was forced: " + why})
			}
		}
		fresh := r.fresh
		values, spec := f.reasons(r)
		content, bound, gone := f.forcing(r)
		r.fresh = false
		if fresh {
			// Where an installation was left behind, an upgrade takes it over.
			r.entitle(effective{at: at, forced: len(r.changes) > 0, why: "creation by: " + why})
			for range content + bound {
				r.entitle(effective{at: at, forced: true, lasting: true, why: "forced at creation by: " + why})
			}
			continue
		}
		if spec {
			r.entitle(effective{at: at, retry: true, why: "spec changed after a failure by: " + why})
		}
		forced := bound + min(content, 1)
		if values || forced > 0 {
			r.entitle(effective{at: at, forced: forced > 0, lasting: gone || bound > 0, why: fmt.Sprintf("values %t, forced %d by: %s", values, forced, why)})
		}
		for range forced - 1 {
			r.entitle(effective{at: at, forced: true, lasting: bound > 0, why: "forced by another trigger: " + why})
		}
		if values && forced > 0 && r.followed() {
			r.entitle(effective{at: at, why: "Flux, which may be faster: " + why})
		}
	}
}

// followed reports whether helm-controller may find changed values by itself in the moment
// in which they are to be forced, and make two revisions of them.
func (r *release) followed() bool {
	return r.interval < time.Minute || slices.ContainsFunc(r.reads, func(read reading) bool { return read.source.fluxWatch })
}

// entitle notes an effective change.
func (r *release) entitle(e effective) {
	if r.exists {
		r.changes = append(r.changes, e)
	}
}

// reasons brings the ledger of a release up to the fleet, and reports whether it is
// composed of other values, and whether its spec is another.
func (f *fleet) reasons(r *release) (values, spec bool) {
	composed, possible := f.composed(r)
	values = possible && r.values != "" && r.values != composed
	spec = r.spec != "" && r.describe() != r.spec
	r.spec = r.describe()
	if possible {
		r.values = composed
	}
	return values, spec
}

// forcing returns the number of triggers with forced dependencies that have other
// content, of those with such dependencies that are new to them, and whether any has
// gone.
func (f *fleet) forcing(r *release) (content, bound int, gone bool) {
	changed, added := map[string]bool{}, map[string]bool{}
	present := map[string]bool{}
	for _, s := range f.sources {
		if !s.exists { // For the contract, creation is a change, whatever was there before.
			delete(r.forced, "|"+s.id()+"[]")
		}
	}
	// Derived ones count even where a declared trigger takes over: until that has
	// come through, the generated one delivers.
	for _, b := range append(f.declared(r), f.derived(r)...) {
		key := b.by + "|" + b.source.id() + fmt.Sprint(b.keys)
		content, known := b.content()
		// What has changed since it was last bound is a change. Whether anyone noticed
		// that it was not bound meanwhile is not known.
		present[key] = true
		if b.forces(r) && b.source.exists && !r.present[key] && r.bound[key] != content {
			delete(r.stale, b.source)
		}
		r.bound[key] = content
		if !b.forces(r) {
			continue
		}
		before, forced := r.forced[key]
		back := forced && b.source.exists && b.source.incarnation != r.born[key]
		if b.source.exists {
			r.born[key] = b.source.incarnation
		}
		if !known || forced && before == content && !back {
			continue
		}
		r.forced[key] = content
		gone = gone || forced && !b.source.exists
		switch {
		case forced:
			changed[b.by] = true
		default:
			added[b.by] = true
		}
	}
	r.present = present
	for by := range added {
		delete(changed, by)
	}
	return len(changed), len(added), gone
}

// changedContent notes that a source has changed: it is to be seen in a lookup by
// those releases that are forced to.
func (f *fleet) changedContent(s *source) {
	s.edited = time.Now()
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
		case read.source.exists && read.source.broken == keyless:
			possible = possible && read.optional
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
