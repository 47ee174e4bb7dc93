// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file keeps, on the HelmRelease, what a ValuesTrigger knows of it. That is the truth: the
// status of the trigger only shows it.

const (
	// maxStates bounds how many triggers have their state in a record.
	maxStates = 32

	// maxRecord bounds a record with all its states, in bytes: the API server takes no more than 256 KiB of
	// annotations on one object.
	maxRecord = 128 << 10

	// maxKnown bounds how many sources a state remembers. A trigger by selector may have more:
	// of those, a change that waits counts as one of all sources.
	maxKnown = 300

	// notRequested stands for the digest of a source whose content was not requested of the release yet.
	notRequested = "0"
)

// State is what a ValuesTrigger knows of a release that is one of its targets. It is written in
// the same patch as the request that it is about. Where nothing is requested, it is written when it says
// more than before: that something is proven, has failed, or must be known of the time before a change.
type State struct {
	// Trigger is the beginning of the UID of the ValuesTrigger. One that is deleted and made again knows
	// nothing: what went with the former one, such as copies, is gone. Empty for what is generated.
	Trigger string `json:"trigger,omitempty"`

	// State of the target when it was last written. While a change waits, it is that of the
	// content before.
	State triggerv1.TargetState `json:"state,omitempty"`

	// Digest of the content that the release was last requested to run or is proven to run, and
	// Sources as they were then. There are none in a state that was taken over from an earlier version
	// while a change waited.
	Digest  string           `json:"digest,omitempty"`
	Sources []RecordedSource `json:"sources,omitempty"`

	// The others are as in TargetStatus.
	Published       string                 `json:"published,omitempty"`
	Token           string                 `json:"token,omitempty"`
	Forced          bool                   `json:"forced,omitempty"`
	OwesForce       bool                   `json:"owesForce,omitempty"`
	Attempts        int32                  `json:"attempts,omitempty"`
	TriggeredAt     *metav1.Time           `json:"triggeredAt,omitempty"`
	DeliveredAt     *metav1.Time           `json:"deliveredAt,omitempty"`
	Revision        int64                  `json:"revision,omitempty"`
	DoubtfulUntil   int64                  `json:"doubtfulUntil,omitempty"`
	DoubtfulRequest string                 `json:"doubtfulRequest,omitempty"`
	Seen            *triggerv1.SeenContent `json:"seen,omitempty"`
	UnreadyBefore   *bool                  `json:"unreadyBefore,omitempty"`
	Message         string                 `json:"message,omitempty"`
	Cause           string                 `json:"cause,omitempty"`
}

// Knower is who knows of a release: a ValuesTrigger.
type Knower struct {
	// Key is the name of its state in a record.
	Key string

	// UID of the trigger, empty if another one goes on with what it knows.
	UID types.UID
}

func (k Knower) trigger() string { return string(k.UID[:min(len(k.UID), maxObject)]) }

// Knowers returns who knows something of the HelmRelease with the UID: the beginnings of the UIDs of the
// ValuesTriggers by the keys of their states.
func (r Record) Knowers(uid types.UID) map[string]string {
	states := r.Of(uid).States
	knowers := make(map[string]string, len(states))
	for key, state := range states {
		knowers[key] = state.Trigger
	}
	return knowers
}

// Recall returns what a trigger knows of a target, nil if it knows nothing, and the sources as they
// were when the target was last requested or proven to run their content, nil if that is not known. Digests
// that are made otherwise now are translated.
func (r Record) Recall(who Knower, uid types.UID, now Translation) (*triggerv1.TargetStatus, []RecordedSource) {
	s, found := r.Of(uid).States[who.Key]
	if !found || s.Trigger != who.trigger() {
		return nil, nil
	}
	status := &triggerv1.TargetStatus{
		UID: uid, State: s.State, Digest: s.Digest, Published: s.Published, Token: s.Token, Forced: s.Forced, OwesForce: s.OwesForce,
		Attempts: s.Attempts, TriggeredAt: s.TriggeredAt.DeepCopy(), DeliveredAt: s.DeliveredAt.DeepCopy(), Revision: s.Revision,
		DoubtfulUntil: s.DoubtfulUntil, DoubtfulRequest: s.DoubtfulRequest, Seen: s.Seen.DeepCopy(), UnreadyBefore: s.UnreadyBefore,
		Message: s.Message, Cause: s.Cause,
	}
	now.applyTarget(status)
	return status, s.Sources
}

// Keep returns the record with what a trigger knows of a target now, and whether that is to be
// written although nothing is requested.
func (r Record) Keep(in Input, status triggerv1.TargetStatus) (Record, bool) {
	if !in.Release.Exists || in.Release.Denied != "" {
		return r, false
	}
	r = r.Of(in.Release.UID)
	old, found := r.States[in.Knower.Key]
	if old.Trigger != in.Knower.trigger() {
		old = State{}
	}
	next := stateOf(in, old, status)
	if next.Digest == "" && next.UnreadyBefore == nil && next.State != triggerv1.TargetFailed {
		return r, false // Nothing is known but that it waits.
	}
	if found && next.same(old) {
		return r, false
	}
	r.UID = in.Release.UID
	r.States = maps.Clone(r.States)
	if r.States == nil {
		r.States = map[string]State{}
	}
	delete(r.States, in.Knower.Key)
	for len(r.States) >= maxStates || len(r.States) > 0 && len(r.String())+next.size() > maxRecord {
		delete(r.States, r.oldest())
	}
	r.States[in.Knower.Key] = next
	return r, true
}

// size returns how many bytes of a record a state takes.
func (s State) size() int {
	data, _ := json.Marshal(s) // It holds nothing that cannot be marshalled.
	return len(data)
}

// oldest returns whose content was requested or proven longest ago: perhaps of a trigger that is gone.
func (r Record) oldest() string {
	last := func(s State) time.Time {
		var at time.Time
		for _, t := range []*metav1.Time{s.TriggeredAt, s.DeliveredAt} {
			if t != nil && t.After(at) {
				at = t.Time
			}
		}
		return at
	}
	return slices.MinFunc(slices.Sorted(maps.Keys(r.States)), func(a, b string) int { return last(r.States[a]).Compare(last(r.States[b])) })
}

// stateOf returns what to keep of a status. While a change waits, nothing has happened to the
// release: what follows from the sources and the release is found again.
func stateOf(in Input, old State, status triggerv1.TargetStatus) State {
	if status.Digest == "" && old.Digest != "" {
		return old // It is in doubt, and found to be so again.
	}
	s := State{
		Trigger: in.Knower.trigger(),
		State:   status.State, Digest: status.Digest, Published: status.Published, Token: status.Token, Forced: status.Forced,
		Attempts: status.Attempts, TriggeredAt: status.TriggeredAt, DeliveredAt: status.DeliveredAt, Revision: status.Revision,
		DoubtfulUntil: status.DoubtfulUntil, DoubtfulRequest: status.DoubtfulRequest, Seen: status.Seen,
		UnreadyBefore: status.UnreadyBefore, Cause: status.Cause,
	}
	s.Sources = in.sourcesOf(old, status)
	if lasts(status) {
		s.Message = status.Message
	}
	if status.Digest == "" { // It is met, and waits or cannot be installed.
		if s.State != triggerv1.TargetFailed {
			s.State, s.Cause = triggerv1.TargetPending, ""
		}
		return s
	}
	if !WasUnready(status) {
		s.UnreadyBefore = nil // That it was ready is known of all that has been delivered.
	}
	if status.Digest == in.Digest || old.Digest != status.Digest {
		if s.Sources == nil {
			s.OwesForce = status.OwesForce
		}
		return s
	}
	s.State, s.Message, s.Cause, s.OwesForce = old.State, old.Message, old.Cause, old.OwesForce
	if s.Sources != nil && (status.DeliveredAt != nil || status.Attempts > 0) {
		s.Forced = old.Forced
	} else if s.Sources == nil {
		s.OwesForce = status.OwesForce
	}
	return s
}

// sourcesOf returns the sources as they were when the target was last requested or proven to run their content.
func (in Input) sourcesOf(old State, status triggerv1.TargetStatus) []RecordedSource {
	switch {
	case status.Digest == in.Digest:
		return known(in.Sources)
	case status.Digest == old.Digest:
		return in.withAdded(old.Sources)
	case in.Previous != nil && status.Digest == in.Previous.Digest:
		return in.Known
	}
	return nil
}

// withAdded returns what is known of the sources with those that were taken in since and are there: if one of
// them goes before its content is requested, the release may have looked it up.
func (in Input) withAdded(known []RecordedSource) []RecordedSource {
	for _, s := range in.Sources {
		found := slices.ContainsFunc(known, func(e RecordedSource) bool { return e.ID == s.ID })
		if known != nil && !found && s.Digest != "" && in.Release.looksUp(s) && len(known) < maxKnown {
			known = append(slices.Clip(known), RecordedSource{ID: s.ID, Digest: notRequested})
		}
	}
	return known
}

// lasts reports whether a later decision goes by the message.
func lasts(status triggerv1.TargetStatus) bool {
	switch status.State {
	case triggerv1.TargetFailed, triggerv1.TargetDelivered:
		return true
	case triggerv1.TargetTriggered:
		return strings.HasPrefix(status.Message, retries)
	}
	return false
}

// known returns the sources as a state remembers them, nil if they are too many.
func known(sources []Source) []RecordedSource {
	if len(sources) > maxKnown {
		return nil
	}
	recorded := make([]RecordedSource, 0, len(sources))
	for _, s := range sources {
		recorded = append(recorded, RecordedSource{ID: s.ID, Digest: digest.Short(s.Digest), Object: object(s)})
	}
	return recorded
}

// KnownFrom returns the sources of a status as a state remembers them.
func KnownFrom(statuses []triggerv1.SourceStatus) []RecordedSource {
	sources := make([]Source, 0, len(statuses))
	for _, s := range statuses {
		sources = append(sources, Source{ID: ID(s.Kind, s.Namespace, s.Name), Digest: s.Digest, UID: s.UID})
	}
	return known(sources)
}

// same compares what is written: times have no more than seconds there.
func (s State) same(other State) bool {
	one, err := json.Marshal(s)
	another, otherErr := json.Marshal(other)
	return err == nil && otherErr == nil && string(one) == string(another)
}

// plausible reports whether the operator can have written a state.
func (s State) plausible() bool {
	switch s.State {
	case triggerv1.TargetPending, triggerv1.TargetHeld, triggerv1.TargetTriggered, triggerv1.TargetDelivered, triggerv1.TargetFailed:
	default:
		return false
	}
	if len(s.Trigger) > maxObject {
		return false
	}
	sums := []string{s.Digest, s.Published}
	if s.Seen != nil {
		sums = append(sums, s.Seen.Digest)
	}
	return (s.Token == "" || tokenPattern.MatchString(s.Token)) && s.Revision >= 0 && s.DoubtfulUntil >= 0 && len(s.DoubtfulRequest) <= maxDoubt &&
		len(s.Message) <= text.MaxMessage && len(s.Cause) <= text.MaxMessage && len(s.Sources) <= maxKnown &&
		!slices.ContainsFunc(s.Sources, func(e RecordedSource) bool { return !e.plausible() }) &&
		!slices.ContainsFunc(sums, func(sum string) bool { return sum != "" && !sumPattern.MatchString(sum) })
}
