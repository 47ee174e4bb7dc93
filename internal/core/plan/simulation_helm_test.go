// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// This file models helm-controller, with its habits as they were seen on the real one.

// simHelm is helm-controller at work on one release.
type simHelm struct {
	*world
	release simRelease

	// run is the reconciliation under way.
	run *simRun

	// upgraded is when the latest successful revision was made.
	upgraded time.Time

	// asked is when the operator last made a request.
	asked        time.Time
	askedVersion int

	// queued reports that something happened that helm-controller watches.
	queued bool

	// rendered is the content of the sources in the latest successful revision,
	// be they read as values or looked up by the chart.
	rendered map[string]content

	// made are the revisions, allowed the reasons for which they are right.
	made    []simRevision
	allowed []simReason

	// followed are the sources of any trigger of this release.
	followed map[string]bool

	// recreated reports that the release was deleted for a while, blind that a decision
	// was made while helm-controller was at work, which was not seen yet.
	recreated, blind bool
}

// simRun is one reconciliation: it works on the object that it read at its start.
type simRun struct {
	object   simRelease
	step     int
	values   string
	begun    time.Time // when it read the values
	at       time.Time
	contents map[string]content
	canceled bool

	// How the upgrade ended, before it is said.
	ready, reason, message string
	retrying               bool
}

// concerned reports whether a change of the source may make a revision.
func (h *simHelm) concerned(s *simSource) bool {
	return h.release.reads[s.id] || h.followed[s.id]
}

// ready sets the condition.
func (h *simHelm) ready(status, reason, message string) {
	r := &h.release
	if r.ready != status || r.reason != reason || r.message != message {
		r.readySince = stored(h.now)
	}
	r.ready, r.reason, r.message, r.retrying = status, reason, message, false
}

// changed notes a write to the object.
func (h *simHelm) changed() { h.release.version++ }

// values returns what stands for the digest of the composed values now.
func (h *simHelm) values() string {
	return composed(h.release, func(s *simSource) content { return s.content }, h.sources)
}

// composed returns what stands for the digest of the values of a release.
func composed(r simRelease, read func(*simSource) content, sources []*simSource) string {
	var parts []string
	for _, s := range sources {
		if r.reads[s.id] {
			parts = append(parts, fmt.Sprintf("%s=%v", s.id, read(s)))
		}
	}
	return strings.Join(parts, ",")
}

// idle reports that helm-controller has nothing to do.
func (h *simHelm) idle() bool { return h.run == nil && !h.queued }

// request is what anybody does who annotates the release.
func (h *simHelm) request(token string, force, reset bool) {
	if h.release.gone {
		return
	}
	h.release.requestedAt = token
	if force {
		h.release.forceAt = token
	}
	if reset {
		h.release.resetAt = token
	}
	if h.run != nil && h.run.step == 2 && h.cancels {
		h.run.canceled = true
	}
	h.queued = true
	h.changed()
}

// recreate deletes the release, or creates it if it is gone.
func (h *simHelm) recreate() {
	r := h.release
	h.run, h.rendered, h.recreated = nil, nil, true
	h.release = simRelease{name: r.name, reads: r.reads, generation: 1, version: r.version + 1, gone: !r.gone, objects: r.objects + 1}
	h.queued = !h.release.gone
	h.allow("recreation")
	for range h.releases { // What the triggers asked of the one before.
		h.allow("recreation with a request under way")
	}
	h.note("%s gone=%t", r.name, h.release.gone)
}

// suspend sets spec.suspend.
func (h *simHelm) suspend(suspended bool) {
	if h.release.gone || h.release.suspended == suspended {
		return
	}
	h.release.suspended = suspended
	h.release.generation++
	h.queued = true
	h.changed()
	h.note("%s suspended=%t", h.release.name, suspended)
}

// advance does the next step of helm-controller. Calm, it meets no trouble.
func (h *simHelm) advance(calm bool) {
	if h.release.gone {
		return
	}
	if h.run == nil {
		h.begin()
		return
	}
	switch run := h.run; run.step {
	case 0:
		h.compose(calm)
	case 1:
		h.act()
	case 2:
		h.finish(calm)
	default:
		h.conclude()
	}
}

// begin reads the object. What a suspended release was asked is noted as handled.
func (h *simHelm) begin() {
	h.queued = false
	if h.release.suspended {
		h.release.handledAt = h.release.requestedAt
		h.release.observed = h.release.generation
		h.changed()
		h.note("helm: %s is suspended, handles %q", h.release.name, h.release.handledAt)
		return
	}
	h.run = &simRun{object: h.release}
	h.release.reconciling = true
	h.changed()
	h.note("helm: begins %s", h.release.name)
}

// compose reads the values, unless it exits early. An early exit loses a force.
func (h *simHelm) compose(calm bool) {
	run := h.run
	if !calm && h.chance(8) {
		reasons := []string{"DependencyNotReady", "SourceNotReady", "ArtifactFailed"}
		h.ready("False", reasons[h.rng.Intn(len(reasons))], "early exit")
		h.end()
		h.queued = true
		h.note("helm: %s exits early with %s, handles %q", h.release.name, h.release.reason, h.release.handledAt)
		return
	}
	if h.release.message == "early exit" {
		h.ready("Unknown", "Progressing", "reconciliation in progress")
	}
	run.values, run.begun = h.values(), h.now
	run.step++
}

// act compares, and makes an upgrade if there is a reason to.
func (h *simHelm) act() {
	run := h.run
	o := run.object
	asked := func(at, handled string) bool {
		return at != "" && at == o.requestedAt && o.handledAt != o.requestedAt && handled != at
	}
	force, reset := asked(o.forceAt, o.handledForceAt), asked(o.resetAt, o.handledResetAt)
	h.release.handledForceAt, h.release.handledResetAt = o.forceAt, o.resetAt
	if h.release.stalled && h.release.config == run.values && !force && !reset {
		h.release.reconciling = false
		h.release.observed = o.generation
		h.end()
		h.note("helm: %s stays stalled, handles %q", h.release.name, h.release.handledAt)
		return
	}
	h.release.stalled = false
	if h.release.revision > 0 && h.release.deployed && h.release.config == run.values && !force {
		h.ready("True", "UpgradeSucceeded", "")
		h.release.reconciling = false
		h.release.observed = o.generation
		h.end()
		h.note("helm: %s is in sync, handles %q", h.release.name, h.release.handledAt)
		return
	}
	h.ready("Unknown", "Progressing", "Running 'upgrade' action")
	h.changed()
	run.at = h.now
	run.contents = map[string]content{}
	for _, s := range h.sources {
		run.contents[s.id] = s.content
	}
	run.step++
	h.note("helm: upgrades %s", h.release.name)
}

// finish ends an upgrade. The revision shows before the request is noted as handled.
func (h *simHelm) finish(calm bool) {
	run := h.run
	r := &h.release
	run.step++
	before := *r
	r.revision++
	h.made = append(h.made, simRevision{at: run.begun})
	r.config = run.values
	r.rolledBack = false
	switch {
	case run.canceled:
		h.allow("canceled upgrade")
		h.made[len(h.made)-1].failed = true
		h.ready("False", canceledReason, "New reconciliation triggered")
		r.deployed, r.stalled, h.queued = false, true, true
	case !calm && h.chance(10):
		h.allow("failed upgrade")
		h.made[len(h.made)-1].failed = true
		h.ready("False", "UpgradeFailed", "Helm upgrade failed")
		r.deployed = false
		switch {
		case before.deployed && h.chance(2):
			h.rollBack(before.config)
			h.queued = true
		case h.chance(2):
			h.queued, r.retrying = true, true
		default:
			r.stalled = true
		}
	default:
		h.ready("True", "UpgradeSucceeded", "")
		r.deployed = true
		h.upgraded = run.at
		h.rendered = maps.Clone(run.contents)
		for id := range r.reads { // Values were read earlier than templates are rendered.
			h.rendered[id] = h.valuesOf(id)
		}
	}
	run.ready, run.reason, run.message, run.retrying = r.ready, r.reason, r.message, r.retrying
	if !run.canceled {
		h.ready("Unknown", "Progressing", "reconciliation in progress")
	}
	h.changed()
	h.note("helm: %s shows revision %d", r.name, r.revision)
}

// conclude says how the upgrade ended, and notes the request as handled.
func (h *simHelm) conclude() {
	run, r := h.run, &h.release
	h.ready(run.ready, run.reason, run.message)
	r.retrying = run.retrying
	r.reconciling = r.retrying
	r.observed = run.object.generation
	h.end()
	h.note("helm: %s revision %d %s, handles %q", r.name, r.revision, r.reason, r.handledAt)
}

// rollBack brings back what ran before a failed upgrade. If its values are those that
// are wanted, that is taken for a success.
func (h *simHelm) rollBack(config string) {
	h.allow("rollback")
	h.made = append(h.made, simRevision{at: h.now, failed: true})
	r := &h.release
	r.revision++
	r.config, r.deployed, r.rolledBack = config, true, true
	if config == h.run.values {
		h.ready("True", "UpgradeSucceeded", "")
	}
}

// valuesOf returns the content of a source in the values of the run.
func (h *simHelm) valuesOf(id string) content {
	var c content
	for part := range strings.SplitSeq(h.run.values, ",") {
		if value, found := strings.CutPrefix(part, id+"="); found {
			_, _ = fmt.Sscanf(value, "[%d %d]", &c[0], &c[1])
		}
	}
	return c
}

// end notes the request that the reconciliation began with as handled.
func (h *simHelm) end() {
	h.release.handledAt = h.run.object.requestedAt
	h.run = nil
	h.changed()
	if h.release.requestedAt != h.release.handledAt || h.release.observed != h.release.generation {
		h.queued = true
	}
}
