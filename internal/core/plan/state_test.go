// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// keep keeps what came of a decision on the release, and recalls it in the input.
func keep(in *Input, status triggerv1.TargetStatus) (news bool) {
	in.Release.Record, news = in.Release.Record.Keep(*in, status)
	in.Release.Record = ParseRecord(in.Release.Record.String())
	in.Previous, in.Known = in.Release.Record.Recall(in.Knower, in.Release.UID, TranslationOf(in.Sources))
	return news
}

// kept returns the input of a scene whose release runs the content, which is kept on it.
func kept(s *scene) Input {
	in := s.input()
	in.Knower = Knower{Key: "apps/trigger", UID: "1-trigger"}
	keep(&in, *s.status)
	return in
}

func TestKeep_what_is_kept_is_recalled(t *testing.T) {
	g := NewWithT(t)
	at := metav1.NewTime(noon.Local())
	in := kept(delivered(other, read))
	status := triggerv1.TargetStatus{
		UID: in.Release.UID, State: triggerv1.TargetFailed, Digest: in.Digest, Published: in.Digest, Token: "0123456789ab.3", Forced: true,
		Attempts: 2, TriggeredAt: &at, DeliveredAt: &at, Revision: 7, DoubtfulUntil: 8, DoubtfulRequest: "by someone",
		Seen: &triggerv1.SeenContent{Digest: in.Digest, Revision: 6}, UnreadyBefore: new(true), Message: "it failed", Cause: "an edit",
	}

	g.Expect(keep(&in, status)).To(BeTrue())
	g.Expect(*in.Previous).To(Equal(status))
	g.Expect(in.Known).To(Equal(known(in.Sources)))
	g.Expect(keep(&in, status)).To(BeFalse(), "it is kept already")
	t.Logf("%d bytes", len(in.Release.Record.String()))
}

func TestKeep_a_release_that_is_met_and_waits_is_written_once(t *testing.T) {
	g := NewWithT(t)
	s := newScene(other)
	s.gated = true
	in := s.input()
	in.Knower = Knower{Key: "apps/trigger", UID: "1-trigger"}

	g.Expect(keep(&in, Decide(in).Held("waits"))).To(BeTrue(), "that it was ready is not known of the time before otherwise")
	g.Expect(in.Previous.UnreadyBefore).To(HaveValue(BeFalse()))
	g.Expect(keep(&in, Decide(in).Held("waits"))).To(BeFalse())
}

func TestKeep_a_change_that_waits_is_not_written(t *testing.T) {
	g := NewWithT(t)
	s := delivered(other, read)
	before := kept(s)
	s.edit(other)
	in := s.input()
	in.Knower, in.Release, in.Previous, in.Known = before.Knower, before.Release, before.Previous, before.Known

	held := Decide(in).Held("waits")
	g.Expect(held.Digest).To(Equal(before.Digest))
	g.Expect(keep(&in, held)).To(BeFalse())
}

// What is looked up, was taken in while a change waits, and is gone again, may be in what the release runs.
func TestKeep_a_source_that_comes_and_goes_while_a_change_waits(t *testing.T) {
	g := NewWithT(t)
	s := delivered(read)
	in := kept(s)
	release := in.Release
	release.Suspended = true
	look := func() Decision {
		next := s.input()
		next.Knower, next.Release = in.Knower, release
		next.Previous, next.Known = release.Record.Recall(in.Knower, release.UID, TranslationOf(next.Sources))
		d := Decide(next)
		keep(&next, d.Status)
		release.Record = next.Release.Record
		s.note()
		return d
	}
	s.include(other)
	g.Expect(look().Status.State).To(Equal(triggerv1.TargetHeld))
	s.removeOther()
	g.Expect(look().Status.State).To(Equal(triggerv1.TargetHeld))
	release.Suspended = false
	g.Expect(outcomeOf(look())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
}

// A source that is removed does not hide that another one came and went.
func TestDecide_contentThatComesBackWhileAnotherSourceIsRemoved(t *testing.T) {
	g := NewWithT(t)
	s := delivered(other, read)
	in := kept(s)
	s.edit(other)
	s.note()
	s.write(other, "first")
	s.exclude(read)
	in.Release.Revision++ // Of its own, with what was there meanwhile.
	next := s.input()
	next.Knower, next.Release = in.Knower, in.Release
	next.Previous, next.Known = in.Release.Record.Recall(in.Knower, in.Release.UID, TranslationOf(next.Sources))

	next.Live = false
	g.Expect(next.DependsOnOrder()).To(BeTrue())
	next.Live = true
	g.Expect(outcomeOf(Decide(next))).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
}

func TestKeep_forgets_the_state_that_is_oldest(t *testing.T) {
	g := NewWithT(t)
	in := kept(delivered(other))
	status := *in.Previous
	for i := range maxStates {
		at := metav1.NewTime(noon.Add(time.Duration(i+1) * time.Minute))
		in.Knower.Key, status.DeliveredAt = fmt.Sprintf("apps/other-%d", i), &at
		keep(&in, status)
	}
	g.Expect(in.Release.Record.States).To(HaveLen(maxStates))
	g.Expect(in.Release.Record.States).NotTo(HaveKey("apps/trigger"))
	g.Expect(keep(&in, status)).To(BeFalse(), "one that is full loses nothing by what is known already")
	g.Expect(in.Release.Record.States).To(HaveLen(maxStates))
}

// The API server takes no more than 256 KiB of annotations on one object.
func TestKeep_leaves_room_for_others(t *testing.T) {
	g := NewWithT(t)
	in := kept(delivered(other))
	status := *in.Previous
	for i := range maxKnown {
		in.Sources = append(in.Sources, Source{ID: fmt.Sprintf("ConfigMap/%s/%s-%d", strings.Repeat("n", 60), strings.Repeat("v", 200), i), Digest: "sha256:0123456789ab", UID: "01234567"})
	}
	in.Sources = in.Sources[:maxKnown]
	in.Digest = Combined(in.Sources)
	status.Digest = in.Digest
	for i := range 8 {
		in.Knower.Key = fmt.Sprintf("apps/other-%d", i)
		keep(&in, status)
		g.Expect(in.Release.Record.States).To(HaveKey(in.Knower.Key), "the last one stays")
		g.Expect(len(in.Release.Record.String())).To(BeNumerically("<", 256<<10))
	}
	g.Expect(len(in.Release.Record.States)).To(BeNumerically("<", 3))
}

func TestParseRecord_implausible_states_are_none(t *testing.T) {
	for name, change := range map[string]func(*State){
		"a state that is none":  func(s *State) { s.State = "Perfect" },
		"a digest that is none": func(s *State) { s.Digest = "sha256:<b>" },
		"published":             func(s *State) { s.Published = "x" },
		"a token without end":   func(s *State) { s.Token = "0123456789ab.12345678901" },
		"a revision below zero": func(s *State) { s.Revision = -1 },
		"doubt below zero":      func(s *State) { s.DoubtfulUntil = -1 },
		"a request without end": func(s *State) { s.DoubtfulRequest = string(make([]byte, maxDoubt+1)) },
		"content that was not":  func(s *State) { s.Seen = &triggerv1.SeenContent{Digest: "y"} },
		"a message without end": func(s *State) { s.Message = string(make([]byte, 10_000)) },
		"a cause without end":   func(s *State) { s.Cause = string(make([]byte, 10_000)) },
		"too many sources":      func(s *State) { s.Sources = make([]RecordedSource, maxKnown+1) },
		"a source that is none": func(s *State) { s.Sources = []RecordedSource{{ID: "x"}} },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			in := kept(delivered(other))
			state := in.Release.Record.States[in.Knower.Key]
			g.Expect(ParseRecord(in.Release.Record.String()).States).To(HaveKey(in.Knower.Key))
			change(&state)
			in.Release.Record.States[in.Knower.Key] = state
			g.Expect(ParseRecord(in.Release.Record.String()).States).To(BeEmpty())
		})
	}
}

// What a release of the same name before it was asked says nothing.
func TestRecall_another_release_is_not_known(t *testing.T) {
	g := NewWithT(t)
	in := kept(delivered(other))
	previous, sources := in.Release.Record.Recall(in.Knower, "another", TranslationOf(in.Sources))
	g.Expect(previous).To(BeNil())
	g.Expect(sources).To(BeNil())
}

// Digests of Secrets under another key mean the same content.
func TestRecall_digests_that_were_made_otherwise(t *testing.T) {
	g := NewWithT(t)
	s := delivered(other, read)
	in := kept(s)
	for i := range s.sources {
		x := &s.sources[i]
		x.Former, x.FormerFull = []string{x.Digest}, []string{x.Full}
	}
	s.write(other, "first under another key")
	next := s.input()
	next.Knower, next.Release = in.Knower, in.Release
	next.Previous, next.Known = in.Release.Record.Recall(in.Knower, in.Release.UID, TranslationOf(next.Sources))
	g.Expect(next.Previous.Digest).To(Equal(next.Digest))
	g.Expect(next.ownDiff().Changed).To(BeEmpty())

	s.source(read).Former = []string{"sha256:other"} // Which has changed as well.
	next.Sources = s.sources
	g.Expect(next.ownDiff().Changed).To(BeEmpty())
}

// What another trigger, or an earlier request, asked for does not count against content that a later revision is
// proven to run: each reconciliation of helm-controller would be news.
func TestDecide_other_content_that_was_requested_before_the_proof(t *testing.T) {
	for name, c := range map[string]struct {
		after int64
		state triggerv1.TargetState
	}{
		"before the revision that proves it": {1, triggerv1.TargetDelivered},
		"since":                              {7, triggerv1.TargetPending},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			in := kept(delivered(other))
			status := *in.Previous
			in.Release.Revision, status.Revision = 7, 7
			keep(&in, status)
			in.Release.Record.Token, in.Release.Record.At = "0123456789ab.1000", noon
			in.Release.Record.Sources = []RecordedSource{{ID: in.Sources[0].ID, Digest: "0123456789ab", After: c.after}}
			in.Release.RequestedAt, in.Release.HandledAt = in.Release.Record.Token, in.Release.Record.Token
			in.Release.Reconciling, in.Release.Ready = true, "Unknown"
			in.Previous, in.Known = in.Release.Record.Recall(in.Knower, in.Release.UID, TranslationOf(in.Sources))
			d := Decide(in)
			g.Expect(d.Status.State).To(Equal(c.state))
			g.Expect(d.Status.DoubtfulUntil > 0).To(Equal(c.state == triggerv1.TargetPending))
		})
	}
}
