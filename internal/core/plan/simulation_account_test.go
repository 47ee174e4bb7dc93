// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"
)

// This file counts revisions and the reasons for them.

// simRevision is a revision and when its values were read.
type simRevision struct {
	at     time.Time
	failed bool
}

// simReason entitles a release to a revision. One that lasts is not made up for by
// another revision.
type simReason struct {
	at    time.Time
	text  string
	lasts bool
}

// allow gives a reason for a revision.
func (h *simHelm) allow(reason string) {
	h.allowed = append(h.allowed, simReason{at: h.now, text: reason})
}

func (h *simHelm) allowLasting(reason string) {
	h.allowed = append(h.allowed, simReason{at: h.now, text: reason, lasts: true})
}

// doubled says for which revisions there are no reasons: at any time, no more than the
// reasons before them, and after a successful one, no more than the reasons since. What
// happened shortly before it may have been missed, or not provably read, which is never
// proven where values cannot be compared.
func (h *simHelm) doubled(unreadable bool) string {
	for from := -1; from < len(h.made); from++ {
		var since time.Time
		if from >= 0 {
			if h.made[from].failed || unreadable {
				continue
			}
			since = h.made[from].at.Add(-simSettled)
		}
		for to := from + 1; to < len(h.made); to++ {
			var reasons []string
			for _, reason := range h.allowed {
				if (reason.lasts || reason.at.After(since)) && !reason.at.After(h.made[to].at) {
					reasons = append(reasons, reason.text)
				}
			}
			if to-from > len(reasons) {
				return fmt.Sprintf("%s has %d revisions from %s to %s, for %d reasons: %v", h.release.name, to-from,
					since.Format("04:05"), h.made[to].at.Format("04:05"), len(reasons), reasons)
			}
		}
	}
	return ""
}

// simSettled is how long before a revision a change must have been for it to be proven.
const simSettled = 3 * time.Second

// mayHaveRead reports whether there is a revision that is not recorded, and content of which
// the record on the release does not say that it was there before that.
func mayHaveRead(in Input) bool {
	p, f := in.Previous, factsOf(in)
	evidence := f.evidence(recorded(&f))
	return (p == nil || p.Digest == "" || in.Release.Revision > p.Revision) &&
		slices.ContainsFunc(in.Sources, func(s Source) bool { return !evidence.witnessed(s) })
}
