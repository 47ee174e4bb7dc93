// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"time"
)

// instant is by how much the clocks of a story may differ.
const instant = time.Second

// made is a revision as the account looks at it.
type made struct {
	at time.Time
	// repeats reports that it has the values and the chart of the one before, which did
	// not fail.
	repeats bool
	failed  bool
	text    string
}

// doubled says which revision there is no reason for, or nothing.
//
// There may be at most one revision for each effective change that came before it. A
// revision that succeeded also does for all that had settled when it was made, so that
// of those revisions after it, there may be at most one for each change since: what was
// coalesced is not credit for a double later on. Lookups are made after the beginning of a
// revision, and values are read up to lead before it: only one that repeats the values
// can tell that the change was in the revision before.
func doubled(revisions []made, changes []effective) string {
	for from := -1; from < len(revisions); from++ {
		if from >= 0 && revisions[from].failed {
			continue
		}
		var since, read time.Time
		if from >= 0 {
			since = revisions[from].at.Add(-settled)
			read = revisions[from].at.Add(-lead)
		}
		repeated := 0
		for to := from + 1; to < len(revisions); to++ {
			if revisions[to].repeats {
				repeated++
			}
			all, _ := entitled(revisions, changes, read, revisions[to].at.Add(instant))
			_, forced := entitled(revisions, changes, since, revisions[to].at.Add(instant))
			if to-from > all || repeated > forced {
				return fmt.Sprintf("doubled: of the %d revisions up to %s, the first after %s, %d repeat the values, and there were %d effective changes, %d of them forced",
					to-from, revisions[to].text, since.Format(time.TimeOnly), repeated, all, forced)
			}
		}
	}
	return ""
}

// entitled returns the number of effective changes in a time, and of those that may
// repeat the values.
func entitled(revisions []made, changes []effective, since, until time.Time) (all, forced int) {
	for _, c := range changes {
		if c.at.After(until) || c.at.Before(since) && !c.lasting || c.retry && !failedBefore(revisions, c.at) {
			continue
		}
		all++
		if c.forced {
			forced++
		}
	}
	return all, forced
}

// failedBefore reports whether the latest revision at a time failed, or one that was about to
// be made.
func failedBefore(revisions []made, at time.Time) bool {
	failed := false
	for _, r := range revisions {
		switch {
		case !r.at.After(at):
			failed = r.failed
		case !r.at.After(at.Add(settled)):
			failed = failed || r.failed
		}
	}
	return failed
}
