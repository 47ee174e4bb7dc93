// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Who may not approve is in the status with the content that waits for it.
func TestStory_who_edited_is_recorded_when_the_rollout_begins(t *testing.T) {
	t.Parallel()
	settings := values("1")
	settings.Labels[triggerv1.FourEyesLabel] = "true"
	settings.Annotations = map[string]string{triggerv1.EditedByAnnotation: "jane"}
	s := delivered(t, settings, func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{{Name: "prod", Approval: triggerv1.ApprovalManual}}}
	})
	s.edit("2")
	s.Expect(s.rest()).To(Equal([]string{onStatus}), "in one write")
	vt := s.trigger()
	s.Expect(vt.Status.Rollout.Phase).To(Equal(triggerv1.RolloutAwaitingApproval))
	s.Expect(vt.Status.Rollout.EditedBy).To(Equal([]string{"jane"}))
	s.Expect(s.rest()).To(BeEmpty())
}
