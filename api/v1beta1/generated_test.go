// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// generatedTrigger returns the trigger of HelmRelease apps/app as the operator applies it, changed.
func generatedTrigger(changes ...func(*ValuesTrigger)) *ValuesTrigger {
	vt := &ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "apps", Name: "app",
			Labels:          map[string]string{ManagedByLabel: FieldManager},
			OwnerReferences: []metav1.OwnerReference{{Kind: "HelmRelease", Name: "app", UID: "1", Controller: new(true)}},
		},
		Spec: ValuesTriggerSpec{
			Sources: []SourceReference{{Kind: ConfigMapKind, Namespace: "apps", Name: "values", Force: ForceAuto}},
			Targets: []TargetReference{{Namespace: "apps", Name: "app"}},
		},
	}
	appliedBy(FieldManager, `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{}}},"f:spec":{"f:sources":{},"f:targets":{}}}`)(vt)
	for _, change := range changes {
		change(vt)
	}
	return vt
}

func appliedBy(manager, fields string) func(*ValuesTrigger) {
	return func(vt *ValuesTrigger) {
		vt.ManagedFields = append(vt.ManagedFields, metav1.ManagedFieldsEntry{
			Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: fieldsOf(fields),
		})
	}
}

func TestValuesTrigger_GeneratedFor(t *testing.T) {
	t.Parallel()
	orphaned := func(vt *ValuesTrigger) { vt.OwnerReferences = nil }
	relabelled := func(vt *ValuesTrigger) { vt.Labels = map[string]string{ManagedByLabel: "platform-team"} }
	unmanaged := func(vt *ValuesTrigger) {
		vt.ManagedFields = []metav1.ManagedFieldsEntry{{
			Manager: "velero-server", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: fieldsOf(`{"f:spec":{"f:sources":{},"f:targets":{}}}`),
		}}
	}
	named := func(name string) func(*ValuesTrigger) { return func(vt *ValuesTrigger) { vt.Name = name } }
	another := func(vt *ValuesTrigger) {
		vt.Spec.Targets = append(vt.Spec.Targets, TargetReference{Namespace: "apps", Name: "other"})
	}
	elsewhere := func(vt *ValuesTrigger) { vt.Spec.Targets[0].Namespace = "other" }
	lastAppliedAs := func(manifest string) func(*ValuesTrigger) {
		return func(vt *ValuesTrigger) { vt.Annotations = map[string]string{lastApplied: manifest} }
	}
	const labelled = `"metadata":{"labels":{"app.kubernetes.io/managed-by":"helmrelease-trigger-operator"}}`
	for _, c := range []struct {
		name    string
		changes []func(*ValuesTrigger)
		want    bool
	}{
		{"as it is applied", nil, true},
		{"orphaned", []func(*ValuesTrigger){orphaned}, true},
		{"with the label changed by a policy", []func(*ValuesTrigger){relabelled}, true},
		{"orphaned, with the label changed by a policy", []func(*ValuesTrigger){orphaned, relabelled}, true},
		{"restored", []func(*ValuesTrigger){orphaned, unmanaged}, true},
		{"restored with its owner", []func(*ValuesTrigger){unmanaged}, true},
		{"restored under its other name", []func(*ValuesTrigger){orphaned, unmanaged, named(GeneratedName("app", true))}, true},
		{"restored, with the label changed by a policy", []func(*ValuesTrigger){orphaned, unmanaged, relabelled}, false},
		{"labelled, under a name that is not generated", []func(*ValuesTrigger){orphaned, unmanaged, named("mine")}, false},
		{"labelled, with another target", []func(*ValuesTrigger){orphaned, unmanaged, another}, false},
		{"labelled, with a target elsewhere", []func(*ValuesTrigger){orphaned, unmanaged, elsewhere}, false},
		{"labelled, with a selector", []func(*ValuesTrigger){orphaned, unmanaged, func(vt *ValuesTrigger) { vt.Spec.Sources[0].Name, vt.Spec.Sources[0].Selector = "", &Selector{} }}, false},
		{"labelled, as a person writes it", []func(*ValuesTrigger){orphaned, unmanaged, func(vt *ValuesTrigger) { vt.Spec.Sources[0].Force = "" }}, false},
		{"controlled by something else", []func(*ValuesTrigger){func(vt *ValuesTrigger) { vt.OwnerReferences[0].Kind = "Kustomization" }}, false},
		{"with a quiet period that a person applies", []func(*ValuesTrigger){appliedBy("kubectl", `{"f:spec":{"f:quietPeriod":{}}}`)}, true},
		{"with sources that a person has edited", []func(*ValuesTrigger){another, func(vt *ValuesTrigger) {
			vt.ManagedFields = append(vt.ManagedFields, metav1.ManagedFieldsEntry{Manager: "kubectl-edit", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: fieldsOf(`{"f:spec":{"f:sources":{}}}`)})
		}}, true},
		{"with a status that another applies", []func(*ValuesTrigger){func(vt *ValuesTrigger) {
			appliedBy("other", `{"f:spec":{"f:sources":{}}}`)(vt)
			vt.ManagedFields[1].Subresource = "status"
		}}, true},
		{"declared in Git over it", []func(*ValuesTrigger){appliedBy("kustomize-controller", `{"f:spec":{"f:sources":{},"f:targets":{}}}`)}, false},
		{"targets of it declared in Git", []func(*ValuesTrigger){appliedBy("kustomize-controller", `{"f:spec":{"f:targets":{}}}`)}, false},
		{"copied into Git with its label", []func(*ValuesTrigger){appliedBy("kustomize-controller", `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{}}},"f:spec":{"f:sources":{}}}`)}, true},
		{"declared over it by kubectl apply", []func(*ValuesTrigger){lastAppliedAs(`{"metadata":{"name":"app"},"spec":{"sources":[],"targets":[]}}`)}, false},
		{"restored by kubectl apply", []func(*ValuesTrigger){orphaned, unmanaged, lastAppliedAs(`{` + labelled + `,"spec":{"sources":[],"targets":[]}}`)}, true},
		{"suspended by kubectl apply", []func(*ValuesTrigger){lastAppliedAs(`{"metadata":{"name":"app"},"spec":{"suspend":true}}`)}, true},
		{"with an annotation that cannot be read", []func(*ValuesTrigger){lastAppliedAs(`{`)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := generatedTrigger(c.changes...)
			want := ""
			if c.want {
				want = "app"
			}
			g.Expect(vt.GeneratedFor()).To(Equal(want))
			g.Expect(vt.IsGenerated()).To(Equal(c.want))

			// What the operator keeps of it in memory says the same.
			kept := vt.DeepCopy()
			kept.ManagedFields, kept.Annotations = vt.Origin(), nil
			g.Expect(kept.GeneratedFor()).To(Equal(want))
			g.Expect(kept.DeclaredBy()).To(Equal(vt.DeclaredBy()))
			g.Expect(kept.CopiedBy()).To(Equal(vt.CopiedBy()))
			g.Expect(kept.Origin()).To(Equal(vt.Origin()))
		})
	}
}

func TestGeneratedName(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	long := strings.Repeat("a", 253)
	g.Expect(GeneratedName("app", false)).To(Equal("app"))
	g.Expect(GeneratedName(long, false)).To(Equal(long))
	g.Expect(GeneratedName("app", true)).To(MatchRegexp("^app-generated-[0-9a-f]{8}$"))
	g.Expect(GeneratedName("app", true)).To(Equal(GeneratedName("app", true)), "it does not change")
	g.Expect(GeneratedName(long, true)).NotTo(Equal(GeneratedName(long[:252]+"b", true)), "names that differ at their ends")
	for _, name := range []string{"a", "app", long, long[:233] + "." + long[:19]} {
		g.Expect(validation.IsDNS1123Subdomain(GeneratedName(name, true))).To(BeEmpty(), "%s", GeneratedName(name, true))
	}
}
