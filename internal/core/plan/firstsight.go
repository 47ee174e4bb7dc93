// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// firstSight looks for proof that a release that nothing is recorded of runs the content already.
func (c comparer) firstSight(known progress) compared {
	r, want := &c.Release, c.fromPeople()
	want.sources = c.Sources
	switch {
	case want.force != "": // A person wants it whatever runs.
		known.Digest, known.Forced = c.Digest, r.needsForce(c.Sources)
		return compared{known: known, want: want}
	case c.requested() && !c.Unpublished:
		return compared{known: adopt(c.facts, known, want), want: want, adopted: true}
	case r.Revision == 0 && r.Working() && known.couldNotInstall():
		return compared{known: known, verdict: failed(known.before.Message)} // Its tries are no news.
	case r.Working(), !r.Suspended && (r.requestPending() || r.Revision > 0 && r.unseen()):
		if c.Settling {
			known.UnreadyBefore = readinessBefore(c.facts, known) // Afterwards, it may be that of the change.
		}
		return compared{known: known, verdict: pending("helm-controller is working on the release; what it runs is checked afterwards")}
	case r.Revision == 0 && c.installsByItself():
		return compared{known: known, verdict: c.awaitInstallation()}
	case r.Revision == 0:
		known.Forced = false
		return compared{known: known, want: want}
	}
	return c.checkRevision(known, want)
}

// checkRevision leaves of the sources those whose content the latest revision does not prove to have.
func (c comparer) checkRevision(known progress, want wanted) compared {
	unproven, needValues := c.evidence(known).unproven(c.Sources)
	switch {
	case needValues:
		return compared{known: known, verdict: verdict{needValues: true}}
	case len(unproven) > 0:
		want.sources = unproven
		known.Forced = c.Release.needsForce(unproven)
	default:
		known.Digest, known.DeliveredAt, known.Revision = c.Digest, timestamp(c.Now), c.Release.Revision
	}
	return compared{known: known, want: want}
}

// installsByItself reports whether the first installation of a release that was not triggered yet reads the
// content by itself. It does, unless the pending change is what the release needs to install, or it has failed
// without its copies. If it cannot be triggered then, it stays unknown: once it is installed, what it runs must be
// checked. Before helm-controller has seen it, there is nothing to trigger: it finds the copies when it does.
func (c comparer) installsByItself() bool {
	r := &c.Release
	return !r.Suspended && len(c.own.Changed) == 0 && (!c.Unpublished || r.Ready == "")
}

// awaitInstallation waits for the first installation of a release until helm-controller
// has given up or has failed for as long as the timeout.
func (c comparer) awaitInstallation() verdict {
	r := &c.Release
	v := pending(because("the release is not installed yet", r.ReadyMessage))
	if r.Ready == "False" && !slices.Contains(waitingReasons, r.ReadyReason) {
		v.after = c.Timeout - c.Now.Sub(r.Created)
		if r.GivenUp || v.after <= 0 {
			return failed(because(cannotInstall, because(r.ReadyReason, r.ReadyMessage)))
		}
	}
	return v
}

const cannotInstall = "the release cannot be installed"

// couldNotInstall is true if this was said before, of a release that was not triggered.
func (p progress) couldNotInstall() bool {
	before := p.before
	return before != nil && before.State == triggerv1.TargetFailed && before.Digest == "" && strings.HasPrefix(before.Message, cannotInstall)
}
