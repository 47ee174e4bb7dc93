// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file is about what people request by annotations on the ValuesTrigger.

// heed makes a request due where a person wants one, and leaves out what has been done already.
func heed(f *facts, known progress, want wanted) (progress, wanted) {
	record := f.Release.Record
	if f.forceRequested(known, want) {
		if known.precedes(record) {
			known = known.following(record, f.Now)
		}
		known.Forced = known.Forced || known.forceOutstanding(&f.Release)
		want.force = ""
	}
	if want.force != "" {
		known.Forced = known.Forced && known.due(f.Digest) || f.Policy != triggerv1.ForceNever
		known = known.renewed()
	}
	switch {
	case known.State != triggerv1.TargetFailed, known.DeliveredAt != nil:
		want.reset = "" // Only what failed is retried.
	case want.reset != "":
		known.Attempts = 0
	}
	return known, want
}

// forceRequested reports that what a person wants was requested of the release already,
// while nothing but that came of the decision: it failed for another target, or the
// content has changed again since.
func (f *facts) forceRequested(known progress, want wanted) bool {
	record := f.Release.Record
	return want.force != "" && slices.Contains(record.Sources, f.byPerson(f.forceKind(), want.force)) &&
		(!known.precedes(record) || known.Digest != f.Digest && !record.coversAll(want.sources))
}

// byPeople returns the requests of a person as if they were sources, so that the
// record remembers them too. One that had to wait has been noted as handled since:
// it is known by the token before it.
func (f *facts) byPeople(known progress, want wanted) []RecordedSource {
	var requests []RecordedSource
	if want.force != "" {
		requests = append(requests, f.byPerson(f.forceKind(), want.force))
	}
	if want.reset != "" {
		requests = append(requests, f.byPerson("resetAt", want.reset))
	}
	if known.Digest != "" && known.unrequested() && !want.restores {
		requests = append(requests, f.waitedSince(known.Token))
	}
	return requests
}

// byPerson is how the record remembers a request of a person.
func (f *facts) byPerson(kind, value string) RecordedSource {
	return RecordedSource{ID: kind + "/" + f.Trigger, Digest: digest.Short(digest.Combine(map[string]string{kind: value}))}
}

// waitedSince is how it remembers one that had to wait since the request with the token.
func (f *facts) waitedSince(token string) RecordedSource {
	return f.byPerson("waiting", "after "+token)
}

// forceKind is the kind under which the record remembers a request for all targets. A
// value that both annotations had stands for two requests.
func (f *facts) forceKind() string {
	if f.ByTriggerAt {
		return "triggerAt"
	}
	return "forceAt"
}

// forceAnnotation is the annotation by which all targets were requested.
func (f *facts) forceAnnotation() string {
	if f.ByTriggerAt {
		return triggerv1.TriggerAtAnnotation
	}
	return meta.ForceRequestAnnotation
}

// resetWaited reports that a retry that a person wants had to wait. Forcing needs no
// counters to be reset.
func (p progress) resetWaited() bool {
	return p.Digest != "" && p.Token != "" && p.unrequested() && !p.Forced
}
