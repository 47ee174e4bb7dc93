// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// carrying is a target whose copy is not there while a change waits.
func carrying(s *tidying) (snapshot, *targetCase) {
	vt, snap := pruning()
	vt.Spec.Publish.Name, snap.publication.actor = "other", copies.Actor{Reader: s.Client, Writer: s.Client}
	hr := reading("apps", "app-other")
	hr.Status.History = helmv2.Snapshots{{ConfigDigest: "sha256:of something else"}}
	c := &targetCase{Target: target.Target{NamespacedName: anApp}, hr: hr, copies: unseen(snap.publication.copiesOf(anApp)), state: publish.Absent}
	c.copies[0].state = publish.Absent
	return snap, c
}

func TestCarry_gives_a_renamed_copy_what_the_old_one_holds(t *testing.T) {
	t.Parallel()
	s := newTidying(t, aCopy("apps", "app"), aCopy("apps", "app-x", func(cm *corev1.ConfigMap) { cm.Data = nil }), aCopy("other", "app", func(cm *corev1.ConfigMap) { cm.Data = nil }))
	snap, c := carrying(s)
	s.Expect(s.executor.publisher.carry(t.Context(), snap, c)).To(Succeed())
	s.Expect(c.state).To(Equal(publish.Outdated), "its own content comes when its turn does")
	made := &corev1.ConfigMap{}
	s.Expect(s.Client.Get(t.Context(), client.ObjectKey{Namespace: "apps", Name: "app-other"}, made)).To(Succeed())
	s.Expect(made.Data).To(Equal(map[string]string{"a": "app"}))
	s.Expect(publish.IsOf(made.Labels, c.copies[0].Copy)).To(BeTrue())
}

func TestCarry_makes_nothing_of_what_is_not_known(t *testing.T) {
	t.Parallel()
	second := aCopy("apps", "app", func(cm *corev1.ConfigMap) { cm.Name = "app-second" })
	s := newTidying(t, aCopy("apps", "app"), second)
	snap, c := carrying(s)
	s.Expect(s.executor.publisher.carry(t.Context(), snap, c)).To(Succeed())
	s.Expect(c.state).To(Equal(publish.Absent))
	s.Expect(s.left(t)).To(ConsistOf("apps/app-shared", "apps/app-second"))
}

// Where there is no copy under an earlier name, what is kept to go back to holds what was
// last put into the copies, if that was delivered everywhere.
func TestKeptFor_is_what_the_target_had(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	before, now := aConfigMap("a", "a.yaml", "1"), aConfigMap("a", "a.yaml", "2")
	was, p := aPublication(before), aPublication(now)
	vt := p.owner
	vt.Spec.Publish, vt.Spec.Rollout = &triggerv1.Publish{Name: "shared"}, &triggerv1.Rollout{OnFailure: triggerv1.FailureRollback}
	vt.Status.LastDelivered = plan.Delivered(was.sources)
	kept := was.keptBy(was.sources[0])
	p.get = func(ref source.Ref) (client.Object, error) {
		g.Expect(ref.Name).To(Equal(kept.Name), "the source itself is not read")
		return before.DeepCopy(), nil
	}
	c := &targetCase{copies: unseen(p.copiesOf(anApp)), previous: &triggerv1.TargetStatus{Published: vt.Status.LastDelivered.Digest}}

	want, known := p.keptFor(vt, c, c.copies[0].Copy)
	g.Expect(known).To(BeTrue())
	content, err := want.Content()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(content.Data).To(Equal(map[string]string{"a.yaml": "1"}))

	c.previous.Published = "sha256:of something since"
	_, known = p.keptFor(vt, c, c.copies[0].Copy)
	g.Expect(known).To(BeFalse())
	c.previous = nil
	_, known = p.keptFor(vt, c, c.copies[0].Copy)
	g.Expect(known).To(BeFalse())
}
