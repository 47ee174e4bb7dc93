// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file models what surrounds the operator: sources, and HelmReleases in an API
// server.

// world is one story.
type world struct {
	rng      *rand.Rand
	now      time.Time
	aloud    bool
	story    []string
	sources  []*simSource
	releases []*simHelm
	contents int

	// cancels reports that helm-controller interrupts an upgrade for another request.
	cancels bool

	// unwitnessed counts forced requests after a revision of another cause, which may have
	// read the content already.
	unwitnessed int

	// exempt reports that a release runs content that came and went unseen.
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

	// objects counts how often it was created.
	objects int

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
	if s.content == (content{}) {
		s.objects++
	}
	s.previous, s.content = s.content, next
	s.edited = w.now
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
	objects              int

	requestedAt, forceAt, record string
	handledAt, handledForceAt    string

	resetAt, handledResetAt string

	ready, reason, message string
	readySince             time.Time
	reconciling, stalled   bool
	retrying               bool
	revision               int64
	config                 string
	deployed, rolledBack   bool
}

func (r simRelease) observe() Release {
	if r.gone {
		return Release{}
	}
	return Release{
		Exists: true, UID: types.UID(fmt.Sprintf("%s-%d", r.name, r.objects)), Reads: r.reads, Suspended: r.suspended,
		Ready: r.ready, ReadyReason: r.reason, ReadyMessage: r.message, Reconciling: r.reconciling,
		ReadySince: r.readySince, GivenUp: r.stalled && !r.reconciling, Retrying: r.retrying && r.reconciling,
		Current: r.observed == r.generation, RequestedAt: r.requestedAt, HandledAt: r.handledAt,
		Revision: r.revision, ConfigDigest: r.config, Deployed: r.deployed,
		RolledBack: r.rolledBack, Record: ParseRecord(r.record).Believed(r.requestedAt, r.forceAt, r.handledAt, r.handledForceAt),
	}
}

// source returns what the planner gets to know of a source.
func (s *simSource) source(firstOnly bool, force triggerv1.ForcePolicy) Source {
	seen := Source{ID: s.id, Digest: s.content.digestOf(firstOnly), Full: s.content.digestOf(false), Force: force}
	if s.content != (content{}) {
		seen.UID = types.UID(fmt.Sprintf("%d-%s", s.objects, s.id))
	}
	return seen
}

// sortedBy returns the sources by ID, as the adapters deliver them.
func sortedByID(sources []Source) []Source {
	slices.SortFunc(sources, func(a, b Source) int { return strings.Compare(a.ID, b.ID) })
	return sources
}
