// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// Diff is how the sources differ from the recorded ones, by ID, each sorted.
type Diff struct {
	// Added were not recorded: the spec or a selector took them in.
	Added []string

	// Changed have other content, came or went.
	Changed []string

	// Recreated have the recorded content, and are another object than the recorded one.
	Recreated []string

	// Removed are no sources any more.
	Removed []string

	// From and To are the combined digests before and now.
	From, To string
}

// ID returns the identity of a source.
func ID(kind, namespace, name string) string {
	return kind + "/" + namespace + "/" + name
}

// Statuses returns sources as they are recorded.
func Statuses(sources []Source) []triggerv1.SourceStatus {
	statuses := make([]triggerv1.SourceStatus, 0, len(sources))
	for _, s := range sources {
		statuses = append(statuses, s.status())
	}
	return statuses
}

func (s Source) status() triggerv1.SourceStatus {
	parts := strings.SplitN(s.ID, "/", 3)
	return triggerv1.SourceStatus{Kind: parts[0], Namespace: parts[1], Name: parts[2], Digest: s.Digest, UID: s.UID}
}

// Compare returns the difference between the recorded and the present sources.
func Compare(recorded []triggerv1.SourceStatus, recordedDigest string, sources []Source) Diff {
	before := make(map[string]triggerv1.SourceStatus, len(recorded))
	for _, s := range recorded {
		before[ID(s.Kind, s.Namespace, s.Name)] = s
	}
	return differ(recordedDigest, Combined(sources), before, sources, func(old triggerv1.SourceStatus, s Source) change {
		switch {
		case old.Digest != s.Digest:
			return changed
		case old.UID != "" && old.UID != s.UID:
			return recreated
		}
		return same
	})
}

// change is what has become of a source of which something is known.
type change int

const (
	same change = iota
	changed
	recreated
	added // Of which what is known says nothing.
)

// differ sorts sources by what has become of each since it was known.
func differ[T any](from, to string, before map[string]T, sources []Source, since func(T, Source) change) Diff {
	diff := Diff{From: from, To: to}
	present := make(map[string]bool, len(sources))
	for _, s := range sources {
		present[s.ID] = true
		became := added
		if old, known := before[s.ID]; known {
			became = since(old, s)
		}
		switch became {
		case added:
			diff.Added = append(diff.Added, s.ID)
		case changed:
			diff.Changed = append(diff.Changed, s.ID)
		case recreated:
			diff.Recreated = append(diff.Recreated, s.ID)
		case same:
		}
	}
	for id := range before {
		if !present[id] {
			diff.Removed = append(diff.Removed, id)
		}
	}
	slices.Sort(diff.Added)
	slices.Sort(diff.Changed)
	slices.Sort(diff.Recreated)
	slices.Sort(diff.Removed)
	return diff
}

// Combined returns the digest of all sources together.
func Combined(sources []Source) string {
	parts := make(map[string]string, len(sources))
	for _, s := range sources {
		parts[s.ID] = s.Digest
	}
	return digest.Combine(parts)
}

// ownDiff returns the difference of the sources against what the target was last requested or proven to
// run, as far as that is known, and otherwise against what was last recorded of all targets.
func (in Input) ownDiff() Diff {
	if in.Previous == nil || in.Known == nil || in.recreated() {
		return in.Diff
	}
	before := make(map[string]RecordedSource, len(in.Known))
	for _, e := range in.Known {
		before[e.ID] = e
	}
	return differ(in.Previous.Digest, in.Digest, before, in.Sources, func(old RecordedSource, s Source) change {
		is := func(sum string) bool { return old.Digest == digest.Short(sum) }
		switch {
		case old.Digest == notRequested && s.Digest != "":
			return added
		case !is(s.Digest) && !slices.ContainsFunc(s.Former, is):
			return changed
		case old.Object != "" && old.Object != object(s):
			return recreated
		}
		return same
	})
}

// stays reports whether the content is what the target was last requested or proven to run, but perhaps for
// what is no source any more, given how the sources differ from those.
func (in Input) stays(own Diff) bool {
	if in.Previous.Digest == in.Digest {
		return true
	}
	return in.Previous.Digest != "" && in.Previous.Digest == own.From && len(own.Added)+len(own.Changed)+len(own.Recreated) == 0
}

// moved reports whether the content is another than when all targets were last decided on: what came
// and went since may have been applied by a release that waited for it.
func (in Input) moved() bool { return len(in.Diff.Added)+len(in.Diff.Changed) > 0 }

// recreated reports whether what is recorded is about another HelmRelease of the same
// name. Where an earlier version recorded no UID, a release that has fewer revisions is
// another one.
func (in Input) recreated() bool {
	p, r := in.Previous, in.Release
	if !r.Exists {
		return false
	}
	if p.UID == "" {
		return r.Revision < p.Revision
	}
	return p.UID != r.UID
}

// DependsOnOrder reports whether a decision rests on what the release did before or after
// something that happened to the sources. The release must then be read after them, and
// not from a cache.
func (in Input) DependsOnOrder() bool {
	p, own := in.Previous, in.ownDiff()
	switch {
	case in.Live || !in.Release.Exists || p == nil:
		return false
	case len(own.Recreated) > 0:
		return true
	case in.stays(own):
		return p.DeliveredAt != nil && (p.State != triggerv1.TargetDelivered || in.moved())
	default:
		return (in.Release.Suspended || in.Settling && in.Release.needsForce(in.Sources)) && p.Digest != "" && (p.Seen == nil || p.Seen.Digest != in.Digest)
	}
}

// pick returns the sources of these IDs.
func pick(sources []Source, ids []string) []Source {
	var picked []Source
	for _, s := range sources {
		if slices.Contains(ids, s.ID) {
			picked = append(picked, s)
		}
	}
	return picked
}
