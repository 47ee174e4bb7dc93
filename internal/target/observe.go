// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package target finds the HelmReleases of a trigger and says what is observed of
// them.
package target

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
)

// deployed is the status of a snapshot that runs.
const deployed = "deployed"

// givenUpReasons of the condition Stalled say that helm-controller has failed too often.
var givenUpReasons = []string{"RetriesExceeded", "MissingRollbackTarget"}

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
		Suspended:   hr.Spec.Suspend,
		Failing:     hr.Status.Failures > 0,
		Current:     hr.Status.ObservedGeneration == hr.Generation,
		RequestedAt: hr.Annotations[meta.ReconcileRequestAnnotation],
		HandledAt:   hr.Status.LastHandledReconcileAt,
		Reads:       reads(hr, sources),
		Record:      plan.ParseRecord(hr.Annotations[triggerv1.RequestAnnotation]),
	}
	for _, condition := range hr.Status.Conditions {
		switch condition.Type {
		case meta.ReadyCondition:
			release.Ready = string(condition.Status)
			release.ReadyReason, release.ReadyMessage = condition.Reason, condition.Message
			release.ReadyCurrent = condition.ObservedGeneration == hr.Generation
			release.ReadySince = condition.LastTransitionTime.Time
		case meta.ReconcilingCondition:
			release.Reconciling = condition.Status == metav1.ConditionTrue
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
	for _, ref := range hr.Spec.ValuesFrom {
		for _, id := range copies[plan.ID(ref.Kind, hr.Namespace, ref.Name)] {
			release.Reads[id] = true
			release.Copied[id] = !direct[id]
		}
	}
}

func reads(hr *helmv2.HelmRelease, sources []plan.Source) map[string]bool {
	ids := make(map[string]bool, len(hr.Spec.ValuesFrom))
	for _, ref := range hr.Spec.ValuesFrom {
		id := plan.ID(ref.Kind, hr.Namespace, ref.Name)
		if slices.ContainsFunc(sources, func(s plan.Source) bool { return s.ID == id }) {
			ids[id] = true
		}
	}
	return ids
}
