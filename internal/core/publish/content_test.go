// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

func text(pairs ...string) Content {
	c := Content{Data: map[string]string{}, Binary: map[string][]byte{}}
	for i := 0; i < len(pairs); i += 2 {
		c.Data[pairs[i]] = pairs[i+1]
	}
	return c
}

func TestOf(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cm := &corev1.ConfigMap{Data: map[string]string{"a": "1", "b": "2"}, BinaryData: map[string][]byte{"c": {3}}}
	g.Expect(Of(cm)).To(Equal(Content{Data: cm.Data, Binary: cm.BinaryData}))
	g.Expect(Of(cm, "a", "c", "none")).To(Equal(Content{Data: map[string]string{"a": "1"}, Binary: map[string][]byte{"c": {3}}}))
	secret := &corev1.Secret{Data: map[string][]byte{"a": {1}}}
	g.Expect(Of(secret)).To(Equal(Content{Binary: secret.Data}))
	g.Expect(Of(cm).Object("ConfigMap")).To(Equal(cm))
	g.Expect(Of(secret).Object("Secret")).To(Equal(secret))
	g.Expect(Of(nil).Keys()).To(BeEmpty(), "a source that does not exist")
}

func TestMerge(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Merge(map[string]Content{"ConfigMap/a/a": text("a", "1"), "ConfigMap/a/b": text("b", "2"), "ConfigMap/a/c": {}})).To(Equal(text("a", "1", "b", "2")))
	g.Expect(Merge(nil)).To(Equal(text()))
	_, err := Merge(map[string]Content{"ConfigMap/a/a": text("k", "1"), "ConfigMap/a/b": {Binary: map[string][]byte{"k": {2}}}})
	g.Expect(err).To(MatchError("ConfigMap/a/a and ConfigMap/a/b both have the key k and would share a copy; set publishAs of one of them, or keys"))
	half := strings.Repeat("x", MaxContent/2)
	_, err = Merge(map[string]Content{"ConfigMap/a/a": text("a", half), "ConfigMap/a/b": text("b", half)})
	g.Expect(err).To(MatchError(ContainSubstring("hold more than 1024 KiB together")))
}

func TestJudge(t *testing.T) {
	t.Parallel()
	want := Wanted(platform, key("app"), []Source{{"ConfigMap/config/a", "values"}})[0]
	content := text("a", "1")
	have := func(edits ...func(*Existing)) *Existing {
		e := &Existing{Labels: Labels(platform, "app"), Content: text("a", "1"), Applied: []string{"a"}}
		for _, edit := range edits {
			edit(e)
		}
		return e
	}
	label := func(key, value string) func(*Existing) { return func(e *Existing) { e.Labels[key] = value } }
	for _, c := range []struct {
		name string
		have *Existing
		want State
	}{
		{"nothing", nil, Absent},
		{"the copy", have(), Current},
		{"a copy with more labels", have(label("team", "a")), Current},
		{"other content", have(func(e *Existing) { e.Content = text("a", "2") }), Outdated},
		{"no content", have(func(e *Existing) { e.Content = Content{} }), Outdated},
		{"the same as binary data", have(func(e *Existing) { e.Content = Content{Binary: map[string][]byte{"a": []byte("1")}} }), Outdated},
		{"a key that was applied before", have(func(e *Existing) { e.Content.Data["b"], e.Applied = "2", []string{"a", "b"} }), Outdated},
		{"a key of someone else", have(func(e *Existing) { e.Content.Data["b"] = "2" }), Current},
		{"a copy that would be a source", have(label("nebius.ai/helmrelease-trigger-operator", "true")), Outdated},
		{"an object without labels", have(func(e *Existing) { e.Labels = nil }), Foreign},
		{"a copy of another trigger", have(label("trigger.nebius.ai/name", "other")), Foreign},
		{"a copy of another namespace", have(label("trigger.nebius.ai/namespace", "other")), Foreign},
		{"a copy for another target", have(label("trigger.nebius.ai/target", "other")), Foreign},
		{"something of another manager", have(label("app.kubernetes.io/managed-by", "Helm")), Foreign},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(Judge(want, content, c.have)).To(Equal(c.want))
		})
	}
}
