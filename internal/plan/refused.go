// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
)

// This file knows what was rolled back, from the releases that were asked to go back: the
// status of a trigger goes with it, when it is deleted and made again.

// refusedID is the name under which a record holds, as if it was a source, the content of
// a trigger in place of which a release was last asked to run earlier content.
func refusedID(trigger string) string { return "refused/" + trigger }

// refusing returns the record with the content of a trigger that is rolled back by the
// request, none if it asks for what the sources hold.
func (r Record) refusing(trigger, refused string) Record {
	id := refusedID(trigger)
	r.Sources = slices.DeleteFunc(slices.Clone(r.Sources), func(s RecordedSource) bool { return s.ID == id })
	if refused != "" {
		r.Sources = slices.Insert(r.Sources, 0, RecordedSource{ID: id, Digest: digest.Short(refused)})
		r.Sources = r.Sources[:min(len(r.Sources), maxRecorded)]
	}
	return r
}

// Refuses reports whether the last request of a trigger on the release was to run earlier
// content in place of this, by its digest or one of those that it had formerly.
func (r Record) Refuses(trigger, content string, formerly ...string) bool {
	return slices.ContainsFunc(append([]string{content}, formerly...), func(content string) bool {
		return slices.Contains(r.Sources, RecordedSource{ID: refusedID(trigger), Digest: digest.Short(content)})
	})
}
