// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file knows digests that were made otherwise: under another key, or without one.

// Translation gives, for digests that were made otherwise, those that the same content has
// now.
type Translation struct {
	// sources are the recorded sources with the digests of now, nil if they stay.
	sources []triggerv1.SourceStatus

	// digests are those of all sources together.
	digests map[string]string
}

// TranslationOf returns what digests of all sources together, made otherwise, are now.
func TranslationOf(sources []Source) Translation {
	t := Translation{digests: map[string]string{}}
	for way := range ways(sources) {
		t.digests[formerly(sources, way)] = Combined(sources)
	}
	return t
}

// Translate returns what to write differently in a status, and means the same: it
// is not a change. What the sources held before, and do not hold now, cannot be recognised.
func Translate(status *triggerv1.ValuesTriggerStatus, sources []Source) Translation {
	t := TranslationOf(sources)
	if len(t.digests) == 0 {
		return t
	}
	// What is restored keeps its digests: they name the objects that it is kept in.
	_, present := t.digests[status.LastDigest]
	if back := status.Restored != nil || status.Rollout != nil && status.Rollout.Rollback != nil; back && !present {
		return t
	}
	if status.LastDigest != combinedStatuses(status.Sources) {
		return t
	}
	recorded := slices.Clone(status.Sources)
	for i := range recorded {
		for _, s := range sources {
			if s.ID == ID(recorded[i].Kind, recorded[i].Namespace, recorded[i].Name) && slices.Contains(s.Former, recorded[i].Digest) {
				recorded[i].Digest = s.Digest
			}
		}
	}
	if now := combinedStatuses(recorded); now != status.LastDigest {
		t.sources, t.digests[status.LastDigest] = recorded, now
	}
	return t
}

// Apply rewrites a status.
func (t Translation) Apply(status *triggerv1.ValuesTriggerStatus) {
	if len(t.digests) == 0 {
		return
	}
	if t.sources != nil {
		status.Sources = slices.Clone(t.sources)
	}
	t.apply(&status.LastDigest)
	for i := range status.Targets {
		t.applyTarget(&status.Targets[i])
	}
	for i := range status.History {
		t.applyChange(&status.History[i])
	}
	if status.Rollout != nil {
		t.apply(&status.Rollout.Digest)
	}
	if status.Restored != nil {
		t.apply(&status.Restored.Rejects)
	}
}

// applyChange rewrites a change of the history. What is kept of its content has a name that was made of
// the digests: it is kept again, under the one of now.
func (t Translation) applyChange(change *triggerv1.Change) {
	if _, found := t.digests[change.Digest]; found {
		change.Kept = nil
	}
	t.apply(&change.Digest)
	if change.Restores != nil {
		t.apply(&change.Restores.Rejects)
	}
}

// applyTarget rewrites what is known of one target.
func (t Translation) applyTarget(target *triggerv1.TargetStatus) {
	t.apply(&target.Digest)
	t.apply(&target.Published)
	if target.Seen != nil {
		t.apply(&target.Seen.Digest)
	}
	if target.Refused != nil {
		t.applyShort(&target.Refused.Digest)
	}
}

func (t Translation) apply(sum *string) {
	if now, found := t.digests[*sum]; found {
		*sum = now
	}
}

// applyShort is like apply, for a digest of which there is only the beginning.
func (t Translation) applyShort(short *string) {
	for before, now := range t.digests {
		if *short == digest.Short(before) {
			*short = digest.Short(now)
			return
		}
	}
}

// Formerly returns the digests that all sources together had when they were made otherwise.
func Formerly(sources []Source) []string {
	former := make([]string, 0, ways(sources))
	for way := range ways(sources) {
		former = append(former, formerly(sources, way))
	}
	return former
}

// ways returns in how many ways digests of the sources were made before.
func ways(sources []Source) int {
	most := 0
	for _, s := range sources {
		most = max(most, len(s.Former))
	}
	return most
}

// formerly returns the digest that all sources together had when digests were made that
// way.
func formerly(sources []Source, way int) string {
	before := slices.Clone(sources)
	for i, s := range before {
		if way < len(s.Former) {
			before[i].Digest = s.Former[way]
		}
	}
	return Combined(before)
}

func combinedStatuses(statuses []triggerv1.SourceStatus) string {
	sources := make([]Source, len(statuses))
	for i, s := range statuses {
		sources[i] = Source{ID: ID(s.Kind, s.Namespace, s.Name), Digest: s.Digest}
	}
	return Combined(sources)
}
