// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// This file is the small world that TestExplore visits: two releases that read their copies of
// one source, the canary first and the other after an approval, and helm-controller.

const (
	canary = iota
	rest
	fleetSize
)

// broken is the content that no release runs.
const broken = 2

const sourceID = "ConfigMap/apps/settings"

// fleet is a state of that world.
type fleet struct {
	content  int
	releases [fleetSize]installed
	stored   fleetStatus
	asks     string // The annotation that approves.
	rejects  string // The one that rejects.

	// What the operator has seen, and the one that led before, if it has not noticed that.
	view
	former view

	// approved is the content that a person has approved since it was read.
	approved int

	now    int // seconds
	deaths int // writes that are left until the operator dies, if it does

	edits, crashes, leaders, requests, suspensions, rejections int

	asking          asking
	ticks, silences int

	// problem is what must never be, and trace how the world settled.
	problem string
	trace   []string
}

// view is what an operator has seen of all that.
type view struct {
	leads  bool
	seen   int
	cached [fleetSize]chart
	known  fleetStatus
}

// installed is a HelmRelease with its copy.
type installed struct {
	live   chart
	copied int
	run    run
	queued bool
	made   int
}

// chart is a HelmRelease in the API server.
type chart struct {
	version                int
	requestedAt, handledAt string
	record                 string
	ready                  string
	reconciling, failed    bool
	suspended              bool
	generation, looked     int
	revision               int64
	config                 int
}

// run is a reconciliation of helm-controller: it works on the object that it read first.
type run struct {
	step       int // 0: there is none
	request    string
	generation int
	values     int
}

// fleetStatus is the status of the trigger.
type fleetStatus struct {
	version   int
	digest    string
	sources   []triggerv1.SourceStatus
	rollout   *triggerv1.RolloutStatus
	delivered *triggerv1.DeliveredContent
	handled   string

	handledReject string
}

const none = -1

func newFleet() fleet {
	f := fleet{approved: none}
	for i := range f.releases {
		r := chart{version: 1, ready: "True", revision: 1}
		f.releases[i], f.cached[i] = installed{live: r, made: 1}, r
	}
	f.leads = true
	return f
}

func (f fleet) clone() fleet {
	f.stored, f.known, f.former.known = f.stored.clone(), f.known.clone(), f.former.known.clone()
	return f
}

func (s fleetStatus) clone() fleetStatus {
	s.rollout, s.delivered = s.rollout.DeepCopy(), s.delivered.DeepCopy()
	return s
}

// same compares what is written.
func (s fleetStatus) same(other fleetStatus) bool {
	s.version = other.version
	return reflect.DeepEqual(s, other)
}

// key is the same for states that behave the same: of times, only what is between them counts.
func (f fleet) key() string {
	text := fmt.Sprint(f.content, f.approved, f.asks, f.rejects, f.edits, f.crashes, f.leaders, f.requests, f.suspensions, f.rejections, f.ticks, f.silences) + f.asking.text()
	for _, r := range f.releases {
		text += fmt.Sprint("|", r.copied, r.run, r.queued, r.made, r.live.key(f.now))
	}
	text += f.stored.key(f.now) + f.view.key(f)
	if f.former.leads {
		text += f.former.key(f)
	}
	return text
}

func (v view) key(f fleet) string {
	text := fmt.Sprint("|", v.seen, v.known.version == f.stored.version) + v.known.key(f.now)
	for i, c := range v.cached {
		text += fmt.Sprint("|", c.key(f.now), c.version == f.releases[i].live.version)
	}
	return text
}

func (c chart) key(now int) string {
	record := parse(c.record)
	at := age(record.At, now)
	for _, then := range record.times {
		at += " " + age(then, now)
	}
	c.version, c.record = 0, ""
	return fmt.Sprint(c, record.timeless, at)
}

// parsed is a record, what it says but for times, and those of the requests that its states are about.
type parsed struct {
	plan.Record
	timeless string
	times    []time.Time
}

// records are those that were parsed before.
var records sync.Map

func parse(text string) parsed {
	if known, found := records.Load(text); found {
		return known.(parsed)
	}
	p := parsed{Record: plan.ParseRecord(text)}
	record := p.Record
	record.At, record.States = time.Time{}, maps.Clone(record.States)
	for name, state := range record.States {
		if state.TriggeredAt != nil {
			p.times = append(p.times, state.TriggeredAt.Time)
		}
		if state.DeliveredAt != nil {
			state.DeliveredAt = &metav1.Time{Time: clock(0)}
		}
		state.TriggeredAt = nil
		record.States[name] = state
	}
	p.timeless = record.String()
	records.Store(text, p)
	return p
}

func (s fleetStatus) key(now int) string {
	text := "|" + s.digest + s.handled + "|" + s.handledReject
	if s.delivered != nil {
		text += s.delivered.Digest
	}
	if r := s.rollout; r != nil {
		text += fmt.Sprint(r.Digest, r.Phase, r.Stage, r.Rollback, r.RejectedBy != nil)
		for _, st := range r.Stages {
			text += fmt.Sprint(st.Name, st.Phase, st.Approved, st.Targets, st.Failed, analysisKey(st.Analysis, now))
		}
	}
	return text
}

// age is how long ago something was, as far as decisions differ by it.
func age(at time.Time, now int) string {
	switch passed := clock(now).Sub(at); {
	case at.IsZero():
		return "never"
	case passed < time.Minute:
		return passed.String()
	}
	return "long"
}

func clock(seconds int) time.Time {
	return time.Unix(1e9, 0).UTC().Add(time.Duration(seconds) * time.Second)
}

// String is what the way to a state shows of it.
func (f fleet) String() string {
	text := fmt.Sprintf("content %d read %d", f.content, f.seen)
	for _, r := range f.releases {
		text += fmt.Sprintf(" | copy %d runs %d revision %d %s", r.copied, r.live.config, r.live.revision, r.live.ready)
		for _, s := range r.live.observe().Record.States {
			text += fmt.Sprintf(" %s %s %q", s.State, s.Token, s.Message)
		}
	}
	if s := f.stored.rollout; s != nil {
		text += fmt.Sprintf(" | %s %s %s", s.Phase, s.Stage, s.Message)
	}
	return text
}

// edit gives the source other content.
func (f *fleet) edit(content int, b bounds) bool {
	if f.edits >= b.edits || f.content == content {
		return false
	}
	f.content = content
	f.edits++
	return true
}

func (f *fleet) seeSource() bool {
	if f.seen == f.content {
		return false
	}
	f.readSource()
	return true
}

func (f *fleet) readSource() {
	if f.seen != f.content {
		f.approved = none
	}
	f.seen = f.content
}

func (f *fleet) seeRelease(i int) bool {
	if f.cached[i] == f.releases[i].live {
		return false
	}
	f.cached[i] = f.releases[i].live
	return true
}

func (f *fleet) seeStatus() bool {
	if f.known.version == f.stored.version {
		return false
	}
	f.known = f.stored.clone()
	return true
}

// start fills the caches of an operator.
func (f *fleet) start() {
	f.readSource()
	f.known, f.asking = f.stored.clone(), asking{}
	for i, r := range f.releases {
		f.cached[i] = r.live
	}
}

// lead has another operator lead. The one before may not have noticed.
func (f *fleet) lead(b bounds) bool {
	if f.leaders >= b.leaders {
		return false
	}
	f.leaders++
	f.former = f.view
	f.former.known = f.known.clone()
	f.start()
	return true
}

// follow has the one before look once more.
func (f *fleet) follow(b bounds) bool {
	if !f.former.leads {
		return false
	}
	now := f.view
	f.view, f.former = f.former, view{}
	f.reconcile(b)
	f.view = now
	return true
}

// request is someone who has a release reconciled.
func (f *fleet) request(i int, b bounds) bool {
	if f.requests >= b.requests {
		return false
	}
	f.requests++
	m := &f.releases[i]
	m.live.requestedAt = "by someone"
	m.live.version++
	m.queued = true
	return true
}

func (f *fleet) suspend(i int, b bounds) bool {
	if f.suspensions >= b.suspensions {
		return false
	}
	f.suspensions++
	m := &f.releases[i]
	m.live.suspended = !m.live.suspended
	m.live.generation++
	m.live.version++
	m.queued = true
	return true
}

// approve is a person who approves what the status asks about.
func (f *fleet) approve() bool {
	s := f.stored.rollout
	if s == nil || s.Phase != triggerv1.RolloutAwaitingApproval {
		return false
	}
	value := Approval(s.Digest, "rest", f.stored.handled)
	if f.asks == value {
		return false
	}
	f.asks = value
	if s.Digest == contentDigest(f.seen) {
		f.approved = f.seen
	}
	return true
}

// reject is a person who rejects what is being rolled out.
func (f *fleet) reject(b bounds) bool {
	s := f.stored.rollout
	if f.rejections >= b.rejections || s == nil || s.RejectedBy != nil || s.Phase == triggerv1.RolloutFinished {
		return false
	}
	f.rejections++
	f.rejects = Another(s.Digest, f.stored.handledReject)
	return true
}

// helm is the next step of helm-controller for a release: it begins, reads the values, upgrades,
// and notes the request as handled.
func (f *fleet) helm(i int) bool {
	m := &f.releases[i]
	r := &m.live
	switch {
	case m.run.step == 0 && !m.queued:
		return false
	case m.run.step == 0 && r.suspended:
		m.queued = false
		r.handledAt, r.looked = r.requestedAt, r.generation
	case m.run.step == 0:
		m.queued = false
		m.run = run{step: 1, request: r.requestedAt, generation: r.generation}
		r.reconciling, r.ready = true, "Unknown"
	case m.run.step == 1:
		m.run.values = m.copied
		m.run.step++
		if r.config == m.copied && !r.failed {
			m.run.step = 3
		}
	case m.run.step == 2:
		r.revision++
		m.made++
		r.config, r.failed = m.run.values, m.run.values == broken
		m.run.step++
	default:
		r.reconciling, r.ready = false, "True"
		if r.failed {
			r.ready = "False"
		}
		r.handledAt, r.looked = m.run.request, m.run.generation
		m.queued = m.queued || r.requestedAt != r.handledAt || r.looked != r.generation
		m.run = run{}
	}
	r.version++
	return true
}

func (c chart) observe() plan.Release {
	r := plan.Release{
		Exists: true, UID: "1-release", Reads: map[string]bool{sourceID: true}, Copied: map[string]bool{sourceID: true},
		Suspended: c.suspended, Ready: c.ready, ReadyCurrent: c.looked == c.generation, Reconciling: c.reconciling, Current: c.looked == c.generation, RequestedAt: c.requestedAt, HandledAt: c.handledAt,
		Revision: c.revision, ConfigDigest: fmt.Sprint(c.config), Deployed: !c.failed,
		Record: parse(c.record).Believed(c.requestedAt, c.handledAt),
	}
	if c.failed {
		r.GivenUp, r.ReadyReason, r.ReadyMessage = true, "UpgradeFailed", "it does not start"
	}
	return r
}

func contentDigest(content int) string { return plan.Combined(sourcesOf(content)) }

func sourcesOf(content int) []plan.Source {
	sum := digest.Combine(map[string]string{"a": fmt.Sprint(content)})
	return []plan.Source{{ID: sourceID, Digest: sum, Full: sum, UID: "1", Force: triggerv1.ForceAuto}}
}
