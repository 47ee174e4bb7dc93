// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file knows content that can be restored.

// maxKeptBytes bounds the sources that one change of the history lists as kept, in bytes of JSON.
const maxKeptBytes = 12 << 10

// Delivered returns what to record of sources as content that can be restored.
func Delivered(sources []Source) *triggerv1.DeliveredContent {
	content := &triggerv1.DeliveredContent{Digest: Combined(sources)}
	for _, s := range sources {
		content.Sources = append(content.Sources, triggerv1.KeptSource{SourceStatus: s.status(), PublishAs: s.PublishAs})
	}
	return content
}

// Restored returns the sources as they were when the content was delivered. What says how
// they are to be treated, and which copies they are in, is that of the present ones. It returns false for a record that
// contradicts itself.
func Restored(content *triggerv1.DeliveredContent, present []Source) ([]Source, bool) {
	if content == nil {
		return nil, false
	}
	sources := make([]Source, 0, len(content.Sources))
	for _, kept := range content.Sources {
		s := Source{ID: ID(kept.Kind, kept.Namespace, kept.Name), Digest: kept.Digest, Full: kept.Digest, PublishAs: kept.PublishAs}
		if i := slices.IndexFunc(present, func(p Source) bool { return p.ID == s.ID }); i >= 0 {
			s.Force, s.PublishTo, s.PublishAs, s.Watched = present[i].Force, present[i].PublishTo, present[i].PublishAs, present[i].Watched
		}
		sources = append(sources, s)
	}
	return sources, Combined(sources) == content.Digest
}

// Restorable reports whether a release gets earlier content with its copies: it reads one,
// and no source beside them.
func (r Release) Restorable() bool {
	copied := false
	for id, reads := range r.Reads {
		if reads && !r.Copied[id] {
			return false
		}
		copied = copied || reads
	}
	return copied
}

// Kept returns what the history lists of sources whose content is kept, nil if the list is too long.
// It has no UIDs: the content counts, whatever object it was in.
func Kept(sources []Source) []triggerv1.KeptSource {
	kept := Delivered(sources).Sources
	for i := range kept {
		kept[i].UID = ""
	}
	if sizeOf(&kept) > maxKeptBytes {
		return nil
	}
	return kept
}

// Content returns the content that a change lists as kept, nil if it lists none.
func Content(change triggerv1.Change) *triggerv1.DeliveredContent {
	if len(change.Kept) == 0 {
		return nil
	}
	return &triggerv1.DeliveredContent{Digest: change.Digest, Sources: change.Kept}
}

// Restorable returns the contents that a status has on record as kept.
func Restorable(status *triggerv1.ValuesTriggerStatus) []*triggerv1.DeliveredContent {
	var contents []*triggerv1.DeliveredContent
	if status.LastDelivered != nil {
		contents = append(contents, status.LastDelivered)
	}
	for _, change := range status.History {
		if content := Content(change); content != nil {
			contents = append(contents, content)
		}
	}
	return contents
}
