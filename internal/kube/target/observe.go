// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package target finds the HelmReleases of a trigger and says what is observed of
// them.
package target

import (
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// deployed is the status of a snapshot that runs.
const deployed = "deployed"

// givenUpReasons of the condition Stalled say that helm-controller has failed too often.
var givenUpReasons = []string{"RetriesExceeded", "MissingRollbackTarget"}

// Reasons of a HelmRelease's Ready=False that are about an install or upgrade, or about what
// was done because one failed.
var (
	attemptReasons     = []string{helmv2.InstallFailedReason, helmv2.UpgradeFailedReason}
	remediationReasons = []string{
		helmv2.TestFailedReason, helmv2.RollbackSucceededReason, helmv2.RollbackFailedReason,
		helmv2.UninstallSucceededReason, helmv2.UninstallFailedReason,
	}
)

// retrying reports whether helm-controller repeats what has failed, or has not decided: a
// failure that Helm has stored is followed by a retry, a remediation or Stalled. One that
// Helm has not stored, such as a chart that does not render, is only followed by a retry if
// helm-controller says so.
func retrying(release plan.Release, reason string) bool {
	switch {
	case !release.Reconciling || release.GivenUp || release.Ready != "False":
		return false
	case reason == meta.ProgressingWithRetryReason, slices.Contains(remediationReasons, release.ReadyReason):
		return true
	default:
		return slices.Contains(attemptReasons, release.ReadyReason) && release.Revision > 0 && !release.Deployed
	}
}

// Takes returns how long an install or upgrade of a release may take.
func Takes(hr *helmv2.HelmRelease) time.Duration {
	takes := hr.GetTimeout().Duration
	for _, own := range []*metav1.Duration{hr.GetInstall().Timeout, hr.GetUpgrade().Timeout} {
		if own != nil {
			takes = max(takes, own.Duration)
		}
	}
	return takes
}

// Observe returns what the planner needs to know of a HelmRelease, nil for one that
// does not exist. Of what the release reads through valuesFrom, only the given
// sources are reported.
func Observe(hr *helmv2.HelmRelease, sources []plan.Source) plan.Release {
	if hr == nil || !hr.DeletionTimestamp.IsZero() {
		return plan.Release{}
	}
	release := plan.Release{
		Exists:      true,
		UID:         hr.UID,
		Created:     hr.CreationTimestamp.Time,
		Suspended:   hr.Spec.Suspend,
		Failing:     hr.Status.Failures > 0,
		Current:     hr.Status.ObservedGeneration == hr.Generation,
		RequestedAt: hr.Annotations[meta.ReconcileRequestAnnotation],
		HandledAt:   hr.Status.LastHandledReconcileAt,
		Reads:       reads(hr, sources),
		Takes:       Takes(hr),
		Record:      plan.RecordOf(hr),
	}
	reconciling := ""
	for _, condition := range hr.Status.Conditions {
		switch condition.Type {
		case meta.ReadyCondition:
			release.Ready = string(condition.Status)
			release.ReadyReason, release.ReadyMessage = condition.Reason, condition.Message
			release.ReadyCurrent = condition.ObservedGeneration == hr.Generation
			release.ReadySince = condition.LastTransitionTime.Time
		case meta.ReconcilingCondition:
			release.Reconciling = condition.Status == metav1.ConditionTrue
			reconciling = condition.Reason
		case meta.StalledCondition:
			release.GivenUp = condition.Status == metav1.ConditionTrue && slices.Contains(givenUpReasons, condition.Reason)
		}
	}
	if latest := hr.Status.History.Latest(); latest != nil {
		release.Revision = int64(latest.Version)
		release.ConfigDigest = latest.ConfigDigest
		release.Deployed = latest.Status == deployed
		release.RolledBack = latest.Action == helmv2.ReleaseActionRollback
	}
	release.Retrying = retrying(release, reconciling)
	return release
}

// ObserveCopies adds what the release reads through copies, given by their ID with the
// sources whose content they have. What it reads through copies alone, it reads only as
// far as they are written.
func ObserveCopies(release *plan.Release, hr *helmv2.HelmRelease, copies map[string][]string) {
	if !release.Exists {
		return
	}
	direct := release.Reads
	release.Reads, release.Copied = maps.Clone(direct), map[string]bool{}
	for _, r := range binding.ReadsOf(hr) {
		for _, id := range copies[r.ID()] {
			release.Reads[id] = true
			release.Copied[id] = !direct[id]
		}
	}
}

func reads(hr *helmv2.HelmRelease, sources []plan.Source) map[string]bool {
	ids := make(map[string]bool, len(hr.Spec.ValuesFrom))
	for _, r := range binding.ReadsOf(hr) {
		id := r.ID()
		if slices.ContainsFunc(sources, func(s plan.Source) bool { return s.ID == id }) {
			ids[id] = true
		}
	}
	return ids
}
