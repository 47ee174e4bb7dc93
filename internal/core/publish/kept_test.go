// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestKept(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "values", UID: "of-the-trigger"}}
	kept := Kept(vt, "Secret/config/a", "sha256:1")
	g.Expect(kept).To(And(HaveField("Kind", "Secret"), HaveField("Namespace", "platform"), HaveField("Name", MatchRegexp("^values-kept-[0-9a-f]{16}$")),
		HaveField("Sources", []string{"Secret/config/a"})))
	g.Expect(kept.Labels).To(Equal(map[string]string{
		"app.kubernetes.io/managed-by": "helmrelease-trigger-operator", "trigger.nebius.ai/name": "values", "trigger.nebius.ai/namespace": "platform",
		"trigger.nebius.ai/kept": "true", "nebius.ai/helmrelease-trigger-operator": "false",
	}))
	g.Expect(kept.Owner).To(Equal(&metav1.OwnerReference{APIVersion: "trigger.nebius.ai/v1beta1", Kind: "ValuesTrigger", Name: "values", UID: "of-the-trigger"}))

	names := map[string]bool{kept.Name: true}
	for _, other := range []Copy{Kept(vt, "Secret/config/a", "sha256:2"), Kept(vt, "Secret/config/b", "sha256:1"), Kept(vt, "ConfigMap/config/a", "sha256:1")} {
		g.Expect(names).NotTo(HaveKey(other.Name), "other content, another object")
		names[other.Name] = true
	}
	vt.Name = strings.Repeat("v", 253)
	g.Expect(len(Kept(vt, "ConfigMap/config/a", "sha256:1").Name)).To(BeNumerically("<=", 253))

	one, another := &triggerv1.ValuesTrigger{}, &triggerv1.ValuesTrigger{}
	one.Name, another.Name = "one", "another"
	g.Expect(IsOf(Kept(one, "Secret/config/a", "sha256:1").Labels, Kept(another, "Secret/config/a", "sha256:1"))).To(BeFalse())
	copied := Copy{Labels: Labels(platform, "app")}
	g.Expect(IsOf(kept.Labels, copied)).To(BeFalse(), "what is kept is not a copy")
}

func TestJudge_what_is_kept(t *testing.T) {
	t.Parallel()
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "values", UID: "of-the-trigger"}}
	want, content := Kept(vt, "Secret/config/a", "sha256:1"), text("a", "1")
	for _, c := range []struct {
		name   string
		modify func(*Existing)
		want   State
	}{
		{"kept", func(*Existing) {}, Current},
		{"by a trigger of that name that is gone", func(e *Existing) { e.Owners[0].UID = "older" }, Outdated},
		{"not as such", func(e *Existing) { delete(e.Labels, triggerv1.KeptLabel) }, Foreign},
	} {
		have := &Existing{Labels: Kept(vt, "Secret/config/a", "sha256:1").Labels, Annotations: want.Annotations, Owners: []metav1.OwnerReference{*want.Owner}, Content: text("a", "1")}
		c.modify(have)
		NewWithT(t).Expect(Judge(want, content, have)).To(Equal(c.want), c.name)
	}
}
