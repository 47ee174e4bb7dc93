// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// noon is when the tests take place.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// scene is one trigger with one target, which runs revision 3 and is well.
type scene struct {
	now     time.Time
	sources []Source
	release Release
	values  ValuesState
	policy  triggerv1.ForcePolicy

	// gated is true if the trigger holds changes back.
	gated bool

	// unpublished reports that the copies that it reads do not have the content.
	unpublished bool

	// settling is true while the change settles, and stale if the release was read before.
	settling, stale bool

	force       string
	byTriggerAt bool
	reset       string

	// What is recorded on the ValuesTrigger.
	status     *triggerv1.TargetStatus
	recorded   []triggerv1.SourceStatus
	lastDigest string

	// asked reports that the values had to be composed for the last decision.
	asked bool
}

// read, other and always are sources: one that the release reads through valuesFrom,
// one that it does not, and one of the contract, which forces every time.
const (
	read   = "ConfigMap/apps/read"
	other  = "ConfigMap/apps/other"
	always = "ConfigMap/apps/always"
)

// newScene returns a scene of which nothing is recorded yet.
func newScene(ids ...string) *scene {
	s := &scene{
		now:    noon,
		values: ValuesEqual,
		policy: triggerv1.ForceAuto,
		release: Release{
			Exists: true, UID: "release", Reads: map[string]bool{read: true}, Ready: "True", Current: true,
			Revision: 3, ConfigDigest: "sha256:c", Deployed: true,
		},
	}
	for _, id := range ids {
		s.include(id)
	}
	return s
}

// delivered returns a scene in which the target is Delivered: what it does not read
// through valuesFrom, it was asked for when it was met.
func delivered(ids ...string) *scene {
	s := newScene(ids...)
	if s.step().Request != nil {
		s.release.Revision-- // So that it runs revision 3 all the same.
		s.status.Revision--
		s.release.Record.Revision--
		for i := range s.release.Record.Sources {
			s.release.Record.Sources[i].After--
		}
		s.upgrade()
		s.step()
	}
	if s.status.State != triggerv1.TargetDelivered {
		panic(fmt.Sprintf("not delivered: %v", s.status))
	}
	return s
}

// triggered returns a scene in which the source was edited and requested.
func triggered(id string) *scene {
	s := delivered(id)
	s.edit(id)
	if s.step().Request == nil {
		panic("not requested")
	}
	return s
}

// include makes a source one of the trigger.
func (s *scene) include(id string) {
	source := Source{ID: id, UID: types.UID("1-" + id), Force: triggerv1.ForceAuto, Editor: "kubectl-edit"}
	if id == always {
		source.Force = triggerv1.ForceAlways
	}
	s.sources = append(s.sources, source)
	s.write(id, "first")
	slices.SortFunc(s.sources, func(a, b Source) int { return strings.Compare(a.ID, b.ID) })
}

// exclude makes it one no more.
func (s *scene) exclude(id string) {
	s.sources = slices.DeleteFunc(s.sources, func(x Source) bool { return x.ID == id })
}

func (s *scene) source(id string) *Source {
	return &s.sources[slices.IndexFunc(s.sources, func(x Source) bool { return x.ID == id })]
}

// write changes the content of a source.
func (s *scene) write(id, text string) {
	content := digest.Combine(map[string]string{"content": text})
	s.source(id).Digest, s.source(id).Full = content, content
}

// edit changes a source now. What the release reads of it differs then.
func (s *scene) edit(id string) { s.editTo(id, "second") }

// revert gives it its first content again.
func (s *scene) revert(id string) {
	s.editTo(id, "first")
	s.values = ValuesEqual
}

func (s *scene) editTo(id, text string) {
	s.write(id, text)
	if source := s.source(id); source.UID == "" {
		source.UID = types.UID("new-" + id)
	}
	if s.release.Reads[id] {
		s.values = ValuesDiffer
	}
}

// removeOther deletes the source other, which is optional.
func (s *scene) removeOther() {
	source := s.source(other)
	source.Digest, source.Full, source.UID, source.Editor = "", "", "", ""
}

// recreate deletes a source and creates it with the same content.
func (s *scene) recreate(id string) { s.source(id).UID = "2-" + s.source(id).UID }

// later moves the clock.
func (s *scene) later(d time.Duration) { s.now = s.now.Add(d) }

// input is what the controller hands to Decide.
func (s *scene) input() Input {
	diff := Compare(s.recorded, s.lastDigest, s.sources)
	return Input{
		Now: s.now, Timeout: 5 * time.Minute, Trigger: "apps/trigger", Target: "apps/release",
		Digest: diff.To, Sources: s.sources, Diff: diff, Force: s.force, Reset: s.reset, Policy: s.policy,
		Previous: s.status, Release: s.release, Live: !s.stale, Settling: s.settling, Gated: s.gated, ByTriggerAt: s.byTriggerAt, Unpublished: s.unpublished,
	}
}

// decide asks for a decision, and composes the values if that is wanted.
func (s *scene) decide() Decision {
	in := s.input()
	d := Decide(in)
	s.asked = d.NeedValues
	if d.NeedValues {
		in.Values = s.values
		d = Decide(in)
	}
	return d
}

// send makes the request, if there is one.
func (s *scene) send(d Decision) {
	if d.Request == nil {
		return
	}
	s.unpublished = false // The copies are written before the request.
	s.release.RequestedAt = d.Request.Token
	s.release.Record = ParseRecord(d.Request.Record.String())
}

// crash is a decision that is executed and not recorded.
func (s *scene) crash() Decision {
	d := s.decide()
	s.send(d)
	return d
}

// step is a decision that is executed and recorded.
func (s *scene) step() Decision {
	d := s.crash()
	s.status = &d.Status
	if len(s.release.Copied) > 0 && !s.unpublished {
		s.status.Published = Combined(s.sources)
	}
	s.note()
	s.force, s.reset = "", ""
	return d
}

// note records the sources as they are.
func (s *scene) note() {
	s.lastDigest = Combined(s.sources)
	s.recorded = Statuses(s.sources)
}

// handle is helm-controller noting the request as handled, whatever it did.
func (s *scene) handle() { s.release.HandledAt = s.release.RequestedAt }

// upgrade is helm-controller making a revision of what is there.
func (s *scene) upgrade() {
	s.handle()
	s.release.Revision++
	s.release.Ready, s.release.ReadyReason, s.release.ReadyMessage = "True", "UpgradeSucceeded", ""
	s.release.Deployed, s.release.Reconciling = true, false
	s.values = ValuesEqual
}

// work is helm-controller in the middle of an upgrade.
func (s *scene) work() {
	s.release.Reconciling, s.release.Ready = true, "Unknown"
}

// fail is helm-controller giving up with a reason.
func (s *scene) fail(reason, message string) {
	s.handle()
	s.release.Ready, s.release.ReadyReason, s.release.ReadyMessage = "False", reason, message
	s.release.Reconciling = false
}

// requestedBy is another trigger having made a request for the sources as they are.
func (s *scene) requestedBy(force bool, at time.Time, sources ...string) {
	var recorded []RecordedSource
	for _, id := range sources {
		recorded = append(recorded, RecordedSource{
			ID: id, Digest: digest.Short(s.source(id).Full), Object: object(*s.source(id)), After: s.release.Revision,
		})
	}
	token := newToken("sha256:0123456789abcdef", s.release.Record.Token)
	s.release.Record = s.release.Record.next(s.release.UID, token, force, s.release.Revision, at, recorded)
	s.release.RequestedAt = token
}

// outcome is what a user sees of a decision.
type outcome struct {
	State   triggerv1.TargetState
	Request string
}

const (
	none     = "none"
	unforced = "unforced"
	forced   = "forced"
)

func outcomeOf(d Decision) outcome {
	o := outcome{State: d.Status.State, Request: none}
	switch {
	case d.Request == nil:
	case d.Request.Force:
		o.Request = forced
	default:
		o.Request = unforced
	}
	return o
}
