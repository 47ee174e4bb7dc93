// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// The truth about a target is on its HelmRelease: what happens to a status, or to a record.

// release returns the release as it is stored.
func (s *story) release() *helmv2.HelmRelease {
	s.t.Helper()
	hr := &helmv2.HelmRelease{}
	s.Expect(s.live.Get(s.t.Context(), anApp, hr)).To(Succeed())
	return hr
}

// record gives the release another record, none if it is empty.
func (s *story) record(text string) {
	s.t.Helper()
	hr := s.release()
	delete(hr.Annotations, triggerv1.RequestAnnotation)
	if text != "" {
		hr.Annotations[triggerv1.RequestAnnotation] = text
	}
	s.Expect(s.live.Update(s.t.Context(), hr)).To(Succeed())
}

// shows gives the trigger another status.
func (s *story) shows(status triggerv1.ValuesTriggerStatus) {
	s.t.Helper()
	vt := s.trigger()
	vt.Status = status
	s.Expect(s.live.Status().Update(s.t.Context(), vt)).To(Succeed())
	seen := &triggerv1.ValuesTrigger{}
	s.Expect(s.watched.Get(s.t.Context(), client.ObjectKeyFromObject(vt), seen)).To(Succeed())
	seen.Status = status
	s.Expect(s.watched.Status().Update(s.t.Context(), seen)).To(Succeed())
}

// upgraded is a story whose release has been asked for an edit and runs it.
func upgraded(t *testing.T) *story {
	t.Helper()
	s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
	s.edit("2")
	s.rest()
	s.upgrade(true)
	s.rest()
	s.Expect(s.trigger().Status.Targets).To(HaveExactElements(And(HaveField("State", triggerv1.TargetDelivered), HaveField("Token", Not(BeEmpty())))))
	return s
}

func TestStory_a_status_that_is_deleted_comes_back_the_same(t *testing.T) {
	t.Parallel()
	s := upgraded(t)
	before := s.trigger().Status
	s.shows(triggerv1.ValuesTriggerStatus{})
	kept := s.keptOf("1")
	s.Expect(s.rest()).To(HaveEach(Or(Equal(onStatus), Equal("delete ConfigMap "+kept))), "the release is not even annotated")
	after := s.trigger().Status
	s.Expect(after.Targets).To(Equal(before.Targets))
	s.Expect(after.Summary).To(Equal(before.Summary))
	s.Expect(after.Sources).To(Equal(before.Sources))
	s.Expect(after.LastDigest).To(Equal(before.LastDigest))
	s.Expect(after.LastTriggerTime).To(Equal(before.LastTriggerTime))
}

func TestStory_a_record_that_is_removed_is_made_again_of_what_the_values_prove(t *testing.T) {
	t.Parallel()
	s := upgraded(t)
	asked := s.release().Annotations[meta.ReconcileRequestAnnotation]
	s.record("")
	s.rest()
	s.Expect(s.release().Annotations).To(HaveKeyWithValue(meta.ReconcileRequestAnnotation, asked), "nothing is asked")
	s.Expect(s.release().Annotations).To(HaveKey(triggerv1.RequestAnnotation))
	s.Expect(s.trigger().Status.Targets).To(HaveExactElements(HaveField("State", triggerv1.TargetDelivered)))
}

// Who writes a record that is not true keeps a release from a change, as its suspension would, and
// gains no more: the next one arrives.
func TestStory_a_record_that_is_forged_holds_until_the_next_change(t *testing.T) {
	t.Parallel()
	s := upgraded(t)
	truth := s.release()
	s.edit("3")
	s.rest()
	asked := plan.ParseRecord(s.release().Annotations[triggerv1.RequestAnnotation])
	forged := asked.States["apps/platform"]
	forged.State, forged.DeliveredAt = triggerv1.TargetDelivered, s.trigger().Status.LastTriggerTime
	asked.States["apps/platform"] = forged
	s.record(asked.String())
	s.rest()
	s.Expect(s.trigger().Status.Targets).To(HaveExactElements(HaveField("State", triggerv1.TargetDelivered)), "it is believed")

	s.edit("4")
	s.upgrade(true)
	s.Expect(s.rest()).To(ContainElement(onApp))
	s.Expect(s.release().Annotations[meta.ReconcileRequestAnnotation]).NotTo(Equal(truth.Annotations[meta.ReconcileRequestAnnotation]))
	s.upgrade(true)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 4"))
}

func TestStory_what_an_earlier_version_has_recorded_is_taken_over(t *testing.T) {
	t.Parallel()
	s := upgraded(t)
	before := s.release()
	status := s.trigger().Status
	status.Summary = nil
	record := plan.ParseRecord(before.Annotations[triggerv1.RequestAnnotation])
	record.States = nil
	s.shows(status)
	s.record(record.String())

	s.Expect(s.rest()).To(HaveExactElements(onApp, onStatus), "first on the release")
	s.Expect(s.release().Annotations).To(HaveKeyWithValue(meta.ReconcileRequestAnnotation, before.Annotations[meta.ReconcileRequestAnnotation]), "nothing is asked")
	s.Expect(plan.ParseRecord(s.release().Annotations[triggerv1.RequestAnnotation]).States).To(HaveKey("apps/platform"))
	status.Summary = &triggerv1.TargetSummary{Total: 1, Delivered: 1}
	s.Expect(s.trigger().Status).To(Equal(status))
	s.edit("3")
	s.Expect(s.rest()).To(ContainElement(onApp))
}
