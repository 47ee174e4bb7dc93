// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// This file answers what is on record of one release as a target of one trigger. The status of the
// trigger may not list it: those that need attention come first.

// onRecord returns what is on record of a release as a target of a trigger, nil if nothing is.
func onRecord(vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) *triggerv1.TargetStatus {
	if known, _ := plan.RecordOf(hr).Recall(generated.Knower(vt), hr.UID, plan.Translation{}); known != nil {
		known.Namespace, known.Name = hr.Namespace, hr.Name
		return known
	}
	return listed(vt, hr.Namespace, hr.Name) // Of an earlier version, or waiting to be known.
}

// listed returns what the status of a trigger lists of a target, nil if it does not.
func listed(vt *triggerv1.ValuesTrigger, namespace, name string) *triggerv1.TargetStatus {
	i := slices.IndexFunc(vt.Status.Targets, func(t triggerv1.TargetStatus) bool { return t.Namespace == namespace && t.Name == name })
	if i < 0 {
		return nil
	}
	return &vt.Status.Targets[i]
}

// isDenied is true if a trigger may not touch a target. Those that it may not are listed before
// others: one that is not listed can be among them only if the last one that is has failed or is refused.
func isDenied(vt *triggerv1.ValuesTrigger, namespace, name string) bool {
	stalled := isStalledAsDenied(vt)
	if t := listed(vt, namespace, name); t != nil {
		return isDeniedIn(stalled, t)
	}
	if n := len(vt.Status.Targets); n > 0 && n < vt.Status.CountTargets() {
		last := vt.Status.Targets[n-1]
		return stalled && (last.Refused != nil || last.State == triggerv1.TargetFailed)
	}
	return stalled
}

func isStalledAsDenied(vt *triggerv1.ValuesTrigger) bool {
	return conditions.GetReason(vt, meta.StalledCondition) == acl.AccessDeniedReason
}

func isDeniedIn(stalled bool, t *triggerv1.TargetStatus) bool {
	return t.Refused != nil && t.Refused.Reason == acl.AccessDeniedReason || stalled && t.State == triggerv1.TargetFailed
}

// moved returns the targets that one of two versions of a trigger lists and the other does not, and
// those that it may touch in one of them and not in the other.
func moved(before, after *triggerv1.ValuesTrigger) []types.NamespacedName {
	was, is := listedAsDenied(before), listedAsDenied(after)
	var keys []types.NamespacedName
	for key, denied := range is {
		if before, found := was[key]; !found || before != denied {
			keys = append(keys, key)
		}
	}
	for key := range was {
		if _, found := is[key]; !found {
			keys = append(keys, key)
		}
	}
	return keys
}

// listedAsDenied says of each target that is listed whether the trigger may not touch it.
func listedAsDenied(vt *triggerv1.ValuesTrigger) map[types.NamespacedName]bool {
	stalled := isStalledAsDenied(vt)
	denied := make(map[types.NamespacedName]bool, len(vt.Status.Targets))
	for i := range vt.Status.Targets {
		t := &vt.Status.Targets[i]
		denied[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}] = isDeniedIn(stalled, t)
	}
	return denied
}
