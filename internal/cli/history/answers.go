// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
)

// answers finds the request that made each revision: the one that this revision proved, if
// it is not known to be older. Of several, the first made it and the others made none. An
// unproven request has perhaps made the revision that followed it.
func answers(revisions []Revision, requests []request) map[int64]request {
	found := map[int64]request{}
	for _, r := range revisions {
		if r.isOfHelmController() {
			continue
		}
		best := -1
		for i := range requests {
			if requests[i].made(r) && (best < 0 || requests[i].sooner(requests[best])) {
				best = i
			}
		}
		if best >= 0 {
			found[r.Number] = requests[best]
		}
	}
	addFailed(found, revisions, requests)
	for _, q := range requests {
		if _, explained := found[q.before+1]; q.open && q.knowsBefore && q.revision == 0 && !explained {
			found[q.before+1] = q
		}
	}
	return found
}

// isOfHelmController is true if helm-controller made a revision without a request: only
// a release that is installed gets requests.
func (r Revision) isOfHelmController() bool {
	return r.Number == 1 || r.Action == string(helmv2.ReleaseActionInstall) || r.Action == string(helmv2.ReleaseActionRollback)
}

// made is true if a revision proved a request and is not older. Times exclude only: where
// it is not on record which revision there was before, a request that was made after the
// revision did not make it.
func (q request) made(r Revision) bool {
	switch {
	case q.revision != r.Number || q.same:
		return false
	case q.knowsBefore:
		return q.before < r.Number
	}
	return q.at.IsZero() || !q.at.After(r.At.Add(tolerance))
}

// addFailed adds the requests of revisions that failed.
func addFailed(found map[int64]request, revisions []Revision, requests []request) {
	for i, r := range revisions {
		if _, explained := found[r.Number]; explained || r.Status != failed || r.isOfHelmController() {
			continue
		}
		before := time.Time{}
		if i+1 < len(revisions) {
			before = revisions[i+1].At
		}
		if q := lastBetween(requests, before, r.At); q != nil {
			found[r.Number] = *q
		}
	}
}

// failed is the status of a revision that Helm could not deploy.
const failed = "failed"

// lastBetween returns the last of the requests without a proof that were made between two revisions, nil if there
// is none. What was rolled back is no more on record on the HelmRelease, and a failure proves no request.
func lastBetween(requests []request, before, at time.Time) *request {
	var last *request
	for i, q := range requests {
		within := !q.at.IsZero() && q.at.After(before.Add(-tolerance)) && !q.at.After(at.Add(tolerance))
		if within && q.revision == 0 && !q.same && (last == nil || q.at.After(last.at)) {
			last = &requests[i]
		}
	}
	return last
}

// sooner is true if a request was proved before another one by the same revision.
func (q request) sooner(other request) bool {
	if q.knowsBefore != other.knowsBefore {
		return q.knowsBefore
	}
	return q.delivered.Before(other.delivered)
}
