// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"slices"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// tolerance is how far times of the operator, of helm-controller and of the API server
// may be apart; they are stored in seconds.
const tolerance = 2 * time.Second

// Certainty says how a cause is known.
type Certainty string

// Certainties, from best to none.
const (
	// Recorded: the operator's record says that this request ended in this revision.
	Recorded Certainty = "Recorded"
	// ByOrder: the request has no proof, and this is the revision that followed the one
	// that is recorded with it.
	ByOrder Certainty = "ByOrder"
	// Unknown: nothing is on record, or the operator had no part in it.
	Unknown Certainty = "Unknown"
)

// Evidence is what is on record about a HelmRelease.
type Evidence struct {
	Release *helmv2.HelmRelease

	// Deliveries to it.
	Deliveries []graph.Delivery

	// Events about it.
	Events []Event

	// Stored are the revisions in Helm's storage, by the labels of its Secrets.
	Stored []Stored

	// SpecEditor last wrote the spec of the HelmRelease, at that time.
	SpecEditor string
	SpecEdited time.Time
}

// Event is a Kubernetes event.
type Event struct {
	// Type is Normal or Warning.
	Type    string
	Reason  string
	Message string

	// Token of the request that it is about, or empty.
	Token string

	// At is when it was first reported, and Count how often.
	At    time.Time
	Count int32
}

// Stored is a revision in Helm's storage.
type Stored struct {
	Revision int64
	Status   string
	At       time.Time
}

// Revision is a Helm revision and why it was made.
type Revision struct {
	Number int64     `json:"revision"`
	At     time.Time `json:"deployedAt,omitzero"`
	Status string    `json:"status,omitempty"`
	Chart  string    `json:"chart,omitempty"`
	Action string    `json:"action,omitempty"`

	// Differs says what differs from the revision before, as far as that is on
	// record: chart, values, neither.
	Differs []string `json:"differs,omitempty"`

	Cause     *Cause    `json:"cause,omitempty"`
	Certainty Certainty `json:"certainty"`

	// Note says where the cause is from, or why it is not known.
	Note string `json:"note"`
}

// Report is the answer.
type Report struct {
	binding.Object
	Ready     string     `json:"ready,omitempty"`
	Message   string     `json:"message,omitempty"`
	Revisions []Revision `json:"revisions"`

	// Waiting are changes that have not arrived.
	Waiting []Waiting `json:"waiting,omitempty"`

	// Measured is what the analysis of stages finds out about what is rolled out.
	Measured []Measured `json:"analysis,omitempty"`

	// Copies are what ValuesTriggers keep for the release to read.
	Copies []Copy `json:"copies,omitempty"`

	// Quiet are deliveries that made no revision, since the values were the same.
	Quiet []Quiet `json:"withoutRevision,omitempty"`

	// Decided is what persons have approved, rejected or rolled back.
	Decided []Decided `json:"decided,omitempty"`

	// Requested are requests of which it is not known which revision they made, if any.
	Requested []Requested `json:"requested,omitempty"`

	// Overridden are requests that did not keep to what holds changes back.
	Overridden []Overridden `json:"overridden,omitempty"`
}

// Requested is a request, or several of the same cause.
type Requested struct {
	At    time.Time `json:"at"`
	Count int32     `json:"count,omitempty"`
	From  string    `json:"from"`
	Cause *Cause    `json:"cause"`
}

// Overridden is a request of all HelmReleases of a trigger at once.
type Overridden struct {
	Trigger string    `json:"valuesTrigger"`
	Digest  string    `json:"digest"`
	At      time.Time `json:"at"`

	// Manager is the field manager that requested it, if that is known. It is a name that
	// the client chose, no proof of identity.
	Manager string `json:"manager,omitempty"`

	// User is the person, as the annotation trigger.nebius.ai/overridden-by names them.
	User string `json:"user,omitempty"`

	// Message says what was overridden.
	Message string `json:"message"`
}

// Copy is an object in which the release finds sources of a trigger.
type Copy struct {
	graph.Copy
	Trigger string `json:"valuesTrigger"`

	// Read reports that the release lists it in valuesFrom.
	Read bool `json:"read"`
}

// Waiting is a delivery that has not arrived.
type Waiting struct {
	Trigger string                `json:"valuesTrigger"`
	State   triggerv1.TargetState `json:"state"`
	Message string                `json:"message,omitempty"`
	Cause   *Cause                `json:"cause,omitempty"`
}

// Quiet is a delivery without a revision.
type Quiet struct {
	At    time.Time `json:"at"`
	Cause *Cause    `json:"cause"`
}

// Explain puts the evidence together.
func Explain(e Evidence) Report {
	r := Report{Object: binding.ReleaseObject(e.Release), Revisions: revisions(e)}
	r.Ready, r.Message = ready(e.Release)
	onRecord := requests(e)
	answers := answers(r.Revisions, onRecord)
	for i := range r.Revisions {
		var before *Revision
		if i+1 < len(r.Revisions) {
			before = &r.Revisions[i+1]
		}
		explain(&r.Revisions[i], before, answers, e)
	}
	r.Quiet = quiet(onRecord, r.Revisions)
	r.Requested = unassigned(onRecord, r.Revisions, r.Quiet)
	r.Overridden, r.Decided = overrides(e.Deliveries), decisions(e.Deliveries)
	r.Waiting = waiting(e)
	for _, d := range e.Deliveries {
		r.Measured = append(r.Measured, measured(d.Trigger)...)
		for _, c := range graph.CopiesOf(d.Trigger, r.Object, d.Target) {
			r.Copies = append(r.Copies, Copy{Copy: c, Trigger: binding.TriggerObject(d.Trigger).Key(), Read: graph.Reads(e.Release, c.Object, nil)})
		}
	}
	return r
}

func ready(hr *helmv2.HelmRelease) (status, message string) {
	for _, c := range hr.Status.Conditions {
		if c.Type == "Ready" {
			return string(c.Status), c.Message
		}
	}
	return "", ""
}

// revisions returns what is known to have been, newest first: of the status of the
// HelmRelease, which keeps few, and of Helm's storage.
func revisions(e Evidence) []Revision {
	byNumber := map[int64]*Revision{}
	for _, s := range e.Stored {
		byNumber[s.Revision] = &Revision{Number: s.Revision, At: s.At, Status: s.Status}
	}
	for _, s := range e.Release.Status.History {
		byNumber[int64(s.Version)] = &Revision{
			Number: int64(s.Version), At: s.LastDeployed.Time, Status: s.Status, Chart: s.VersionedChartName(), Action: string(s.Action),
		}
	}
	out := make([]Revision, 0, len(byNumber))
	for _, r := range byNumber {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Revision) int { return int(b.Number - a.Number) })
	return out
}

// explain says why one revision was made.
func explain(r, before *Revision, answers map[int64]request, e Evidence) {
	r.Differs = differs(e.Release, r.Number)
	if made, found := answers[r.Number]; found {
		cause := ParseCause(made.cause)
		r.Cause, r.Note, r.Certainty = &cause, made.from, ByOrder
		if made.revision == r.Number {
			r.Certainty = Recorded
		}
		return
	}
	r.Certainty, r.Note = Unknown, "no request of the operator is known to have made it"
	edited := !e.SpecEdited.IsZero() && e.SpecEdited.Before(r.At.Add(tolerance)) && (before == nil || e.SpecEdited.After(before.At.Add(-tolerance)))
	switch {
	case r.Number == 1 || r.Action == string(helmv2.ReleaseActionInstall):
		r.Note = "the installation"
	case r.Action == string(helmv2.ReleaseActionRollback):
		r.Note = "helm-controller went back to an earlier revision"
	case edited:
		r.Note += fmt.Sprintf("; the spec of the HelmRelease was last edited by %s at %s", e.SpecEditor, e.SpecEdited.UTC().Format(time.RFC3339))
	case slices.Contains(r.Differs, chart):
		r.Note += "; the chart changed"
	case slices.Contains(r.Differs, neither):
		r.Note += "; chart and values are those of the revision before: forced by another client, a retry, or a correction of drift"
	default:
		r.Note += "; events are kept for an hour or so, and a ValuesTrigger remembers as many changes as spec.revisionHistoryLimit says"
	}
}

// What can differ between two revisions.
const (
	chart   = "chart"
	values  = "values"
	neither = "neither chart nor values"
)

// differs compares a revision with the one before it, if the status has both.
func differs(hr *helmv2.HelmRelease, number int64) []string {
	var now, before *helmv2.Snapshot
	for _, s := range hr.Status.History {
		switch int64(s.Version) {
		case number:
			now = s
		case number - 1:
			before = s
		}
	}
	if now == nil || before == nil {
		return nil
	}
	var out []string
	if now.VersionedChartName() != before.VersionedChartName() || now.OCIDigest != before.OCIDigest {
		out = append(out, chart)
	}
	if now.ConfigDigest != before.ConfigDigest {
		out = append(out, values)
	}
	if out == nil {
		out = []string{neither}
	}
	return out
}

func waiting(e Evidence) []Waiting {
	var out []Waiting
	for _, d := range e.Deliveries {
		vt, t := d.Trigger, d.Target
		if t == nil || t.State == triggerv1.TargetDelivered {
			continue
		}
		w := Waiting{Trigger: binding.TriggerObject(vt).Key(), State: t.State, Message: t.Message}
		switch {
		case t.Cause != "" && t.Digest == vt.Status.LastDigest:
			cause := ParseCause(t.Cause)
			w.Cause = &cause
		case len(vt.Status.History) > 0 && vt.Status.History[0].Digest == vt.Status.LastDigest && vt.Status.History[0].Cause != "":
			cause := ParseCause(vt.Status.History[0].Cause)
			w.Cause = &cause // What others were triggered for already.
		}
		out = append(out, w)
	}
	return out
}

// record returns the operator's record of its last request on the HelmRelease.
func record(hr *helmv2.HelmRelease) plan.Record {
	return plan.RecordOf(hr)
}
