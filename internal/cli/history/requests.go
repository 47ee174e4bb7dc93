// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// request is a request of the operator that is on record.
type request struct {
	cause string

	// at is when it was made, or zero.
	at time.Time

	// revision is the one that proved it, or 0; delivered is when.
	revision  int64
	delivered time.Time

	// from says where it is on record.
	from string

	// rank is the better the lower, among those that fit.
	rank int
}

// deliveredPattern is the message of the event Delivered about a HelmRelease.
var deliveredPattern = regexp.MustCompile(`^Delivered, revision ([0-9]+): (.*)$`)

// requests returns what is on record, best evidence first.
func requests(e Evidence) []request {
	var out []request
	for _, vt := range e.Triggers {
		out = append(out, ofTrigger(vt, e.Release)...)
	}
	for _, event := range e.Events {
		out = append(out, ofEvent(event)...)
	}
	out = append(out, request{
		cause: e.Release.Annotations[triggerv1.CauseAnnotation], at: record(e.Release).At, from: "annotation " + triggerv1.CauseAnnotation, rank: 2,
	})
	out = slices.DeleteFunc(out, func(r request) bool { return r.cause == "" })
	slices.SortStableFunc(out, func(a, b request) int { return cmp.Compare(a.rank, b.rank) })
	return out
}

// ofTrigger returns what the status of a trigger says: of its last request for the
// release, and of its last changes.
func ofTrigger(vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) []request {
	var out []request
	name := "ValuesTrigger " + vt.Namespace + "/" + vt.Name
	for _, t := range vt.Status.Targets {
		if t.Namespace != hr.Namespace || t.Name != hr.Name {
			continue
		}
		r := request{cause: t.Cause, from: "status of " + name, rank: 0}
		if t.TriggeredAt != nil {
			r.at = t.TriggeredAt.Time
		}
		if t.State == triggerv1.TargetDelivered && t.DeliveredAt != nil {
			r.revision, r.delivered = t.Revision, t.DeliveredAt.Time
		}
		out = append(out, r)
	}
	for _, change := range vt.Status.History {
		out = append(out, request{cause: change.Cause, at: change.Time.Time, from: "history of " + name, rank: 4})
	}
	return out
}

// ofEvent returns what an event about the release says.
func ofEvent(event Event) []request {
	if match := deliveredPattern.FindStringSubmatch(event.Message); match != nil && event.Reason == triggerv1.DeliveredReason {
		revision, err := strconv.ParseInt(match[1], 10, 64)
		if err != nil {
			return nil // Not written by the operator.
		}
		return []request{{cause: match[2], revision: revision, delivered: event.At, from: "event " + event.Reason, rank: 1}}
	}
	if cause, ok := strings.CutPrefix(event.Message, "Triggered: "); ok && event.Reason == triggerv1.TriggeredReason {
		return []request{{cause: cause, at: event.At, from: "event " + event.Reason, rank: 3}}
	}
	return nil
}

// window is how long after a request a revision is taken to be made by it, and how long
// after a revision its delivery is told, as far as nothing else is known. It is how long
// a delivery may take by default.
const window = triggerv1.DefaultTimeout

// answers finds the request that made each revision. Older revisions choose first: what
// made one of them did not make another, such as the rollback that follows.
func answers(revisions []Revision, requests []request) map[int64]*request {
	found := map[int64]*request{}
	left := slices.Clone(requests)
	for i, r := range slices.Backward(revisions) {
		var before *Revision
		if i+1 < len(revisions) {
			before = &revisions[i+1]
		}
		best := -1
		for j := range left {
			if left[j].made(r, before) && (best < 0 || left[j].fits(r) < left[best].fits(r)) {
				best = j
			}
		}
		if best < 0 || r.isOfHelmController() {
			continue
		}
		chosen := left[best]
		found[r.Number] = &chosen
		left = slices.DeleteFunc(left, chosen.same)
	}
	return found
}

// isOfHelmController tells that helm-controller made a revision without being asked: only
// a release that is installed is asked for anything.
func (r Revision) isOfHelmController() bool {
	return r.Number == 1 || r.Action == string(helmv2.ReleaseActionInstall) || r.Action == string(helmv2.ReleaseActionRollback)
}

// same tells whether two records are about one request.
func (q request) same(other request) bool {
	if q.cause != other.cause {
		return false
	}
	if q.revision != 0 && q.revision == other.revision {
		return true
	}
	return !q.at.IsZero() && !other.at.IsZero() && q.at.Sub(other.at).Abs() <= tolerance
}

// fits is the less the better a request fits a revision. Of several that are proved by
// it, the first made it and the others made none.
func (q request) fits(r Revision) time.Duration {
	switch {
	case q.revision != r.Number:
		return 1 + window + q.at.Sub(r.At).Abs()
	case q.at.IsZero():
		return 1 + q.delivered.Sub(r.At)
	}
	return 0
}

// made tells whether a request may have led to a revision: it is younger than the
// revision before, and not younger than this one. One that was proved by this revision,
// but made after it, made no revision.
func (q request) made(r Revision, before *Revision) bool {
	switch {
	case q.revision != 0 && q.revision != r.Number:
		return false
	case q.at.IsZero():
		// Of an event that tells of a delivery, only the end is known.
		return q.revision == r.Number && q.delivered.Sub(r.At) < window
	case q.at.After(r.At.Add(tolerance)):
		return false
	case before != nil && q.at.Before(before.At.Add(-tolerance)):
		return false
	}
	return q.revision == r.Number || r.At.Sub(q.at) <= window
}

// quiet returns the deliveries that made no revision.
func quiet(requests []request, revisions []Revision) []Quiet {
	used, listed := map[string]bool{}, map[int64]bool{}
	for _, r := range revisions {
		listed[r.Number] = true
		if r.Cause != nil {
			used[r.Cause.Text] = true
		}
	}
	var out []Quiet
	for _, q := range requests {
		if !listed[q.revision] || used[q.cause] {
			continue
		}
		used[q.cause] = true
		cause := ParseCause(q.cause)
		out = append(out, Quiet{At: q.delivered, Cause: &cause})
	}
	slices.SortFunc(out, func(a, b Quiet) int { return b.At.Compare(a.At) })
	return out
}
