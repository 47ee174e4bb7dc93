// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package applier

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The conditions are those that kustomize-controller v1.9 writes.
func TestIsApplying(t *testing.T) {
	t.Parallel()
	reconciling := func(status metav1.ConditionStatus, reason, message string) []metav1.Condition {
		return []metav1.Condition{
			{Type: "Ready", Status: metav1.ConditionUnknown, Reason: "Progressing", Message: "Reconciliation in progress"},
			{Type: "Reconciling", Status: status, Reason: reason, Message: message},
		}
	}
	tests := []struct {
		name       string
		conditions []metav1.Condition
		expected   bool
	}{
		{name: "a new one"},
		{name: "fetching", conditions: reconciling("True", "Progressing", "Fetching manifests for revision main@sha1:1 with a timeout of 5m0s"), expected: true},
		{name: "building", conditions: reconciling("True", "Progressing", "Building manifests for revision main@sha1:1 with a timeout of 5m0s"), expected: true},
		{name: "applying", conditions: reconciling("True", "Progressing", "Detecting drift for revision main@sha1:1 with a timeout of 5m0s"), expected: true},
		{name: "checking health, perhaps of the trigger", conditions: reconciling("True", "Progressing", "Running health checks for revision main@sha1:1 with a timeout of 5m0s")},
		{name: "what another version says", conditions: reconciling("True", "Progressing", "Waiting for readiness")},
		{name: "failed, and to be tried again", conditions: reconciling("True", "ProgressingWithRetry", "Detecting drift for revision main@sha1:1 with a timeout of 5m0s")},
		{name: "not any more", conditions: reconciling("False", "Progressing", "Detecting drift for revision main@sha1:1 with a timeout of 5m0s")},
		{name: "done", conditions: []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue, Reason: "ReconciliationSucceeded", Message: "Applied revision: main@sha1:1"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(IsApplying(test.conditions)).To(Equal(test.expected))
		})
	}
}
