// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// decide asks the planner about a release as it was observed, and composes the values if the planner wants to
// know them.
func (e *Engine) decide(ctx context.Context, snap snapshot, c *targetCase, observed plan.Release) {
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
	if snap.ending[c.Namespace] {
		c.input.Release = plan.Release{Ending: endingMessage}
	}
	c.input.Release.Denied = e.check(snap, c.NamespacedName, c.hr)
	var lookErr error
	if snap.publication != nil && !snap.ending[c.Namespace] { // No copy can be made there any more.
		lookErr = e.observeCopies(ctx, snap, c)
	}
	defer func() { c.err = errors.Join(c.err, lookErr) }()
	c.decision = plan.Decide(c.input)
	if c.decision.NeedValues {
		if c.input.Values, c.err = e.compareValues(ctx, c.hr, nil); c.err == nil {
			c.decision = plan.Decide(c.input)
		}
	}
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

// compareValues reports whether the latest snapshot was made of the values that the
// release would be composed of now, with the objects that are given in place of what
// there is.
func (e *Engine) compareValues(ctx context.Context, hr *helmv2.HelmRelease, given source.Given) (plan.ValuesState, error) {
	latest := hr.Status.History.Latest()
	if latest == nil {
		return plan.ValuesDiffer, nil
	}
	equal, err := e.Store.ValuesMatchGiven(ctx, hr, latest.ConfigDigest, e.Sources.Secrets, given)
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

// check says why a target must not be touched by this trigger, or nothing.
func (e *Engine) check(snap snapshot, key types.NamespacedName, hr *helmv2.HelmRelease) string {
	if snap.generated() {
		return "" // The sources of a generated trigger have been checked one by one.
	}
	to := access.Target{Namespace: key.Namespace, Name: key.Name}
	if hr != nil {
		to = access.TargetOf(hr)
	}
	if err := e.Policy.Check(snap.vt.Namespace, to); err != nil {
		return err.Error()
	}
	return ""
}

// confirm looks whether the sources are still the objects that were read, if a target notes
// a revision because they were there: a watch may be behind. If they are not, the revision
// is not noted.
func (e *Engine) confirm(ctx context.Context, snap snapshot, cases []*targetCase) error {
	notes := func(c *targetCase) bool { return c.err == nil && c.decision.Notes(c.previous) }
	if !slices.ContainsFunc(cases, notes) {
		return nil
	}
	for _, s := range snap.sources {
		if s.UID == "" {
			continue
		}
		uid, err := e.Store.UID(ctx, snap.account, source.RefOf(s.ID))
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
func (e *Engine) fresh(ctx context.Context, snap snapshot, key types.NamespacedName) (*helmv2.HelmRelease, error) {
	reader := e.Live
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
