// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestUnwritten(t *testing.T) {
	t.Parallel()
	stored := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", UID: "1"},
		Status:     triggerv1.ValuesTriggerStatus{LastDigest: "before"},
	}
	decided := stored.DeepCopy()
	decided.Status.LastDigest = "after"
	at := time.Now()

	for _, c := range []struct {
		name  string
		given func(*unwritten, *triggerv1.ValuesTrigger)
		want  string
	}{
		{"what was decided counts until it is written", func(*unwritten, *triggerv1.ValuesTrigger) {}, "after"},
		{"an edit of the spec makes no difference", func(_ *unwritten, vt *triggerv1.ValuesTrigger) { vt.Generation++ }, "after"},
		{"a status that is written meanwhile replaces it", func(_ *unwritten, vt *triggerv1.ValuesTrigger) { vt.Status.LastDigest = "other" }, "other"},
		{"another trigger of the same name has none", func(_ *unwritten, vt *triggerv1.ValuesTrigger) { vt.UID = "2" }, "before"},
		{"written, it is forgotten", func(u *unwritten, vt *triggerv1.ValuesTrigger) { u.forget(client.ObjectKeyFromObject(vt)) }, "before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			u := newUnwritten()
			g.Expect(u.keep(stored, decided, at)).To(BeTrue())
			vt := stored.DeepCopy()
			c.given(u, vt)
			u.restore(vt)
			g.Expect(vt.Status.LastDigest).To(Equal(c.want))
			if c.want == "other" {
				g.Expect(u.statuses).To(BeEmpty())
			}
		})
	}

	t.Run("it is put off for a while only", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		u := newUnwritten()
		g.Expect(u.keep(stored, decided, at)).To(BeTrue())
		g.Expect(u.keep(stored, decided, at.Add(maxUnwritten))).To(BeTrue())
		g.Expect(u.keep(stored, decided, at.Add(maxUnwritten+1))).To(BeFalse())
	})

	t.Run("it does not change with the object", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		u := newUnwritten()
		mine := decided.DeepCopy()
		g.Expect(u.keep(stored, mine, at)).To(BeTrue())
		mine.Status.LastDigest = "changed"
		vt := stored.DeepCopy()
		u.restore(vt)
		g.Expect(vt.Status.LastDigest).To(Equal("after"))
	})
}
