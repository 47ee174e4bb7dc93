// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Answers are those of the plugin's commands that need more than the pages follow. Notes say what could not be
// read.
type Answers interface {
	// Subject reads the metadata of a ConfigMap or Secret, as tree and why do.
	Subject(context.Context, binding.Object) (Subject, error)

	// Deletion says what the deletion of a ConfigMap or Secret would do, as preview --delete does.
	Deletion(context.Context, binding.Object) (Deletion, error)

	// Release says why a HelmRelease is as it is, what it got, and how its values were before, as why and
	// history --release do.
	Release(context.Context, types.NamespacedName, []triggerv1.ValuesTrigger) (ReleaseAnswer, error)
}

// Subject is a ConfigMap or Secret without its content.
type Subject struct {
	graph.Subject
	EditedBy  string
	EditedAt  time.Time
	AppliedBy string
	Notes     []string
}

// Deletion is what the deletion of a ConfigMap or Secret would do.
type Deletion struct {
	compare.Deletion
	Notes []string
}

// ReleaseAnswer is what is on record about a HelmRelease.
type ReleaseAnswer struct {
	Release    *helmv2.HelmRelease
	Report     history.Report
	Deliveries []graph.Delivery
	Changes    []history.Entry
	Warnings   []history.Event
	Before     Before
	Notes      []string
}

// Before is how the values of a HelmRelease differ from those that it had before.
type Before struct {
	// What says which values these are, "" if there are none.
	What        string
	Differences []compare.Difference

	// Command shows them, where they may not be shown since they may hold content of Secrets.
	Command string

	// LeftOut are Secrets that the person may not read.
	LeftOut []string
}

const (
	// maxWarnings bounds the events about failures, and maxRevisions the revisions of a HelmRelease.
	maxWarnings  = 10
	maxRevisions = 10
)

// releaseView is a HelmRelease: what runs in it, why and since when.
type releaseView struct {
	binding.Object
	Ready     string
	Message   string
	Suspended bool
	Now       time.Time

	Runs     runs
	Triggers []delivers
	Before   Before

	// Unfollowed are what it reads and no trigger follows.
	Unfollowed []graph.Source
	DependsOn  []dependency
	Failures   []failure
	Report     history.Report
	Changes    []changeRow
	Notes      []string
}

// ReadyWord is the state of the HelmRelease.
func (v releaseView) ReadyWord() string { return readyWord(v.Ready) }

// readyWord writes the status of the condition Ready as a state.
func readyWord(status string) string {
	switch status {
	case "True":
		return "Ready"
	case "False":
		return "NotReady"
	}
	return "Unknown"
}

// Title implements the title of a page.
func (v releaseView) Title() string { return "HelmRelease " + v.Key() }

// runs is the revision of Helm that runs, and why.
type runs struct {
	Revision      int
	Chart, Status string

	// Values is the digest of the values that helm-controller composed.
	Values string
	Since  time.Time
	Why    *history.Revision

	// Change is what a ValuesTrigger has on record of the content, nil if none has.
	Change *history.Entry
}

// delivers is a trigger that delivers to a HelmRelease, and how far it got.
type delivers struct {
	Key, Stage string
	State      graph.State
	Target     triggerv1.TargetState
	Message    string
	Digest     string
	Since      time.Time
}

// dependency is another HelmRelease that has to be ready first.
type dependency struct {
	Key, Ready string
}

// failure is something that has gone wrong.
type failure struct {
	At         time.Time
	What, Text string
	Count      int32
}

// releaseViewOf shows a HelmRelease by what is seen of the cluster, and what is on record.
func releaseViewOf(c graph.Cluster, a ReleaseAnswer) releaseView {
	hr := a.Release
	v := releaseView{
		Object: binding.ReleaseObject(hr), Ready: a.Report.Ready, Message: line(a.Report.Message), Suspended: hr.Spec.Suspend, Now: c.Now,
		Before: a.Before, Changes: rowsOf(history.Newest(slices.Clone(a.Changes), time.Time{})), Report: a.Report, Notes: a.Notes,
	}
	v.Report.Revisions = v.Report.Revisions[:min(len(v.Report.Revisions), maxRevisions)]
	if latest := hr.Status.History.Latest(); latest != nil {
		v.Runs = runs{
			Revision: latest.Version, Chart: latest.VersionedChartName(), Status: latest.Status, Values: digest.Abbreviated(latest.ConfigDigest), Since: latest.LastDeployed.Time,
		}
	}
	number := int64(v.Runs.Revision)
	if i := slices.IndexFunc(a.Report.Revisions, func(r history.Revision) bool { return r.Number == number }); i >= 0 {
		v.Runs.Why = &a.Report.Revisions[i]
	}
	if i := slices.IndexFunc(v.Changes, func(e changeRow) bool {
		return e.Digest != "" && slices.ContainsFunc(e.Releases, func(g history.Got) bool { return g.Revision == number })
	}); i >= 0 {
		v.Runs.Change = &v.Changes[i].Entry
	}
	for _, d := range a.Deliveries {
		v.Triggers = append(v.Triggers, deliversOf(d))
	}
	v.Unfollowed = c.FeedsOf(c.Triggers, hr).Unfollowed
	v.DependsOn = dependencies(c, hr)
	v.Failures = failures(hr, a)
	return v
}

func deliversOf(d graph.Delivery) delivers {
	t := graph.Directory{}.Describe(d.Trigger)
	out := delivers{Key: t.Key(), State: t.State, Target: triggerv1.TargetPending, Message: "not evaluated yet"}
	if d.Target == nil {
		return out
	}
	out.Target, out.Stage, out.Message, out.Digest = d.Target.State, d.Target.Stage, line(d.Target.Message), digest.Abbreviated(d.Target.Digest)
	since := d.Target.TriggeredAt
	if d.Target.State == triggerv1.TargetDelivered {
		since = d.Target.DeliveredAt
	}
	if since != nil {
		out.Since = since.Time
	}
	return out
}

// dependencies returns what has to be ready before a HelmRelease, and whether it is.
func dependencies(c graph.Cluster, hr *helmv2.HelmRelease) []dependency {
	var out []dependency
	for _, key := range binding.DependsOn(hr) {
		d := dependency{Key: key, Ready: "Missing"}
		for i := range c.Releases {
			if binding.ReleaseObject(&c.Releases[i]).Key() == key {
				d.Ready = readyWord(readyOf(&c.Releases[i]))
			}
		}
		out = append(out, d)
	}
	return out
}

// readyOf returns the status of the condition Ready.
func readyOf(hr *helmv2.HelmRelease) string {
	for _, c := range hr.Status.Conditions {
		if c.Type == "Ready" {
			return string(c.Status)
		}
	}
	return "Unknown"
}

// failures returns what has gone wrong, the last first: what a condition says now, revisions that failed, and
// events of warning.
func failures(hr *helmv2.HelmRelease, a ReleaseAnswer) []failure {
	var out []failure
	for _, c := range hr.Status.Conditions {
		if c.Status == "False" && (c.Type == "Ready" || strings.HasSuffix(c.Reason, "Failed")) {
			out = append(out, failure{At: c.LastTransitionTime.Time, What: c.Type + ": " + c.Reason, Text: line(c.Message)})
		}
	}
	for _, r := range a.Report.Revisions {
		if r.Status == "failed" {
			out = append(out, failure{At: r.At, What: "Revision " + strconv.FormatInt(r.Number, 10), Text: "failed"})
		}
	}
	for _, e := range a.Warnings {
		out = append(out, failure{At: e.At, What: e.Reason, Text: line(e.Message), Count: e.Count})
	}
	slices.SortStableFunc(out, func(a, b failure) int { return b.At.Compare(a.At) })
	return out[:min(len(out), maxWarnings)]
}

// releaseAge is how long what is on record about a HelmRelease is shown while nothing that is followed changes.
const releaseAge = 30 * time.Second

// releaseOf shows one HelmRelease.
func releaseOf(r request) (any, error) {
	key := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	i := slices.IndexFunc(r.Releases, func(hr helmv2.HelmRelease) bool { return hr.Namespace == key.Namespace && hr.Name == key.Name })
	version := ""
	if i >= 0 {
		version = r.Releases[i].ResourceVersion
		for _, d := range r.DeliveriesTo(r.Triggers, &r.Releases[i]) {
			version += " " + d.Trigger.ResourceVersion
		}
	} else if r.All {
		return nil, missing{"HelmRelease " + key.String()}
	}
	answer, err := r.server.releases.get(key, version, releaseAge, r.server.Now, func() (ReleaseAnswer, error) {
		return r.server.Answers.Release(r.Context, key, r.Triggers)
	})
	if apierrors.IsNotFound(err) {
		return nil, missing{"HelmRelease " + key.String()}
	}
	if err != nil {
		return nil, err
	}
	return releaseViewOf(r.Cluster, answer), nil
}

// line makes one line of a text that someone else wrote.
func line(message string) string { return text.Line(message, maxText) }
