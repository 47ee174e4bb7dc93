// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package generated says which ValuesTriggers the operator has generated, for which
// HelmRelease, and what they are called.
//
// Their owner references, labels and managed fields can each get lost, by an orphaning
// deletion, a restore or an admission policy, so that no single one of them decides. What they
// say is not a proof: who may write ValuesTriggers may write the same. What such a trigger may
// do is checked against the contract and valuesFrom.
package generated

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// Is reports whether the operator has generated a trigger.
func Is(vt *triggerv1.ValuesTrigger) bool { return For(vt) != "" }

// Knower returns a trigger as the records on the HelmReleases know it. One that is generated goes on with
// what another one knew: there is one for each release, whatever its name.
func Knower(vt *triggerv1.ValuesTrigger) plan.Knower {
	if For(vt) != "" {
		return plan.Knower{Key: "generated"}
	}
	return plan.Knower{Key: vt.Namespace + "/" + vt.Name, UID: vt.UID}
}

// For returns the name of the HelmRelease, of the same namespace, for which the operator has
// generated a trigger: by its managed fields, or by its label together with an owner or the
// looks of a generated one. It is empty for a declared one.
func For(vt *triggerv1.ValuesTrigger) string {
	held := IsHeld(vt)
	if !IsMarked(vt) && !held || DeclaredBy(vt) != "" {
		return ""
	}
	owner := metav1.GetControllerOf(vt)
	switch {
	case owner != nil && owner.Kind == "HelmRelease":
		return owner.Name
	case owner != nil:
		return ""
	case held:
		return onlyTarget(vt)
	}
	return LooksFor(vt)
}

// IsMarked reports whether a trigger has the label of what the operator generates.
func IsMarked(vt *triggerv1.ValuesTrigger) bool {
	return vt.Labels[triggerv1.ManagedByLabel] == triggerv1.FieldManager
}

// IsHeld reports whether the operator owns fields that it owns only of what it generates.
func IsHeld(vt *triggerv1.ValuesTrigger) bool {
	return slices.ContainsFunc(vt.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == triggerv1.FieldManager && entry.Subresource == "" && (fields.IsApply(entry) || ownsMark(fields.Of(entry)))
	})
}

// LooksFor returns the name of the HelmRelease for which the operator may have generated a
// trigger, by its looks: the release is its only target and gives it its name, and every source
// is spelled out.
func LooksFor(vt *triggerv1.ValuesTrigger) string {
	release := onlyTarget(vt)
	spelledOut := len(vt.Spec.Sources) > 0 && !slices.ContainsFunc(vt.Spec.Sources, func(s triggerv1.SourceReference) bool {
		return s.Name == "" || s.Namespace == "" || s.Force == "" || s.PublishAs != ""
	})
	if release == "" || !spelledOut || !slices.Contains(AllNames(release), vt.Name) {
		return ""
	}
	return release
}

// onlyTarget returns the name of the HelmRelease of the trigger's namespace that is its only
// target, empty if that is another or there are more.
func onlyTarget(vt *triggerv1.ValuesTrigger) string {
	if len(vt.Spec.Targets) != 1 || vt.Spec.Targets[0].Namespace != vt.Namespace || vt.Spec.Targets[0].NamespaceSelector != nil {
		return ""
	}
	return vt.Spec.Targets[0].Name
}

// Origin returns managed fields that say the same of where a trigger comes from as its own and
// the annotation of kubectl apply do, and nothing else.
func Origin(vt *triggerv1.ValuesTrigger) []metav1.ManagedFieldsEntry {
	var kept []metav1.ManagedFieldsEntry
	if IsHeld(vt) {
		kept = append(kept, metav1.ManagedFieldsEntry{Manager: triggerv1.FieldManager, Operation: metav1.ManagedFieldsOperationApply})
	}
	if manager := DeclaredBy(vt); manager != "" {
		kept = append(kept, metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: tracked})
	}
	return kept
}

// IsLeftBehind reports whether a ValuesTrigger was generated for an earlier release of the same
// name. The garbage collector removes it too, at its own pace.
func IsLeftBehind(vt *triggerv1.ValuesTrigger, release metav1.Object) bool {
	return For(vt) == release.GetName() && !IsOwnerless(vt) && !metav1.IsControlledBy(vt, release)
}

// IsOwnerless reports whether no release owns a trigger.
func IsOwnerless(vt *triggerv1.ValuesTrigger) bool { return metav1.GetControllerOf(vt) == nil }
