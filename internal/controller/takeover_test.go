// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
)

// A status may be old, and of a suspended trigger for ever, or someone's invention. It takes
// nothing over that the trigger may not deliver now.
func TestHelmReleaseReconciler_mayDeliver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		restricted bool
		trigger    string
		source     string
		list       string
		want       bool
	}{
		{"the own namespace", true, "apps", "apps", "", true},
		{"another namespace", false, "tenant", "apps", "", true},
		{"another namespace with the flag", true, "tenant", "tenant", "", false},
		{"another namespace with the flag and consent", true, "tenant", "tenant", "tenant", true},
		{"a namespace that the list leaves out", false, "tenant", "apps", "other", false},
		{"a source in another namespace with the flag", true, "apps", "config", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &HelmReleaseReconciler{derive: deriver{policy: access.Policy{NoCrossNamespaceRefs: c.restricted}}}
			hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
			if c.list != "" {
				hr.Annotations = map[string]string{triggerv1.AllowFromAnnotation: c.list}
			}
			vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: c.trigger, Name: "taker"}}
			NewWithT(t).Expect(r.derive.mayDeliver(vt, discovery.Labelled("ConfigMap", c.source, "settings"), hr)).To(Equal(c.want))
		})
	}
}

// A status may be older than the spec: of an edited trigger, or of one that others declare since. And
// the spec alone says nothing: the trigger may be suspended, or denied.
func TestDeriver_withoutDeclared(t *testing.T) {
	t.Parallel()
	trigger := func(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
		vt := &triggerv1.ValuesTrigger{
			ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "taker"},
			Spec: triggerv1.ValuesTriggerSpec{
				Sources: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "settings"}},
				Targets: []triggerv1.TargetReference{{Name: "app"}},
			},
			Status: triggerv1.ValuesTriggerStatus{
				Sources: []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "settings"}},
				Targets: []triggerv1.TargetStatus{{Namespace: "apps", Name: "app"}},
			},
		}
		for _, change := range changes {
			change(vt)
		}
		return vt
	}
	selecting := func(value triggerv1.LabelValue) *triggerv1.Selector {
		return &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": value}}
	}
	namespaced := func(ring triggerv1.LabelValue, rest ...triggerv1.TargetReference) func(*triggerv1.ValuesTrigger) {
		return func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Targets = append([]triggerv1.TargetReference{{Selector: selecting("one"), NamespaceSelector: selecting(ring)}}, rest...)
		}
	}
	for _, c := range []struct {
		name  string
		vt    *triggerv1.ValuesTrigger
		taken bool
	}{
		{"by name", trigger(), true},
		{"by labels", trigger(func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Sources[0].Name, vt.Spec.Sources[0].Selector = "", selecting("one")
			vt.Spec.Targets[0].Name, vt.Spec.Targets[0].Selector = "", selecting("one")
		}), true},
		{"by labels of its namespace", trigger(namespaced("first")), true},
		{"other labels of its namespace by now", trigger(namespaced("second")), false},
		{"other labels of its namespace by now, and by name", trigger(namespaced("second", triggerv1.TargetReference{Name: "app"})), true},
		{"another source by now", trigger(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].Name = "absent" }), false},
		{"a source in another namespace by now", trigger(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].Namespace = "config" }), false},
		{"another target by now", trigger(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets[0].Name = "other" }), false},
		{"a target in another namespace by now", trigger(func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Targets = []triggerv1.TargetReference{{Name: "app", Namespace: "other"}, {Selector: selecting("two")}}
		}), false},
		{"no source resolved yet", trigger(func(vt *triggerv1.ValuesTrigger) { vt.Status.Sources = nil }), false},
		{"nothing on record of the target yet", trigger(func(vt *triggerv1.ValuesTrigger) { vt.Status.Targets = nil }), false},
		{"refused", trigger(func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Targets[0].Refused = &triggerv1.Refusal{Reason: "AccessDenied"}
		}), false},
		{"about to go", trigger(func(vt *triggerv1.ValuesTrigger) {
			vt.DeletionTimestamp, vt.Finalizers = new(metav1.Now()), []string{"example.com/stays"}
		}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", Labels: map[string]string{"ring": "one"}}}
			api, _ := clientOf(t, c.vt, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "apps", Labels: map[string]string{"ring": "first"}}})
			left, err := deriver{cache: api, namespaces: api}.withoutDeclared(t.Context(), hr,
				[]triggerv1.SourceReference{discovery.Labelled("ConfigMap", "apps", "settings")})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(len(left) == 0).To(Equal(c.taken))
		})
	}
}
