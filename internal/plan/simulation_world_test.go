// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
)

// This file models what surrounds the operator: sources, HelmReleases in an API
// server, and helm-controller, with its habits as they were seen on the real one.

// world is one story.
type world struct {
	rng      *rand.Rand
	now      time.Time
	aloud    bool
	story    []string
	sources  []*simSource
	releases []*simHelm
	contents int

	// exempt tells that a release runs content that came and went unseen.
	exempt bool
}

func (w *world) note(format string, args ...any) {
	if !w.aloud {
		return
	}
	w.story = append(w.story, w.now.Format("04:05.0 ")+fmt.Sprintf(format, args...))
}

// chance is true once in n.
func (w *world) chance(n int) bool { return w.rng.Intn(n) == 0 }

// stored returns a time as the API server keeps it.
func stored(at time.Time) time.Time { return at.Truncate(time.Second) }

// content is what the two keys of a source hold; zero for a source that is absent.
type content [2]int

// simSource is a ConfigMap.
type simSource struct {
	id       string
	content  content
	previous content
	modified time.Time

	// edited is when the content really changed, reverted that it ever came back.
	edited   time.Time
	reverted bool
}

// digestOf returns the digest of one key, or of both.
func (c content) digestOf(firstOnly bool) string {
	if c == (content{}) {
		return ""
	}
	parts := map[string]string{"a": fmt.Sprint(c[0])}
	if !firstOnly {
		parts["b"] = fmt.Sprint(c[1])
	}
	return digest.Combine(parts)
}

// edit writes a source: new content in one of its keys, what it held before, or
// nothing at all.
func (w *world) edit(s *simSource, next content) {
	if next == s.content {
		return
	}
	s.previous, s.content = s.content, next
	s.edited = w.now
	s.modified = stored(w.now)
	if next == (content{}) {
		s.modified = time.Time{}
	}
	for _, h := range w.releases {
		switch {
		case !h.concerned(s):
		case next == (content{}):
			h.allowLasting("going of " + s.id) // It has no time.
		default:
			h.allow("edit of " + s.id)
		}
	}
	w.note("%s becomes %v", s.id, next)
}

// newContent returns the content of a source with one key changed.
func (w *world) newContent(s *simSource) content {
	w.contents++
	next := s.content
	if next == (content{}) {
		return content{w.contents, w.contents}
	}
	next[w.rng.Intn(2)] = w.contents
	return next
}

// simRelease is a HelmRelease as the API server has it.
type simRelease struct {
	name                 string
	reads                map[string]bool
	version              int
	generation, observed int
	suspended            bool
	gone                 bool
	created              time.Time

	requestedAt, forceAt, record string
	handledAt, handledForceAt    string

	ready, reason, message string
	reconciling            bool
	revision               int64
	config                 string
	deployed, rolledBack   bool
	lastDeployed           time.Time
}

func (r simRelease) observe() Release {
	if r.gone {
		return Release{}
	}
	return Release{
		Exists: true, Created: r.created, Reads: r.reads, Suspended: r.suspended,
		Ready: r.ready, ReadyReason: r.reason, ReadyMessage: r.message, Reconciling: r.reconciling,
		Current: r.observed == r.generation, RequestedAt: r.requestedAt, HandledAt: r.handledAt,
		Revision: r.revision, ConfigDigest: r.config, Deployed: r.deployed, LastDeployed: r.lastDeployed,
		RolledBack: r.rolledBack, Record: ParseRecord(r.record),
	}
}

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

	// queued tells that something happened that helm-controller watches.
	queued bool

	// rendered is the content of the sources in the latest successful revision,
	// be they read as values or looked up by the chart.
	rendered map[string]content

	// made are the revisions, allowed the reasons for which they are right.
	made    []simRevision
	allowed []simReason

	// followed are the sources of any trigger of this release.
	followed map[string]bool

	// recreated tells that the release was deleted for a while, blind that a decision
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
}

// concerned tells whether a change of the source may make a revision.
func (h *simHelm) concerned(s *simSource) bool {
	return h.release.reads[s.id] || h.followed[s.id]
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

// idle tells that helm-controller has nothing to do.
func (h *simHelm) idle() bool { return h.run == nil && !h.queued }

// request is what anybody does who annotates the release.
func (h *simHelm) request(token string, force bool) {
	if h.release.gone {
		return
	}
	h.release.requestedAt = token
	if force {
		h.release.forceAt = token
	}
	h.queued = true
	h.changed()
}

// recreate deletes the release, or creates it if it is gone.
func (h *simHelm) recreate() {
	r := h.release
	h.run, h.rendered, h.recreated = nil, nil, true
	h.release = simRelease{name: r.name, reads: r.reads, generation: 1, version: r.version + 1, gone: !r.gone, created: stored(h.now)}
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
	default:
		h.finish(calm)
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
		h.release.ready, h.release.reason = "False", reasons[h.rng.Intn(len(reasons))]
		h.release.message = "early exit"
		h.end()
		h.queued = true
		h.note("helm: %s exits early with %s, handles %q", h.release.name, h.release.reason, h.release.handledAt)
		return
	}
	run.values, run.begun = h.values(), h.now
	run.step++
}

// act compares, and makes an upgrade if there is a reason to.
func (h *simHelm) act() {
	run := h.run
	o := run.object
	force := o.forceAt != "" && o.forceAt == o.requestedAt && o.handledAt != o.requestedAt && o.handledForceAt != o.forceAt
	h.release.handledForceAt = o.forceAt
	if h.release.revision > 0 && h.release.deployed && h.release.config == run.values && !force {
		h.release.ready, h.release.reason, h.release.message = "True", "UpgradeSucceeded", ""
		h.release.reconciling = false
		h.release.observed = o.generation
		h.end()
		h.note("helm: %s is in sync, handles %q", h.release.name, h.release.handledAt)
		return
	}
	h.release.ready, h.release.reason, h.release.message = "Unknown", "Progressing", "Running 'upgrade' action"
	h.changed()
	run.at = h.now
	run.contents = map[string]content{}
	for _, s := range h.sources {
		run.contents[s.id] = s.content
	}
	run.step++
	h.note("helm: upgrades %s", h.release.name)
}

// finish ends an upgrade.
func (h *simHelm) finish(calm bool) {
	run := h.run
	r := &h.release
	before := *r
	r.revision++
	h.made = append(h.made, simRevision{at: run.begun})
	r.config, r.lastDeployed = run.values, stored(run.at)
	r.rolledBack = false
	if !calm && h.chance(10) {
		// helm-controller tries again.
		h.allow("failed upgrade")
		h.made[len(h.made)-1].failed = true
		r.deployed, r.ready, r.reason, r.message = false, "False", "UpgradeFailed", "Helm upgrade failed"
		h.queued = true
		if before.deployed && h.chance(2) {
			h.rollBack(before.config)
		}
	} else {
		r.deployed, r.ready, r.reason, r.message = true, "True", "UpgradeSucceeded", ""
		h.upgraded = run.at
		h.rendered = maps.Clone(run.contents)
		for id := range r.reads { // Values were read earlier than templates are rendered.
			h.rendered[id] = h.valuesOf(id)
		}
	}
	r.reconciling = false
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
		r.ready, r.reason, r.message = "True", "UpgradeSucceeded", ""
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

// source returns what the planner gets to know of a source.
func (s *simSource) source(firstOnly bool, force triggerv1.ForcePolicy) Source {
	return Source{
		ID: s.id, Digest: s.content.digestOf(firstOnly), Full: s.content.digestOf(false),
		Modified: s.modified, Force: force,
	}
}

// sortedBy returns the sources by ID, as the adapters deliver them.
func sortedByID(sources []Source) []Source {
	slices.SortFunc(sources, func(a, b Source) int { return strings.Compare(a.ID, b.ID) })
	return sources
}
