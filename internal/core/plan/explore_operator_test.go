// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// moment is when the operator dies in a reconciliation.
type moment int

const (
	lives moment = iota
	beforeRequest
	betweenRequests
	beforeStatus
	afterStatus
)

// crash is a reconciliation that is cut short, and a start: the caches are filled again.
func (s *small) crash(at moment, b bounds) bool {
	if s.crashes >= b.crashes || !s.look(b) || !s.reconcile(at) {
		return false
	}
	s.crashes++
	s.start()
	return true
}

// reconcile decides by what the operator has seen, makes the request on the version that was
// decided on, and writes the status on the version that was read.
func (s *small) reconcile(dies moment) bool {
	sources := s.sources()
	diff := Compare(s.known.sources, s.known.digest, sources)
	name := s.name()
	in := Input{
		Now: smallNow(s.now), Timeout: simTimeout, Trigger: name, Knower: Knower{Key: name, UID: types.UID("1-" + name)}, Target: "apps/release",
		Digest: diff.To, Sources: sources, Diff: diff, Policy: triggerv1.ForceAuto,
	}
	decision, sent := s.deliver(in, dies)
	if dies == beforeRequest || dies == betweenRequests {
		return true
	}
	next := smallStatus{version: s.known.version, digest: diff.To, sources: Statuses(sources), target: &decision.Status}
	if s.twin.exists {
		s.swapSide()
		twin, more := s.deliver(in, lives)
		s.swapSide()
		next.twin, sent = &twin.Status, sent || more
	}
	if dies == beforeStatus {
		return sent // Nothing else would be lost.
	}
	if next.digest == s.known.digest && reflect.DeepEqual(next.sources, s.known.sources) && reflect.DeepEqual(next.target, s.known.target) &&
		reflect.DeepEqual(next.twin, s.known.twin) {
		return sent
	}
	if s.known.version != s.stored.version {
		s.known = s.stored.clone() // A conflict.
		return true
	}
	s.saw |= 1 << s.seenLooked
	next.version++
	s.stored = next.clone()
	return true
}

// look fills the caches before a reconciliation, where they do not lag.
func (s *small) look(b bounds) bool {
	if b.prompt {
		s.start()
	}
	return true
}

// helmTwin is the next step of helm-controller with the second release.
func (s *small) helmTwin() bool {
	if !s.twin.exists {
		return false
	}
	s.swapSide()
	moved := s.helm()
	s.swapSide()
	return moved
}

// swapSide has the second release in the place of the first.
func (s *small) swapSide() {
	t := &s.twin
	s.smallSide, s.cached, t.smallSide, t.cached = t.smallSide, t.cached, s.smallSide, s.cached
}

// reconcileSecond is a reconciliation of the second trigger.
func (s *small) reconcileSecond() bool {
	if !s.second.exists {
		return false
	}
	s.swap()
	moved := s.reconcile(lives)
	s.swap()
	return moved
}

// swap has the other trigger in the place of the first.
func (s *small) swap() {
	t := &s.second
	s.stored, s.known, t.stored, t.known = t.stored, t.known, s.stored, s.known
	s.swapped = !s.swapped
}

// name is that of the trigger which is reconciled.
func (s *small) name() string {
	if s.swapped {
		return "apps/second"
	}
	return "apps/trigger"
}

// into is what is seen of the release, and what it says of itself as a target.
func (r smallRelease) into(in *Input) {
	in.Release, in.Values = r.observe(), ValuesUnknown
	in.Previous, in.Known = in.Release.Record.Recall(in.Knower, in.Release.UID, TranslationOf(in.Sources))
}

// deliver decides, and makes the request, or notes what is known now; after a conflict, it decides on
// what there is then.
func (s *small) deliver(in Input, dies moment) (Decision, bool) {
	observed := s.cached
	if observed.into(&in); in.DependsOnOrder() {
		observed, in.Live = s.live, true
	}
	for {
		observed.into(&in)
		decision := Decide(in)
		if decision.NeedValues {
			in.Values = ValuesDiffer
			if observed.config == s.seenRead {
				in.Values = ValuesEqual
			}
			decision = Decide(in)
		}
		record, write := in.Release.Record, false
		if decision.Request != nil {
			record, write = decision.Request.Record, true
		}
		record, news := record.Keep(in, decision.Status)
		if !news && !write || dies == beforeRequest {
			return decision, false
		}
		if observed.version == s.live.version {
			r := &s.live
			r.record = record.String()
			if decision.Request != nil {
				r.requestedAt = decision.Request.Token
				s.queued = true
			}
			if decision.Request != nil && decision.Request.Force {
				r.forceAt = r.requestedAt
			}
			r.version++
			s.saw |= 1 << s.seenLooked
			return decision, true
		}
		observed, in.Live = s.live, true
	}
}

// rest lets the world come to rest without trouble, and says what is wrong then.
func (s *small) rest() string {
	s.former = smallView{}
	if s.live.suspended {
		s.suspensions = 0
		s.suspend(bounds{suspensions: 1})
	}
	for quiet := 0; quiet < 2 && s.now < 10_000; s.now++ {
		moved := false
		for s.helm() || s.helmTwin() {
			moved = true
		}
		moved = s.seeSources() || moved
		moved = s.seeRelease() || moved
		moved = s.seeStatus() || moved
		moved = s.reconcile(lives) || moved
		moved = s.reconcileSecond() || moved
		s.trace = append(s.trace, "then                         "+s.String())
		quiet++
		if moved {
			quiet = 0
		}
		if quiet == 1 {
			s.now += 60 // All that waits for a time is due.
		}
		if quiet == 2 {
			return s.verdicts()
		}
	}
	return "does not come to rest: " + s.String()
}

// verdicts are those on the first trigger and its release, on its second release, and on the second trigger.
func (s *small) verdicts() string {
	problem := s.verdict()
	if s.twin.exists && problem == "" {
		s.swapSide()
		s.stored.target = s.stored.twin
		problem = s.verdict()
		s.swapSide()
	}
	if s.second.exists && problem == "" {
		s.swap()
		problem = s.verdict()
		s.swap()
	}
	return problem
}

func (s *small) verdict() string {
	t := s.stored.target
	switch {
	case t == nil || t.State != triggerv1.TargetDelivered || t.Digest != s.stored.digest:
		return "is not Delivered: " + s.String()
	case s.rendersLooked != s.looked && s.rendersUnread:
		s.limit = renderedUnread
	case s.rendersLooked != s.looked && s.unsaved:
		s.limit = restoredDoubt
	case s.rendersRead != s.read || s.rendersLooked != s.looked:
		return "is Delivered and runs other content: " + s.String()
	}
	// The installation, the first sight of what is looked up, the edits, and what someone forces.
	reasons := 2 + s.edits + s.forces
	for _, more := range []struct {
		limit string
		by    int
	}{{"", 0}, {removed, s.removals}, {restored, s.restores}, {overwritten, s.asks}, {outdated, 2 * s.leaders}} {
		if more.by > 0 && s.made > reasons {
			s.limit = more.limit
		}
		reasons += more.by
	}
	if s.made > reasons {
		return fmt.Sprintf("made %d revisions for %d reasons: %s", s.made, reasons, s.String())
	}
	return ""
}
