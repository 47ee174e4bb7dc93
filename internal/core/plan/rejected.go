// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file knows what was rolled back, from the releases that were asked to go back: the
// status of a trigger goes with it, when it is deleted and made again.

// rejectedID is the name under which a record holds, as if it was a source, the content of
// a trigger in place of which a release was last asked to run earlier content.
func rejectedID(trigger string) string { return "refused/" + trigger }

// rejecting returns the record with the content of a trigger that is rolled back by the
// request, none if it asks for what the sources hold.
func (r Record) rejecting(trigger, rejected string) Record {
	id := rejectedID(trigger)
	r.Sources = slices.DeleteFunc(slices.Clone(r.Sources), func(s RecordedSource) bool { return s.ID == id })
	if rejected != "" {
		r.Sources = slices.Insert(r.Sources, 0, RecordedSource{ID: id, Digest: digest.Short(rejected)})
		r.Sources = r.Sources[:min(len(r.Sources), maxRecorded)]
	}
	return r
}

// Rejects reports whether the last request of a trigger on the release was to run earlier
// content in place of this, by its digest or one of those that it had formerly.
func (r Record) Rejects(trigger, content string, formerly ...string) bool {
	return slices.ContainsFunc(append([]string{content}, formerly...), func(content string) bool {
		return slices.Contains(r.Sources, RecordedSource{ID: rejectedID(trigger), Digest: digest.Short(content)})
	})
}
