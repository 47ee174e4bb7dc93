// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Entry is a change that a ValuesTrigger has on record, or a revision of a HelmRelease that none of
// these has made.
type Entry struct {
	// Time at which the operator saw the change, or the revision was made.
	Time time.Time `json:"time"`

	// Trigger is namespace/name of the ValuesTrigger, empty for a revision by itself.
	Trigger string `json:"valuesTrigger,omitempty"`

	// Revision of the content, 0 if it has not passed all stages.
	Revision int64 `json:"revision,omitempty"`

	Digest      string                  `json:"digest,omitempty"`
	GitRevision string                  `json:"gitRevision,omitempty"`
	Cause       string                  `json:"cause,omitempty"`
	Outcome     triggerv1.ChangeOutcome `json:"outcome,omitempty"`
	Duration    *metav1.Duration        `json:"duration,omitempty"`
	Delivered   string                  `json:"delivered,omitempty"`

	// What persons did to it.
	Approvals []triggerv1.ApprovalRecord `json:"approvals,omitempty"`
	Override  *triggerv1.Override        `json:"override,omitempty"`
	Rejection *triggerv1.PersonRecord    `json:"rejection,omitempty"`
	Restores  *triggerv1.RestoreRecord   `json:"restores,omitempty"`

	// Analysis says which stage has failed by its analysis, and why.
	Analysis string `json:"analysis,omitempty"`

	// Reason is why it has halted, was rolled back or has failed its analysis, as far as that is on record and no person did it.
	Reason string `json:"-"`

	// Releases are the HelmReleases that are known to run it, or to have run it.
	Releases []Got `json:"helmReleases,omitempty"`

	// NotOnRecord is how many others got it: how many did is kept, and which ones is not once they run something else. Unset
	// where the releases are not those of a whole trigger.
	NotOnRecord *int `json:"helmReleasesNotOnRecord,omitempty"`
}

// Got is a HelmRelease that got a change.
type Got struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`

	// Revision of Helm that proved it, and when.
	Revision int64     `json:"revision,omitempty"`
	At       time.Time `json:"time,omitzero"`
}

// Changes returns what a ValuesTrigger has on record, with the targets that run each now.
func Changes(vt *triggerv1.ValuesTrigger, targets []triggerv1.TargetStatus) []Entry {
	var out []Entry
	assigned := map[string]bool{}
	for _, change := range vt.Status.History {
		e := Entry{
			Time: change.Time.Time, Trigger: binding.TriggerObject(vt).Key(), Revision: change.Revision, Digest: change.Digest, GitRevision: change.GitRevision,
			Cause: change.Cause, Outcome: change.Outcome, Duration: change.Duration, Delivered: change.Delivered,
			Approvals: change.Approvals, Override: change.Override, Rejection: change.Rejection, Restores: change.Restores, Analysis: change.Analysis,
		}
		if e.Reason = analysed(change); e.Reason == "" && !assigned[change.Digest] { // Of content that came back, the rollout is the newest.
			e.Reason = stopped(vt.Status.Rollout, change)
		}
		for _, t := range targets {
			// Of content that came back, the releases run the newest.
			if t.State == triggerv1.TargetDelivered && t.Digest == change.Digest && !assigned[change.Digest] {
				got := Got{Namespace: t.Namespace, Name: t.Name, Revision: t.Revision}
				if t.DeliveredAt != nil {
					got.At = t.DeliveredAt.Time
				}
				e.Releases = append(e.Releases, got)
			}
		}
		assigned[change.Digest] = true
		if delivered, _, _ := strings.Cut(change.Delivered, "/"); targets != nil {
			e.NotOnRecord = new(max(0, number(delivered)-len(e.Releases)))
		}
		out = append(out, e)
	}
	return out
}

// analysed says what a change has failed by what was measured, empty if nothing.
func analysed(change triggerv1.Change) string {
	if change.Analysis == "" {
		return ""
	}
	return "failed the analysis of " + change.Analysis
}

// stopped says why a rollout has halted or rolled back a change, empty if it has not, or a person has.
func stopped(s *triggerv1.RolloutStatus, change triggerv1.Change) string {
	halted := change.Outcome == triggerv1.ChangeHalted || change.Outcome == triggerv1.ChangeRolledBack
	if s == nil || s.Digest != change.Digest || !halted || change.Rejection != nil {
		return ""
	}
	return s.Message
}

// About leaves of entries what a HelmRelease got of them, and adds its other revisions.
func About(r Report, entries []Entry) []Entry {
	used := map[int64]bool{}
	for i := range entries {
		entries[i].NotOnRecord = nil
		entries[i].Releases = slices.DeleteFunc(entries[i].Releases, func(g Got) bool { return g.Namespace != r.Namespace || g.Name != r.Name })
		for _, g := range entries[i].Releases {
			used[g.Revision] = true
		}
		at := slices.IndexFunc(r.Revisions, func(revision Revision) bool {
			return revision.Cause != nil && entries[i].Cause != "" && revision.Cause.Text == entries[i].Cause && !used[revision.Number]
		})
		if at < 0 || len(entries[i].Releases) > 0 {
			continue
		}
		used[r.Revisions[at].Number] = true
		entries[i].Releases = []Got{{Namespace: r.Namespace, Name: r.Name, Revision: r.Revisions[at].Number, At: r.Revisions[at].At}}
	}
	for _, revision := range r.Revisions {
		if used[revision.Number] {
			continue
		}
		e := Entry{Time: revision.At, Cause: revision.Note, Releases: []Got{{Namespace: r.Namespace, Name: r.Name, Revision: revision.Number, At: revision.At}}}
		if revision.Cause != nil {
			e.Cause, e.Trigger = revision.Cause.Text, revision.Cause.Trigger
		}
		entries = append(entries, e)
	}
	return entries
}

// Newest sorts entries, the newest first, and leaves out those before a time.
func Newest(entries []Entry, since time.Time) []Entry {
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.Time.Before(since) })
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if order := b.Time.Compare(a.Time); order != 0 {
			return order
		}
		return strings.Compare(a.Trigger, b.Trigger)
	})
	return entries
}

// Incomplete reports whether a ValuesTrigger had changes since a time that it has not on record any more.
func Incomplete(vt *triggerv1.ValuesTrigger, since time.Time) bool {
	kept := vt.Status.History
	if len(kept) == 0 || !kept[len(kept)-1].Time.After(since) {
		return false
	}
	limit := triggerv1.DefaultHistory
	if vt.Spec.RevisionHistoryLimit != nil {
		limit = int(*vt.Spec.RevisionHistoryLimit)
	}
	return kept[len(kept)-1].Revision > 1 || len(kept) >= limit
}

// Person names who did something: the user, else the field manager, which the client chose.
func Person(user, manager string) string {
	switch {
	case user != "":
		return user
	case manager != "":
		return "field manager " + manager
	}
	return "someone"
}

// Persons says what persons did to a change.
func (e Entry) Persons() []string {
	var out []string
	for _, a := range e.Approvals {
		out = append(out, "stage "+a.Stage+" approved by "+Person(a.User, a.Manager))
	}
	if o := e.Override; o != nil {
		out = append(out, "overridden by "+Person(o.User, o.Manager))
	}
	if p := e.Rejection; p != nil {
		out = append(out, "rejected by "+Person(p.User, p.Manager))
	}
	if r := e.Restores; r != nil {
		out = append(out, "back to revision "+number64(r.Revision)+" by "+Person(r.User, r.Manager))
	}
	return out
}

// Decided is what persons have decided about content that is or was delivered to a HelmRelease.
type Decided struct {
	Trigger string    `json:"valuesTrigger"`
	Digest  string    `json:"digest"`
	At      time.Time `json:"time"`
	What    []string  `json:"what"`
}

// maxDecided bounds the changes of one ValuesTrigger of which that is said.
const maxDecided = 3

// decisions returns what persons have decided about the last changes, overrides left aside.
func decisions(deliveries []graph.Delivery) []Decided {
	var out []Decided
	for _, d := range deliveries {
		found := 0
		for _, e := range Changes(d.Trigger, nil) {
			e.Override = nil
			if what := e.Persons(); len(what) > 0 && found < maxDecided {
				out = append(out, Decided{Trigger: e.Trigger, Digest: e.Digest, At: e.Time, What: what})
				found++
			}
		}
	}
	return out
}
