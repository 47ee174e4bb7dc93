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
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// request is a request of the operator that is on record.
type request struct {
	// token of the request, empty if it is not known.
	token string

	cause string

	// at is when it was made, or zero. Of several with one cause of which only the
	// number is known, count is that number.
	at    time.Time
	count int32

	// before is the revision at that time, if that is known.
	before      int64
	knowsBefore bool

	// revision is the one that proved it, or 0; delivered is when. Same is true if the
	// revision is known to be older than the request.
	revision  int64
	delivered time.Time
	same      bool

	// open is true if the operator waits for a proof, or has given that up.
	open bool

	// from says where it is on record.
	from string

	// rank is the better the lower, among those that fit.
	rank int
}

// The messages of the events about a HelmRelease.
var (
	deliveredPattern = regexp.MustCompile(`^Delivered, revision ([0-9]+)( as before)?: (.*)$`)
	triggeredPattern = regexp.MustCompile(`^(?:\(combined from similar events\): )?Triggered: (.*)$`)
)

// requests returns what is on record, best evidence first, each request once.
func requests(e Evidence) []request {
	var all []request
	for _, d := range e.Deliveries {
		all = append(all, ofDelivery(d, e.Release)...)
	}
	for _, event := range e.Events {
		all = append(all, ofEvent(event)...)
	}
	last := record(e.Release)
	if last.At.IsZero() {
		last.Token = "" // The cause may be that of an earlier request.
	}
	all = append(all, request{
		token: last.Token, cause: e.Release.Annotations[triggerv1.CauseAnnotation], at: last.At, before: last.Revision, knowsBefore: !last.At.IsZero(),
		from: "annotation " + triggerv1.CauseAnnotation, rank: 2,
	})
	all = slices.DeleteFunc(all, func(r request) bool { return r.cause == "" })
	slices.SortStableFunc(all, func(a, b request) int { return cmp.Compare(a.rank, b.rank) })
	var out []request
	for _, r := range all {
		if i := slices.IndexFunc(out, r.isOf); i >= 0 {
			out[i].learn(r)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// isOf is true if two records are about one request.
func (q request) isOf(other request) bool {
	switch {
	case q.cause != other.cause:
		return false // The status of a trigger may be about what it did not request.
	case q.token != "" && other.token != "":
		return q.token == other.token
	}
	return q.revision != 0 && q.revision == other.revision && q.same == other.same
}

// learn adds what another record of the request says.
func (q *request) learn(other request) {
	if q.token == "" {
		q.token = other.token
	}
	if q.at.IsZero() {
		q.at = other.at
	}
	if !q.knowsBefore {
		q.before, q.knowsBefore = other.before, other.knowsBefore
	}
	if q.revision == 0 {
		q.revision, q.delivered = other.revision, other.delivered
	}
	q.same = q.same || other.same
	q.count = max(q.count, other.count)
	q.open = q.open || other.open
}

// ofDelivery returns what is known of a trigger: of its last request for the release, and of its
// last changes.
func ofDelivery(d graph.Delivery, hr *helmv2.HelmRelease) []request {
	var out []request
	vt, t := d.Trigger, d.Target
	requested, waits := true, ""
	if t != nil {
		if t.State == triggerv1.TargetHeld || t.State == triggerv1.TargetPending {
			requested, waits = t.Token != "" || record(hr).Token != "", vt.Status.LastDigest
		}
		out = append(out, lastOf(d))
	}
	for _, change := range vt.Status.History {
		if !requested || change.Digest == waits && waits != "" || change.Time.Before(&hr.CreationTimestamp) {
			continue // It has no request, none for this yet, or was not there.
		}
		out = append(out, request{cause: change.Cause, at: change.Time.Time, from: "history of " + binding.TriggerObject(vt).String(), rank: 4})
	}
	return out
}

// lastOf returns the last request of a trigger for its target.
func lastOf(d graph.Delivery) request {
	t := d.Target
	r := request{token: t.Token, cause: t.Cause, from: "status of " + binding.TriggerObject(d.Trigger).String(), rank: 0}
	if d.Recorded {
		r.from = "annotation " + triggerv1.RequestAnnotation
	}
	if t.TriggeredAt != nil {
		r.at = t.TriggeredAt.Time
	}
	switch {
	case t.State == triggerv1.TargetDelivered && t.DeliveredAt != nil:
		r.revision, r.delivered = t.Revision, t.DeliveredAt.Time
	case t.State == triggerv1.TargetTriggered, t.State == triggerv1.TargetFailed:
		r.open = true
	}
	return r
}

// ofEvent returns what an event about the release says.
func ofEvent(event Event) []request {
	if match := deliveredPattern.FindStringSubmatch(event.Message); match != nil && event.Reason == triggerv1.DeliveredReason {
		revision, err := strconv.ParseInt(match[1], 10, 64)
		if err != nil {
			return nil // Not written by the operator.
		}
		return []request{{token: event.Token, cause: match[3], revision: revision, same: match[2] != "", delivered: event.At, from: "event " + event.Reason, rank: 1}}
	}
	if match := triggeredPattern.FindStringSubmatch(event.Message); match != nil && event.Reason == triggerv1.TriggeredReason {
		r := request{token: event.Token, cause: match[1], at: event.At, count: event.Count, from: "event " + event.Reason, rank: 3}
		if event.Count > 1 {
			r.token = "" // It is that of one of them.
		}
		return []request{r}
	}
	return nil
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

// unassigned returns the requests of which it is not known which revision they made, if any,
// newest first.
func unassigned(requests []request, revisions []Revision, quiet []Quiet) []Requested {
	used := map[string]bool{}
	for _, r := range revisions {
		if r.Cause != nil {
			used[r.Cause.Text] = true
		}
	}
	for _, q := range quiet {
		used[q.Cause.Text] = true
	}
	var out []Requested
	for _, q := range requests {
		if used[q.cause] && q.count <= 1 || q.at.IsZero() {
			continue
		}
		if i := slices.IndexFunc(out, func(r Requested) bool { return r.Cause.Text == q.cause }); i >= 0 {
			out[i].Count = max(out[i].Count, q.count)
			continue
		}
		cause := ParseCause(q.cause)
		out = append(out, Requested{At: q.at, Count: q.count, From: q.from, Cause: &cause})
	}
	slices.SortStableFunc(out, func(a, b Requested) int { return b.At.Compare(a.At) })
	return out
}

// overrides returns the requests of persons that did not keep to what holds changes back.
func overrides(deliveries []graph.Delivery) []Overridden {
	var out []Overridden
	for _, d := range deliveries {
		for _, change := range d.Trigger.Status.History {
			if o := change.Override; o != nil {
				out = append(out, Overridden{
					Trigger: binding.TriggerObject(d.Trigger).Key(), Digest: change.Digest, At: o.Time.Time, Manager: o.Manager, User: o.User, Message: strings.TrimSpace(o.Message),
				})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Overridden) int { return b.At.Compare(a.At) })
	return out
}
