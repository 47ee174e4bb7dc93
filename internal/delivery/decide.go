// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// decider takes the snapshot, and gives a case for each target: what is observed of it, and what is decided about
// it. It writes nothing.
type decider struct {
	live       client.Reader
	store      *source.Store
	policy     access.Policy
	values     *comparer
	observer   *observer
	expected   *expectations
	concurrent int
}

// decideAll decides about every target. An error reports that the snapshot is not what there is any more,
// or that this could not be found out.
func (d *decider) decideAll(ctx context.Context, snap snapshot) ([]*targetCase, error) {
	listed := make(map[types.NamespacedName]*triggerv1.TargetStatus, len(snap.vt.Status.Targets))
	for i := range snap.vt.Status.Targets {
		status := &snap.vt.Status.Targets[i]
		listed[types.NamespacedName{Namespace: status.Namespace, Name: status.Name}] = status
	}
	cases := make([]*targetCase, len(snap.targets))
	for i, t := range snap.targets {
		cases[i] = &targetCase{Target: t, hr: t.Release, ending: snap.ending[t.Namespace], listed: listed[t.NamespacedName]}
	}
	forAll(d.concurrent, cases, func(c *targetCase) { d.decideFirst(ctx, snap, c) })
	for _, c := range cases {
		if fault.IsOutdated(c.err) {
			return nil, c.err
		}
	}
	return cases, d.confirm(ctx, snap, cases)
}

// decideFirst decides about a target as the cache shows it, unless that may not be enough.
func (d *decider) decideFirst(ctx context.Context, snap snapshot, c *targetCase) {
	in := plan.Input{
		Diff: snap.diff, Digest: snap.diff.To, Sources: snap.sources, Settling: snap.settling, Release: target.Observe(c.hr, snap.sources),
	}
	in.Previous, in.Known = recall(snap, c.listed, in.Release)
	c.previous = in.Previous
	if in.DependsOnOrder() || snap.gate != nil && d.expected.unmet(c.NamespacedName, in.Release) {
		d.decideAgain(ctx, snap, c)
	} else {
		d.decide(ctx, snap, c, in.Release)
	}
}

// renew decides again about the targets that something is to be done for, by what the API server
// has of them now: a request is refused for an older version, but stages and copies rest on what
// the cache has, which may be behind.
func (d *decider) renew(ctx context.Context, snap snapshot, cases []*targetCase) {
	stale := slices.DeleteFunc(slices.Clone(cases), func(c *targetCase) bool {
		return c.live || c.err != nil || c.decision.Request == nil && c.state == publish.Current
	})
	forAll(d.concurrent, stale, func(c *targetCase) { d.decideAgain(ctx, snap, c) })
}

// forAll does something for all targets, for so many of them at a time.
func forAll(concurrent int, cases []*targetCase, do func(*targetCase)) {
	var group errgroup.Group
	group.SetLimit(max(1, concurrent))
	for _, c := range cases {
		group.Go(func() error {
			do(c)
			return nil
		})
	}
	_ = group.Wait() // No function returns an error.
}

// decideAgain decides about a target as it is on the API server.
func (d *decider) decideAgain(ctx context.Context, snap snapshot, c *targetCase) {
	if c.hr, c.err = d.fresh(ctx, snap, c.NamespacedName); c.err == nil {
		c.live = true
		d.decide(ctx, snap, c, target.Observe(c.hr, snap.sources))
	}
}

// decide asks the planner about a release as it was observed, and composes the values if the planner wants to
// know them.
func (d *decider) decide(ctx context.Context, snap snapshot, c *targetCase, observed plan.Release) {
	c.input = plan.Input{
		Now:         snap.at,
		Timeout:     snap.vt.GetTimeout(),
		Trigger:     snap.vt.Namespace + "/" + snap.vt.Name,
		Knower:      snap.knower,
		Target:      c.String(),
		Digest:      snap.diff.To,
		Sources:     snap.sources,
		Diff:        snap.diff,
		Rejected:    snap.rejected,
		Restores:    snap.restoring(),
		Gated:       snap.gate != nil,
		Settling:    snap.settling,
		Force:       snap.force,
		ByTriggerAt: snap.gated || snap.force == "" && begunByRequest(snap.vt.Status.Rollout, snap.content),
		Reset:       snap.reset,
		Policy:      snap.vt.Spec.Force,
		Release:     observed,
		Live:        c.live,
	}
	c.input.Previous, c.input.Known = recall(snap, c.listed, c.input.Release)
	c.previous = c.input.Previous
	if c.ending {
		c.input.Release = plan.Release{Ending: endingMessage}
	}
	c.input.Release.Denied = d.check(snap, c.NamespacedName, c.hr)
	var observeErr, valuesErr error
	if snap.publication != nil && !c.ending { // No copy can be made there any more.
		observeErr = d.observer.observe(ctx, snap, c)
	}
	c.decision = plan.Decide(c.input)
	if c.decision.NeedValues {
		if c.input.Values, valuesErr = d.values.compare(ctx, c.hr, nil); valuesErr == nil {
			c.decision = plan.Decide(c.input)
		}
	}
	c.err = errors.Join(c.err, valuesErr, observeErr)
}

// recall returns what is known of a target, and the sources as they were when it was last asked. A
// status by an earlier version of the operator is believed until it is written over: it was all that there
// was.
func recall(snap snapshot, listed *triggerv1.TargetStatus, release plan.Release) (*triggerv1.TargetStatus, []plan.RecordedSource) {
	previous, known := release.Record.Recall(snap.knower, release.UID, snap.formerly)
	switch {
	case listed == nil:
	case previous == nil && snap.vt.Status.Summary == nil && listed.Digest == snap.vt.Status.LastDigest:
		return listed, plan.KnownFrom(snap.vt.Status.Sources)
	case previous == nil && snap.vt.Status.Summary == nil:
		return listed, nil
	case previous != nil && listed.Refused != nil && listed.Token == previous.Token && listed.Digest == previous.Digest:
		// What is refused cannot be on the release. The status may be older than a request that was accepted since.
		previous.State, previous.Refused, previous.Message = listed.State, listed.Refused, listed.Message
	}
	return previous, known
}

// check says why a target must not be touched by this trigger, or nothing.
func (d *decider) check(snap snapshot, key types.NamespacedName, hr *helmv2.HelmRelease) string {
	if snap.generated() {
		return "" // The sources of a generated trigger have been checked one by one.
	}
	to := access.Target{Namespace: key.Namespace, Name: key.Name}
	if hr != nil {
		to = access.TargetOf(hr)
	}
	if err := d.policy.Check(snap.vt.Namespace, to); err != nil {
		return err.Error()
	}
	return ""
}

// confirm looks whether the sources are still the objects that were read, if a target notes
// a revision because they were there: a watch may be behind. If they are not, the revision
// is not noted.
func (d *decider) confirm(ctx context.Context, snap snapshot, cases []*targetCase) error {
	notes := func(c *targetCase) bool { return c.err == nil && c.decision.Notes(c.previous) }
	if !slices.ContainsFunc(cases, notes) {
		return nil
	}
	for _, s := range snap.sources {
		if s.UID == "" {
			continue
		}
		uid, err := d.store.UID(ctx, snap.account, source.RefOf(s.ID))
		if err != nil {
			return err
		}
		if uid == s.UID {
			continue
		}
		for _, c := range cases {
			if notes(c) {
				c.decision.Status.Revision = c.previous.Revision
			}
		}
		return nil
	}
	return nil
}

// fresh reads a HelmRelease from the API server, as the account that writes it.
func (d *decider) fresh(ctx context.Context, snap snapshot, key types.NamespacedName) (*helmv2.HelmRelease, error) {
	reader := d.live
	if snap.account.Reader != nil {
		reader = snap.account.Reader
	}
	hr := &helmv2.HelmRelease{}
	err := reader.Get(ctx, key, hr)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return hr, client.IgnoreNotFound(err)
}

// comparer compares values that a release was made of with those that it would be made of now.
type comparer struct {
	store   *source.Store
	secrets bool
}

// compare reports whether the latest snapshot was made of the values that the
// release would be composed of now, with the objects that are given in place of what
// there is.
func (v *comparer) compare(ctx context.Context, hr *helmv2.HelmRelease, given source.Given) (plan.ValuesState, error) {
	latest := hr.Status.History.Latest()
	if latest == nil {
		return plan.ValuesDiffer, nil
	}
	equal, err := v.store.ValuesMatchGiven(ctx, hr, latest.ConfigDigest, v.secrets, given)
	var malformed *chartutil.ErrValuesReference
	var unreadable source.Unreadable
	switch {
	case errors.As(err, &unreadable):
		return plan.ValuesUnreadable, nil
	case errors.As(err, &malformed):
		// A reference that is missing or malformed: helm-controller meets the
		// same and says so on the HelmRelease.
		return plan.ValuesDiffer, nil
	case err != nil:
		return plan.ValuesUnknown, err
	case equal:
		return plan.ValuesEqual, nil
	}
	return plan.ValuesDiffer, nil
}
