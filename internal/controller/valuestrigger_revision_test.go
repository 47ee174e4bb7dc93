// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// deliver gives the source other content, and waits until the release runs it.
func (s *story) deliver(value string) []string {
	s.t.Helper()
	s.edit(value)
	written := s.rest()
	s.upgrade(true)
	return append(written, s.rest()...)
}

// revisions returns the numbers in the history, the newest first, 0 for what has not passed.
func (s *story) revisions() []int64 {
	s.t.Helper()
	var numbers []int64
	for _, change := range s.trigger().Status.History {
		numbers = append(numbers, change.Revision)
	}
	return numbers
}

func TestStory_the_content_of_revisions_is_kept(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.RevisionHistoryLimit = new(int32(3)) })
	s.Expect(s.revisions()).To(Equal([]int64{1}), "that with which it begins")
	s.Expect(s.kept()).To(Equal([]string{s.keptOf("1")}))
	s.deliver("2")
	s.Expect(s.deliver("3")).To(ContainElement("patch ConfigMap " + s.keptOf("3")))
	s.Expect(s.revisions()).To(Equal([]int64{3, 2, 1}))
	s.Expect(s.kept()).To(ConsistOf(s.keptOf("1"), s.keptOf("2"), s.keptOf("3")))
	s.Expect(s.trigger().Status.History).To(HaveEach(HaveField("Kept", HaveExactElements(HaveField("Name", "settings")))))

	s.edit("4")
	s.Expect(s.rest()).To(ContainElement("delete ConfigMap "+s.keptOf("1")), "the history has no room for it any more")
	s.Expect(s.kept()).To(ConsistOf(s.keptOf("2"), s.keptOf("3")), "what has not passed is not kept")
	s.upgrade(false)
	s.rest()
	s.deliver("3")
	s.Expect(s.revisions()).To(Equal([]int64{3, 0, 3}), "nothing else has passed since")
	s.Expect(s.kept()).To(ConsistOf(s.keptOf("3")))
	s.deliver("5")
	s.deliver("3")
	s.Expect(s.revisions()).To(Equal([]int64{5, 4, 3}))
}

func TestStory_a_history_of_what_did_not_pass_has_the_newest_revision(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
		rollsBack(vt)
		vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt
		vt.Spec.RevisionHistoryLimit = new(int32(2))
	})
	for _, value := range []string{"2", "3", "4"} {
		s.edit(value)
		s.rest()
		s.upgrade(false)
		s.rest()
	}
	s.Expect(s.revisions()).To(Equal([]int64{0, 1}))
	s.Expect(s.kept()).To(Equal([]string{s.keptOf("1")}))
}

// What may not be kept is delivered all the same, and a revision.
func TestStory_a_revision_that_may_not_be_kept(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"a policy": denial, "permission": forbidden} {
		s := newStory(t, values("1"), func(*triggerv1.ValuesTrigger) {})
		s.writes.answers["patch ConfigMap "+s.keptOf("1")] = answer
		for range 3 {
			_, _, _ = s.look()
		}
		s.upgrade(true)
		for range 3 {
			_, _, _ = s.look()
		}
		s.Expect(s.trigger().Status.History).To(HaveExactElements(And(HaveField("Revision", int64(1)), HaveField("Kept", BeEmpty()))), name)
		s.Expect(conditions.IsReady(s.trigger())).To(BeTrue(), name)

		clear(s.writes.answers)
		s.writes.taken()
		s.Expect(s.rest()).To(Equal([]string{"patch ConfigMap " + s.keptOf("1"), onStatus}), name)
		s.Expect(s.trigger().Status.History).To(HaveEach(HaveField("Kept", HaveLen(1))), name)
	}
}

// An account that may make copies need not be permitted to delete them.
func TestStory_a_revision_that_may_not_be_deleted(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.RevisionHistoryLimit = new(int32(1)) })
	s.writes.answers["delete ConfigMap "+s.keptOf("1")] = forbidden
	s.edit("2")
	for range 4 {
		s.expect(s.WithT)
	}
	s.upgrade(true)
	for range 4 {
		s.expect(s.WithT)
	}
	s.Expect(s.revisions()).To(Equal([]int64{2}))
	s.Expect(conditions.IsReady(s.trigger())).To(BeTrue())
	s.Expect(s.writes.taken()).To(ContainElement("delete ConfigMap " + s.keptOf("1")))
	s.Expect(s.kept()).To(ConsistOf(s.keptOf("1"), s.keptOf("2")), "it goes with the trigger")
	_, result, err := s.look()
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(result.RequeueAfter).To(BeNumerically(">", time.Minute), "that is no reason to look again")
}

// An operator whose cache is behind does not know what has been kept since.
func TestStory_what_is_kept_is_not_deleted_on_the_word_of_an_older_version(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.RevisionHistoryLimit = new(int32(1)) })
	former := s.trigger()
	s.deliver("2")
	newer := s.trigger()
	newer.Spec.QuietPeriod.Duration = time.Hour
	s.Expect(s.live.Update(t.Context(), newer)).To(Succeed())
	former.Spec.QuietPeriod.Duration = time.Hour
	behind := interceptor.NewClient(s.live, interceptor.Funcs{
		Get: func(ctx context.Context, next client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if vt, is := obj.(*triggerv1.ValuesTrigger); is {
				*vt = *former.DeepCopy()
				return nil
			}
			return next.Get(ctx, key, obj, opts...)
		},
	})
	s.watches(behind)
	s.edit("3")
	_, _, err := s.look()
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(s.kept()).To(Equal([]string{s.keptOf("2")}))
}

// Without copies, nothing can be gone back to.
func TestStory_nothing_is_kept_without_copies(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
	kept := s.keptOf("1")
	vt := s.trigger()
	vt.Spec.Publish = nil
	s.Expect(s.live.Update(t.Context(), vt)).To(Succeed())
	s.Expect(s.rest()).To(ContainElements("delete ConfigMap "+kept, onStatus))
	s.Expect(s.trigger().Status.History).To(HaveEach(And(HaveField("Revision", int64(1)), HaveField("Kept", BeEmpty()))))
}

// What could not be deleted when the copies went is deleted later.
func TestStory_what_is_kept_without_copies_is_deleted_in_the_end(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
	s.writes.answers["delete ConfigMap "+s.keptOf("1")] = errUnreachable
	s.respec(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Publish = nil })
	for range 3 {
		_, _, _ = s.look()
	}
	s.Expect(s.trigger().Status.History).To(HaveEach(HaveField("Kept", BeEmpty())))
	clear(s.writes.answers)
	s.rest()
	s.Expect(s.kept()).To(BeEmpty())
}
