// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"slices"
	"strings"
	"time"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// upgrade is how long helm-controller may take for one.
	upgrade = 5 * time.Second
	// wake is how long after an outage of helm-controller or the API server it may
	// come to make up for it.
	wake = time.Minute
	// lead is how long helm-controller may take from reading a HelmRelease to the
	// beginning of the revision, on a busy machine. A second revision that the operator
	// causes takes another request, which would be the latest one.
	lead = 10 * time.Second
	// notice is how long the operator may take to see what a user has done.
	notice = 5 * time.Second
)

// excuse says why a revision is there that the operator has no part in, or nothing.
// These are facts about helm-controller, which happen without the operator too:
//
//   - unlocked: what was killed during an upgrade left a pending revision, which
//     helm-controller marks as failed before it upgrades again;
//   - cut off: an upgrade failed although its values are not to be refused, since the
//     API server went away in the middle of it;
//   - forgotten: a revision was made, and killed or cut off, helm-controller could not
//     note in the status that it was, nor that the request is handled. Of a revision in
//     the storage that its status does not know (ReleaseStatusUnmanaged), and of a force
//     that is not handled, it makes the same again;
//   - overtaken: helm-controller had begun by itself, to deliver other values, when the
//     request for a forced upgrade came, and nothing on the HelmRelease showed it yet. It
//     sees the request when it has finished. After an edit of the spec the operator knows
//     what will come: that is none, unless a chart has come since.
//
// One is about what the operator can know:
//
//   - unwitnessed: what a chart looks up changed, helm-controller made a revision of another
//     cause before the operator asked for one, and nothing shows whether that began with the
//     change. It is forced once more.
func (d *driver) excuse(r *release, requests []time.Time, revisions []revision, i int) string {
	rev := revisions[i]
	if strings.Contains(rev.Info.Description, "unlocked from stale") {
		return "unlocked"
	}
	repeats := i > 0 && rev.same(revisions[i-1])
	for _, outage := range d.outages {
		since := rev.Info.LastDeployed.Sub(outage)
		if since < -upgrade || since > wake {
			continue
		}
		if rev.Info.Status == "failed" && !rev.refused(r) {
			return "cut off"
		}
		if repeats && since > 0 {
			before := outage.Sub(revisions[i-1].Info.LastDeployed)
			if before > -instant && before < upgrade {
				return "forgotten"
			}
		}
	}
	if repeats && r.overtaken(requests, d.fleet.charts[r.ns].written, revisions[i-1].Info.LastDeployed, rev.Info.LastDeployed) {
		return "overtaken"
	}
	if repeats && d.unwitnessed(r, requests, revisions[i-1].Info.LastDeployed) {
		return "unwitnessed"
	}
	return ""
}

// unwitnessed reports whether a revision was made after a change that is to be forced and
// before the operator asked for it.
func (d *driver) unwitnessed(r *release, requests []time.Time, revision time.Time) bool {
	return slices.ContainsFunc(d.entitlements(r), func(c effective) bool {
		return c.forced && c.at.Before(revision.Add(instant)) && !slices.ContainsFunc(requests, func(request time.Time) bool {
			return request.After(c.at) && request.Before(revision.Add(instant))
		})
	})
}

// overtaken reports whether the latest request before a revision came when the revision
// before it was about to be made.
func (r *release) overtaken(requests, charts []time.Time, before, at time.Time) bool {
	var last time.Time
	for _, request := range requests {
		if request.Before(at) {
			last = request
		}
	}
	for _, written := range r.written {
		since := last.Sub(written)
		chart := slices.ContainsFunc(charts, func(at time.Time) bool { return at.After(written) && at.Before(before) })
		if since > 0 && since < notice && !chart {
			return false
		}
	}
	return !last.After(before) && before.Sub(last) < lead
}

// requested returns when the operator has asked for each release, by its id.
func (d *driver) requested() (map[string][]time.Time, error) {
	events, err := d.w.AuditEvents(d.ctx, 0, func(e world.AuditEvent) bool {
		return world.WritesBy(d.user())(e) && e.Resource == "helmreleases" && !strings.Contains(e.URI, "force=true") // That is of labels.
	})
	requests := map[string][]time.Time{}
	for _, e := range events {
		id := e.Namespace + "/" + e.Name
		requests[id] = append(requests[id], e.Time)
	}
	return requests, err
}
