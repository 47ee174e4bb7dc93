// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package copies

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

func TestKeeper_delivers_new_content_without_reading(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	s.Expect(s.Write(ctx, s.actor, wanted("ConfigMap", data("a", "1", "b", "1"), "first"))).To(Succeed())
	s.reads = 0
	second := wanted("ConfigMap", data("a", "2"), "second")
	for range 3 {
		s.Expect(s.state(ctx, second)).To(Equal(publish.Outdated))
	}
	s.Expect(s.Write(ctx, s.actor, second)).To(Succeed())
	s.Expect(s.state(ctx, second)).To(Equal(publish.Current))
	s.Expect(s.reads).To(BeZero())
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "2"}))
}

func TestKeeper_reads_what_is_held_back_once(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	s.Expect(s.Write(ctx, s.actor, wanted("ConfigMap", data("a", "1"), "first"))).To(Succeed())
	s.Keeper = NewKeeper(s.metadata, s.budget) // Started again, with the change held back.
	s.reads = 0
	second := wanted("ConfigMap", data("a", "2"), "second")
	for range 3 {
		s.Expect(s.state(ctx, second)).To(Equal(publish.Outdated))
	}
	s.Expect(s.reads).To(Equal(1))

	third := wanted("ConfigMap", data("a", "3"), "third")
	s.Expect(s.state(ctx, third)).To(Equal(publish.Outdated))
	s.Expect(s.reads).To(Equal(2), "what it holds was of no interest")
	s.Expect(s.Write(ctx, s.actor, third)).To(Succeed())
	s.Expect(s.reads).To(Equal(2))
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "3"}))
}

func TestKeeper_tells_the_same_content_from_other(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	s.Expect(s.Write(ctx, s.actor, wanted("ConfigMap", data("a", "1"), "first"))).To(Succeed())
	s.reads = 0
	s.Expect(s.state(ctx, wanted("ConfigMap", data("a", "2"), "second"))).To(Equal(publish.Outdated))
	s.Expect(s.state(ctx, wanted("ConfigMap", data("a", "1"), "of a Secret made again"))).To(Equal(publish.Current))
	s.Expect(s.state(ctx, wanted("ConfigMap", publish.Content{Binary: map[string][]byte{"a": []byte("1")}}, "binary"))).To(Equal(publish.Outdated))
	s.Expect(s.state(ctx, wanted("ConfigMap", data("a1", ""), "another key"))).To(Equal(publish.Outdated))
	s.Expect(s.reads).To(BeZero())
}

func TestKeeper_does_not_write_over_what_has_moved(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	s.Expect(s.Write(ctx, s.actor, wanted("ConfigMap", data("a", "1"), "first"))).To(Succeed())
	second := wanted("ConfigMap", data("a", "2"), "second")
	s.Expect(s.state(ctx, second)).To(Equal(publish.Outdated))

	theirs := s.configMap(ctx)
	theirs.Labels, theirs.Data = nil, map[string]string{"a": "theirs"}
	s.Expect(s.Update(ctx, theirs)).To(Succeed())
	err := s.Write(ctx, s.actor, second)
	s.Expect(apierrors.IsConflict(errors.Unwrap(err))).To(BeTrue(), "%v", err)
	s.Expect(s.Write(ctx, s.actor, second)).To(WithTransform(fault.ReasonOf, Equal(triggerv1.NameConflictReason)), "it is read after that")
	s.Expect(s.state(ctx, second)).To(Equal(publish.Foreign))
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "theirs"}))
}

func TestKeeper_makes_what_was_deleted_anew(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	s.Expect(s.Write(ctx, s.actor, wanted("ConfigMap", data("a", "1"), "first"))).To(Succeed())
	second := wanted("ConfigMap", data("a", "2"), "second")
	s.Expect(s.state(ctx, second)).To(Equal(publish.Outdated))
	s.Expect(s.Client.Delete(ctx, s.configMap(ctx))).To(Succeed())
	if err := s.Write(ctx, s.actor, second); err != nil {
		s.Expect(s.Write(ctx, s.actor, second)).To(Succeed(), "it is read after that")
	}
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "2"}))
}

func TestMemory_is_bounded(t *testing.T) {
	t.Parallel()
	g, m := NewWithT(t), newMemory()
	for i := range maxSeen + 2 {
		want := wanted("ConfigMap", data("a", "1"), "first")
		want.Name = fmt.Sprint(i)
		m.note(Actor{}, want, "1", publish.Current, data("a", "1"))
	}
	g.Expect(m.seen).To(HaveLen(2))
}
