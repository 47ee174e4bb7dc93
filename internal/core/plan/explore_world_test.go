// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file is the small world that TestExplore visits. Its habits are those of the simulation,
// which has more of them and visits at random.

// small is a state of that world. It holds no pointers but those of the statuses.
type small struct {
	// Contents of the sources.
	read, looked int

	// saw are the contents of what is looked up that the operator has ever recorded, as bits.
	saw int

	smallSide

	stored smallStatus

	// second is another trigger over the same sources and the same release, if there is one, and twin
	// another release of the same trigger. They take turns in the place of the first.
	second  smallTrigger
	twin    smallTwin
	swapped bool

	// What the operator has seen, and the one that led before, if it has not noticed that.
	smallView
	former smallView

	// saved is the record of a backup, and unsaved is true if a doubt was lost when it was put back.
	saved   string
	unsaved bool

	// limit is the documented limit that a state at rest is in, and trace how it came to rest.
	limit string
	trace []string

	now                         int // seconds
	edits, crashes, suspensions int
	backs                       int // edits that brought back what was there before
	leaders, asks, forces       int
	deletions, removals         int
	backups, restores           int
}

// smallView is what an operator has seen.
type smallView struct {
	leads                bool
	seenRead, seenLooked int
	cached               smallRelease
	known                smallStatus
}

// smallSide is a release, and helm-controller as far as it works on that.
type smallSide struct {
	live   smallRelease
	run    smallRun
	queued bool

	// What the latest revision runs, and how many there are.
	rendersRead, rendersLooked int
	rendersUnread              bool
	made                       int
}

// smallTwin is a release beside the first, and what the operator has seen of it.
type smallTwin struct {
	exists bool
	smallSide
	cached smallRelease
}

// smallTrigger is a trigger beside the first, in the same process: only its status is its own.
type smallTrigger struct {
	exists        bool
	stored, known smallStatus
}

// smallRelease is a HelmRelease in the API server.
type smallRelease struct {
	version                   int
	generation, observed      int
	suspended                 bool
	requestedAt, forceAt      string
	handledAt, handledForceAt string
	record                    string
	ready                     string
	reconciling               bool
	revision                  int64
	config                    int
}

// smallRun is a reconciliation of helm-controller: it works on the object that it read first.
type smallRun struct {
	step                 int // 0: there is none
	object               smallRelease
	rendersRead, renders int
	unread               bool // The operator had not recorded what was rendered.
}

// smallStatus is the status of the trigger.
type smallStatus struct {
	version int
	digest  string
	sources []triggerv1.SourceStatus
	target  *triggerv1.TargetStatus
	twin    *triggerv1.TargetStatus
}

// These are the documented limits that the exploration reaches.
const (
	// A revision began with content that the operator had not read yet, and that is gone again.
	renderedUnread = "content that came and went before the operator read it"

	// Nothing is known any more of what the chart looks up.
	removed = "a revision more, since the record was removed"

	// What the record of a backup says is old.
	restored = "a revision more, since the record of a backup was put back"

	// The record of a backup is of the latest request, and of the time before the operator noted what else was there.
	restoredDoubt = "content that came and went, of which the record of a backup does not know"

	// An operator that no longer leads, and has not noticed it, decides by sources that it read before.
	outdated = "revisions more, since an operator that no longer leads asked for the content before"

	// Another request was there when a revision began, or hid one of the operator.
	overwritten = "a revision more, since someone else overwrote the request"
)

const (
	smallRead   = "ConfigMap/apps/read"
	smallLooked = "ConfigMap/apps/looked"
)

// newWorld is the world of some bounds.
func newWorld(b bounds) small {
	s := newSmall()
	s.second.exists = b.triggers
	if b.releases {
		s.twin = smallTwin{exists: true, smallSide: s.smallSide, cached: s.cached}
	}
	return s
}

// newSmall is a release that is installed, of which nothing is recorded.
func newSmall() small {
	r := smallRelease{version: 1, generation: 1, observed: 1, ready: "True", revision: 1}
	return small{saw: 1, smallSide: smallSide{live: r, made: 1}, smallView: smallView{leads: true, cached: r}}
}

func (s small) clone() small {
	s.stored, s.known, s.former.known = s.stored.clone(), s.known.clone(), s.former.known.clone()
	s.second.stored, s.second.known = s.second.stored.clone(), s.second.known.clone()
	return s
}

func (s smallStatus) clone() smallStatus {
	s.target, s.twin = s.target.DeepCopy(), s.twin.DeepCopy()
	return s
}

// key is the same for states that behave the same: of times, only what is between them counts.
func (s small) key() string {
	text := fmt.Sprint(s.read, s.looked, s.smallSide.key(s.now), s.stored.key(), s.saw, s.edits, s.backs, s.crashes, s.suspensions,
		s.leaders, s.asks, s.forces, s.deletions, s.removals, s.backups, s.restores, s.unsaved, s.smallView.key(s))
	if s.former.leads {
		text += s.former.key(s)
	}
	if t := s.twin; t.exists {
		text += fmt.Sprint("|", t.smallSide.key(s.now), t.cached.key(s.now), t.cached.version == t.live.version)
	}
	if t := s.second; t.exists {
		text += fmt.Sprint("|", t.stored.key(), t.known.key(), t.known.version == t.stored.version)
	}
	if s.saved != "" {
		text += smallRelease{record: s.saved}.key(s.now)
	}
	return text
}

func (s smallSide) key(now int) string {
	return fmt.Sprint(s.live.key(now), s.run.step, s.run.object.key(now), s.run.rendersRead, s.run.renders, s.run.unread, s.queued,
		s.rendersRead, s.rendersLooked, s.rendersUnread, s.made)
}

func (v smallView) key(s small) string {
	return fmt.Sprint("|", v.seenRead, v.seenLooked, v.cached.key(s.now), v.cached.version == s.live.version, v.known.key(), v.known.version == s.stored.version)
}

func (r smallRelease) key(now int) string {
	record := parse(r.record)
	at := age(record.At, now)
	for _, then := range record.times {
		at += " " + age(then, now)
	}
	r.version, r.record = 0, ""
	return fmt.Sprint(r, record.timeless, at)
}

// parsed is a record, what it says but for times, and those of the requests that its states are about.
type parsed struct {
	Record
	timeless string
	times    []time.Time
}

// records are those that were parsed before.
var records sync.Map

func parse(text string) parsed {
	if known, found := records.Load(text); found {
		return known.(parsed)
	}
	p := parsed{Record: ParseRecord(text)}
	record := p.Record
	record.At, record.States = time.Time{}, maps.Clone(record.States)
	for name, state := range record.States {
		if state.TriggeredAt != nil {
			p.times = append(p.times, state.TriggeredAt.Time)
		}
		if state.DeliveredAt != nil {
			state.DeliveredAt = &metav1.Time{Time: noon}
		}
		state.TriggeredAt = nil
		record.States[name] = state
	}
	p.timeless = record.String()
	records.Store(text, p)
	return p
}

// key leaves out the target: what it shows is on the release.
func (s smallStatus) key() string { return fmt.Sprint(s.digest, s.sources) }

// age is how long ago something was, as far as decisions differ by it.
func age(at time.Time, now int) string {
	switch passed := smallNow(now).Sub(at); {
	case at.IsZero():
		return "never"
	case passed < time.Minute:
		return passed.String()
	}
	return "long"
}

func smallNow(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// String is what the way to a state shows of it.
func (s small) String() string {
	target := "none"
	if t := s.stored.target; t != nil {
		target = fmt.Sprintf("%s %s attempts=%d doubtful=%d %q", t.State, t.Token, t.Attempts, t.DoubtfulUntil, t.Message)
	}
	return fmt.Sprintf("sources %d/%d runs %d/%d revision %d step %d | %s", s.read, s.looked, s.rendersRead, s.rendersLooked, s.live.revision, s.run.step, target)
}

func (s *small) edit(content *int, b bounds) bool {
	if s.edits >= b.edits {
		return false
	}
	*content++
	s.edits++
	return true
}

// editBack puts the content before in its place.
func (s *small) editBack(content *int, b bounds) bool {
	if s.edits >= b.edits || *content == 0 {
		return false
	}
	*content--
	s.edits++
	s.backs++
	return true
}

func (s *small) suspend(b bounds) bool {
	if s.suspensions >= b.suspensions {
		return false
	}
	s.suspensions++
	s.live.suspended = !s.live.suspended
	s.live.generation++
	s.live.version++
	s.queued = true
	return true
}

func (s *small) seeSources() bool {
	if s.seenRead == s.read && s.seenLooked == s.looked {
		return false
	}
	s.readSources()
	return true
}

func (s *small) readSources() {
	s.seenRead, s.seenLooked = s.read, s.looked
}

func (s *small) seeRelease() bool {
	if s.cached == s.live && s.twin.cached == s.twin.live {
		return false
	}
	s.cached, s.twin.cached = s.live, s.twin.live
	return true
}

func (s *small) seeStatus() bool {
	if s.known.version == s.stored.version && s.second.known.version == s.second.stored.version {
		return false
	}
	s.known, s.second.known = s.stored.clone(), s.second.stored.clone()
	return true
}

// helm is the next step of helm-controller: it begins, reads the values, renders, shows the
// revision, and notes the request as handled.
func (s *small) helm() bool {
	r, run := &s.live, &s.run
	switch {
	case run.step == 0 && !s.queued:
		return false
	case run.step == 0 && r.suspended:
		s.queued = false
		r.handledAt, r.observed = r.requestedAt, r.generation
	case run.step == 0:
		s.queued = false
		*run = smallRun{step: 1, object: *r}
		r.reconciling, r.ready = true, "Unknown"
	case run.step == 1:
		run.rendersRead = s.read
		o := run.object
		forced := o.forceAt != "" && o.forceAt == o.requestedAt && o.handledForceAt != o.forceAt
		r.handledForceAt = o.forceAt
		if !forced && run.rendersRead == r.config {
			s.conclude()
			break
		}
		run.step++
	case run.step == 2:
		run.renders, run.unread = s.looked, s.saw&(1<<s.looked) == 0
		run.step++
	case run.step == 3:
		r.revision++
		r.config = run.rendersRead
		s.made++
		s.rendersRead, s.rendersLooked, s.rendersUnread = run.rendersRead, run.renders, run.unread
		run.step++
	default:
		s.conclude()
	}
	r.version++
	return true
}

func (s *small) conclude() {
	r := &s.live
	r.reconciling, r.ready = false, "True"
	r.handledAt, r.observed = s.run.object.requestedAt, s.run.object.generation
	s.queued = s.queued || r.requestedAt != r.handledAt || r.observed != r.generation
	s.run = smallRun{}
}

func (r smallRelease) observe() Release {
	return Release{
		Exists: true, UID: "1-release", Reads: map[string]bool{smallRead: true}, Suspended: r.suspended,
		Ready: r.ready, Reconciling: r.reconciling, Current: r.observed == r.generation,
		RequestedAt: r.requestedAt, HandledAt: r.handledAt,
		Revision: r.revision, ConfigDigest: fmt.Sprint(r.config), Deployed: true,
		Record: parse(r.record).Believed(r.requestedAt, r.forceAt, r.handledAt, r.handledForceAt),
	}
}

func (s *small) sources() []Source {
	one := func(id string, content int) Source {
		sum := digest.Combine(map[string]string{"a": fmt.Sprint(content)})
		return Source{ID: id, Digest: sum, Full: sum, UID: "1", Force: triggerv1.ForceAuto}
	}
	return []Source{one(smallLooked, s.seenLooked), one(smallRead, s.seenRead)}
}
