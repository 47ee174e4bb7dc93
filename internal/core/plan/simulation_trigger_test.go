// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file models ValuesTriggers, and what the test knows of them that the operator
// does not.

// simRef is a source of a trigger.
type simRef struct {
	source    *simSource
	firstOnly bool
	force     triggerv1.ForcePolicy
}

// simStatus is the status of a trigger as the API server has it.
type simStatus struct {
	version        int
	sources        []triggerv1.SourceStatus
	digest         string
	targets        map[string]triggerv1.TargetStatus
	handledForceAt string
	handledResetAt string

	// settling is true while a change settles.
	settling bool
}

// simTrigger is a ValuesTrigger with its place in the work queue.
type simTrigger struct {
	name    string
	refs    []simRef
	removed []simRef
	policy  triggerv1.ForcePolicy
	targets []*simHelm
	stored  simStatus
	cached  simStatus

	// The annotations of a person.
	requestedAt, forceAt, resetAt string
	forcedAt                      time.Time
	forces                        int

	queued bool
	timer  time.Time

	// met counts the releases of each name that it has made a first request of.
	met map[*simHelm]int

	// seen is what the trigger has read since it asked for, or found, what it takes
	// the release to run.
	seen map[place]*sight
}

// place is a source in a release.
type place struct {
	helm   *simHelm
	source *simSource
}

type sight struct {
	runs content
	seen map[content]bool
}

// remember notes what was read for a decision, and whether it was delivered.
func (t *simTrigger) remember(h *simHelm, claimed bool, o *simOperator) {
	for _, ref := range t.refs {
		at := place{h, ref.source}
		read := o.sources[ref.source.id].content
		if t.seen[at] == nil || claimed && t.seen[at].runs != read {
			t.seen[at] = &sight{runs: read, seen: map[content]bool{}}
		}
		t.seen[at].seen[read] = true
	}
}

func sameStatus(a, b simStatus) bool {
	return a.digest == b.digest && slices.Equal(a.sources, b.sources) && equality.Semantic.DeepEqual(a.targets, b.targets) &&
		a.settling == b.settling && a.handledForceAt == b.handledForceAt && a.handledResetAt == b.handledResetAt
}

// known reports that every trigger of a source has looked at it and at every release, so
// that its absence is a change.
func (o *simOperator) known(s *simSource) bool {
	for _, t := range o.triggers {
		listed := slices.ContainsFunc(t.stored.sources, func(status triggerv1.SourceStatus) bool { return s.id == "ConfigMap/apps/"+status.Name })
		if t.refers(s) && !listed {
			return false
		}
		for _, h := range t.targets {
			status, _ := h.release.observe().Record.Recall(Knower{Key: "apps/" + t.name}, h.release.observe().UID, Translation{})
			if t.refers(s) && (status == nil || status.Digest == "") {
				return false
			}
		}
	}
	return true
}

func (t *simTrigger) refers(s *simSource) bool {
	return slices.ContainsFunc(t.refs, func(r simRef) bool { return r.source == s })
}

// toggle adds a source to a trigger or removes it.
func (o *simOperator) toggle(t *simTrigger, s *simSource) {
	refs := slices.DeleteFunc(slices.Clone(t.refs), func(r simRef) bool { return r.source == s })
	switch {
	case len(refs) == 0 || !t.refers(s) && s.content == (content{}):
		return
	case !t.refers(s):
		// Another policy for the same content is not a change.
		ref := simRef{source: s, force: triggerv1.ForceAuto}
		if i := slices.IndexFunc(t.removed, func(r simRef) bool { return r.source == s }); i >= 0 {
			ref = t.removed[i]
		}
		refs = append(refs, ref)
		for _, h := range t.targets {
			delete(t.seen, place{h, s})
			h.followed[s.id] = true
			h.allow(t.name + " takes in " + s.id)
		}
	}
	t.refs, t.removed = refs, append(t.removed, t.refs...)
	t.queued = true
	o.note("%s: %v", t.name, describeRefs(t.refs))
}

// stale reports that a trigger has not read the newest content of its sources.
func (o *simOperator) stale(t *simTrigger) bool {
	return slices.ContainsFunc(t.refs, func(r simRef) bool { return o.sources[r.source.id].edited != r.source.edited })
}

// replaced reports whether a source is another object than the one that was read.
func (o *simOperator) replaced(t *simTrigger) bool {
	return slices.ContainsFunc(t.refs, func(r simRef) bool { return o.sources[r.source.id].objects != r.source.objects })
}

// misread reports that the operator has not read the newest content of what a release reads.
func (o *simOperator) misread(h *simHelm) bool {
	return slices.ContainsFunc(o.world.sources, func(s *simSource) bool {
		return h.release.reads[s.id] && o.sources[s.id].edited != s.edited
	})
}

// unproven says what is wrong with a target that is newly Delivered: it does not run
// what the operator has read.
func (o *simOperator) unproven(t *simTrigger, h *simHelm, in Input, status triggerv1.TargetStatus) string {
	if status.State != triggerv1.TargetDelivered || in.Previous != nil && in.Previous.DeliveredAt != nil && in.Previous.Digest == status.Digest {
		return ""
	}
	for _, ref := range t.refs {
		seen := o.sources[ref.source.id]
		if h.rendered != nil && seen.edited == ref.source.edited && !seen.reverted && !ref.runs(h, seen.content) {
			return fmt.Sprintf("%s: %s is Delivered and runs %v of %s, which holds %v", t.name, h.release.name, h.rendered[seen.id], seen.id, seen.content)
		}
	}
	return ""
}

// runs reports whether the release was rendered with the content, as far as it
// matters to the trigger and is in its power.
func (ref simRef) runs(h *simHelm, want content) bool {
	if ref.force == triggerv1.ForceNever && !h.release.reads[ref.source.id] {
		return true
	}
	have := h.rendered[ref.source.id]
	return want == have || ref.firstOnly && want[0] == have[0]
}

func previousOf(in Input) triggerv1.TargetStatus {
	if in.Previous == nil {
		return triggerv1.TargetStatus{State: triggerv1.TargetPending}
	}
	return *in.Previous
}
