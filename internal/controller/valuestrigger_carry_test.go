// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/target"
)

// carrying is a target whose copy is not there while a change waits.
func carrying(s *tidying) (*triggerv1.ValuesTrigger, evaluation, *targetCase) {
	vt, e := pruning(triggerv1.DeletionDelete)
	e.publication.suffix, e.publication.actor = "other", copies.Actor{Reader: s.Client, Writer: s.Client}
	hr := reading("apps", "app-other")
	hr.Status.History = helmv2.Snapshots{{ConfigDigest: "sha256:of something else"}}
	c := &targetCase{Target: target.Target{NamespacedName: anApp}, hr: hr, copies: e.publication.copiesOf(anApp), state: publish.Absent, states: []publish.State{publish.Absent}}
	return vt, e, c
}

func TestCarry_gives_a_renamed_copy_what_the_old_one_holds(t *testing.T) {
	t.Parallel()
	s := newTidying(t, aCopy("apps", "app"), aCopy("apps", "app-x", func(cm *corev1.ConfigMap) { cm.Data = nil }), aCopy("other", "app", func(cm *corev1.ConfigMap) { cm.Data = nil }))
	vt, e, c := carrying(s)
	s.Expect(s.carry(t.Context(), vt, e, c)).To(Succeed())
	s.Expect(c.state).To(Equal(publish.Outdated), "its own content comes when its turn does")
	made := &corev1.ConfigMap{}
	s.Expect(s.Client.Get(t.Context(), client.ObjectKey{Namespace: "apps", Name: "app-other"}, made)).To(Succeed())
	s.Expect(made.Data).To(Equal(map[string]string{"a": "app"}))
	s.Expect(publish.IsOf(made.Labels, c.copies[0])).To(BeTrue())
}

func TestCarry_makes_nothing_of_what_is_not_known(t *testing.T) {
	t.Parallel()
	second := aCopy("apps", "app", func(cm *corev1.ConfigMap) { cm.Name = "app-second" })
	s := newTidying(t, aCopy("apps", "app"), second)
	vt, e, c := carrying(s)
	s.Expect(s.carry(t.Context(), vt, e, c)).To(Succeed())
	s.Expect(c.state).To(Equal(publish.Absent))
	s.Expect(s.left(t)).To(ConsistOf("apps/app-shared", "apps/app-second"))
}
