// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// newFormer returns what an earlier version has generated, with what a person has set in it.
func newFormer(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	return newGenerated(append([]func(*triggerv1.ValuesTrigger){func(vt *triggerv1.ValuesTrigger) {
		vt.Name, vt.UID, vt.Status.UID = "app", "the-former", "the-former"
		vt.Labels["team"] = "blue"
		vt.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "now"}
		vt.Spec.QuietPeriod = metav1.Duration{Duration: time.Minute}
		vt.Status.LastDigest, vt.Status.ObservedGeneration = "sha256:0", 7
	}}, changes...)...)
}

// Each step of a renaming is one reconciliation, which a crash may end: what there is says what is
// left to do.
func TestHelmReleaseReconciler_renames_what_an_earlier_version_has_generated(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	created, letGo, events := reconcileReleases(t, newRelease(), newFormer())
	g.Expect(created).To(HaveLen(2), "what is recorded in the former one is still needed")
	g.Expect(append(letGo, events...)).To(BeEmpty())
	renamed := created["app-auto"]
	g.Expect(generated.For(&renamed)).To(Equal("app"))
	g.Expect(renamed.Labels).To(Equal(map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager, "team": "blue"}))
	g.Expect(renamed.Annotations).To(Equal(map[string]string{meta.ReconcileRequestAnnotation: "now"}))
	g.Expect(renamed.OwnerReferences).To(ConsistOf(HaveField("UID", types.UID("the-release"))))
	g.Expect(renamed.Spec.Suspend).To(BeTrue())
	g.Expect(renamed.Spec.QuietPeriod).To(Equal(metav1.Duration{Duration: time.Minute}))
	g.Expect(renamed.Spec.Sources).To(ConsistOf(HaveField("Name", "values")), "what the operator owns is as it is now")

	renamed.UID, renamed.ResourceVersion = "the-renamed", ""
	triggers, _, _ := reconcileReleases(t, newRelease(), newFormer(), &renamed)
	g.Expect(triggers).To(HaveLen(2), "it has not taken over the status yet")

	renamed.Status.UID = "the-renamed"
	triggers, _, _ = reconcileReleases(t, newRelease(), newFormer(), &renamed)
	g.Expect(triggers).To(HaveLen(1))
	g.Expect(triggers["app-auto"].Spec).To(Equal(renamed.Spec))
}

func TestHelmReleaseReconciler_renames_when_its_name_is_free_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	other := generated.Names("app")[1]
	triggers, _, _ := reconcileReleases(t, newRelease(), newFormer(namedTrigger(other)))
	g.Expect(triggers).To(HaveLen(2))
	g.Expect(triggers).To(HaveKey("app-auto"))

	triggers, _, _ = reconcileReleases(t, newRelease(), newFormer(namedTrigger(other)), newGenerated(restored, declaredByGit, relabelled))
	g.Expect(triggers).To(HaveLen(2), "as long as it is taken, nothing is renamed")
	g.Expect(triggers).To(HaveKey(other))
}

func TestValuesTriggerReconciler_inherit(t *testing.T) {
	t.Parallel()
	fresh := func(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
		return newGenerated(append([]func(*triggerv1.ValuesTrigger){func(vt *triggerv1.ValuesTrigger) { vt.Status = triggerv1.ValuesTriggerStatus{} }}, changes...)...)
	}
	for _, c := range []struct {
		name     string
		of, from *triggerv1.ValuesTrigger
		want     bool
	}{
		{"a renamed one", fresh(), newFormer(), true},
		{"a suspended one", fresh(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true }), newFormer(), true},
		{"one with a status of its own", newGenerated(), newFormer(), false},
		{"beside one without a status of its own", fresh(), newFormer(func(vt *triggerv1.ValuesTrigger) { vt.Status.UID = "restored" }), false},
		{"beside one of an earlier release", fresh(), newFormer(func(vt *triggerv1.ValuesTrigger) { vt.OwnerReferences[0].UID = "the-earlier-release" }), false},
		{"beside a declared one", fresh(), newFormer(declaredByGit), false},
		{"a declared one", fresh(declaredByGit), newFormer(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			builder := fake.NewClientBuilder().WithScheme(triggerScheme(t)).WithReturnManagedFields().WithStatusSubresource(&triggerv1.ValuesTrigger{}).WithObjects(c.of, c.from)
			g.Expect(index.Setup(t.Context(), indexed{builder}, true)).To(Succeed())
			cl := builder.Build()
			key := client.ObjectKeyFromObject(c.of)
			vt := &triggerv1.ValuesTrigger{}
			g.Expect(cl.Get(t.Context(), key, vt)).To(Succeed())
			before := vt.Status.DeepCopy()
			inherited, err := (&ValuesTriggerReconciler{cache: cl, writer: cl}).inherit(t.Context(), vt)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(inherited).To(Equal(c.want))
			if !c.want {
				g.Expect(&vt.Status).To(Equal(before))
				return
			}
			want := c.from.Status.DeepCopy()
			want.UID, want.ObservedGeneration = vt.UID, -1
			g.Expect(&vt.Status).To(Equal(want))
		})
	}
}
