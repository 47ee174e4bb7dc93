// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package copies

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// An object that its owner applies over a copy is his. What was restored has the labels of
// a copy, and an edit applies nothing.
func TestKeeper_leaves_to_the_owner_what_he_applies(t *testing.T) {
	t.Parallel()
	labels := wanted("ConfigMap", publish.Content{}, "").Labels
	apply := func(labels map[string]string, data map[string]string) func(*scene, *corev1.ConfigMap) {
		return func(s *scene, cm *corev1.ConfigMap) {
			body, err := json.Marshal(map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": cm.Name, "namespace": cm.Namespace, "labels": labels}, "data": data,
			})
			s.Expect(err).NotTo(HaveOccurred())
			s.Expect(s.Client.Patch(t.Context(), cm, client.RawPatch(types.ApplyPatchType, body), client.FieldOwner("owner"), client.ForceOwnership)).To(Succeed())
		}
	}
	kubectl := func(last string) func(*scene, *corev1.ConfigMap) {
		return func(s *scene, cm *corev1.ConfigMap) {
			cm.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: last}
			cm.Data = map[string]string{"a": "theirs"}
			s.Expect(s.Update(t.Context(), cm)).To(Succeed())
		}
	}
	for _, c := range []struct {
		name string
		edit func(*scene, *corev1.ConfigMap)
		want publish.State
	}{
		{"applied by the owner", apply(nil, map[string]string{"a": "theirs"}), publish.Foreign},
		{"applied by the owner with the same content", apply(nil, map[string]string{"a": "1"}), publish.Foreign},
		{"a key of his own", apply(nil, map[string]string{"b": "theirs"}), publish.Current},
		{"labels of his own", apply(map[string]string{"team": "a"}, nil), publish.Current},
		{"restored", apply(labels, map[string]string{"a": "older"}), publish.Outdated},
		{"kubectl apply", kubectl(`{"metadata":{"name":"app-values"},"data":{"a":"theirs"}}`), publish.Foreign},
		{"kubectl apply of what was exported", kubectl(`{"metadata":{"labels":{"trigger.nebius.ai/name":"platform"}},"data":{"a":"theirs"}}`), publish.Outdated},
		{"kubectl apply of other keys", kubectl(`{"metadata":{},"data":{"b":"theirs"}}`), publish.Outdated},
		{"what is not JSON", kubectl(`{`), publish.Outdated},
		{"an edit", func(s *scene, cm *corev1.ConfigMap) {
			cm.Data = map[string]string{"a": "edited"}
			s.Expect(s.Update(t.Context(), cm)).To(Succeed())
		}, publish.Outdated},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := newScene(t), t.Context()
			want := wanted("ConfigMap", data("a", "1"), "first")
			s.Expect(s.Write(ctx, s.actor, want)).To(Succeed())
			c.edit(s, s.configMap(ctx))
			s.Expect(s.state(ctx, want)).To(Equal(c.want))
			s.reads = 0
			s.Expect(s.state(ctx, want)).To(Equal(c.want))
			s.Expect(s.reads).To(BeZero(), "it is not read again while it does not move")

			data := s.configMap(ctx).Data
			err := s.Write(ctx, s.actor, want)
			if c.want == publish.Foreign {
				s.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.NameConflictReason)))
				s.Expect(err).To(MatchError(ContainSubstring("or its owner applies it")))
				s.Expect(s.configMap(ctx).Data).To(Equal(data))
			} else {
				s.Expect(err).NotTo(HaveOccurred())
				s.Expect(s.configMap(ctx).Data).To(HaveKeyWithValue("a", "1"))
			}
		})
	}
}

// What becomes of a copy with its trigger is on it, whatever it holds.
func TestKeeper_follows_the_policy(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	want := wanted("ConfigMap", data("a", "1"), "first")
	s.Expect(s.Follow(ctx, s.actor, want)).To(Succeed(), "there is none yet")
	s.Expect(s.Write(ctx, s.actor, want)).To(Succeed())
	s.patches = 0
	s.Expect(s.Follow(ctx, s.actor, want)).To(Succeed())
	s.Expect(s.patches).To(BeZero())

	goes := wanted("ConfigMap", data("a", "2"), "second")
	goes.GoWithTrigger("deployer")
	s.Expect(s.Follow(ctx, s.actor, goes)).To(Succeed())
	now := s.configMap(ctx)
	s.Expect(publish.GoesWith(now.Labels)).To(BeTrue())
	s.Expect(now.Annotations).To(HaveKeyWithValue("trigger.nebius.ai/account", "deployer"))
	s.Expect(now.Data).To(Equal(map[string]string{"a": "1"}), "what is held back is held back")
	s.reads = 0
	s.Expect(s.state(ctx, goes)).To(Equal(publish.Outdated))
	s.Expect(s.reads).To(BeZero(), "it is known to hold what it held")

	meta := partial("ConfigMap")
	s.Expect(s.Client.Get(ctx, client.ObjectKeyFromObject(now), meta)).To(Succeed())
	s.Expect(s.LetGo(ctx, s.Client, meta)).To(Succeed())
	s.Expect(publish.GoesWith(s.configMap(ctx).Labels)).To(BeFalse())
	s.Expect(s.configMap(ctx).Annotations).NotTo(HaveKey("trigger.nebius.ai/account"))
	s.Expect(s.LetGo(ctx, s.Client, meta)).To(Succeed(), "it has moved: its watch is about to say so")

	theirs := s.configMap(ctx)
	theirs.Labels = nil
	s.Expect(s.Update(ctx, theirs)).To(Succeed())
	s.Expect(s.Follow(ctx, s.actor, goes)).To(Succeed())
	s.Expect(s.configMap(ctx).Labels).To(BeEmpty())
}

// However large copies are, what is compared and written waits for its part of the budget.
func TestKeeper_reads_nothing_beyond_the_budget(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	want := wanted("ConfigMap", data("a", "1"), "first")
	all, err := s.budget.Take(ctx, 1<<30)
	s.Expect(err).NotTo(HaveOccurred())
	done := make(chan error)
	go func() {
		_, err := s.Look(ctx, s.actor, want)
		done <- err
		done <- s.Write(ctx, s.actor, want)
	}()
	s.Consistently(done, "100ms").ShouldNot(Receive())
	s.Expect(s.reads).To(BeZero())
	all.Return()
	s.Eventually(done).Should(Receive(BeNil()))
	s.Eventually(done).Should(Receive(BeNil()))
	s.Expect(s.budget.Try(8<<20)).NotTo(BeNil(), "all of it is given back")
}
