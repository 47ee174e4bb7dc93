// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	digests "github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// annotate sets annotations of the trigger, given by name and value.
func (s *story) annotate(pairs ...string) {
	s.t.Helper()
	vt := s.trigger()
	if vt.Annotations == nil {
		vt.Annotations = map[string]string{}
	}
	for i := 0; i < len(pairs); i += 2 {
		vt.Annotations[pairs[i]] = pairs[i+1]
	}
	s.Expect(s.live.Update(s.t.Context(), vt)).To(Succeed())
}

// contentOf returns the digest of all sources together with a value.
func contentOf(value string) string {
	return digests.Combine(map[string]string{"ConfigMap/apps/settings": digests.OfConfigMap(values(value)).Digest()})
}

// says returns the events since it was last called.
func (s *story) says() []string { return events(s.reconciler.events.recorder.(*record.FakeRecorder)) }

// ready returns reason and message of the condition.
func (s *story) ready() string {
	vt := s.trigger()
	return conditions.GetReason(vt, meta.ReadyCondition) + ": " + conditions.GetMessage(vt, meta.ReadyCondition)
}

// back goes back to the first revision while the sources hold the second one.
func (s *story) back(more ...string) []string {
	s.t.Helper()
	s.annotate(append([]string{
		triggerv1.RollbackAnnotation, "1/" + contentOf("2"), triggerv1.RolledBackByAnnotation, "alice",
	}, more...)...)
	return s.rest()
}

func TestStory_a_person_goes_back_to_a_revision(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
		rollsBack(vt)
		vt.Spec.QuietPeriod.Duration = time.Hour
		vt.Spec.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
	})
	s.edit("2")
	s.annotate(meta.ReconcileRequestAnnotation, "now", meta.ForceRequestAnnotation, "now")
	s.rest()
	s.upgrade(true)
	s.rest()
	s.Expect(s.revisions()).To(Equal([]int64{2, 1}))
	s.says()

	s.Expect(s.back()).To(HaveEach(onStatus), "it waits for its approval like any content")
	s.Expect(s.says()).To(ContainElement(fmt.Sprintf("Warning RollbackRequested Rollback to revision 1, content %s by alice: content %s of the sources is rejected until they change",
		contentOf("1")[:19], contentOf("2")[:19])))
	vt := s.trigger()
	s.Expect(vt.Status.Rollout).To(And(HaveField("Digest", contentOf("1")), HaveField("Phase", triggerv1.RolloutAwaitingApproval)), "nothing is quiet for an hour")
	s.Expect(vt.Status.Restored).To(And(HaveField("Revision", int64(1)), HaveField("Digest", contentOf("1")), HaveField("Rejects", contentOf("2")), HaveField("User", "alice")))
	s.Expect(vt.Status.History[0]).To(And(HaveField("Restores", Equal(vt.Status.Restored)), HaveField("Outcome", triggerv1.ChangeInProgress), HaveField("Kept", HaveLen(1))))
	s.Expect(s.ready()).To(HaveSuffix("; rollback to revision 1 by alice"))
	s.Expect(s.holds()).To(Equal("a: 2"))

	s.annotate(triggerv1.ApproveAnnotation, contentOf("1")+"/all")
	s.Expect(s.rest()).To(Equal([]string{onStatus, "patch ConfigMap app-shared", onApp, onStatus}))
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.Expect(s.release().Annotations[triggerv1.CauseAnnotation]).To(HaveSuffix(", rollback to revision 1 by alice via ValuesTrigger apps/platform"))
	s.upgrade(true)
	s.rest()
	s.Expect(s.revisions()).To(Equal([]int64{3, 2, 1}))
	s.Expect(s.trigger().Status.History[0].Outcome).To(Equal(triggerv1.ChangeDelivered))
	s.Expect(s.trigger().Status.LastDelivered.Digest).To(Equal(contentOf("1")))
	s.Expect(s.ready()).To(Equal(fmt.Sprintf("RolledBack: Rolled back to revision 1, content %s by alice; content %s of the sources is rejected until they change; to deliver it all the same: kubectl valuestrigger retry platform -n apps",
		contentOf("1")[:19], contentOf("2")[:19])))

	s.Expect(s.rest()).To(BeEmpty(), "it stays so")

	s.edit("3")
	s.rest()
	s.Expect(s.trigger().Status.Restored).To(BeNil())
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutSettling), "it is a change like any other")
}

func TestStory_going_back_ends_by_a_retry(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
	s.deliver("2")
	written := s.back()
	s.Expect(written).To(Equal([]string{onStatus, "patch ConfigMap app-shared", onApp, onStatus}), "what is decided is stored before it is done")
	s.upgrade(true)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"))

	s.annotate(meta.ReconcileRequestAnnotation, "again", helmv2.ResetRequestAnnotation, "again")
	s.Expect(s.rest()).To(Equal([]string{onStatus, "patch ConfigMap app-shared", onApp, onStatus}))
	s.Expect(s.holds()).To(Equal("a: 2"))
	s.Expect(s.trigger().Status.Restored).To(BeNil())
	s.upgrade(true)
	s.rest()
	s.Expect(s.revisions()).To(Equal([]int64{4, 3, 2, 1}))
	s.Expect(s.ready()).To(HavePrefix("Succeeded"))
}

// What a person leaves is not gone back to.
func TestStory_what_is_gone_back_to_fails(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), rollsBack)
	s.deliver("2")
	s.back()
	s.upgrade(false)
	s.rest()
	vt := s.trigger()
	s.Expect(vt.Status.Rollout).To(And(HaveField("Phase", triggerv1.RolloutHalted), HaveField("Digest", contentOf("1")), HaveField("Rollback", BeNil())))
	s.Expect(vt.Status.History[0].Outcome).To(Equal(triggerv1.ChangeHalted))
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.annotate(meta.ReconcileRequestAnnotation, "again", helmv2.ResetRequestAnnotation, "again")
	s.rest()
	s.Expect(s.trigger().Status.Restored).NotTo(BeNil(), "it is tried again")
	s.upgrade(true)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.Expect(s.revisions()).To(Equal([]int64{3, 2, 1}))
}

func TestStory_what_is_gone_back_to_is_gone(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
		rollsBack(vt)
		vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt
	})
	s.deliver("2")
	vt := s.trigger()
	vt.Spec.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.back()
	s.Expect(s.live.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: s.keptOf("1")}})).To(Succeed())
	s.Expect(s.rest()).To(Equal([]string{onStatus}))
	s.Expect(s.ready()).To(And(HavePrefix("RollbackHalted: Rollback to revision 1 by alice has halted: "), ContainSubstring("is gone or was changed; edit the sources instead: ConfigMap apps/settings")))
	s.Expect(s.holds()).To(Equal("a: 2"), "no other content")

	s.annotate(meta.ReconcileRequestAnnotation, "again", helmv2.ResetRequestAnnotation, "again")
	s.rest()
	s.Expect(s.trigger().Status.Restored).To(BeNil())
	s.Expect(s.ready()).To(HavePrefix("Succeeded"), "a person may go on with what the sources hold")
}

// In one patch with the rollback, forceAt has it override what would hold it back, and never what the
// person leaves.
func TestStory_going_back_at_once(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
		rollsBack(vt)
		vt.Spec.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
	})
	s.edit("2")
	s.rest()
	s.annotate(triggerv1.ApproveAnnotation, contentOf("2")+"/all")
	s.rest()
	s.upgrade(true)
	s.rest()
	written := s.back(meta.ReconcileRequestAnnotation, "now", meta.ForceRequestAnnotation, "now", triggerv1.OverriddenByAnnotation, "alice")
	s.Expect(written).To(Equal([]string{onStatus, "patch ConfigMap app-shared", onApp, onStatus}))
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.Expect(s.trigger().Status.History[0]).To(And(HaveField("Restores.User", "alice"), HaveField("Override.User", "alice"), HaveField("Override.Message", ContainSubstring("the approval of stage all"))))
}

func TestStory_a_rollback_is_refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value  string
		change func(*story)
		says   string
	}{
		"no revision":       {"7/" + contentOf("2"), nil, "status.history has no revision 7; these can be restored: 2, 1"},
		"what is delivered": {"2/" + contentOf("2"), nil, "revision 2 is what is delivered now"},
		"what has not arrived": {"2/" + contentOf("2"), func(s *story) {
			status := s.trigger().Status
			status.Summary.Delivered--
			status.Summary.Failed++
			s.shows(status)
		}, "revision 2 is the present content, which has not arrived everywhere"},
		"not a number":   {"one/" + contentOf("2"), nil, "it is not the number of a revision, a slash and the digest of what the sources hold; use N/" + contentOf("2")},
		"no digest":      {"1", nil, "it is not the number of a revision, a slash and the digest of what the sources hold; use N/" + contentOf("2")},
		"what was there": {"1/" + contentOf("1"), nil, "the sources do not hold content " + contentOf("1")[:19] + " any more, but " + contentOf("2")[:19] + "; look at what has changed, and use 1/" + contentOf("2")},
		"what is kept is gone": {"1/" + contentOf("2"), func(s *story) {
			s.Expect(s.live.Delete(s.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: s.keptOf("1")}})).To(Succeed())
		}, "the content that was kept for a rollback is gone or was changed; edit the sources instead: ConfigMap apps/settings"},
		"it was changed": {"1/" + contentOf("2"), func(s *story) {
			cm := &corev1.ConfigMap{}
			s.Expect(s.live.Get(s.t.Context(), client.ObjectKey{Namespace: "apps", Name: s.keptOf("1")}, cm)).To(Succeed())
			cm.Data["values.yaml"] = "a: forged"
			s.Expect(s.live.Update(s.t.Context(), cm)).To(Succeed())
		}, "the content that was kept for a rollback is gone or was changed; edit the sources instead: ConfigMap apps/settings"},
		"it was not kept": {"1/" + contentOf("2"), func(s *story) {
			status := s.trigger().Status
			status.History[1].Kept = nil
			s.shows(status)
		}, "the content of revision 1 is not kept; these can be restored: 2"},
		"no copies": {"1/" + contentOf("2"), func(s *story) {
			vt := s.trigger()
			vt.Spec.Publish = nil
			s.Expect(s.live.Update(s.t.Context(), vt)).To(Succeed())
		}, "spec.publish of ValuesTrigger apps/platform is not set, and only copies can be given what they held before; restore the content in the sources"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
			s.deliver("2")
			if c.change != nil {
				c.change(s)
			}
			s.annotate(triggerv1.RollbackAnnotation, c.value)
			s.says()
			s.rest()
			s.Expect(s.says()).To(ContainElement("Warning RollbackRefused Annotation trigger.nebius.ai/rollback is refused: " + c.says))
			vt := s.trigger()
			s.Expect(vt.Status.LastHandledRollback).To(Equal(c.value))
			s.Expect(vt.Status.Restored).To(BeNil())
			s.Expect(s.holds()).To(Equal("a: 2"))
			s.rest()
			s.Expect(s.says()).NotTo(ContainElement(ContainSubstring("RollbackRefused")), "it is said once")
		})
	}
}

// A crash between the two writes, and a cache that does not show the first, make it the same.
func TestStory_going_back_is_stored_first(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
	s.deliver("2")
	s.writes.answers[onStatus] = errUnreachable
	s.annotate(triggerv1.RollbackAnnotation, "1/"+contentOf("2"))
	_, _, err := s.look()
	s.Expect(err).To(HaveOccurred())
	s.Expect(s.writes.taken()).To(Equal([]string{onStatus}), "nothing is done on the strength of what is not stored")
	s.writes.answers[onStatus] = conflicting
	_, _, err = s.look()
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(s.writes.taken()).To(Equal([]string{onStatus}))
	clear(s.writes.answers)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.annotate(triggerv1.RollbackAnnotation, "")
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"), "it holds without the annotation")
}

// What overrides the gates for what a person goes back to is not for what the sources hold in its place.
func TestStory_a_rollback_at_once_that_is_refused_overrides_nothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		onFailure triggerv1.FailurePolicy
		change    func(*story)
	}{
		"the sources have changed": {triggerv1.FailureHalt, func(s *story) { s.edit("3") }},
		"what is kept is gone":     {triggerv1.FailureHalt, (*story).loses},
		"what has failed": {triggerv1.FailureRollback, func(s *story) {
			s.approve("3")
			s.upgrade(false)
			s.rest()
			s.upgrade(true)
			s.rest()
			s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutRolledBack))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
				rollsBack(vt)
				vt.Spec.Rollout.OnFailure = c.onFailure
				vt.Spec.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
			})
			s.approve("2")
			s.upgrade(true)
			s.rest()
			c.change(s)
			s.says()
			s.back(meta.ReconcileRequestAnnotation, "now", meta.ForceRequestAnnotation, "now")
			s.Expect(s.holds()).To(Equal("a: 2"))
			s.Expect(s.says()).To(ContainElements(
				ContainSubstring("Annotation trigger.nebius.ai/rollback is refused"),
				ContainSubstring("Annotation reconcile.fluxcd.io/forceAt is not acted on"),
			))
			s.edit("4")
			s.rest()
			s.Expect(s.holds()).To(Equal("a: 2"), "nor later")
			s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutAwaitingApproval))
			s.annotate(meta.ReconcileRequestAnnotation, "then", meta.ForceRequestAnnotation, "then")
			s.rest()
			s.Expect(s.holds()).To(Equal("a: 4"), "as a person says about just that")
		})
	}
}

// Between the pass that stores a rollback and the one that begins it, the sources may change, and what is kept may go.
func TestStory_a_rollback_at_once_that_ends_before_it_begins_overrides_nothing(t *testing.T) {
	t.Parallel()
	for name, loses := range map[string]bool{"the sources change": false, "what is kept goes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
				rollsBack(vt)
				vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt
				vt.Spec.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
			})
			s.approve("2")
			s.upgrade(true)
			s.rest()
			s.annotate(triggerv1.RollbackAnnotation, "1/"+contentOf("2"), meta.ReconcileRequestAnnotation, "now", meta.ForceRequestAnnotation, "now")
			s.expect(s.WithT)
			s.Expect(s.trigger().Status.Restored).NotTo(BeNil())
			if loses {
				s.loses()
				s.rest()
				s.Expect(s.ready()).To(HavePrefix("RollbackHalted"))
			}
			s.edit("3") // As the message of a rollback that has halted says.
			s.rest()
			s.Expect(s.holds()).To(Equal("a: 2"))
			s.Expect(s.trigger().Status.Rollout).To(And(HaveField("Digest", contentOf("3")), HaveField("Phase", triggerv1.RolloutAwaitingApproval)))
		})
	}
}

// approve gives the source other content, and approves its only stage.
func (s *story) approve(value string) {
	s.t.Helper()
	s.edit(value)
	s.rest()
	s.annotate(triggerv1.ApproveAnnotation, contentOf(value)+"/all")
	s.rest()
}

// loses deletes what is kept of the first revision.
func (s *story) loses() {
	s.t.Helper()
	s.Expect(s.live.Delete(s.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: s.keptOf("1")}})).To(Succeed())
}

// A person who has rejected what was gone back to does not get what was gone back from by a retry, with stages or without.
func TestStory_what_is_gone_back_to_is_rejected(t *testing.T) {
	t.Parallel()
	for name, gate := range map[string]func(*triggerv1.ValuesTrigger){
		"stages": func(vt *triggerv1.ValuesTrigger) {
			rollsBack(vt)
			vt.Spec.Rollout.Stages[0].Approval = triggerv1.ApprovalManual
		},
		"windows": func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 0 29 2 *", Window: metav1.Duration{Duration: time.Minute}}}
		},
	} {
		s := delivered(t, values("1"), gate)
		s.edit("2")
		s.annotate(meta.ReconcileRequestAnnotation, "now", meta.ForceRequestAnnotation, "now")
		s.rest()
		s.upgrade(true)
		s.rest()
		s.back()
		s.annotate(triggerv1.RejectAnnotation, contentOf("1"))
		s.rest()
		s.Expect(s.trigger().Status.Rollout).To(And(HaveField("Phase", triggerv1.RolloutHalted), HaveField("RejectedBy", Not(BeNil()))), name)
		s.annotate(meta.ReconcileRequestAnnotation, "again", helmv2.ResetRequestAnnotation, "again")
		s.rest()
		s.Expect(s.trigger().Status.Restored).NotTo(BeNil(), name)
		s.Expect(s.trigger().Status.Rollout).To(And(HaveField("Digest", contentOf("1")), HaveField("RejectedBy", BeNil())), name)
	}
}

// more adds a source to the trigger, and returns the digest of both together.
func (s *story) more() string {
	s.t.Helper()
	other := settingsMap("more", "")
	other.Data = map[string]string{"more.yaml": "b: 1"}
	s.Expect(s.live.Create(s.t.Context(), other)).To(Succeed())
	s.respec(func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Sources = append(vt.Spec.Sources, triggerv1.SourceReference{Kind: triggerv1.ConfigMapKind, Name: "more"})
	})
	return digests.Combine(map[string]string{
		"ConfigMap/apps/settings": digests.OfConfigMap(values("1")).Digest(), "ConfigMap/apps/more": digests.OfConfigMap(other).Digest(),
	})
}

// respec changes the spec of the trigger.
func (s *story) respec(change func(*triggerv1.ValuesTrigger)) {
	s.t.Helper()
	vt := s.trigger()
	change(vt)
	s.Expect(s.live.Update(s.t.Context(), vt)).To(Succeed())
}

// Content that differs by a source which was added is in the history only when something is done about it.
func TestStory_going_back_from_a_source_that_was_added_is_on_record(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), approved)
	present := s.more()
	s.rest()
	s.annotate(triggerv1.RollbackAnnotation, "1/"+present, triggerv1.RolledBackByAnnotation, "alice")
	s.rest()
	s.Expect(s.ready()).To(HavePrefix("RolledBack"))
	s.Expect(s.trigger().Status.History).To(HaveExactElements(
		And(HaveField("Revision", int64(1)), HaveField("Restores.User", "alice"), HaveField("Restores.Rejects", present)),
		And(HaveField("Revision", int64(1)), HaveField("Restores", BeNil())),
	))
}

// The copies are those that the releases read now.
func TestStory_going_back_over_another_name_of_the_copies(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
	s.deliver("2")
	s.respec(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].PublishAs = "other" })
	hr := s.release()
	hr.Spec.ValuesFrom[0].Name = "app-other"
	s.Expect(s.live.Update(t.Context(), hr)).To(Succeed())
	s.rest()
	s.Expect(s.back()).To(ContainElements("patch ConfigMap app-other", onApp))
	s.upgrade(true)
	s.rest()
	s.Expect(s.ready()).To(HavePrefix("RolledBack"))
}
