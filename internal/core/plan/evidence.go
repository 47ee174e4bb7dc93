// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
)

// evidence is what the latest revision of a release proves: values that are composed, and, for what a chart
// looks up, the order of what the operator has seen. Nothing compares clocks.
type evidence struct {
	release *Release
	target  string
	values  ValuesState

	// doubtfulUntil is the revision up to which one may have begun with other content.
	doubtfulUntil int64
}

func (f *facts) evidence(known progress) evidence {
	return evidence{release: &f.Release, target: f.Target, values: f.Values, doubtfulUntil: known.DoubtfulUntil}
}

// unproven returns the sources of which there is no proof that the latest
// snapshot was made with their content, or asks for the composed values.
func (e evidence) unproven(sources []Source) (unproven []Source, needValues bool) {
	return e.unprovenBy(sources, func(s Source) bool { return e.witnessed(s) || s.Digest == "" && !e.release.Record.holds(s.ID) })
}

// unprovenBy is like unproven, with what proves content that the release does not read
// through valuesFrom.
func (e evidence) unprovenBy(sources []Source, proven func(Source) bool) (unproven []Source, needValues bool) {
	for _, s := range sources {
		switch {
		case e.release.Reads[s.ID] && e.values == ValuesUnknown:
			return nil, true
		case e.release.Reads[s.ID]:
			if !e.release.Deployed || e.values != ValuesEqual {
				unproven = append(unproven, s)
			}
		case s.Baseline[e.target], proven(s):
		default:
			unproven = append(unproven, s)
		}
	}
	return unproven, false
}

// witnessed reports whether the latest revision began when the content of a source was
// there: helm-controller was idle at an older one when this content of this object was
// requested. Or it is proven to run what was requested, in whatever object. No time, and
// nothing that a backup brings back, says so.
func (e evidence) witnessed(s Source) bool {
	r := e.release
	entry, found := r.Record.entry(s)
	if !found || r.Record.UID != r.UID || !r.Deployed || r.RolledBack || r.Revision <= e.doubtfulUntil {
		return false
	}
	return r.Record.names(s) && r.Revision > entry.After || r.Record.Proven > 0 && r.Record.Proven == r.Revision
}

// doubtedSince reports whether the revision that there is since a request is one that may have
// begun with other content.
func (e evidence) doubtedSince(revision int64) bool {
	return e.release.Revision > revision && e.release.Revision <= e.doubtfulUntil
}

// missed reports whether the forced revision may have found no object where there is one
// now: a source was created again since its content was requested.
func (e evidence) missed(sources []Source) bool {
	r := e.release
	return slices.ContainsFunc(sources, func(s Source) bool {
		entry, found := r.Record.entry(s)
		return found && r.looksUp(s) && entry.Object != "" && entry.Object != object(s)
	})
}

// provenAfter reports whether the content of now is proven by a later revision than the one that there was
// when other content of a source was requested.
func (f *facts) provenAfter(known progress, other RecordedSource) bool {
	return known.Digest == f.Digest && known.DeliveredAt != nil && other.After < known.Revision && known.Revision <= f.Release.Revision
}
