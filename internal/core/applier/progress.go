// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package applier

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"
)

// preparingMessages are how kustomize-controller says that it has not begun to apply.
var preparingMessages = []string{"Fetching manifests for revision ", "Building manifests for revision "}

// applyingMessages are how kustomize-controller begins to say what it is doing up to the end of
// an apply. After it, it checks health, for which it may wait for a ValuesTrigger that waits for
// the end of the apply: so only these count, and nothing that it may say otherwise.
var applyingMessages = append(slices.Clone(preparingMessages), "Detecting drift for revision ")

// IsApplying reports whether the conditions of a Kustomization say that it is being applied. One
// that has failed is not, even though it is tried again.
func IsApplying(conditions []metav1.Condition) bool {
	reconciling := meta.FindStatusCondition(conditions, fluxmeta.ReconcilingCondition)
	return says(reconciling, applyingMessages) && reconciling.Status == metav1.ConditionTrue && reconciling.Reason == fluxmeta.ProgressingReason
}

// says reports whether a condition is there and its message begins with one of these.
func says(condition *metav1.Condition, messages []string) bool {
	return condition != nil && slices.ContainsFunc(messages, func(begins string) bool { return strings.HasPrefix(condition.Message, begins) })
}
