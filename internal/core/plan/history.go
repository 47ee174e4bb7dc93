// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file keeps the history of a trigger, and numbers the contents in it that can be restored.

const (
	// maxHistoryBytes bounds the history, in bytes of JSON.
	maxHistoryBytes = 16 << 10

	// maxAnalysis bounds why an analysis has failed, in bytes.
	maxAnalysis = 256

	// maxApprovals bounds the approvals of one change: as many as there may be stages.
	maxApprovals = 16
)

// Remember returns the history with the change noted, newest first, and no more than a number of
// them. A change of the same content updates its entry, unless a person goes back to that.
func Remember(history []triggerv1.Change, change triggerv1.Change, limit int) []triggerv1.Change {
	if len(history) > 0 && history[0].Digest == change.Digest && change.Restores == nil {
		updated := history[0]
		if updated.Cause == "" {
			updated.Cause = change.Cause // Nothing was requested when it was seen.
		}
		updated.Duration = duration(updated, change)
		updated.Outcome, updated.Delivered = change.Outcome, change.Delivered
		return bounded(append([]triggerv1.Change{updated}, history[1:]...), limit)
	}
	next := append([]triggerv1.Change{change}, history...)
	switch {
	case len(history) == 0 || history[0].Outcome != triggerv1.ChangeInProgress:
	case history[0].Revision > 0: // It had arrived everywhere: a target has come since.
		next[1].Outcome = triggerv1.ChangeDelivered
	default:
		next[1].Outcome = triggerv1.ChangeSuperseded
		next[1].Duration = &metav1.Duration{Duration: change.Time.Sub(history[0].Time.Time)}
	}
	return bounded(next, limit)
}

// duration returns how long it took until the outcome of a change, nil while there is none.
// When a change has been delivered everywhere, that is over: a target that comes later
// does not prolong it.
func duration(noted, now triggerv1.Change) *metav1.Duration {
	before := noted.Outcome == triggerv1.ChangeDelivered || noted.Outcome == triggerv1.ChangeInProgress
	switch {
	case noted.Outcome == now.Outcome, noted.Duration != nil && before:
		return noted.Duration
	case now.Outcome == triggerv1.ChangeInProgress:
		return nil
	}
	return &metav1.Duration{Duration: now.Time.Sub(noted.Time.Time)}
}

// bounded returns the newest changes of a history, as many as there may be and there is room for. The
// newest revision is always one of them: without it, there would be nothing to go back to after so
// many changes that did not pass, and its number would be given again.
func bounded(history []triggerv1.Change, limit int) []triggerv1.Change {
	latest := latestRevision(history)
	size, places := 0, 0
	if latest > 0 {
		size, places = sizeOf(&history[latest]), 1
	}
	kept := make([]triggerv1.Change, 0, min(len(history), limit))
	full := false
	for i := range history {
		if i == latest && i > 0 {
			kept, places = append(kept, history[i]), 0
			continue
		}
		size += sizeOf(&history[i])
		full = full || i > 0 && (len(kept)+places >= limit || size > maxHistoryBytes)
		if !full {
			kept = append(kept, history[i])
		}
	}
	return kept
}

// latestRevision returns the index of the newest change that has passed, -1 if there is none.
func latestRevision(history []triggerv1.Change) int {
	return slices.IndexFunc(history, func(c triggerv1.Change) bool { return c.Revision > 0 })
}

// Pass gives the newest change its number: its content has passed. The content of the newest
// revision keeps that of the revision.
func Pass(history []triggerv1.Change) {
	if len(history) == 0 || history[0].Revision > 0 {
		return
	}
	number := int64(1)
	if latest := latestRevision(history); latest >= 0 {
		number = history[latest].Revision
		if history[latest].Digest != history[0].Digest {
			number++
		}
	}
	history[0].Revision = number
}

// NoteDecisions notes in the history who has approved or rejected the content that is being rolled out, and
// which stage has failed by its analysis.
func NoteDecisions(status *triggerv1.ValuesTriggerStatus) {
	r := status.Rollout
	if r == nil {
		return
	}
	i := slices.IndexFunc(status.History, func(c triggerv1.Change) bool { return c.Digest == r.Digest })
	if i < 0 {
		return
	}
	change := &status.History[i]
	if r.RejectedBy != nil {
		change.Rejection = r.RejectedBy.DeepCopy()
	}
	change.Analysis = ""
	for _, stage := range r.Stages {
		if stage.Analysis != nil && stage.Analysis.Failed != "" {
			change.Analysis = text.Line("stage "+stage.Name+": "+stage.Analysis.Failed, maxAnalysis)
		}
		if stage.ApprovedBy == nil {
			continue
		}
		approval := triggerv1.ApprovalRecord{Stage: stage.Name, PersonRecord: *stage.ApprovedBy}
		if !slices.ContainsFunc(change.Approvals, func(a triggerv1.ApprovalRecord) bool {
			return a.Stage == approval.Stage && a.User == approval.User && a.Time.Equal(&approval.Time)
		}) {
			change.Approvals = append(slices.Clone(change.Approvals), approval)
		}
	}
	change.Approvals = change.Approvals[max(0, len(change.Approvals)-maxApprovals):]
}

// Revision returns the newest change with a number, nil if the history has none.
func Revision(history []triggerv1.Change, number int64) *triggerv1.Change {
	i := slices.IndexFunc(history, func(c triggerv1.Change) bool { return c.Revision == number })
	if i < 0 || number <= 0 {
		return nil
	}
	return &history[i]
}

// sizeOf returns the length of an element of a list, in bytes of JSON.
func sizeOf[T any](element *T) int {
	encoded, err := json.Marshal(element)
	if err != nil { // A status holds nothing that cannot be marshalled.
		return maxListedBytes
	}
	return len(encoded) + len(",")
}
